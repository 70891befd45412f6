"""A prompt as MuseControlLite takes it: a text, and the vocal as what is to be followed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeAlias

from songbench.domain.limits import style_text_of
from songbench.domain.rendering import Rendering
from songbench.domain.song import Request
from songbench.plugin import WorkerInput

Following: TypeAlias = Literal["all", "melody", "melody_stereo"]

CONDITION_TYPES: Mapping[Following, tuple[str, ...]] = {
    "all": ("dynamics", "rhythm", "melody_mono"),
    "melody": ("melody_mono",),
    "melody_stereo": ("melody_stereo",),
}
"""What of the vocal is followed → its names over there; for each there is an adapter of its own."""


def render(request: Request) -> WorkerInput:
    """What the pipeline is given.

    Raises:
        UnsupportedError: the prompt has no style in words.
    """
    style = style_text_of(request.prompt)
    return WorkerInput({"style": style}, Rendering(style="text", style_text=style))
