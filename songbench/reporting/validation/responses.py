"""From scores of damaged songs to response curves and verdicts.

A metric *reacts* to a damage when all of this holds:

- p < 0.05, Holm-corrected over all damages of the column, where p is twice the smaller of two: that of the change under
  the strongest damage on the same prompts (paired t), and that of the prompts' rank correlations with the strength
  being 0 on average (t). Set metrics have no figure per prompt: theirs is the first alone, on jackknife values;
- the difference is no trifle: at least 0.2 standard deviations of the undamaged songs;
- it goes with the strength: Spearman's rank correlation of figure and strength, 0 to 4, is at least 0.5 in size and of
  the same sign.

Whether that is as it should be follows from what the metric says it hears (`MetricCard.hears`) and from what the damage
harms and touches (`songbench.domain.damages`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias

import numpy as np

from songbench.contracts.cards import Field, MetricCard
from songbench.domain.damages import DAMAGES, STRENGTHS, Damage
from songbench.domain.score import NotApplicable, Scores
from songbench.domain.song import Failure
from songbench.execution.results import MetricResults, RunResults
from songbench.statistics import (
    PairedTest,
    SetFigure,
    Takes,
    compare_prompts,
    compare_sets,
    compare_takes,
    holm,
    pseudo_values,
)

Verdict: TypeAlias = Literal[
    "reacts", "blind", "wrong way", "ignores", "should ignore", "reacts aside", "ignores aside", "no answer"
]

MEANINGS: Mapping[Verdict, str] = {
    "reacts": "it hears what this damage harms, and answers in the right direction",
    "blind": "it should hear what this damage harms, and does not answer",
    "wrong way": "it should hear what this damage harms, and calls it better",
    "ignores": "this damage is none of its business, and it does not answer",
    "should ignore": "this damage is none of its business, and it answers all the same",
    "reacts aside": "it may or may not answer to this damage, or its author does not say; it does",
    "ignores aside": "it may or may not answer to this damage, or its author does not say; it does not",
    "no answer": "it has no figure for the undamaged or the damaged songs",
}

FAULTS: tuple[Verdict, ...] = ("blind", "wrong way", "should ignore")
"""The verdicts that count against a metric."""

LEVEL = 0.05
LEAST_CHANGE = 0.2
LEAST_RANK = 0.5


@dataclass(frozen=True, kw_only=True)
class Response:
    """What one column says of one damage.

    Attributes:
        damage: the damage.
        clean: the figure of the undamaged songs, on the prompts that the strongest damage leaves comparable.
        figures: the figures at the four strengths; None where there is none.
        changes: the paired difference to the undamaged songs at each strength with its 95 % interval; None likewise.
        by_prompt: for each prompt its values at strengths 0 to 4, None where missing; empty for set metrics.
        rank: Spearman's correlation with the strength, the mean over prompts (set metrics: of the figures); None: not
            enough figures.
        effect: change under the strongest damage in standard deviations of the undamaged songs; None: unknown, infinite
            where undamaged songs do not differ.
        p: see the module; Holm-corrected over the damages of the column.
        reacts: see the module.
        verdict: whether that is as it should be.
        n: prompts compared.
        reason: why there is no answer.
    """

    damage: Damage
    clean: float | None = None
    figures: tuple[float | None, ...] = (None,) * 4
    changes: tuple[PairedTest | None, ...] = (None,) * 4
    by_prompt: Mapping[str, tuple[float | None, ...]] = field(default_factory=dict)
    rank: float | None = None
    effect: float | None = None
    p: float | None = None
    reacts: bool = False
    verdict: Verdict = "no answer"
    n: int = 0
    reason: str = ""

    @property
    def onset(self) -> str:
        """The mildest strength from which on every change's interval excludes 0, in words; "" where there is none."""
        first = None
        for strength, change in zip(STRENGTHS, self.changes, strict=True):
            if change is None or change.low <= 0 <= change.high:
                first = None
            elif first is None:
                first = strength
        return self.damage.strengths[first - 1] if first and self.reacts else ""


