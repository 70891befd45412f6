"""Lyrics in the grammar of LeVo: ``[intro-medium] ; [verse] First line. Second line. ; [chorus] …``.

From the README, ``conf/vocab.yaml`` and the sample songs of the pinned commit.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from songbench.domain.prompt import Prompt
from songbench.domain.sections import Section
from songbench.domain.tags import by_tag

SUNG = by_tag(
    {
        "intro": "verse",
        "verse": "verse",
        "chorus": "chorus",
        "bridge": "bridge",
        "inst": None,
        "outro": "verse",
        "silence": None,
    },
    "the table of LeVo's sung sections (systems.levo.lyrics)",
)
"""Only these three take words."""

WORDLESS = by_tag(
    {
        "intro": "intro",
        "verse": None,
        "chorus": None,
        "bridge": None,
        "inst": "inst",
        "outro": "outro",
        "silence": "silence",
    },
    "the table of LeVo's sections without words (systems.levo.lyrics)",
)
_LENGTHS = ((10.0, "short"), (20.0, "medium"))
"""Up to how many seconds a section without words is called so; longer ones are ``long``."""

_HALF_WIDTH = str.maketrans(
    {
        "，": ",", "。": ".", "！": "!", "？": "?", "；": ",", ";": ",", "：": ":", "、": ",", "．": ".",
        "（": "(", "）": ")", "“": '"', "”": '"', "‘": "'", "’": "'", "《": '"', "》": '"', "「": '"', "」": '"',
        "—": "-", "–": "-", "…": ".", "～": "~", "·": " ", "\u3000": " ",
    }
)  # fmt: skip
"""Only half-width punctuation may be used, and the semicolon sets sections apart."""

_HAN = "\u3400-\u9fff\uf900-\ufaff\u3040-\u30ff"
_PHRASE_ENDS = re.compile(rf"(?<=[{_HAN}])\s*[,.!?:;]+\s*|\s*[,.!?:;]+\s*(?=[{_HAN}])|(?<=[{_HAN}])\s+(?=[{_HAN}])")
_ELLIPSIS = re.compile(r"\s*\.{2,}")
_ENDING = re.compile(r"[\s,.!?:;-]+$")
_EAST_ASIAN_END = re.compile(rf"[{_HAN}]$")
_WORD = re.compile(r"\w")


@dataclass(frozen=True, kw_only=True)
class LevoLyrics:
    """The text and what became of the sections.

    Attributes:
        text: as the program is given it.
        tags: as in `Rendering.tags`.
        dropped: lines of signs alone, which nobody can sing.
    """

    text: str
    tags: Mapping[str, str | None] = field(default_factory=dict)
    dropped: tuple[str, ...] = ()


def render_lyrics(prompt: Prompt) -> LevoLyrics:
    """The lyrics of a prompt, sections set apart by `` ; ``.

    Args:
        prompt: whatever its language; a line in Chinese or Japanese characters is parted and ended as Chinese is.
    """
    pieces, dropped = list[str](), list[str]()
    tags: dict[str, list[str]] = {}
    for section in prompt.lyrics.sections:
        name = _name(section)
        if name != section.tag:
            tags.setdefault(section.tag, []).append(f"[{name}]")
        lines = [(line, sung_line(line)) for line in section.lines]
        dropped += [line for line, text in lines if not text]
        pieces.append(f"[{name}] {_joined(text for _, text in lines if text)}".strip())
    return LevoLyrics(
        text=" ; ".join(pieces),
        tags={tag: " or ".join(dict.fromkeys(names)) for tag, names in tags.items()},
        dropped=tuple(dropped),
    )


def sung_line(line: str) -> str:
    """A line without what would part it elsewhere or end it; "" where it has no letter or figure.

    >>> sung_line("Stay; the night is young!")
    'Stay, the night is young'
    >>> sung_line("晚风轻轻吹过，你还在。")
    '晚风轻轻吹过.你还在'
    """
    text = _ELLIPSIS.sub(",", " ".join(line.translate(_HALF_WIDTH).split()))
    text = _ENDING.sub("", text)
    return _PHRASE_ENDS.sub(".", text) if _WORD.search(text) else ""


def _name(section: Section) -> str:
    """The tag of a section in LeVo's vocabulary."""
    if section.vocal:
        return SUNG[section.tag] or section.tag
    name = WORDLESS[section.tag] or section.tag
    if name == "silence":
        return name
    seconds = section.seconds or 0.0
    return f"{name}-{next((word for most, word in _LENGTHS if seconds <= most), 'long')}"


def _joined(lines: Iterable[str]) -> str:
    """Lines in a row: English sentences end with a full stop, Chinese ones but the last."""
    text = ""
    for line in lines:
        if text:
            text += "." if _EAST_ASIAN_END.search(text) else ". "
        text += line
    return text if not text or _EAST_ASIAN_END.search(text) else f"{text}."
