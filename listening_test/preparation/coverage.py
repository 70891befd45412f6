"""What an assignment covers, counted, and the proof that it keeps what `assignment` promises."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from listening_test.preparation.design import Design, Pages, cells, treatments
from listening_test.preparation.ordering import carry_over, neighbours


class UnbalancedError(RuntimeError):
    """An assignment breaks a promise; nothing can be done about it but to report it."""


class Span(NamedTuple):
    """The smallest and the largest of some counts."""

    low: int
    high: int

    def __str__(self) -> str:
        return str(self.low) if self.low == self.high else f"{self.low} to {self.high}"

    @classmethod
    def of(cls, counts: Iterable[int]) -> Span:
        """Of these counts; nothing counted is 0."""
        values = list(counts) or [0]
        return cls(min(values), max(values))


@dataclass(frozen=True, kw_only=True)
class Coverage:
    """What an assignment covers.

    Attributes:
        seats: raters.
        pages: test pages per seat.
        systems: per system, how often a rater meets it.
        votes: per system, its votes over all raters.
        songs: votes per song that is there.
        treatments: how often a rater meets each system, or each pair.
        cells: votes per song, pair of songs, or page.
        lyrics: how often a rater meets the same lyric.
        firsts: how often each system stands first among the pairs it is in, as a share in percent.
        follows: how often a system or pair comes directly after each other one, over all raters.
        beside: how often the same lyric comes twice in a row, over all raters.
    """

    seats: int
    pages: Span
    systems: Mapping[str, Span]
    votes: Mapping[str, int]
    songs: Span
    treatments: Span
    cells: Span
    lyrics: Span
    firsts: Span
    follows: Span
    beside: int


def cover(design: Design, seats: Sequence[Pages]) -> Coverage:
    """Count."""
    met = [Counter(system for page in pages for system in page.systems) for pages in seats]
    votes = sum(met, Counter[str]())
    songs = Counter((page.item, system) for pages in seats for page in pages for system in page.systems)
    cell_votes = _votes(design, seats)
    kinds = treatments(design)
    treatment_counts = [Counter(_unordered(page.systems) for page in pages) for pages in seats]
    order = carry_over([[_unordered(page.systems) for page in pages] for pages in seats])
    lyrics = [Counter(page.item.prompt for page in pages) for pages in seats]
    return Coverage(
        seats=len(seats),
        pages=Span.of(len(pages) for pages in seats),
        systems={name: Span.of(counts[name] for counts in met) for name in design.systems},
        votes={name: votes[name] for name in design.systems},
        songs=Span.of(songs[item, system] for item, there in design.songs.items() for system in there),
        treatments=Span.of(
            (counts[name] for counts in met for name in design.systems)
            if design.continuous
            else (counts[kind] for counts in treatment_counts for kind in kinds)
        ),
        cells=Span.of(cell_votes.values()),
        lyrics=Span.of(count for counts in lyrics for count in counts.values()),
        firsts=Span.of(_firsts(design, seats)),
        follows=Span.of(order.get((a, b), 0) for a in kinds for b in kinds if a != b),
        beside=sum(neighbours([page.item.prompt for page in pages]) for pages in seats),
    )


def prove(design: Design, seats: Sequence[Pages]) -> None:
    """Make sure that every promise of `assignment` is kept.

    Raises:
        UnbalancedError: naming the promise and the seat.
    """
    _expect(len(seats) == design.seats, "a seat is missing")
    possible = {(page.item, page.systems) for page in cells(design)}
    for number, pages in enumerate(seats):
        _prove_seat(design, number, pages, possible)
    _expect(_even(_votes(design, seats).values()), "some songs, pairs or pages get more votes than others")
    if design.pairwise:
        sides = Counter(page.systems for pages in seats for page in pages)
        _expect(_both_ways(sides), "a pair is heard more often in one order")
    for kind in treatments(design) if not design.continuous else ():
        counts = [sum(_unordered(page.systems) == kind for page in pages) for pages in seats]
        _expect(_even(counts), f"some raters meet {' and '.join(kind)} more often than others")
    if _is_complete(design):
        slack = 1 if not design.pairwise else design.pages
        for pages in seats:
            votes = Counter(system for page in pages for system in page.systems)
            span = Span.of(votes[name] for name in design.systems)
            _expect(span.high - span.low <= slack, "a rater meets some systems more often than others")


def _prove_seat(design: Design, number: int, pages: Pages, possible: set[Any]) -> None:
    where = f"seat {number}: "
    _expect(len(pages) == design.pages, where + "too few or too many pages")
    for page in pages:
        if design.continuous:
            names = design.songs[page.item]
            fits = set(page.systems) <= set(names) and len(page.systems) == min(design.per_page, len(names))
        else:
            fits = (page.item, _unordered(page.systems)) in possible
        _expect(fits and len(set(page.systems)) == len(page.systems), where + "a page holds a song that is not there")
    met = Counter((page.item.prompt, system) for page in pages for system in page.systems)
    _expect(max(met.values()) == 1, where + "a lyric is met twice with one system")
    lyrics = Counter(page.item.prompt for page in pages)
    once = design.lyrics_once or design.form != "acr"
    _expect(not once or max(lyrics.values()) == 1, where + "a lyric is met twice")
    crowded = max(lyrics.values()) > (len(pages) + 1) // 2
    _expect(crowded or not neighbours([page.item.prompt for page in pages]), where + "a lyric comes twice in a row")
    if not design.continuous and _is_complete(design):
        kinds = Counter(_unordered(page.systems) for page in pages)
        _expect(_even(kinds[kind] for kind in treatments(design)), where + "some systems or pairs come more often")
    if design.pairwise:
        _expect(_both_ways(Counter(page.systems for page in pages)), where + "a pair is heard more often in one order")


def _is_complete(design: Design) -> bool:
    """Whether no song is missing, so that systems can be met equally often."""
    return all(set(there) == set(design.systems) for there in design.songs.values())


def _votes(design: Design, seats: Sequence[Pages]) -> Counter[Hashable]:
    """Votes of every song, pair of songs, or item's page; those without any included."""
    if design.continuous:
        counts: Counter[Hashable] = Counter({page.item: 0 for page in cells(design)})
        counts.update(page.item for pages in seats for page in pages)
        return counts
    counts = Counter({(page.item, page.systems): 0 for page in cells(design)})
    counts.update((page.item, _unordered(page.systems)) for pages in seats for page in pages)
    return counts


def _firsts(design: Design, seats: Sequence[Pages]) -> list[int]:
    """Per system, the percentage of its pairs in which it is heard first."""
    if not design.pairwise:
        return []
    first = Counter(page.systems[0] for pages in seats for page in pages)
    appearances = Counter(system for pages in seats for page in pages for system in page.systems)
    return [round(100 * first[name] / appearances[name]) for name in design.systems if appearances[name]]


def _unordered(systems: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(sorted(systems))


def _even(counts: Iterable[int]) -> bool:
    span = Span.of(counts)
    return span.high - span.low <= 1


def _both_ways(sides: Mapping[tuple[str, ...], int]) -> bool:
    return all(abs(count - sides.get((two, one), 0)) <= 1 for (one, two), count in sides.items())


def _expect(holds: bool, broken: str) -> None:
    if not holds:
        raise UnbalancedError(f"The assignment is not balanced ({broken}).")
