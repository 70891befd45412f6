"""The kinds of features a tokenizer can stand on, by the names the command line takes."""

from __future__ import annotations

import re

from songbench.domain.errors import InputError
from systems.songbloom.training.tokenizer.contract import SketchFeatures

KINDS = ("mel", "muq:LAYER", "mert:LAYER")
"""As people write them; a layer is a number from 0, or -1 for the last."""


def features_named(name: str, device: str = "cpu") -> SketchFeatures:
    """Features by name; a model of theirs is loaded when they are first asked for.

    Args:
        name: of `KINDS`.
        device: of a model, where there is one.

    Raises:
        InputError: there is no such kind, or no such layer.
        UnavailableError: the weights of their model are not here.
    """
    parts = re.fullmatch(r"(?P<kind>mel|muq|mert)(:(?P<layer>-1|\d{1,4}))?", name)
    kind, layer = (parts["kind"], parts["layer"]) if parts else ("", None)
    if kind == "mel" and layer is None:
        from systems.songbloom.training.tokenizer.mel import MelFeatures

        return MelFeatures()
    if kind in ("muq", "mert") and layer is None:
        raise InputError(
            f"Which layer of {kind}?", field="--features", value=name, cure=f"Name it, such as {kind}:-1 for the last."
        )
    if kind in ("muq", "mert") and layer is not None:
        from systems.songbloom.training.tokenizer.encoder_features import EncoderFeatures

        return EncoderFeatures("muq" if kind == "muq" else "mert", int(layer), device)
    raise InputError(f"There are no sketch features '{name}'.", field="--features", value=name, allowed=KINDS)
