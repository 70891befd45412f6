"""A run in several tables, so that no table compares what cannot be compared."""

from __future__ import annotations

from dataclasses import replace

from songbench.domain.errors import InputError
from songbench.execution.results import MetricResults, RunResults
from songbench.reporting.conditions import Condition, by_condition, conditions_of

SPLITS = ("condition",)
"""By what a leaderboard can be split: ``--split-by``."""


def check_split(split_by: str | None) -> None:
    """Refuse what is none of `SPLITS`.

    Raises:
        InputError: naming the nearest.
    """
    if split_by is not None and split_by not in SPLITS:
        raise InputError(
            f"A leaderboard cannot be split by '{split_by}'.", field="split-by", value=split_by, allowed=SPLITS
        )


def results_by_condition(results: RunResults) -> dict[Condition, RunResults]:
    """The results of the competitors of each condition, in the order of the conditions.

    Sanity systems anchor the scale of every table. Without a competitor there is nothing to split.
    """
    competitors = [card.name for card in results.systems if not card.sanity]
    groups = by_condition(conditions_of(results), competitors)
    return {condition: _of(results, set(names)) for condition, names in groups.items()}


def _of(results: RunResults, competitors: set[str]) -> RunResults:
    cards = tuple(card for card in results.systems if card.sanity or card.name in competitors)
    names = {card.name for card in cards}
    return replace(
        results,
        systems=cards,
        songs={song: state for song, state in results.songs.items() if song.system in names},
        metrics=tuple(_metric_of(metric, names) for metric in results.metrics),
        sounds={song: sound for song, sound in results.sounds.items() if song.system in names},
        generation={song: record for song, record in results.generation.items() if song.system in names},
        elsewhere=tuple(card.name for card in results.systems if card.name not in names),
    )


def _metric_of(metric: MetricResults, systems: set[str]) -> MetricResults:
    return replace(
        metric,
        songs={song: verdict for song, verdict in metric.songs.items() if song.system in systems},
        sets={system: verdict for system, verdict in metric.sets.items() if system in systems},
    )
