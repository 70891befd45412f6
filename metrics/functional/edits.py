"""Edit distance between token sequences, with its parts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


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
    from rapidfuzz.distance import Levenshtein

    # Small numbers instead of strings: rapidfuzz compares hashes, and those of strings change from process to process.
    numbers: dict[str, int] = {}
    coded = [[numbers.setdefault(token, len(numbers)) for token in tokens] for tokens in (reference, hypothesis)]
    counts = {"replace": 0, "delete": 0, "insert": 0}
    matched = [True] * len(reference)
    for operation in Levenshtein.editops(*coded):
        counts[operation.tag] += 1
        if operation.tag != "insert":
            matched[operation.src_pos] = False
    return Edits(counts["replace"], counts["delete"], counts["insert"], tuple(matched))
