"""The first sentence of a report: who won and how sure that is, for every outcome a test can have."""

import dataclasses
import math

import pytest

from listening_test.analysis.results import (
    AnalysisResult,
    Difference,
    PairOutcome,
    RaterScreening,
    ScaleAnalysis,
    Strength,
    SystemMean,
)
from listening_test.collected import PAIRS, RATERS, RATINGS, CollectedAnswers, frame
from listening_test.protocol import load_protocol
from listening_test.reporting.answer import answer, scale_lead
from listening_test.reporting.facts import Report

NAN = math.nan


def mean(system, value, *, low=None, high=None, items=10, competitor=True, n=60):
    low, high = (value - 0.2, value + 0.2) if low is None and value is not None else (low, high)
    return SystemMean(
        system=system, scale="OVL", mean=value, low=low, high=high, sd=1.0, n=n, n_raters=12, n_items=items,
        competitor=competitor,
    )  # fmt: skip


def difference(first, second, value, p, *, declared=True, equal=NAN):
    adjusted = p if declared else NAN
    return Difference(
        first=first, second=second, scale="OVL", difference=value, low=value - 0.2, high=value + 0.2, p=p,
        p_adjusted=adjusted, significant=adjusted < 0.05, p_equal=equal, p_flip=NAN, p_wilcoxon=NAN, effect=NAN,
        wins=0.6, n_items=10, n_raters=12,
    )  # fmt: skip


def strength(system, value, *, won=0.5, bad=0.0):
    return Strength(
        system=system, scale="OVERALL", strength=value, low=None, high=None, win_rate=won, both_bad=bad, n=40,
        n_raters=12, n_items=10,
    )  # fmt: skip


def outcome(first, second, wins, losses, p):
    return PairOutcome(
        first=first, second=second, scale="OVERALL", first_wins=wins, second_wins=losses, ties=0, both_bad=0,
        mean=None, low=None, high=None, p=p, p_adjusted=p, significant=p < 0.05,
    )  # fmt: skip


def report(*scales, preset="levo", raters=12, excluded=0, everyone=None, settings=None, failed=None, **more):
    """A report with these analyses; nothing is computed."""
    protocol = load_protocol(preset, settings or {})
    names = [f"r{n}" for n in range(raters + excluded)]
    screening = tuple(RaterScreening(name, n < raters, (), {}) for n, name in enumerate(names))
    systems = ("a", "b", "c")
    data = CollectedAnswers(
        protocol=protocol,
        test="ab" * 32,
        run="demo",
        systems=systems,
        ratings=frame([], [*RATINGS]),
        pairs=frame([], [*PAIRS]),
        checks=frame([], []),
        raters=frame([{"rater": name, "withdrawn": False} for name in names], [*RATERS]),
        song_counts=dict.fromkeys(systems, 10),
        failed=failed or {},
        **more,
    )
    return Report(data=data, analysed=AnalysisResult(screening, scales, everyone or scales))


def rated(*means, differences=(), scale="OVL", **more):
    parts = [dataclasses.replace(part, scale=scale) for part in (*means, *differences)]
    return ScaleAnalysis(scale=scale, means=tuple(parts[: len(means)]), differences=tuple(parts[len(means) :]), **more)


WON = rated(
    mean("a", 4.0),
    mean("b", 3.0),
    mean("c", 2.5),
    mean("lowpass-3500", 4.9, competitor=False),
    differences=(difference("b", "a", -1.0, 0.001), difference("a", "c", 1.5, 0.0001), difference("b", "c", 0.5, 0.2)),
)
OPEN = rated(
    mean("a", 3.2),
    mean("b", 3.0),
    mean("c", 2.0),
    differences=(difference("a", "b", 0.2, 0.4), difference("a", "c", 1.2, 0.001), difference("b", "c", 1.0, 0.001)),
)


def test_a_winner_is_named_with_the_margin_over_the_nearest():
    first = answer(report(WON))
    assert first.sentence == (
        "a won on OVL, significantly better than each of 2 other systems: by 12 raters on 10 songs of each, "
        "a got 4.00 [3.80, 4.20] on a scale from 1 to 5, 1.00 [0.80, 1.20] more than b, the nearest (p = 0.001)."
    )
    assert first.findings == () and first.limits == (
        "All of it holds for such listeners and for the prompts and versions of this test, not beyond.",
    )


def test_an_open_race_says_so_and_what_is_known():
    first = answer(report(OPEN))
    assert first.sentence.startswith("Who won on OVL is open: ") and "more than b (3.00 [2.80, 3.20])" in first.sentence
    assert "may be chance (p = 0.400)" in first.sentence
    assert first.findings == ("c is significantly worse than a on OVL.",)
    assert any("systems are not equal" in limit for limit in first.limits)