@dataclass(frozen=True, kw_only=True)
class Examined:
    """One column with its responses.

    Attributes:
        name: the column.
        metric: its metric.
        field: its field.
        hears: what it says it hears.
        responses: one per damage, in the order of `DAMAGES`.
    """

    name: str
    metric: MetricCard
    field: Field
    hears: tuple[str, ...]
    responses: tuple[Response, ...]

    def damages_with(self, verdict: Verdict) -> list[str]:
        """The damages with this verdict."""
        return [response.damage.name for response in self.responses if response.verdict == verdict]

    @property
    def weak(self) -> bool:
        """Whether any verdict counts against it."""
        return any(response.verdict in FAULTS for response in self.responses)


@dataclass(frozen=True, kw_only=True)
class Validation:
    """Everything a validation found.

    Attributes:
        suite: its name.
        base: the system whose songs were damaged.
        prompts: how many.
        takes: per prompt.
        columns: the examined columns.
        unavailable: metrics that could not run: id, reason, cure.
    """

    suite: str
    base: str
    prompts: int
    takes: int
    columns: tuple[Examined, ...]
    unavailable: tuple[tuple[str, str, str], ...] = ()


def validation_of(results: RunResults, base: str) -> Validation:
    """Examine every column of a run that holds a base system and its damaged songs.

    Args:
        results: of a run with the systems `base` and ``damaged:NAME-STRENGTH``.
        base: the row of the undamaged songs.
    """
    present = {card.name for card in results.systems}
    unmade = {name.system: state.cause for name, state in results.songs.items() if isinstance(state, Failure)}
    damages = [damage for damage in DAMAGES.values() if any(row(damage, s) in present for s in STRENGTHS)]
    columns = [
        _examine(metric, field, base, damages, unmade)
        for metric in results.metrics
        if metric.availability.ready
        for field in metric.card.fields
    ]
    return Validation(
        suite=results.suite.name,
        base=base,
        prompts=len(results.suite.prompts),
        takes=results.takes,
        columns=tuple(columns),
        unavailable=tuple(
            (metric.card.id, metric.availability.reason, metric.availability.cure)
            for metric in results.metrics
            if not metric.availability.ready
        ),
    )


def row(damage: Damage, strength: int) -> str:
    """The name of the damaged songs' system."""
    return f"damaged:{damage.name}-{strength}"


def _examine(
    results: MetricResults, field: Field, base: str, damages: Sequence[Damage], unmade: Mapping[str, str]
) -> Examined:
    hears = results.card.hears if field.hears is None else field.hears
    clean = _Figures.of(results, field.name, base)
    drafts = [_draft(results, field, clean, damage, unmade) for damage in damages]
    raw = [draft.p for draft in drafts if draft.p is not None]
    adjusted = iter(holm(raw).tolist() if raw else [])
    responses = [_settled(draft, field, hears, next(adjusted) if draft.p is not None else None) for draft in drafts]
    return Examined(
        name=results.card.column(field.name), metric=results.card, field=field, hears=hears, responses=tuple(responses)
    )


@dataclass(frozen=True)
class _Figures:
    """What a column says of one system: a figure, and one value per prompt (set metrics: the jackknife's)."""

    figure: float
    source: Takes | SetFigure
    by_prompt: Mapping[str, float]

    @classmethod
    def of(cls, results: MetricResults, field: str, system: str) -> _Figures | str:
        """The figures, or why there are none."""
        if results.of_sets:
            verdict = results.sets.get(system)
            if not isinstance(verdict, Scores) or field not in verdict.values:
                return _why(verdict)
            complete = all(field in values for values in verdict.leave_one_out.values())
            without = {prompt: values[field] for prompt, values in verdict.leave_one_out.items()} if complete else {}
            figure = SetFigure(verdict.values[field], without)
            return cls(figure.figure, figure, pseudo_values(*figure))
        scores = [
            (name.prompt, verdict.values[field], verdict.weights.get(field, 1.0))
            for name, verdict in results.songs.items()
            if name.system == system and isinstance(verdict, Scores) and field in verdict.values
        ]
        if not scores:
            return _why(next((v for name, v in results.songs.items() if name.system == system), None))
        takes = Takes.of(*map(list, zip(*scores, strict=True)))
        prompts = dict.fromkeys(takes.prompts.tolist())
        return cls(takes.figure, takes, {p: part.figure for p in prompts if (part := takes.on({p})) is not None})

    def against(self, clean: _Figures) -> PairedTest | None:
        """The change from the undamaged songs, by Student's paired t: damage is far from being no difference."""
        if isinstance(self.source, Takes) and isinstance(clean.source, Takes):
            return compare_takes(self.source, clean.source, replicates=0)
        assert isinstance(self.source, SetFigure) and isinstance(clean.source, SetFigure)
        return compare_sets(self.source, clean.source, replicates=0)


