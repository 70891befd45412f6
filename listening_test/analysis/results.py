"""What an analysis gives: plain data that tables and figures lay out. Values are in points of the scale."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple


@dataclass(frozen=True)
class RaterScreening:
    """One rater under the declared rules.

    Attributes:
        rater: opaque name.
        included: whether the rater counts in the main analysis.
        reasons: which rules failed, in words with the figure and the limit, e.g. "traps wrong: 2 (at most 0)".
        figures: what each applicable rule looked at, by the rule's name in the protocol; rules without data are absent.
    """

    rater: str
    included: bool
    reasons: tuple[str, ...]
    figures: Mapping[str, float]


@dataclass(frozen=True, kw_only=True)
class SystemMean:
    """The mean opinion score of one system (or anchor) on one scale.

    Attributes:
        system: name.
        scale: id.
        mean: over raters and items, both taken as drawn at random; None: no answer applies.
        low: of its interval; None where one rater, one item or answers that do not vary allow none.
        high: of its interval.
        sd: standard deviation of the answers themselves (what some papers print as ±).
        n: answers.
        n_raters: who gave them.
        n_items: prompts (and takes) they are about.
        not_applicable: answers that say so.
        rank: best and worst rank among the systems that the significant differences allow; None for anchors.
        group: letters; systems that share one do not differ significantly. "" where nothing was compared.
        competitor: False for anchors and references.
    """

    system: str
    scale: str
    mean: float | None
    low: float | None
    high: float | None
    sd: float | None
    n: int
    n_raters: int
    n_items: int
    not_applicable: int = 0
    rank: tuple[int, int] | None = None
    group: str = ""
    competitor: bool = True


@dataclass(frozen=True, kw_only=True)
class Difference:
    """Two systems on one scale, paired on raters and items as far as the assignment allows.

    Attributes:
        first: a system.
        second: another.
        scale: id.
        difference: first minus second.
        low: of its interval; NaN where there are too few raters or items for one.
        high: of its interval.
        p: of the declared test (see `means`); NaN where there are too few raters or items for one.
        p_adjusted: after Holm over the declared pairs of this scale; NaN for pairs that were not declared.
        significant: whether `p_adjusted` is below 1 - confidence.
        p_equal: TOST: how sure it is that the difference lies within the declared margin; NaN without a margin.
        p_flip: sign-flip permutation of per-item means: a check that assumes no distribution but takes raters as fixed.
        p_wilcoxon: Wilcoxon signed rank of per-item means, another check.
        effect: Cohen's d_z of per-item differences.
        wins: probability that a random rater rates a random item of the first higher than of the second, ties half.
        n_items: items both have.
        n_raters: raters who heard both (of different items, perhaps).
    """

    first: str
    second: str
    scale: str
    difference: float
    low: float
    high: float
    p: float
    p_adjusted: float
    significant: bool
    p_equal: float
    p_flip: float
    p_wilcoxon: float
    effect: float
    wins: float
    n_items: int
    n_raters: int


@dataclass(frozen=True, kw_only=True)
class Components:
    """Where the variance of answers comes from, as standard deviations in points of the scale.

    Attributes:
        rater: some raters are stricter than others.
        item: some prompts give better songs, whatever the system.
        rater_system: tastes differ about systems.
        item_system: a system is better at some prompts.
        residual: everything else.
    """

    rater: float
    item: float
    rater_system: float
    item_system: float
    residual: float


@dataclass(frozen=True, kw_only=True)
class Reliability:
    """How much the raters agree on one scale; figures are None where the data allow none.

    Attributes:
        scale: id.
        alpha: Krippendorff's alpha (ordinal for points, interval for continuous forms; nominal for preferences).
        icc_single: ICC(2,1), absolute agreement of single answers.
        icc_average: ICC(2,k), of the mean of the k raters an item really has.
        split_half: correlation of per-item means of two random halves of the raters, Spearman-Brown corrected.
        repeat_deviation: mean absolute difference between first and second answers, in points.
        repeat_correlation: of first and second answers.
        repeats: how many pairs of answers that rests on.
        components: of the variance.
    """

    scale: str
    alpha: float | None
    icc_single: float | None
    icc_average: float | None
    split_half: float | None
    repeat_deviation: float | None
    repeat_correlation: float | None
    repeats: int
    components: Components | None


@dataclass(frozen=True, kw_only=True)
class Strength:
    """One system in a test that compares pairs.

    Attributes:
        system: name.
        scale: id.
        strength: Bradley-Terry log-strength (Davidson 1970 for ties), the mean over systems is 0.
        low: of its interval: raters and prompts are both taken as drawn at random (`clustered`); None where one rater
            or one prompt allows none.
        high: of its interval.
        win_rate: share of its comparisons that it won, ties half, both-bad left out.
        both_bad: share of its comparisons that were "both bad".
        n: comparisons, both-bad included.
        n_raters: who made them.
        n_items: prompts they are about.
        rank: best and worst rank that the significant differences allow.
        group: letters as in `SystemMean`.
        competitor: False for anchors.
    """

    system: str
    scale: str
    strength: float | None
    low: float | None
    high: float | None
    win_rate: float | None
    both_bad: float
    n: int
    n_raters: int
    n_items: int
    rank: tuple[int, int] | None = None
    group: str = ""
    competitor: bool = True


@dataclass(frozen=True, kw_only=True)
class PairOutcome:
    """Two systems compared directly.

    Attributes:
        first: a system.
        second: another.
        scale: id.
        first_wins: how often the first was better, wherever it stood.
        second_wins: how often the second was.
        ties: no difference.
        both_bad: neither.
        mean: ``ccr``: mean answer for the first against the second (positive: the first is better); None otherwise.
        low: of its interval.
        high: of its interval.
        p: of the declared test that neither is preferred; NaN for anchors, and where one rater or prompt allows none.
        p_adjusted: after Holm over the declared pairs of this scale; NaN for pairs that were not declared.
        significant: whether `p_adjusted` is below 1 - confidence.
    """

    first: str
    second: str
    scale: str
    first_wins: int
    second_wins: int
    ties: int
    both_bad: int
    mean: float | None
    low: float | None
    high: float | None
    p: float
    p_adjusted: float
    significant: bool


class Position(NamedTuple):
    """Whether the place on the page matters: share of decisions for slot A with its interval, ties left out."""

    first_share: float | None
    low: float | None
    high: float | None
    n: int


@dataclass(frozen=True, kw_only=True)
class ScaleAnalysis:
    """Everything about one scale.

    Attributes:
        scale: id.
        means: forms that rate: systems in the order of tables, then anchors; else empty.
        differences: forms that rate: every pair of competitors; else empty.
        strengths: forms that compare; else empty.
        outcomes: forms that compare: every pair that was heard; else empty.
        position: forms that compare; else None.
        reliability: of the raters.
        connected: forms that compare: whether every system can be reached from every other; if not, strengths are None.
        ordinal_order: systems from best to worst after a cumulative-link (proportional odds) model, where one was fit.
        notes: what a reader must know, e.g. that an interval could not be had.
    """

    scale: str
    means: tuple[SystemMean, ...] = ()
    differences: tuple[Difference, ...] = ()
    strengths: tuple[Strength, ...] = ()
    outcomes: tuple[PairOutcome, ...] = ()
    position: Position | None = None
    reliability: Reliability | None = None
    connected: bool = True
    ordinal_order: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class AnalysisResult:
    """A listening test, analysed as declared.

    Attributes:
        screening: every rater.
        scales: the main analysis: included raters only, by scale in the protocol's order.
        everyone: the same without any exclusion.
        notes: what a reader must know.
    """

    screening: tuple[RaterScreening, ...]
    scales: tuple[ScaleAnalysis, ...]
    everyone: tuple[ScaleAnalysis, ...]
    notes: tuple[str, ...] = field(default=())
