"""What the audio of prompts is called, by track."""

from __future__ import annotations

from collections.abc import Mapping

_SONG = {"vocal": "Vocal", "reference": "Reference song", "prompt_wav": "Style clip"}
_TITLES = {"song": _SONG, "v2a": {**_SONG, "reference": "True accompaniment"}}


def asset_titles(track: str) -> Mapping[str, str]:
    """Titles by the names of `songbench.domain.prompt.ASSETS`."""
    return _TITLES[track]
