"""The weights behind the condition vectors: registered ones by their names, or folders of these names elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from songbench.plugin import READY, Availability, unavailable
from systems.checkpoints.registered import registered_folder, registered_state

CLAMP3, TEXT_MODEL, MERT = "clamp3-saas", "xlm-roberta-base", "mert-v1-95m"
TEXT_NEEDS = (CLAMP3, TEXT_MODEL)
"""Weights that the vector of a text rests on."""

REFERENCE_NEEDS = (CLAMP3, TEXT_MODEL, MERT)
"""Weights that the vector of a recording rests on; CLaMP 3's checkpoint is loaded whole, with its text encoder."""


@dataclass(frozen=True)
class NetworkFiles:
    """Where the files of the networks lie.

    Attributes:
        beside: a folder whose subfolders ``clamp3-saas``, ``xlm-roberta-base`` and ``mert-v1-95m`` stand for the
            registered weights of these names, as far as they are there.
    """

    beside: Path | None = None

    def missing(self, names: tuple[str, ...]) -> Availability:
        """Ready when all of these are here; else what is not, and the commands that get it."""
        states = [registered_state(name) for name in names if self._beside(name) is None]
        absent = [state for state in states if not state.ready]
        if not absent:
            return READY
        return unavailable("; ".join(state.reason for state in absent), " && ".join(state.cure for state in absent))

    def folder(self, name: str) -> Path:
        """The folder with the files of a network; registered weights are verified.

        Raises:
            UnavailableError: they are not here; says how to get them.
            SongbenchError: a file is not what was set up.
        """
        if (beside := self._beside(name)) is not None:
            return beside
        return registered_folder(name)

    def _beside(self, name: str) -> Path | None:
        return self.beside / name if self.beside is not None and (self.beside / name).is_dir() else None
