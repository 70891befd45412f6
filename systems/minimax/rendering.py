"""A prompt as MiniMax's music API takes it."""

from __future__ import annotations

from collections.abc import Mapping

from songbench.domain.errors import UnsupportedError
from songbench.domain.hashing import Json
from songbench.domain.limits import require_words
from songbench.domain.prompt import Prompt
from songbench.domain.rendering import Rendering
from songbench.domain.section_blocks import section_blocks
from songbench.domain.tags import by_tag
from songbench.resources.hosted import HostedInput
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
    require_words(prompt)  # without any, it would write and sing words of its own
    lyrics, tags = section_blocks(prompt.lyrics, HEADINGS)
    lyrics = lyrics.rstrip("\n")
    if len(lyrics) > LYRICS_CHARACTERS:
        raise UnsupportedError(f"the lyrics have {len(lyrics)} characters, MiniMax takes {LYRICS_CHARACTERS}")
    style = prompt.style.strip()
    if len(style) > STYLE_CHARACTERS:
        raise UnsupportedError(f"the style has {len(style)} characters, MiniMax takes {STYLE_CHARACTERS}")
    notes = []
    if not all(section.vocal for section in prompt.lyrics.sections):
        notes.append("the lengths of parts without words were not asked for")
    if prompt.seconds is not None:
        notes.append(f"the wanted length of {prompt.seconds:g} s was not asked for")
    rendering = Rendering(
        lyrics=lyrics,
        style="text" if style else "none",
        style_text=style,
        tags=tags,
        notes=tuple(notes),
    )
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
