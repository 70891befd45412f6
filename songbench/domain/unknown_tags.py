"""Tags outside the grammar of lyrics: which, where, and what to write instead."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from songbench.domain.errors import InputError
from songbench.domain.headings import read_heading
from songbench.domain.tags import TAGS, WORDLESS_TAGS

_CHORD = re.compile(r"[A-G][#b♯♭]?(?:maj|min|m|M|dim|aug|sus|add)?\d{0,2}(?:/[A-G][#b♯♭]?)?")
_SHOWN = 50
_LRC_LABELS = ("ti", "ar", "al", "by", "au", "re", "ve", "length", "offset")


@dataclass(frozen=True)
class UnknownTag:
    """A tag outside the grammar.

    Attributes:
        tag: as it is written, without brackets.
        line: 1-based line of the lyrics.
        cure: what to write instead, one clause; "" where nothing is near.
    """

    tag: str
    line: int
    cure: str

    def __str__(self) -> str:
        """The tag and what to write instead."""
        return f"[{self.tag[:40]}]" + (f" ({self.cure})" if self.cure else "")


class UnknownTagsError(InputError):
    """Lyrics with tags outside the grammar, all of them.

    Attributes:
        tags: in order.
    """

    def __init__(self, tags: Sequence[UnknownTag], *, file: str | None = None, line: int | None = None) -> None:
        """Say which, where, and what to write instead."""
        self.tags = tuple(tags)
        if len(self.tags) > 1:
            rows = "; ".join(f"line {tag.line} {tag}" for tag in self.tags[:_SHOWN])
            rows += "; …" if len(self.tags) > _SHOWN else ""
            super().__init__(
                f"{len(self.tags)} section tags are not known: {rows}.", file=file, line=line, allowed=TAGS
            )
            return
        (tag,) = self.tags
        heading = read_heading(tag.tag)
        near = (
            heading.name
            if heading and heading.name in TAGS and f"[{heading.name}]" in tag.cure
            else None
            if tag.cure
            else tag.tag[:40]
        )
        cure = f" {tag.cure[:1].upper()}{tag.cure[1:]}." if tag.cure and not near else ""
        message = f"Unknown section tag [{tag.tag[:40]}].{cure}"
        super().__init__(message, file=file, line=line, value=near, allowed=TAGS)


def tag_cure(tag: str, *, words: bool, inside: bool) -> str:
    """What to write instead of an unknown tag, one clause; "" where nothing is near.

    Args:
        tag: without brackets.
        words: whether words stand under it.
        inside: whether it stands inside a line.
    """
    heading = read_heading(tag)
    if heading is not None:
        near = "verse" if heading.tag in WORDLESS_TAGS and words else heading.tag
        again = f", {heading.times} times" if heading.times > 1 else ""
        return f"write [{near}] instead{again}"
    if _CHORD.fullmatch(tag):
        return "chords are not sung: leave it out"
    if inside:
        return "brackets in a line are read as tags: put what is sung in ( ), leave out what is not"
    if ":" in tag and tag.partition(":")[0].casefold() in _LRC_LABELS:
        return "a line of an LRC file: import it with --from lrc"
    return ""
