"""Lyrics as DiffRhythm 2 reads them: a line each, tags from a fixed list, ``[start]`` first and ``[end]`` last.

From ``parse_lyrics`` in inference.py and ``g2p/g2p_generation.py`` of the pinned commit. A line is a tag only if it is
one of the list to the letter; every other line is turned into phonemes and sung.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field

from songbench.domain.errors import UnsupportedError
from songbench.domain.sections import Lyrics
from songbench.domain.tags import by_tag

TAGS = by_tag(
    {
        "intro": "[intro]",
        "verse": "[verse]",
        "chorus": "[chorus]",
        "bridge": "[bridge]",
        "inst": "[inst]",
        "outro": "[outro]",
        "silence": None,
    },
    "the table of DiffRhythm 2's tags (systems.diffrhythm2.lyrics)",
)
"""Of its other tags ([solo], [hook], [break], [stop], [space]) nobody says what they mean."""

_READABLE = re.compile("[A-Za-z\u4e00-\u9fa5]")
"""A line without one of these raises "Unknown language", and no song is written."""
_HAN = re.compile("[\u4e00-\u9fa5]")


@dataclass(frozen=True, kw_only=True)
class DiffRhythm2Lyrics:
    """The text and what became of the sections.

    Attributes:
        text: as the program reads it; no blank lines and no line end at the end, as an empty line raises an error.
        tags: as in `Rendering.tags`.
    """

    text: str
    tags: Mapping[str, str | None] = field(default_factory=dict)


def render_lyrics(lyrics: Lyrics) -> DiffRhythm2Lyrics:
    r"""The lyrics with a tag or a sung line in each row.

    Raises:
        UnsupportedError: a line cannot be read.

    >>> from songbench.domain.lyrics import parse_lyrics
    >>> render_lyrics(parse_lyrics("[intro] , [verse] Morning comes.")).text
    '[start]\n[intro]\n[verse]\nMorning comes\n[end]'
    """
    rows, tags = ["[start]"], dict[str, str | None]()
    for section in lyrics.sections:
        if name := TAGS[section.tag]:
            rows.append(name)
        else:
            tags[section.tag] = None
        rows += [readable_line(line) for line in section.lines]
    return DiffRhythm2Lyrics(text="\n".join([*rows, "[end]"]), tags=tags)


def readable_line(line: str) -> str:
    """The line with single blanks.

    Raises:
        UnsupportedError: it has no Latin letter and no Chinese character, or letters of another script, which are
            left out or spelled when it is sung.
    """
    text = " ".join(line.split())
    if not _READABLE.search(text):
        raise UnsupportedError(
            f"the line '{text[:40]}' has no Latin letter and no Chinese character, which ends the run"
        )
    unread = "".join(dict.fromkeys(sign for sign in text if sign.isalpha() and not _is_read(sign)))
    if unread:
        raise UnsupportedError(f"the line '{text[:40]}' has letters that it cannot read: {unread[:20]}")
    return text


def _is_read(letter: str) -> bool:
    return bool(_HAN.match(letter)) or unicodedata.name(letter, "").startswith("LATIN")
