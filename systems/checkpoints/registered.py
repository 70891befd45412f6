"""Weights by the names under which they are registered, whoever declares them."""

from __future__ import annotations

from pathlib import Path

from songbench.domain.errors import SongbenchError, UnavailableError
from songbench.plugin import Availability, unavailable
from songbench.resources import weights
from songbench.resources.needs import declared
from songbench.resources.weights import Weights


def registered_weights(name: str) -> Weights | None:
    """The weights of a name; None where nobody that is installed declares them."""
    return next((need for need in declared(name) if isinstance(need, Weights)), None)


def registered_state(name: str) -> Availability:
    """Ready when the weights of a name are here; else what is missing and the command that gets it."""
    registered = registered_weights(name)
    if registered is None:
        return unavailable(f"no weights are registered as '{name}'", "install songbench with its metrics")
    return weights.availability(registered)


def registered_folder(name: str) -> Path:
    """The folder with the verified files of the weights of a name.

    Raises:
        UnavailableError: they are not here; says how to get them.
        SongbenchError: a file is not what was set up.
    """
    registered, state = registered_weights(name), registered_state(name)
    if registered is None or not state.ready:
        raise UnavailableError(f"{state.reason[:1].upper()}{state.reason[1:]}. Get them: {state.cure}")
    if (place := weights.verified(registered)) is None:
        raise SongbenchError(f"The weights '{name}' have gone while they were being read.")
    return place


def registered_digests(name: str) -> str:
    """The sha256 of each file of the weights of a name, as declared or as recorded when they were set up."""
    registered = registered_weights(name)
    files = weights.as_recorded(registered).files if registered else ()
    return " ".join(f"{file.name} {file.sha256 or 'unknown'}" for file in files)
