"""Notes on distances whose covariances cannot have full rank, as they rest on too few embeddings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from songbench.domain.hashing import Json
from songbench.domain.score import Scores
from songbench.execution.results import MetricResults, RunResults

DIMENSIONS = "dimensions"
"""What a set metric that compares covariances (FAD) stores in `Scores.detail`: how many numbers an embedding has.

Beside it stand the counts of embeddings by their unit, ``patches`` and ``reference_patches`` for example.
"""
_REFERENCE = "reference_"
_NO_UNITS = ("songs", "rank")
"""What has a namesake of the reference too."""


def rank_notes(results: RunResults) -> list[str]:
    """One line per metric with a side of no more embeddings than dimensions: n of them have a rank of n - 1 at most."""
    return [note for metric in results.metrics for note in _notes(metric)]


class _Basis(NamedTuple):
    """What a distance rests on: embeddings of the songs and of the reference."""

    unit: str
    dimensions: int
    songs: int
    reference: int


def _notes(metric: MetricResults) -> Iterator[str]:
    small: dict[tuple[str, int], dict[int, list[str]]] = {}
    references: dict[tuple[str, int], set[int]] = {}
    for system, verdict in metric.sets.items():
        basis = _basis(verdict.detail) if isinstance(verdict, Scores) else None
        if basis is None:
            continue
        kind = (basis.unit, basis.dimensions)
        sides = small.setdefault(kind, {})
        if basis.songs <= basis.dimensions:
            sides.setdefault(basis.songs, []).append(system)
        if basis.reference <= basis.dimensions:
            references.setdefault(kind, set()).add(basis.reference)
    for kind, sides in small.items():
        unit, dimensions = kind
        parts = [f"{count} of {', '.join(systems)}" for count, systems in sorted(sides.items())]
        parts += [f"{count} of the reference" for count in sorted(references.get(kind, ()))]
        if parts:
            yield (
                f"{metric.card.id} rests on no more {unit} than its embedding has dimensions ({dimensions}):"
                f" {'; '.join(parts)}. The covariance of so few has no full rank, which inflates the distance: compare"
                " sets of one size only, and believe nothing but large differences."
            )


def _basis(detail: Mapping[str, Json]) -> _Basis | None:
    """None where the detail does not say it, as nothing has a covariance there."""
    dimensions = detail.get(DIMENSIONS)
    for unit, songs in detail.items():
        reference = detail.get(_REFERENCE + unit)
        if unit not in _NO_UNITS and isinstance(songs, int) and isinstance(reference, int):
            return _Basis(unit, dimensions, songs, reference) if isinstance(dimensions, int) else None
    return None