def _why(verdict: object) -> str:
    if isinstance(verdict, NotApplicable):
        return verdict.reason
    if isinstance(verdict, Failure):
        return verdict.cause
    return "no figure for this field" if isinstance(verdict, Scores) else "the songs were not made"


def _draft(
    results: MetricResults, field: Field, clean: _Figures | str, damage: Damage, unmade: Mapping[str, str]
) -> Response:
    """A response whose p is not corrected yet and whose verdict is not found yet."""
    if isinstance(clean, str):
        return Response(damage=damage, reason=f"undamaged songs: {clean}")
    levels = [_Figures.of(results, field.name, row(damage, strength)) for strength in STRENGTHS]
    measured = [level if isinstance(level, _Figures) else None for level in levels]
    changes = tuple(level.against(clean) if level else None for level in measured)
    figures = tuple(level.figure if level else None for level in measured)
    by_prompt = {
        prompt: (value, *(level.by_prompt.get(prompt) if level else None for level in measured))
        for prompt, value in clean.by_prompt.items()
    }
    last, strongest = measured[-1], changes[-1]
    if last is None or strongest is None:
        reason = levels[-1] if isinstance(levels[-1], str) else "fewer than two prompts to compare"
        reason = unmade.get(row(damage, STRENGTHS[-1]), reason)
        return Response(
            damage=damage, clean=clean.figure, figures=figures, changes=changes, by_prompt=by_prompt, reason=reason
        )
    shared = [prompt for prompt in clean.by_prompt if prompt in last.by_prompt]
    spread = float(np.std([clean.by_prompt[prompt] for prompt in shared], ddof=1))
    trifle = abs(strongest.difference) <= 1e-9 * max(1.0, abs(clean.figure))
    effect = 0.0 if trifle else strongest.difference / spread if spread > 0 else math.copysign(math.inf, strongest[1])
    all_ranks = {"": _rank((clean.figure, *figures))} if results.of_sets else {p: _rank(by_prompt[p]) for p in shared}
    ranks = {prompt: rank for prompt, rank in all_ranks.items() if rank is not None}
    trend = None if results.of_sets else compare_prompts(ranks, dict.fromkeys(ranks, 0.0), replicates=0)
    p = min(1.0, 2 * min(strongest.p, trend.p)) if trend else strongest.p
    return Response(
        damage=damage,
        clean=clean.figure,
        figures=figures,
        changes=changes,
        by_prompt={} if results.of_sets else by_prompt,
        rank=float(np.mean(list(ranks.values()))) if ranks else None,
        effect=effect,
        p=1.0 if trifle else p,
        n=strongest.n,
    )


def _rank(values: Sequence[float | None]) -> float | None:
    """Spearman's correlation of values with their place, 0 where they are all equal; None with fewer than 3."""
    from scipy.stats import spearmanr

    pairs = [(place, value) for place, value in enumerate(values) if value is not None]
    if len(pairs) < 3:
        return None
    if len({value for _, value in pairs}) == 1:
        return 0.0
    return float(spearmanr(*zip(*pairs, strict=True)).statistic)


def _settled(draft: Response, field: Field, hears: tuple[str, ...], p: float | None) -> Response:
    """The response with its corrected p and its verdict."""
    if p is None:
        return draft
    reacts = (
        p < LEVEL
        and draft.rank is not None
        and draft.effect is not None
        and abs(draft.effect) >= LEAST_CHANGE
        and abs(draft.rank) >= LEAST_RANK
        and (draft.rank > 0) == (draft.effect > 0)
    )
    verdict: Verdict
    if set(hears) & set(draft.damage.harms):
        worse = {"higher": -1.0, "lower": 1.0, "none": 0.0}[field.direction]
        verdict = "blind" if not reacts else "wrong way" if worse * (draft.effect or 0.0) < 0 else "reacts"
    elif not hears or set(hears) & set(draft.damage.touches):
        verdict = "reacts aside" if reacts else "ignores aside"
    else:
        verdict = "should ignore" if reacts else "ignores"
    return replace(draft, p=p, reacts=reacts, verdict=verdict)
