"""What the audio of prompts is called, by track."""

from __future__ import annotations

from collections.abc import Mapping

_SONG = {
    "vocal": ("Vocal", "Vocals"),
    "prompt_wav": ("Style clip", "Prompt audio"),
    "reference": ("Reference song", "Reference songs"),
}
_TITLES = {"song": _SONG, "v2a": {**_SONG, "reference": ("True accompaniment", "True accompaniments")}}


def asset_titles(track: str, *, many: bool = False) -> Mapping[str, str]:
    """Titles by the names of `songbench.domain.prompt.ASSETS`, for the audio of one prompt or of many."""
    return {name: titles[many] for name, titles in _TITLES[track].items()}
