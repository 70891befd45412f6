"""The parts of a run that its report offers: by every facet in which it differs, with tests of their own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from songbench.execution.results import RunResults
from songbench.reporting.board import Leaderboard
from songbench.reporting.conditions import conditions_of, differ
from songbench.reporting.facets import CONDITION, facet_names, facet_value_text, prompt_facet
from songbench.reporting.leaderboard import tables_of_parts
from songbench.reporting.listening_results import ListeningResult
from songbench.reporting.system_scores import SongOutcomes

MOST = 24
"""A facet of more values, such as a title, tells prompts apart rather than kinds of them."""


class RunPart(NamedTuple):
    """A part of a run.

    Attributes:
        facet: by which the run is told apart.
        name: the value, in words.
        board: its leaderboard.
    """

    facet: str
    name: str
    board: Leaderboard


def run_parts(
    results: RunResults, board: Leaderboard, listening_results: Sequence[ListeningResult] = ()
) -> list[RunPart]:
    """The parts of a run by each of its facets that has at least two values, and not a value of its own per prompt.

    Args:
        results: of the run.
        board: of the whole run; the parts are computed in the same way.
        listening_results: of the run's listening tests.
    """
    outcomes = SongOutcomes(results)
    return [
        RunPart(facet, facet_value_text(facet, value), table)
        for facet in facet_names(results)
        if _tells_kinds_apart(results, facet)
        for value, table in tables_of_parts(
            results,
            facet,
            listening_results=listening_results,
            confidence=board.confidence,
            replicates=board.replicates,
            seed=board.seed,
            outcomes=outcomes,
        ).items()
    ]


def _tells_kinds_apart(results: RunResults, facet: str) -> bool:
    if facet == CONDITION:
        return differ(results.systems, conditions_of(results))
    sizes = Counter(prompt_facet(results.suite, facet).values())
    return 2 <= len(sizes) <= MOST and max(sizes.values()) > 1
