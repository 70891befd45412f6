"""Simulated raters: whole sessions through the real pages, and the command."""

import json

import numpy as np
import pytest
from made_up import SYSTEMS, made_up_test
from typer.testing import CliRunner

from listening_test.analysis.analyse import analyse
from listening_test.answer_sheets import read_sheets
from listening_test.answers import heard_seconds
from listening_test.collected import collect
from listening_test.commands import app
from listening_test.commands.simulate import parsed_effects
from listening_test.pages import session_pages
from listening_test.prepared import load_key, load_test
from listening_test.simulation.population import CARELESS, Population, spread_effects
from listening_test.simulation.ratings import SimulatedDesign, careless_of, draw
from listening_test.simulation.sheets import simulate
from songbench.domain.errors import InputError

FORMS = ("acr", "preference", "ccr", "multistimulus", "mushra")
EFFECTS = {"alphasinger": 4.0, "betasinger": 3.0, "gammasinger": 2.0}


def population(form, **more):
    if form in ("multistimulus", "mushra"):
        means = {name: 25 * (mean - 1) for name, mean in EFFECTS.items()}
        return Population(effects=means, scale_range=(0.0, 100.0), tie=10.0, fatigue=2.0, **more)
    return Population(effects=EFFECTS, **more)


@pytest.mark.parametrize("form", FORMS)
def test_a_whole_test_comes_out_as_it_was_put_in(tmp_path, form):
    test, key = made_up_test(tmp_path / "t", form, prompts=9, seats=9, traps=2, repeats=2)
    sheets = simulate(test, key, population(form, slip=0.0), 0, raters=9)
    pages = [len(session_pages(test, sheet.seat)) - 1 for sheet in sheets]
    assert [len(sheet.entries) for sheet in sheets] == pages and all(sheet.finished for sheet in sheets)
    assert all(sheet.rater.startswith("simulated-") for sheet in sheets)
    data = collect(test, key, sheets, simulated=True)
    assert data.checks[data.checks["check"] == "trap"]["correct"].all()
    result = analyse(data).scales[0]
    order = result.strengths or result.means
    competitors = [estimate for estimate in order if estimate.competitor]
    figures = [estimate.strength if result.strengths else estimate.mean for estimate in competitors]
    assert [estimate.system for estimate in competitors] == list(SYSTEMS) and figures == sorted(figures, reverse=True)
    assert result.reliability.repeats > 0


def test_sheets_are_plausible_and_depend_on_the_seed_alone(tmp_path):
    test, key = made_up_test(tmp_path / "t", "acr", seconds=4.0, listening={"minimum_seconds": 2.0})
    people = population("acr", careless=0.4, languages={"en": 1.0, "zh": 1.0})
    sheets = simulate(test, key, people, 3, raters=10)
    assert simulate(test, key, people, 3, raters=10) == sheets
    assert simulate(test, key, people, 4, raters=10) != sheets
    assert {sheet.language for sheet in sheets} == {"en", "zh"}
    assert [sheet.seat for sheet in sheets] == [n % len(test.seats) for n in range(10)]
    for sheet in sheets:
        times = [entry.answered for entry in sheet.entries]
        assert times == sorted(times) and sheet.started <= times[0] and sheet.finished == times[-1]
        for entry in sheet.entries:
            for play in entry.answer.get("plays", ()):
                assert heard_seconds(play["ranges"]) >= 1.5
            if "plays" in entry.answer:
                assert entry.answer["seconds"] >= sum(heard_seconds(play["ranges"]) for play in entry.answer["plays"])


def test_careless_raters_fail_what_they_must_fail(tmp_path):
    test, key = made_up_test(tmp_path / "t", "multistimulus", prompts=8, seats=5, traps=2)
    people = population("multistimulus", careless=1.0, slip=0.0)
    data = collect(test, key, simulate(test, key, people, 0, raters=10))
    traps = data.checks[data.checks["check"] == "trap"].groupby("rater")["correct"].all()
    assert traps.sum() == 2  # those who listen and take the scale upside down
    spread = data.ratings.groupby("rater")["value"].std()
    assert (spread < 5).sum() >= 1


def test_not_applicable_is_said_only_where_it_may_be(tmp_path):
    test, key = made_up_test(tmp_path / "t", "acr", prompts=6)
    data = collect(test, key, simulate(test, key, population("acr", not_applicable=0.9), 0, raters=3))
    allowed = {scale.id for scale in test.protocol.scales if scale.not_applicable}
    assert set(data.ratings.loc[data.ratings["answer"] == "na", "scale"]) <= allowed


def test_populations_refuse_what_cannot_be():
    for wrong in ({"careless": 1.5}, {"stable": -0.1}, {"kinds": ("lazy",)}):
        with pytest.raises(InputError, match=next(iter(wrong))):
            Population(effects=EFFECTS, **wrong)


def test_effects_that_are_not_given_are_spread_evenly():
    effects = spread_effects(("a", "b", "c"), (1.0, 5.0), 0)
    assert sorted(effects.values()) == pytest.approx([2.6, 3.0, 3.4])
    assert spread_effects(("a", "b", "c"), (1.0, 5.0), 0) == effects
    many = spread_effects([str(n) for n in range(20)], (0.0, 100.0), 1)
    assert min(many.values()) >= 20 - 1e-6 and max(many.values()) <= 80 + 1e-6


