"""Everything a report says, gathered before anything is laid out."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import metadata

from listening_test.analysis.results import AnalysisResult, ScaleAnalysis
from listening_test.collected import CollectedAnswers
from listening_test.reporting.agreement import ScaleAgreement
from listening_test.reporting.breakdown import Breakdown
from listening_test.reporting.wording import SIMULATED, date_of

PACKAGES = ("songbench", "numpy", "scipy", "pandas", "matplotlib")


@dataclass(frozen=True, eq=False, kw_only=True)
class Report:
    """A listening test with its results.

    Attributes:
        data: everyone's answers.
        analysed: what follows from them.
        breakdowns: per language and tag, of the included raters.
        agreement: metrics beside people, of the included raters; empty where there is nothing to compare.
        no_agreement: why there is none; "" when there is.
        sources: where the answers came from.
        versions: of what computed it.
        places_known: whether it is known which song was in which slot; some imported results do not say.
        notes: what a reader must know besides.
    """

    data: CollectedAnswers
    analysed: AnalysisResult
    breakdowns: tuple[Breakdown, ...] = ()
    agreement: tuple[ScaleAgreement, ...] = ()
    no_agreement: str = ""
    sources: tuple[str, ...] = ()
    versions: Mapping[str, str] = field(default_factory=dict)
    places_known: bool = True
    notes: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Of the test."""
        return self.data.protocol.name

    @property
    def confidence(self) -> float:
        """Of every interval."""
        return self.data.protocol.analysis.confidence

    @property
    def simulated(self) -> bool:
        """Whether a program answered."""
        return self.data.simulated

    @property
    def mark(self) -> str:
        """What stands behind every heading: " (SIMULATED)" or nothing."""
        return f" ({SIMULATED})" if self.simulated else ""

    @property
    def included(self) -> tuple[str, ...]:
        """The raters that count."""
        return tuple(rater.rater for rater in self.analysed.screening if rater.included)

    @property
    def withdrawn(self) -> int:
        """Raters who took back their consent."""
        return int(self.data.raters["withdrawn"].astype(bool).sum()) if len(self.data.raters) else 0

    @property
    def excluded(self) -> int:
        """Raters who did not withdraw and yet do not count."""
        return len(self.analysed.screening) - len(self.included) - self._withdrawn_screened

    @property
    def screened(self) -> int:
        """Raters who did not withdraw."""
        return len(self.analysed.screening) - self._withdrawn_screened

    @property
    def _withdrawn_screened(self) -> int:
        withdrawn = set(self.data.raters["rater"][self.data.raters["withdrawn"].astype(bool)])
        return sum(rater.rater in withdrawn for rater in self.analysed.screening)

    @property
    def answered(self) -> str:
        """The date of the last answer; "" where no times are known, or a program made them up."""
        if self.simulated:
            return ""
        table = self.data.pairs if self.data.protocol.pairwise else self.data.ratings
        last = table["answered"].astype(float).max() if len(table) else float("nan")
        return date_of(last) if last == last and last > 0 else ""

    @property
    def counted_data(self) -> CollectedAnswers:
        """The answers of the included raters."""
        return self.data.of(self.included)

    @property
    def ordered(self) -> tuple[ScaleAnalysis, ...]:
        """The scales, the primary one first."""
        primary = self.data.protocol.primary
        return tuple(sorted(self.analysed.scales, key=lambda scale: scale.scale != primary))

    @property
    def all_notes(self) -> list[str]:
        """Every note about the whole test once, in order; those of a scale stand below its table."""
        return list(dict.fromkeys([*self.notes, *self.data.notes, *self.analysed.notes]))


def versions() -> dict[str, str]:
    """What computes the report."""
    installed = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            installed[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            installed[name] = "unknown"
    return installed


@dataclass(frozen=True)
class Changed:
    """What the exclusion of raters changed on one scale.

    Attributes:
        scale: id.
        largest: the largest change of a figure, and whose it is; None where nothing can be compared.
        same_order: whether the competitors keep their order.
        same_pairs: whether the same declared pairs differ significantly.
    """

    scale: str
    largest: tuple[str, float] | None
    same_order: bool
    same_pairs: bool


def exclusion_changes(analysed: AnalysisResult) -> list[Changed]:
    """With and without the excluded raters, scale by scale."""
    everyone = {scale.scale: scale for scale in analysed.everyone}
    return [_changed(scale, everyone[scale.scale]) for scale in analysed.scales if scale.scale in everyone]


def _changed(included: ScaleAnalysis, everyone: ScaleAnalysis) -> Changed:
    figures_included, figures_everyone = figures(included), figures(everyone)
    common = [name for name in figures_included if name in figures_everyone]
    changes = [(name, figures_included[name] - figures_everyone[name]) for name in common]
    return Changed(
        included.scale,
        max(changes, key=lambda change: abs(change[1]), default=None),
        _order(figures_included, common) == _order(figures_everyone, common),
        significant_pairs(included) == significant_pairs(everyone),
    )


def figures(scale: ScaleAnalysis) -> dict[str, float]:
    """Mean or strength of every competitor that has one."""
    means = {row.system: row.mean for row in scale.means if row.competitor and row.mean is not None}
    strengths = {row.system: row.strength for row in scale.strengths if row.competitor and row.strength is not None}
    return means | strengths


def _order(values: Mapping[str, float], names: Sequence[str]) -> list[str]:
    return sorted(names, key=lambda name: (-values[name], name))


def significant_pairs(scale: ScaleAnalysis) -> set[tuple[str, str]]:
    """The declared pairs that differ significantly, the better one first."""
    pairs = [
        (d.first, d.second) if d.difference > 0 else (d.second, d.first) for d in scale.differences if d.significant
    ]
    for outcome in scale.outcomes:
        if outcome.significant:
            better = outcome.mean > 0 if outcome.mean is not None else outcome.first_wins > outcome.second_wins
            pairs.append((outcome.first, outcome.second) if better else (outcome.second, outcome.first))
    return set(pairs)
