"""What an assignment is made for, and the pages it can choose from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import NamedTuple, TypeAlias

from listening_test.protocol import Form


class ItemName(NamedTuple):
    """What is sung and which part of it is heard.

    Attributes:
        prompt: its id; a prompt is a lyric.
        take: number of the take.
        excerpt: number of the protocol's excerpt.
    """

    prompt: str
    take: int = 0
    excerpt: int = 0


class Page(NamedTuple):
    """A test page.

    Attributes:
        item: what it is about.
        systems: whose songs; of a pair the first is heard as A.
    """

    item: ItemName
    systems: tuple[str, ...]


Pages: TypeAlias = tuple[Page, ...]


@dataclass(frozen=True, kw_only=True)
class Design:
    """What an assignment is made for.

    Attributes:
        form: of the protocol.
        systems: at least one; two for forms that compare songs with each other.
        songs: per item, the systems whose song is there, in the order of `systems`.
        seats: planned raters.
        pages: test pages per seat, at most `most_pages`.
        per_page: songs on one page of the continuous forms.
        lyrics_once: whether a rater meets each lyric only once.
        seed: of everything drawn.
    """

    form: Form
    systems: tuple[str, ...]
    songs: Mapping[ItemName, tuple[str, ...]]
    seats: int
    pages: int
    per_page: int = 8
    lyrics_once: bool = False
    seed: int = 0

    @property
    def pairwise(self) -> bool:
        """Whether a page compares two."""
        return self.form in ("preference", "ccr")

    @property
    def continuous(self) -> bool:
        """Whether a page holds several songs on continuous scales."""
        return self.form in ("multistimulus", "mushra")


def cells(design: Design) -> Pages:
    """Every page that could be asked; pairs by name, pages of the continuous forms with every song there is."""
    if design.form == "acr":
        return tuple(Page(item, (system,)) for item, names in design.songs.items() for system in names)
    if design.pairwise:
        return tuple(
            Page(item, pair) for item, names in design.songs.items() for pair in combinations(sorted(names), 2)
        )
    fewest = 1 if design.form == "mushra" else 2
    return tuple(Page(item, tuple(names)) for item, names in design.songs.items() if len(names) >= fewest)


def treatments(design: Design) -> tuple[tuple[str, ...], ...]:
    """What is compared: single systems, or pairs of them."""
    return tuple(dict.fromkeys(page.systems for page in cells(design)))


def most_pages(design: Design) -> int:
    """The most pages a seat can have without hearing a lyric more often than is allowed; `pages` is not looked at.

    ``acr`` without `lyrics_once`: each lyric once with every system. Otherwise each lyric once.
    """
    possible = cells(design)
    once = design.lyrics_once or design.form != "acr"
    crowded = Counter(page.item.prompt if once else (page.item.prompt, page.systems) for page in possible)
    return len(possible) // max(crowded.values()) if possible else 0
