"""A prompt as MiniMax's music API takes it."""

from __future__ import annotations

from collections.abc import Mapping

from songbench.domain.hashing import Json
from songbench.domain.prompt import Prompt
from songbench.domain.tags import by_tag
from songbench.resources.hosted import HostedInput
from songbench.resources.hosted.wording import words_within
from systems.minimax.card import LYRICS_CHARACTERS, STYLE_CHARACTERS

SECTION_NAMES = (
    "Intro", "Verse", "Pre Chorus", "Chorus", "Interlude", "Bridge", "Outro",
    "Post Chorus", "Transition", "Break", "Hook", "Build Up", "Inst", "Solo",
)  # fmt: skip
"""The tags that the API knows."""

HEADINGS: Mapping[str, str | None] = by_tag(
    {
        "intro": "Intro",
        "verse": "Verse",
        "chorus": "Chorus",
        "bridge": "Bridge",
        "inst": "Inst",
        "outro": "Outro",
        "silence": None,
    },
    "the table of MiniMax's tags",
)


def render(prompt: Prompt, settings: Mapping[str, Json]) -> HostedInput:
    """The body of ``POST /v1/music_generation``.

    Args:
        prompt: with words.
        settings: ``model``, ``sample_rate``, ``bitrate`` and ``format``.

    Raises:
        UnsupportedError: there is nothing to sing, or lyrics or style are too long.
    """
    # without words, it would write and sing some of its own
    rendering = words_within(prompt, HEADINGS, "MiniMax", lyrics_most=LYRICS_CHARACTERS, style_most=STYLE_CHARACTERS)
    lyrics, style = rendering.lyrics, rendering.style_text
    body = {
        "model": settings["model"],
        "prompt": style,
        "lyrics": lyrics,
        "is_instrumental": False,
        "lyrics_optimizer": False,
        "stream": False,
        "output_format": "url",
        "audio_setting": {name: settings[name] for name in ("sample_rate", "bitrate", "format")},
    }
    return HostedInput(body=body, rendering=rendering)
