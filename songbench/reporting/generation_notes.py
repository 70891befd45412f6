"""Notes on how songs were made: what differs between systems and is not heard, and no number tells."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence

from songbench.contracts.cards import MetricCard
from songbench.domain.prompt import Prompt
from songbench.domain.rendering import Rendering
from songbench.domain.song import GenerationRecord
from songbench.execution.results import RunResults
from songbench.reporting.conditions import CONDITIONS, Condition, by_condition, conditions_of, differ, style_of

SAME_SECONDS = 1.0
"""Lengths that differ by less are the same: many systems take whole seconds."""

_Songs = Sequence[tuple[Prompt, GenerationRecord]]
_Fact = Callable[[_Songs], tuple[int, str]]
"""Of the songs of a system: in how many it holds, and what to add in brackets."""


def generation_notes(results: RunResults) -> list[str]:
    """What a reader must know of how the songs came about, in a fixed order: a line per kind that occurs."""
    return [*_conditions(results), *_facts(results)]


# -- the kind of style ---------------------------------------------------------------------------------------------


def _conditions(results: RunResults) -> Iterator[str]:
    conditions = conditions_of(results)
    competitors = [card for card in results.systems if not card.sanity]
    if not differ(competitors, conditions):
        return
    groups = by_condition(conditions, [card.name for card in competitors])
    kinds = "; ".join(
        f"{CONDITIONS[condition]}: {', '.join(_with_counts(results, name, condition) for name in names)}"
        for condition, names in groups.items()
    )
    yield f"Systems were given different kinds of style ({kinds}).{_incomparable(results)}"


def _with_counts(results: RunResults, system: str, condition: Condition) -> str:
    """The name, with the songs that were not made from what the system's condition says."""
    styles = Counter(
        style_of(record) or "not known" for song, record in results.generation.items() if song[0] == system
    )
    if set(styles) <= {condition}:
        return system
    return f"{system} ({', '.join(f'{kind} {count}' for kind, count in styles.most_common())})"


def _incomparable(results: RunResults) -> str:
    ids = [metric.card.id for metric in results.metrics if _judges_style(metric.card)]
    if not ids:
        return ""
    return (
        f" {', '.join(ids)} hold{'' if ids[1:] else 's'} songs against a style or a set of references, so between these"
        " kinds the numbers are not comparable: --facet condition makes a table of each."
    )


def _judges_style(card: MetricCard) -> bool:
    return any("style" in (card.hears if field.hears is None else field.hears) for field in card.fields)


# -- other facts ---------------------------------------------------------------------------------------------------


def _facts(results: RunResults) -> Iterator[str]:
    prompts = {prompt.id: prompt for prompt in results.suite.prompts}
    songs_of: dict[str, list[tuple[Prompt, GenerationRecord]]] = {
        card.name: [] for card in results.systems if not card.sanity
    }
    for song, record in results.generation.items():
        if song.system in songs_of:
            songs_of[song.system].append((prompts[song.prompt], record))
    for heading, fact in _KINDS.items():
        parts = []
        for system, songs in songs_of.items():
            count, detail = fact(songs)
            if count:
                parts.append(f"{count} of {len(songs)} of {system}" + (f" ({detail})" if detail else ""))
        if parts:
            yield f"{heading}: {', '.join(parts)}."


def _lengths(songs: _Songs) -> tuple[int, str]:
    differences = [
        record.rendering.seconds - prompt.seconds
        for prompt, record in songs
        if record.rendering and record.rendering.seconds is not None and prompt.seconds is not None
    ]
    clamped = [difference for difference in differences if abs(difference) >= SAME_SECONDS]
    longer, shorter = max(clamped, default=0.0), -min(clamped, default=0.0)
    ends = [(longer, "longer"), (shorter, "shorter")]
    return len(clamped), ", ".join(f"up to {seconds:.0f} s {word}" for seconds, word in ends if seconds > 0)


def _candidates(songs: _Songs) -> tuple[int, str]:
    counts = [record.best_of for _, record in songs if record.best_of > 1]
    return len(counts), " or ".join(f"best of {count}" for count in sorted(set(counts)))


def _codecs(songs: _Songs) -> tuple[int, str]:
    codecs = [record.lossy for _, record in songs if record.lossy]
    return len(codecs), ", ".join(sorted(set(codecs)))


def _seeds(songs: _Songs) -> tuple[int, str]:
    """Audio that was made elsewhere was not asked to honour one."""
    records = [record for _, record in songs if record.rendering is not None or record.seconds is not None]
    return sum(not record.seed_honoured for record in records), ""


def _counting(holds: Callable[[GenerationRecord], bool]) -> _Fact:
    return lambda songs: (sum(holds(record) for _, record in songs), "")


def _changes(songs: _Songs) -> tuple[int, str]:
    renderings = [record.rendering for _, record in songs if record.rendering and record.rendering.changes]
    kinds = Counter(kind for rendering in renderings for kind in _kinds_of_change(rendering))
    return len(renderings), ", ".join(f"{kind} {count}" for kind, count in kinds.items())


def _kinds_of_change(rendering: Rendering) -> list[str]:
    facts = {
        "tags": bool(rendering.tags),
        "lines left out": bool(rendering.dropped),
        "additions": bool(rendering.added),
        f"times by {rendering.timing}:": bool(rendering.timing),
        "other": bool(rendering.notes),
    }
    return [kind for kind, holds in facts.items() if holds]


_KINDS: Mapping[str, _Fact] = {
    "Songs asked for at another length than the prompt's": _lengths,
    "Songs whose prompt was given in another form (all of it: songs.json)": _changes,
    "Songs chosen among several of the same prompt": _candidates,
    "Songs that the system wrote with a lossy codec": _codecs,
    "Songs whose second channel is made of the first, judged by the first alone, in mono": _counting(
        lambda record: record.fake_stereo
    ),
    "Songs whose time holds the loading of the model, so that it is no speed": _counting(
        lambda record: record.loading_included
    ),
    "Songs that come out differently another time, as the seed is not honoured": _seeds,
}
"""Each kind of fact by how its note begins, in their order."""
