"""From answers to a report: analysis, breakdowns, metrics beside people."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from listening_test.analysis.results import AnalysisResult
from listening_test.collected import CollectedAnswers
from listening_test.reporting.agreement import ScaleAgreement, agreement
from listening_test.reporting.breakdown import breakdowns
from listening_test.reporting.facts import Report, versions
from songbench.domain.errors import SongbenchError
from songbench.execution.results import RunResults


class SourceRun(NamedTuple):
    """The run a test was made from.

    Attributes:
        results: its songs and scores.
        folder: its folder.
    """

    results: RunResults
    folder: Path


def find_run(name: str, runs: str | None, store: str | None) -> SourceRun:
    """A recorded run with everything it stored.

    Raises:
        SongbenchError: when it is not there, or cannot be built again.
    """
    from songbench.execution.gather import gather
    from songbench.execution.recorded import recorded
    from songbench.execution.store import Store

    experiment, _ = recorded(name, runs, store)
    return SourceRun(gather(experiment, Store(experiment.store)), experiment.folder)


def try_to_find_run(name: str, runs: str | None, store: str | None) -> SourceRun | str:
    """The run, or why it cannot be used."""
    try:
        return find_run(name, runs, store)
    except SongbenchError as error:
        return str(error)
    except OSError as error:
        return f"The run '{name}' cannot be read ({error})."


def make_report(
    data: CollectedAnswers,
    analysed: AnalysisResult,
    run: SourceRun | str,
    *,
    sources: tuple[str, ...] = (),
    places_known: bool = True,
) -> Report:
    """Everything that is said of a test.

    Args:
        data: everyone's answers.
        analysed: what `listening_test.analysis.analyse` made of them.
        run: the run the songs come from, or why there is none.
        sources: where the answers came from.
        places_known: whether it is known which song was in which slot.
    """
    report = Report(data=data, analysed=analysed, sources=sources, versions=versions(), places_known=places_known)
    counted = report.counted_data
    scales = [scale.scale for scale in analysed.scales]
    seed = data.protocol.seed
    agreements, why = _agreement(counted, analysed, run, report.confidence, seed)
    parts = breakdowns(counted, scales, confidence=report.confidence, seed=seed)
    return replace(report, breakdowns=parts, agreement=agreements, no_agreement=why)


def _agreement(
    data: CollectedAnswers, analysed: AnalysisResult, run: SourceRun | str, confidence: float, seed: int
) -> tuple[tuple[ScaleAgreement, ...], str]:
    if isinstance(run, str):
        return (), run
    if not any(metric.songs or metric.sets for metric in run.results.metrics):
        return (), "no metric of the run has scored anything."
    strengths: Mapping[str, Mapping[str, float]] = {
        scale.scale: {
            strength.system: strength.strength for strength in scale.strengths if strength.strength is not None
        }
        for scale in analysed.scales
    }
    agreements = agreement(data, run.results, confidence=confidence, strengths=strengths, seed=seed)
    return agreements, "" if agreements else "there are no answers about systems of the run."
