"""The kinds of features a tokenizer can stand on, by the names the command line takes."""

from __future__ import annotations

import re

from songbench.domain.errors import InputError
from systems.songbloom.training.tokenizer.contract import SketchFeatures

KINDS = ("mel",)
"""As people write them."""


def features_named(name: str, device: str = "cpu") -> SketchFeatures:
    """Features by name; a model of theirs is loaded when they are first asked for.

    Args:
        name: of `KINDS`.
        device: of a model, where there is one.

    Raises:
        InputError: there is no such kind.
        UnavailableError: the weights of their model are not here.
    """
    kind = re.fullmatch(r"(?P<kind>[a-z]+)(:(?P<layer>\d+))?", name)
    if kind and kind["kind"] == "mel" and kind["layer"] is None:
        from systems.songbloom.training.tokenizer.mel import MelFeatures

        return MelFeatures()
    raise InputError(f"There are no sketch features '{name}'.", field="--features", value=name, allowed=KINDS)
