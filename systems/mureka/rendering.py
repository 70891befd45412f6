"""A prompt as Mureka takes it."""

from __future__ import annotations

from collections.abc import Mapping

from songbench.domain.hashing import Json
from songbench.domain.prompt import Prompt
from songbench.domain.tags import by_tag
from songbench.resources.hosted import HostedInput
from songbench.resources.hosted.wording import words_within
from systems.mureka.card import LYRICS_CHARACTERS, STYLE_CHARACTERS

HEADINGS: Mapping[str, str | None] = by_tag(
    {
        "intro": "Intro",
        "verse": "Verse",
        "chorus": "Chorus",
        "bridge": "Bridge",
        "inst": "Break",  # of the kinds of section that its answers name, the one without words
        "outro": "Outro",
        "silence": None,
    },
    "the table of Mureka's tags",
)


def render(prompt: Prompt, settings: Mapping[str, Json]) -> HostedInput:
    """The body of ``POST /v1/song/generate``.

    Args:
        prompt: with words.
        settings: ``model`` and ``n``; others are not sent.

    Raises:
        UnsupportedError: there is nothing to sing, or lyrics or style are too long.
    """
    rendering = words_within(prompt, HEADINGS, "Mureka", lyrics_most=LYRICS_CHARACTERS, style_most=STYLE_CHARACTERS)
    lyrics, style = rendering.lyrics, rendering.style_text
    body = {"lyrics": lyrics, "model": settings["model"], "n": settings["n"]}
    return HostedInput(body={**body, "prompt": style} if style else body, rendering=rendering)
