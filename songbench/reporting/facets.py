"""A run in parts: the results for each value of a facet, a property of its prompts or of its systems."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from songbench.contracts.metric import Verdict
from songbench.domain.errors import InputError
from songbench.domain.prompt import Prompt
from songbench.domain.score import NotApplicable
from songbench.domain.suite import Suite
from songbench.execution.results import MetricResults, RunResults, SongId
from songbench.reporting.conditions import CONDITIONS, Condition, by_condition, conditions_of
from songbench.reporting.selection import select_systems

T = TypeVar("T")

CONDITION = "condition"
"""The facet of systems: the kind of style that they were given."""
OF_ALL_SONGS = "the figure is of all songs of a system together, and is not computed for a part of them"
"""Why a set metric has no number in a part of the prompts."""

_PROPERTIES: Mapping[str, Callable[[Prompt], str]] = {
    "language": lambda prompt: prompt.language,
    "section_plan": lambda prompt: prompt.section_plan,
}


def facets_of(suite: Suite) -> tuple[str, ...]:
    """The facets of a suite: properties of every prompt, then its tags as they appear, then `CONDITION`.

    A tag that is called like another facet goes by ``tag.NAME``.
    """
    tags = dict.fromkeys(tag for prompt in suite.prompts for tag in prompt.tags)
    return (*_PROPERTIES, *map(_facet_of_tag, tags), CONDITION)


def facet_names(results: RunResults) -> tuple[str, ...]:
    """The facets by which a run can be told apart: `facets_of` its suite."""
    return facets_of(results.suite)


def check_facet(suite: Suite, name: str | None) -> None:
    """Refuse what is no facet of the suite; None, for no facet, is well.

    Raises:
        InputError: naming the nearest facet and all of them.
    """
    names = facets_of(suite)
    if name is not None and name not in names:
        raise InputError(f"The suite '{suite.name}' has no facet '{name}'.", field="facet", value=name, allowed=names)


def prompt_facet(suite: Suite, name: str) -> dict[str, str]:
    """The value of a facet for each prompt, by its id; "" where a prompt lacks the tag.

    Raises:
        InputError: the suite has no such facet, or it is one of systems.
    """
    check_facet(suite, name)
    if name == CONDITION:
        raise InputError(f"'{name}' is a facet of systems, not of prompts.", field="facet")
    if name in _PROPERTIES:
        return {prompt.id: _PROPERTIES[name](prompt) for prompt in suite.prompts}
    tags = {_facet_of_tag(tag): tag for prompt in suite.prompts for tag in prompt.tags}
    return {prompt.id: prompt.tags.get(tags[name], "") for prompt in suite.prompts}


def results_by_facet(results: RunResults, name: str) -> dict[str, RunResults]:
    """The results of each part of a run, by the value of the facet.

    Parts of the prompts follow their first appearance in the suite, those without the tag, "", last. They hold every
    system, and verdicts on songs; those on sets become not applicable, as a set has no parts. Parts by condition follow
    the order of the conditions, and hold the competitors of each and all sanity systems, which anchor every table.

    Raises:
        InputError: there is no such facet.
    """
    check_facet(results.suite, name)
    if name == CONDITION:
        competitors = [card.name for card in results.systems if not card.sanity]
        groups = by_condition(conditions_of(results), competitors)
        return {condition: _of_competitors(results, set(names)) for condition, names in groups.items()}
    values = prompt_facet(results.suite, name)
    ordered = sorted(dict.fromkeys(values.values()), key=lambda value: not value)
    if len(ordered) == 1:
        return {ordered[0]: results}
    return _by_prompts(results, values, ordered)


def facet_value_text(name: str, value: str) -> str:
    """A part in words, e.g. ``genre pop`` or ``competitors with style as audio``."""
    if name == CONDITION:
        condition: Condition = next(condition for condition in CONDITIONS if condition == value)
        return f"competitors with {CONDITIONS[condition]}"
    noun = name.replace("_", " ")
    noun = f"tag {noun[4:]}" if noun.startswith("tag.") else noun  # or it would read like the property of its name
    return f"{noun} {value}" if value else f"no {noun} given"


def _facet_of_tag(tag: str) -> str:
    return f"tag.{tag}" if tag in (*_PROPERTIES, CONDITION) else tag


def of_prompts(results: RunResults, prompts: Collection[str]) -> RunResults:
    """The part of a run that some prompts, by their ids, are."""
    return _by_prompts(results, dict.fromkeys(prompts, ""), [""])[""]


def _by_prompts(results: RunResults, values: Mapping[str, str], ordered: Sequence[str]) -> dict[str, RunResults]:
    """The parts of a run by a value of each prompt, in one pass over its songs; prompts without one are in no part."""
    suite = results.suite

    def divided(songs: Mapping[SongId, T]) -> dict[str, dict[SongId, T]]:
        parts: dict[str, dict[SongId, T]] = {value: {} for value in ordered}
        for song, content in songs.items():
            value = values.get(song.prompt)
            if value is not None:
                parts[value][song] = content
        return parts

    states, sounds = divided(results.songs), divided(results.sounds)
    seeds, generation = divided(results.seeds), divided(results.generation)
    verdicts = [divided(metric.songs) for metric in results.metrics]
    return {
        value: replace(
            results,
            suite=replace(
                suite,
                prompts=tuple(prompt for prompt in suite.prompts if values.get(prompt.id) == value),
                detected={prompt: cause for prompt, cause in suite.detected.items() if values.get(prompt) == value},
                notes=tuple(f"Of the whole suite: {note}" for note in suite.notes),
            ),
            songs=states[value],
            metrics=tuple(
                replace(metric, songs=of_metric[value], sets=_sets(metric, results))
                for metric, of_metric in zip(results.metrics, verdicts, strict=True)
            ),
            sounds=sounds[value],
            asset_remarks=tuple(remark for remark in results.asset_remarks if values.get(remark.prompt) == value),
            seeds=seeds[value],
            generation=generation[value],
        )
        for value in ordered
    }


def _sets(metric: MetricResults, results: RunResults) -> dict[str, Verdict]:
    """What a metric of sets says of a part of the prompts."""
    measured = metric.of_sets and (metric.availability.ready or bool(metric.sets))
    return {card.name: NotApplicable(OF_ALL_SONGS) for card in results.systems} if measured else {}


def _of_competitors(results: RunResults, competitors: set[str]) -> RunResults:
    return select_systems(results, [card.name for card in results.systems if card.sanity or card.name in competitors])
