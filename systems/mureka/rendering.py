"""A prompt as Mureka takes it."""

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
    require_words(prompt)
    lyrics, tags = section_blocks(prompt.lyrics, HEADINGS)
    lyrics = lyrics.rstrip("\n")
    if len(lyrics) > LYRICS_CHARACTERS:
        raise UnsupportedError(f"the lyrics have {len(lyrics)} characters, Mureka takes {LYRICS_CHARACTERS}")
    style = prompt.style.strip()
    if len(style) > STYLE_CHARACTERS:
        raise UnsupportedError(f"the style has {len(style)} characters, Mureka takes {STYLE_CHARACTERS}")
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
    body = {"lyrics": lyrics, "model": settings["model"], "n": settings["n"]}
    return HostedInput(body={**body, "prompt": style} if style else body, rendering=rendering)