def test_an_equality_that_was_declared_is_found():
    scale = rated(
        mean("a", 3.02), mean("b", 3.0), differences=(difference("a", "b", 0.02, 0.9, equal=0.001),)
    )  # fmt: skip
    with_margin = report(scale, settings={"analysis": {"margin": 0.3}})
    assert "b is equal to a within the declared margin of 0.3." in answer(with_margin).findings
    assert answer(report(scale)).findings == ()


def test_equal_figures_are_a_tie():
    scale = rated(mean("b", 3.0), mean("a", 3.0), mean("c", 1.0), differences=(difference("a", "b", 0.0, 1.0),))
    assert "a and b have the same figure, 3.00 [2.80, 3.20]" in answer(report(scale)).sentence
    assert scale_lead(scale).certainty == "open"


def test_a_pair_that_was_not_declared_decides_nothing():
    scale = rated(mean("a", 4.0), mean("b", 3.0), differences=(difference("a", "b", 1.0, 0.001, declared=False),))
    assert "this pair was not declared to be tested" in answer(report(scale)).sentence


def test_a_single_system_ranks_nothing():
    first = answer(report(rated(mean("a", 4.0), mean("b", None, n=0))))
    assert first.sentence.startswith("a is the only system with answers on OVL, so nothing is ranked")


@pytest.mark.parametrize(
    ("raters", "items", "warnings"),
    [(1, 3, ("One rater shows", "3 songs of each system are few")), (3, 10, ("3 raters are few",)), (12, 10, ())],
)
def test_too_little_is_named(raters, items, warnings):
    scale = rated(
        mean("a", 4.0, items=items), mean("b", 3.0, items=items), differences=(difference("a", "b", 1, 0.01),)
    )
    limits = answer(report(scale, raters=raters)).limits
    assert all(any(limit.startswith(warning) for limit in limits) for warning in warnings)
    assert len([limit for limit in limits if "few" in limit or "One rater" in limit]) == len(warnings)


def test_nothing_is_concluded_without_raters_or_answers():
    assert answer(report(rated(), raters=0)).sentence == "Nobody answered yet, so there is nothing to report."
    none_passed = answer(report(rated(), raters=0, excluded=4))
    assert none_passed.sentence.endswith("none of 4 raters passed the declared screening.")
    assert "no system has an answer that counts" in answer(report(rated())).sentence


def test_preferences_speak_of_comparisons():
    scale = ScaleAnalysis(
        scale="OVERALL",
        strengths=(strength("a", 1.0, won=0.75, bad=0.4), strength("b", -1.0, won=0.25)),
        outcomes=(outcome("b", "a", 10, 30, 0.0001),),
    )
    first = answer(report(scale, preset="preference"))
    assert first.sentence == (
        "a won on OVERALL against b: by 12 raters on 10 prompts of each, a won 75 % of its comparisons, "
        "30 to 10 against b, the nearest (p <0.001)."
    )
    assert any("called both songs bad" in limit for limit in first.limits)
    loose = ScaleAnalysis(scale="OVERALL", strengths=(strength("a", None), strength("b", None)), connected=False)
    assert "they have no common order" in answer(report(loose, preset="preference")).sentence


def test_a_circle_has_no_winner():
    scale = ScaleAnalysis(
        scale="OVERALL",
        strengths=(strength("a", 0.5, won=0.6), strength("b", 0.1), strength("c", 0.0, won=0.4)),
        outcomes=(outcome("a", "b", 30, 5, 0.001), outcome("c", "a", 30, 5, 0.001)),
    )
    assert (
        "c did significantly better when compared with it directly"
        in answer(report(scale, preset="preference")).sentence
    )


def test_other_scales_exclusion_and_failures_follow():
    second = dataclasses.replace(WON, scale="MEL")
    swapped = rated(mean("a", 2.0), mean("b", 3.0), mean("c", 2.5))
    everyone = (swapped, second)
    first = answer(report(WON, second, excluded=2, everyone=everyone, failed={"c": 3}))
    assert "On MEL, a also is significantly better than every other system." in first.findings
    assert any(
        "2 raters of 14 left out" in line and "order of systems is another on OVL" in line for line in first.findings
    )
    assert "c did not make every song; its figures leave out what was not made." in first.limits


def test_simulated_answers_say_so_first():
    first = answer(report(WON, simulated=True))
    assert "12 simulated raters" in first.sentence and "A program answered" in first.limits[0]
