"""Planning figures, against formulas worked by hand and against simulated tests."""

import math

import pytest
from scipy.stats import t

from listening_test.analysis.power import (
    TYPICAL,
    mean_half_width,
    plan_table,
    resolvable_difference,
    resolvable_preference,
    scaled,
    typical,
)
from listening_test.analysis.results import Components
from listening_test.simulation.power_check import power_of
from listening_test.simulation.ratings import SimulatedDesign
from songbench.domain.errors import InputError

SIZE = {"raters": 12, "items": 20, "pages": 24, "systems": 4}
POINTS = (1.0, 5.0)


def test_a_balanced_design_by_hand():
    """Everybody hears everything: only tastes, luck and residual are left in a difference."""
    sd = Components(rater=9.0, item=9.0, rater_system=0.3, item_system=0.4, residual=0.8)
    parts = [(2 * 0.09 / 10, 9 * 2), (2 * 0.16 / 20, 19 * 2), (2 * 0.64 / 200, (200 - 10 - 20) * 3)]
    total = sum(v for v, _ in parts)
    freedom = total**2 / sum(v**2 / f for v, f in parts)
    expected = math.sqrt(total) * (t.ppf(0.975, freedom) + t.ppf(0.8, freedom))
    difference = resolvable_difference(raters=10, items=20, pages=60, systems=3, scale_range=POINTS, components=sd)
    assert difference == pytest.approx(expected)


def test_more_of_anything_resolves_more():
    base = resolvable_difference(**SIZE, scale_range=POINTS)
    for change in ({"raters": 24}, {"pages": 48}, {"items": 40}):
        assert resolvable_difference(**SIZE | change, scale_range=POINTS) < base
    assert resolvable_difference(**SIZE, scale_range=POINTS, power=0.9) > base
    assert resolvable_difference(**SIZE, scale_range=POINTS, confidence=0.9) < base
    assert resolvable_difference(**SIZE | {"pages": 6}, scale_range=POINTS, per_page=4) == pytest.approx(base)
    few = resolvable_preference(**SIZE | {"pages": 6})
    assert resolvable_preference(**SIZE | {"raters": 48}) < resolvable_preference(**SIZE) < few <= 0.5


def test_figures_stretch_with_the_scale():
    base = resolvable_difference(**SIZE, scale_range=POINTS)
    assert resolvable_difference(**SIZE, scale_range=(0.0, 100.0)) == pytest.approx(25 * base)
    assert typical(POINTS) == TYPICAL and typical((0.0, 100.0)) == scaled(TYPICAL, 25.0)
    assert mean_half_width(**SIZE, scale_range=POINTS) > 0.3  # means vary with raters, differences do not


def test_the_plan_has_a_row_for_every_size():
    common = {"items": 20, "systems": 4, "scale_range": POINTS, "raters": (8, 16), "pages": (12, 24)}
    rows = plan_table(form="acr", **common)
    assert [(row.raters, row.pages) for row in rows] == [(8, 12), (8, 24), (16, 12), (16, 24)]
    assert rows[1].answers_per_song == pytest.approx(8 * 24 / 80)
    assert rows[1].resolvable == resolvable_difference(raters=8, items=20, pages=24, systems=4, scale_range=POINTS)
    compared = plan_table(form="preference", **common)
    assert compared[0].mean_half_width is None and compared[0].resolvable <= 0.5
    assert plan_table(form="ccr", **common)[3].resolvable < plan_table(form="ccr", **common)[0].resolvable


@pytest.mark.parametrize("change", [{"raters": 1}, {"items": 1}, {"systems": 1}, {"pages": 0}])
def test_sizes_that_allow_no_test_are_refused(change):
    with pytest.raises(InputError, match=next(iter(change))):
        resolvable_difference(**SIZE | change, scale_range=POINTS)
    with pytest.raises(InputError):
        resolvable_preference(**SIZE | change)


@pytest.mark.parametrize(
    "design",
    [
        SimulatedDesign(),
        SimulatedDesign(form="preference", scale_range=(-1.0, 1.0)),
        SimulatedDesign(form="multistimulus", prompts=10, pages=10, scale_range=(0.0, 100.0)),
    ],
    ids=lambda design: design.form,
)
def test_simulated_tests_find_what_planning_says(design):
    """0.8 is planned; 40 simulated tests tell it to about 0.13 (two standard errors)."""
    power, difference = power_of(design, tests=40)
    assert 0.66 <= power <= 0.94
    assert difference > 0
