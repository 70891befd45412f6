"""Lines in lyrics that look like something other than words to be sung: headings, credits, repeats, times, chords.

Such lines stay what they are, as nobody but the author knows: a song may be about "Verse". They are named, so that
nothing is sung unseen. Precision goes first: a line of an ordinary song is not named.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated

from pydantic import BeforeValidator

from songbench.domain.checking import Schema
from songbench.domain.headings import read_heading
from songbench.domain.tables import read_table, split_words

KINDS = {
    "heading": "a section heading",
    "credit": "a credit",
    "repeat": "a repeat mark",
    "time": "a time",
    "chords": "chords",
    "markup": "markup or a comment",
    "speaker": "a singer's name",
    "page": "a web page's text",
    "separator": "several lines in one",
}
"""What a line may look like, for people."""


@dataclass(frozen=True)
class OddLine:
    """A sung line that looks like something else.

    Attributes:
        number: 1-based number among the sung lines of the song.
        text: the line.
        kind: one of `KINDS`.
    """

    number: int
    text: str
    kind: str


_WordSet = Annotated[frozenset[str], BeforeValidator(split_words)]


class _Words(Schema):
    """What lyric_lines.yaml holds."""

    plain_headings: _WordSet
    singers: _WordSet
    ordinary_openers: _WordSet


_WORDS = read_table("songbench.domain", "lyric_lines.yaml", _Words)
_DECORATION = re.compile(r"^[*_#=<({（＜\-~\s]*(.*?)[*_=>)}）＞\-~\s]*$")
_ROLES = (
    r"作词|作曲|填词|编曲|作詞|編曲|词|曲|詞|演唱|原唱|翻唱|歌手|制作人|製作人|混音|母带|录音|錄音|和声|和聲|监制|監製|出品|发行|吉他|贝斯|鼓"
    r"|OP|SP|ISRC|lyricist|composer|arranger|producer|lyrics(?: and music)?|music(?: and lyrics)?|vocals?|artist|title"
    r"|album|genre|key|tempo|bpm|(?:written|composed|produced|arranged|performed|mixed|mastered|recorded|sung)(?: by)?"
)
_CREDIT = re.compile(
    rf"^\s*(?:{_ROLES})\s*[:：]\s*\S|^\s*(?:©|copyright\s*(?:©|\(c\)|\d{{4}}))|all rights reserved", re.I
)
_BY_NAME = re.compile(
    r"^(?i:written|composed|produced|arranged|performed|mixed|mastered|recorded|lyrics|music|words)"
    r"(?i:(?: and | & |, )(?:written|composed|produced|arranged|performed|lyrics|music|words))*\s+(?i:by)\s+"
    r"(?:[A-Z][\w.'’-]*)(?:(?:,? (?:and |& )?|-)[A-Z][\w.'’-]*)*\.?$"
)
_REPEAT = re.compile(
    r"(?:[(（\[]\s*(?:[x×*]\s?\d{1,2}|\d{1,2}\s?[x×]|repeat[^)）\]]{0,30}|重复[^)）\]]{0,10})\s*[)）\]]"
    r"|(?:^|\s)[x×]\s?\d{1,2}|(?:^|\s)\d{1,2}\s?[x×])\s*[.!]?$"
    r"|^\s*repeat\s+(?:chorus|verse|refrain|hook|x?\s?\d{1,2}\b|all)\b.{0,20}$",
    re.I,
)
_TIME = re.compile(r"^\s*[(\[]?(?:0\d|\d):[0-5]\d(?::[0-5]\d)?[)\]]?\s*(?:$|[|–—-]|\s[A-Z一-鿿])|\d\s*-->")
_CHORD = re.compile(
    r"[A-G](?:#|b|♯|♭)?(?:maj|min|m|M|dim|aug|sus|add|°|ø)?\d{0,2}(?:(?:sus|add|b|#)\d{1,2})?(?:/[A-G](?:#|b)?)?\*?"
)
_TABLATURE = re.compile(r"^[eBGDAE]\s?\|[-\d|hpbrx/\\~\s]+$")
_MARKUP = re.compile(
    r"</?[A-Za-z][^<>]{0,200}>|<!--|-->|&(?:[a-z]{2,8}|#\d{1,6});|^\s*#|^\s*//|\s//\s|/\*|\*/|\*\*|__|```|`"
    r"|^\s*[-=_*]{3,}\s*$|\]\(|https?://|www\.|^\s*%|^\s*;;|\{[^{}]*\}"
)
_PAGE = re.compile(
    r"^\d*\s*(?:embed|contributors?)$|^you might also like$|get tickets as low as|^\d+ contributors", re.I
)
_SPEAKER = re.compile(r"^\s*([^\W\d_][\w.'’&+/ -]{0,29}?)\s*[:：](?:\s*(\S.*))?$")
_SLASHED = re.compile(r"\S\s+[/|｜]\s+\S")


def odd_lines(lines: Sequence[str]) -> tuple[OddLine, ...]:
    """The lines of a song that look like something other than words.

    Args:
        lines: all sung lines in order.
    """
    speakers = _speakers(lines)
    matches = []
    for number, line in enumerate(lines, start=1):
        kind = _kind(line) or ("speaker" if number in speakers else None)
        if kind:
            matches.append(OddLine(number, line, kind))
    return tuple(matches)


def _kind(line: str) -> str | None:
    """What one line looks like by itself; None for an ordinary line."""
    if _is_heading(line) and "repeat" not in line.casefold():
        return "heading"
    if _CREDIT.search(line) or _BY_NAME.search(line):
        return "credit"
    if _is_chords(line) or _TABLATURE.search(line):
        return "chords"
    patterns = {"time": _TIME, "repeat": _REPEAT, "markup": _MARKUP, "page": _PAGE, "separator": _SLASHED}
    return next((kind for kind, pattern in patterns.items() if pattern.search(line)), None)


def _is_heading(line: str) -> bool:
    """``Chorus:``, ``**Chorus**``, ``(Guitar Solo)``, ``Verse 2``; "Break" and "The end" may be sung."""
    bare = _DECORATION.sub(r"\1", line) if len(line) <= 60 else ""
    colon = bare.endswith((":", "："))
    heading = read_heading(bare.rstrip(":： ")) if bare else None
    if heading is None:
        return False
    decorated = colon or (bare != line.strip() and line.strip()[:1] in "*_#=<({（＜-~")
    numbered = bool(re.search(r"\d\s*$", bare)) and heading.name in _WORDS.plain_headings and not heading.direction
    plain = heading.name in _WORDS.plain_headings and not heading.direction and len(bare.split()) <= 2
    return decorated or numbered or plain or (heading.name in _WORDS.plain_headings and ":" in bare)


def _is_chords(line: str) -> bool:
    """Chord names and nothing else; the alphabet is not one."""
    names = [name for name in re.split(r"[\s|,-]+", line) if name]
    if len(names) < 2 or not all(_CHORD.fullmatch(name) for name in names):
        return False
    steps = [ord(after[0]) - ord(before[0]) for before, after in pairwise(names)]
    plain = all(len(name) == 1 for name in names)
    return not plain or not all(step in (0, 1) for step in steps)


def _speakers(lines: Sequence[str]) -> set[int]:
    """Numbers of the lines that begin with who sings them."""
    matches = {number: _SPEAKER.match(line) for number, line in enumerate(lines, start=1)}
    return {number for number, match in matches.items() if match and _is_singer(match[1].strip())}


def _is_singer(name: str) -> bool:
    words = name.casefold().split()
    if words[0] in _WORDS.singers or name.casefold() in _WORDS.singers:
        return True
    capitals = all(word[:1].isupper() or word in ("&", "+", "and") for word in name.split())
    return capitals and name != "I" and len(words) <= 3 and not _WORDS.ordinary_openers & set(words)