@pytest.mark.parametrize("form", ["acr", "preference", "ccr", "multistimulus"])
def test_the_fast_path_is_balanced_and_repeatable(form):
    limits = {"preference": (-1.0, 1.0), "ccr": (-3.0, 3.0), "multistimulus": (0.0, 100.0)}.get(form, (1.0, 5.0))
    design = SimulatedDesign(
        form=form, raters=10, prompts=12, systems=4, pages=12, repeats=2, anchors=1, scale_range=limits
    )
    effects = dict.fromkeys(design.names, sum(limits) / 2)
    people = Population(effects=effects, scale_range=limits, careless=0.3)
    data = draw(design, people, 5)
    rows = data.pairs if data.protocol.pairwise else data.ratings
    again = draw(design, people, 5)
    assert rows.equals(again.pairs if data.protocol.pairwise else again.ratings)
    test = rows[rows["kind"] == "test"]
    column = "first" if data.protocol.pairwise else "system"
    play_counts = test[test[column].isin(design.names)].groupby(["rater", column]).size().unstack()
    assert play_counts.to_numpy().std() == 0  # every rater hears every system equally often
    assert rows["value"].between(*data.protocol.range("Q0")).all()
    kinds = careless_of(design, people, 5)
    assert sorted(kinds.values()) == sorted(["attentive"] * 7 + list(CARELESS[:3]))


def test_the_panel_has_the_variance_that_was_asked_for():
    people = Population(effects={"s0": 0.0, "s1": 0.0}, scale_range=(-50.0, 50.0), slope=0.0, fatigue=0.0)
    design = SimulatedDesign(raters=60, prompts=60, systems=2, pages=120, scale_range=(-50.0, 50.0))
    from listening_test.simulation.raters import SimulatedRaters

    panel = SimulatedRaters(people, raters=60, items=60, songs=design.names, seed=1)
    index = np.indices((60, 60, 2)).reshape(3, -1)
    values = panel.opinions(*index, np.zeros(7200, dtype=int), np.zeros(7200)).reshape(60, 60, 2)
    assert values.mean(axis=(1, 2)).std() == pytest.approx(np.hypot(0.6, 0.3 / 2**0.5), rel=0.2)
    assert values.mean(axis=(0, 2)).std() == pytest.approx(np.hypot(0.4, 0.35 / 2**0.5), rel=0.2)
    assert values.std() == pytest.approx((0.36 + 0.16 + 0.09 + 0.1225 + 0.64) ** 0.5, rel=0.1)


def run(*words):
    return CliRunner().invoke(app, ["simulate", *map(str, words)])


def test_the_command_writes_sheets_and_says_that_a_program_answered(tmp_path):
    test, _ = made_up_test(tmp_path / "t", "acr", prompts=4)
    result = run(tmp_path / "t", "--raters", 5, "--effects", "alphasinger=4.5", "--careless", 0.2)
    assert result.exit_code == 0 and "A program answered" in result.output and "alphasinger 4.5" in result.output
    path = tmp_path / "t" / "simulated.jsonl"
    data = collect(load_test(test.folder), load_key(test), read_sheets(path), simulated=True)
    assert len(data.raters) == 5 and "A program gave these answers" in " ".join(analyse(data).notes)
    assert json.loads(path.read_text(encoding="utf-8").splitlines()[0])["device"] == "a program, not a person"
    run(
        tmp_path / "t",
        "--raters",
        5,
        "--effects",
        "alphasinger=4.5",
        "--careless",
        0.2,
        "--to",
        tmp_path / "again.jsonl",
    )
    assert (tmp_path / "again.jsonl").read_bytes() == path.read_bytes()


@pytest.mark.parametrize("form", ["acr", "preference", "multistimulus"])
def test_the_command_says_what_a_test_can_resolve(tmp_path, form):
    made_up_test(tmp_path / "t", form, prompts=6)
    result = run(tmp_path / "t", "--plan", "--check", 10, "--raters", 6)
    assert result.exit_code == 0, result.output
    assert "resolvable" in result.output and "a pilot should" in " ".join(result.output.split())
    assert "Checked by 10 simulated tests with 6 raters" in " ".join(result.output.split())
    assert not (tmp_path / "t" / "simulated.jsonl").exists()


def test_effects_of_unknown_systems_are_refused():
    with pytest.raises(InputError, match="Did you mean 'alphasinger'"):
        parsed_effects("alphsinger=3", SYSTEMS)
    with pytest.raises(InputError, match="alphasinger=NUMBER"):
        parsed_effects("alphasinger=high", SYSTEMS)


@pytest.mark.parametrize("mean", ["99", "nan", "-1"])
def test_means_beyond_the_scale_are_refused(mean):
    with pytest.raises(InputError, match="on the scale from 1 to 5"):
        parsed_effects(f"alphasinger={mean}", SYSTEMS, (1.0, 5.0))
