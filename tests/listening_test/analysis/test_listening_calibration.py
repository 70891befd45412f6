"""What intervals, tests and screening promise, held by simulated tests; the full figures come from the benchmark.

Bounds allow for chance, two standard errors: few simulated tests by default, many in the slow tests.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from listening_coverage import (
    Share,
    calibrate_pairs,
    calibrate_ratings,
    calibrate_screening,
    true_strengths,
)

from listening_test.analysis.power import typical
from listening_test.simulation.population import Population
from listening_test.simulation.ratings import SimulatedDesign

HOLD, ERR, ANY = 0.16, 0.12, 0.22
"""How much the share of intervals that hold, of errors, and whether there is any error, differ from one simulated test
to the next: the largest standard deviation of the designs below over 150 tests each."""
EQUAL = {f"s{n}": 3.2 for n in range(4)}
SPREAD = {"s0": 2.5, "s1": 3.0, "s2": 3.3, "s3": 3.8}
HUNDRED = (0.0, 100.0)


def sizes(few, many):
    """Runs a test with few simulated tests, and with many where slow tests run."""
    return pytest.mark.parametrize("tests", [few, pytest.param(many, marks=pytest.mark.slow)])


def chance(spread, tests):
    """Two standard errors of a share."""
    return 2 * spread / tests**0.5


@sizes(50, 150)
@pytest.mark.parametrize(
    ("design", "people"),
    [
        (SimulatedDesign(), Population(effects=SPREAD)),
        (
            SimulatedDesign(form="multistimulus", prompts=10, pages=10, scale_range=HUNDRED),
            Population(
                effects={name: 25 * (effect - 1) for name, effect in SPREAD.items()},
                scale_range=HUNDRED,
                components=typical(HUNDRED),
            ),
        ),
    ],
    ids=["incomplete, 5 points", "multistimulus"],
)
def test_intervals_of_rated_songs_hold_the_truth(design, people, tests):
    rates = calibrate_ratings(design, people, range(tests))
    assert abs(rates["means"].value - 0.95) <= chance(HOLD, tests)
    assert abs(rates["differences"].value - 0.95) <= chance(HOLD, tests)


@sizes(50, 150)
def test_equal_systems_are_not_told_apart(tests):
    rates = calibrate_ratings(SimulatedDesign(), Population(effects=EQUAL), range(tests))
    assert rates["tests"].value <= 0.05 + chance(ERR, tests)
    assert rates["family"].value <= 0.05 + chance(ANY, tests)


@sizes(30, 80)
@pytest.mark.parametrize(("form", "limits"), [("preference", (-1.0, 1.0)), ("ccr", (-3.0, 3.0))])
def test_strengths_hold_the_truth_and_equal_systems_are_not_told_apart(form, limits, tests):
    design, people = SimulatedDesign(form=form, scale_range=limits), Population(effects=EQUAL, position=0.1)
    rates = calibrate_pairs(design, people, range(tests), true_strengths(design, people, panels=8))
    assert 0.90 <= rates["strengths"].value <= 0.99
    assert rates["tests"].value <= 0.08 and rates["family"].value <= 0.05 + chance(ANY, tests)


@sizes(25, 50)
@pytest.mark.parametrize(
    "design",
    [
        SimulatedDesign(repeats=2, anchors=2),
        SimulatedDesign(form="preference", raters=16, repeats=2, anchors=2, scale_range=(-1.0, 1.0)),
        SimulatedDesign(form="ccr", raters=16, repeats=2, anchors=2, scale_range=(-3.0, 3.0)),
    ],
    ids=lambda design: design.form,
)
def test_careless_raters_are_found_and_attentive_ones_stay(design, tests):
    rates = calibrate_screening(design, Population(effects=SPREAD, careless=0.2), range(tests))
    assert rates["careless"].value >= 0.90
    assert rates["attentive"].value <= 0.06
    assert set(rates) >= {"random", "straight", "pattern", "impatient", "inverted"}


def test_a_share_knows_how_sure_it_is():
    share = Share()
    for hit in [True] * 95 + [False] * 5:
        share.add([hit])
    low, high = share.interval()
    assert (share.value, share.tests) == (0.95, 100)
    assert low == pytest.approx(0.888, abs=0.001) and high == pytest.approx(0.978, abs=0.001)
    assert share.join(share).n == 200 and Share().interval() == (0.0, 1.0)


@pytest.mark.slow
def test_the_benchmark_writes_its_report(tmp_path):
    script = Path(__file__).parents[3] / "benchmarks" / "listening_calibration.py"
    subprocess.run(
        [sys.executable, script, "--tests", "4", "--to", tmp_path], check=True, timeout=280, env={**os.environ}
    )
    report = json.loads((tmp_path / "listening_calibration.json").read_text(encoding="utf-8"))
    assert report["tests"] == 4 and {row["question"] for row in report["rows"]} == {"ratings", "pairs", "screening"}
    assert "| design |" in (tmp_path / "listening_calibration.md").read_text(encoding="utf-8")
