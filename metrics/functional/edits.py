"""Edit distance between token sequences, with its parts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from rapidfuzz.distance import Editops


@dataclass(frozen=True)
class Edits:
    """The cheapest way from a reference to a hypothesis.

    Attributes:
        substitutions: tokens that are others.
        deletions: reference tokens that are missing.
        insertions: hypothesis tokens that nobody asked for.
        matched: for each reference token, whether it is there.
    """

    substitutions: int
    deletions: int
    insertions: int
    matched: tuple[bool, ...]

    @property
    def total(self) -> int:
        """The Levenshtein distance."""
        return self.substitutions + self.deletions + self.insertions


def edits(reference: Sequence[str], hypothesis: Sequence[str]) -> Edits:
    """Levenshtein alignment with all costs 1.

    The distance is unique. Where several alignments reach it, rapidfuzz 3's choice decides how it splits into its
    parts.

    Args:
        reference: what should be there.
        hypothesis: what is there.
    """
    counts = {"replace": 0, "delete": 0, "insert": 0}
    matched = [True] * len(reference)
    for operation in _operations(reference, hypothesis):
        counts[operation.tag] += 1
        if operation.tag != "insert":
            matched[operation.src_pos] = False
    return Edits(counts["replace"], counts["delete"], counts["insert"], tuple(matched))


class Pair(NamedTuple):
    """A token of the reference and the token of the hypothesis in its place.

    Attributes:
        reference: place in the reference; None: the other token is inserted.
        hypothesis: place in the hypothesis; None: the other token is deleted.
    """

    reference: int | None
    hypothesis: int | None


def alignment(reference: Sequence[str], hypothesis: Sequence[str]) -> Iterator[Pair]:
    """The alignment that `edits` counts, token by token in order.

    Args:
        reference: what should be there.
        hypothesis: what is there.
    """
    first = second = 0
    for operation in _operations(reference, hypothesis):
        while first < operation.src_pos:
            yield Pair(first, second)
            first, second = first + 1, second + 1
        yield Pair(
            None if operation.tag == "insert" else first,
            None if operation.tag == "delete" else second,
        )
        first += operation.tag != "insert"
        second += operation.tag != "delete"
    yield from map(Pair, range(first, len(reference)), range(second, len(hypothesis)))


def _operations(reference: Sequence[str], hypothesis: Sequence[str]) -> Editops:
    from rapidfuzz.distance import Levenshtein

    # Small numbers instead of strings: rapidfuzz compares hashes, and those of strings change from process to process.
    numbers: dict[str, int] = {}
    coded = [[numbers.setdefault(token, len(numbers)) for token in tokens] for tokens in (reference, hypothesis)]
    return Levenshtein.editops(*coded)
