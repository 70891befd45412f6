"""The section tags of lyrics, listed here and nowhere else, and the check of every table that is keyed by them.

To add a tag, add it to `SectionTag`. What has to know of it then refuses to be imported until it does, and says what it
lacks: tables from tags to something go through `by_tag`, tables from the labels of an analyser to tags through
`tags_of_labels`. tests/domain/test_tags.py adds a tag and looks that each of them notices.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Literal, TypeAlias, TypeVar, get_args

Value = TypeVar("Value")

SectionTag: TypeAlias = Literal["intro", "verse", "chorus", "bridge", "inst", "outro", "silence"]
TAGS: tuple[str, ...] = get_args(SectionTag)
"""In the order in which they are listed for people."""


def by_tag(table: Mapping[str, Value], name: str) -> Mapping[str, Value]:
    """A table with exactly one entry for each tag.

    Args:
        table: by tag.
        name: of the table, for the message.

    Returns:
        The table as it is, in its own order.

    Raises:
        LookupError: it lacks a tag, or has an entry for something else; at the import of the module that holds it.
    """
    _refuse(name, lacking=set(TAGS) - set(table), unknown=set(table) - set(TAGS))
    return table


def tags_of_labels(
    table: Mapping[str, str | None], name: str, *, absent: Collection[str] = ()
) -> Mapping[str, str | None]:
    """A table from the labels of an analyser to tags, which says of each tag whether the analyser can find it.

    Args:
        table: the tag that each label means; None: the label means none.
        name: of the table, for the message.
        absent: the tags that no label means.

    Returns:
        The table as it is.

    Raises:
        LookupError: a tag is neither meant by a label nor said to be absent, or both, or is no tag.
    """
    labelled = {tag for tag in table.values() if tag is not None}
    if doubtful := labelled & set(absent):
        raise LookupError(f"{name} says that {_listed(doubtful)} is absent, and has a label for it.")
    _refuse(name, lacking=set(TAGS) - labelled - set(absent), unknown=(labelled | set(absent)) - set(TAGS))
    return table


def _refuse(name: str, *, lacking: set[str], unknown: set[str]) -> None:
    if lacking:
        raise LookupError(f"{name} has no entry for the section tag {_listed(lacking)}.")
    if unknown:
        raise LookupError(f"{name} has an entry for {_listed(unknown)}, which is no section tag.")


def _listed(tags: set[str]) -> str:
    return ", ".join(f"[{tag}]" for tag in sorted(tags))


_WORDS = by_tag(
    {
        "intro": "may have",
        "verse": "must have",
        "chorus": "must have",
        "bridge": "must have",
        "inst": "never has",
        "outro": "may have",
        "silence": "never has",
    },
    "the table of the tags that have words (songbench.domain.tags)",
)
VOCAL_TAGS = tuple(tag for tag in TAGS if _WORDS[tag] == "must have")
"""Always sung."""
INSTRUMENTAL_TAGS = tuple(tag for tag in TAGS if _WORDS[tag] != "must have")
"""May be without words, and then have a duration; intro and outro are sung where they have words."""
WORDLESS_TAGS = tuple(tag for tag in TAGS if _WORDS[tag] == "never has")
"""Never sung."""
