"""Section headings as people write them, read as the tags of the grammar: ``Verse 1``, ``Pre-Chorus``, ``主歌``.

Suites name their sections by the tags alone; this is for the cure in an error and for importers.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from pydantic import RootModel

from songbench.domain.tables import read_table
from songbench.domain.tags import by_tag

_NAMES = by_tag(
    read_table("songbench.domain", "headings.yaml", RootModel[dict[str, str]]).root, "songbench/domain/headings.yaml"
)
_TAG_OF = {name: tag for tag, names in _NAMES.items() for name in names.split()}
_CHINESE_NAMES = tuple(name for name in _TAG_OF if not name.isascii())

_LENGTHS = ("short", "medium", "long")
_TIMES = re.compile(r"[\s(（*-]*(?:[x×*]\s?(\d{1,2})|(?<![\w])(\d{1,2})\s?[x×]|(\d{1,2})\s(?:times|遍|次))[\s)）]*$")
_NUMBER = re.compile(r"[\s_#.-]*(?:\d{1,2}[a-d]?|(?<=[\s_-])(?:[ivx]{1,4}|[a-d]|one|two|three|four)|[一二三四五六])$")
_SIDE_REMARK = re.compile(r"\s*(?::|\||,|;|\(|/|–|—|\s-\s)\s*")
_JOINT = re.compile(r"[\s_]+")


@dataclass(frozen=True, kw_only=True)
class SectionHeading:
    """What a heading says.

    Attributes:
        tag: the tag of the grammar, one of `songbench.domain.tags.TAGS`.
        name: the heading itself without numbers, repeats and directions, in lower case.
        direction: what else it says: ``soft piano``, ``Singer A``, ``guitar``; "" when nothing.
        times: how often the section is to be sung: 2 for ``Chorus x2``.
        length: ``short``, ``medium`` or ``long`` for tags such as ``intro-short``, else "".
    """

    tag: str
    name: str
    direction: str = ""
    times: int = 1
    length: str = ""


def read_heading(text: str) -> SectionHeading | None:
    """Read the text of a heading without its brackets; None when it names no section.

    Args:
        text: such as ``Verse 1: Singer A``; at most 80 characters are a heading.
    """
    if len(text) > 80:
        return None
    # 1. repeats at the end: "x2"
    plain = text
    if not text.isascii():
        plain = "".join(sign for sign in unicodedata.normalize("NFKC", text) if unicodedata.category(sign) != "Cf")
    repeated = _TIMES.search(plain.casefold().rstrip())
    times = int(next(filter(None, repeated.groups()))) if repeated else 1
    if repeated:
        plain = plain[: repeated.start()]
    # 2. directions after a colon, a comma or a dash: "soft piano"
    head, *rest = _SIDE_REMARK.split(plain.strip(), maxsplit=1)
    direction = rest[0].strip(" )）") if rest else ""
    # 3. the name, and what is written before or after it
    parts = _split_heading(_JOINT.sub("-", head.casefold().strip()))
    if parts is None:
        return None
    tag, name, length, qualifier = parts
    return SectionHeading(
        tag=tag,
        name=name,
        direction=", ".join(filter(None, [qualifier, direction])),
        times=max(1, times),
        length=length,
    )


def _split_heading(head: str) -> tuple[str, str, str, str] | None:
    """Tag, name, length and qualifier of a head whose words are joined by hyphens."""
    for candidate in dict.fromkeys([head, _NUMBER.sub("", head)]):
        if candidate in _TAG_OF:
            return _TAG_OF[candidate], candidate, "", ""
        base, _, last = candidate.rpartition("-")
        if last in _LENGTHS and base in _TAG_OF:
            return _TAG_OF[base], base, last, ""
    # "Guitar Solo", "Final Chorus", "Instrumental Break", "吉他独奏": what it is stands last.
    words = _NUMBER.sub("", head).split("-")
    for first in range(1, min(len(words), 4)):
        name = "-".join(words[first:])
        if name in _TAG_OF:
            return _TAG_OF[name], name, "", " ".join(words[:first])
    # "Verse two softly", "Intro guitar": or first, with no more than three words after it.
    if 1 < len(words) <= 4 and words[0] in _TAG_OF:
        return _TAG_OF[words[0]], words[0], "", " ".join(words[1:])
    if len(head) > 8 or head.isascii():
        return None
    suffix = next((name for name in _CHINESE_NAMES if head.endswith(name)), None)
    return (_TAG_OF[suffix], suffix, "", head.removesuffix(suffix)) if suffix else None
