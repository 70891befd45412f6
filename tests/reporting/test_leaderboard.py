"""What a leaderboard counts, compares, marks and remarks."""

from __future__ import annotations

import dataclasses
import json
import math
from pathlib import Path

import numpy as np
import pytest
from made_up_run import full_run, set_run, simple_board, simple_run
from scipy import stats

from songbench.contracts.cards import Dependence, Field, MetricCard, ModelFamily, unavailable
from songbench.domain.score import NotApplicable, Scores
from songbench.domain.song import Failure
from songbench.execution.results import MetricResults, SongId
from songbench.reporting import tables
from songbench.reporting.leaderboard import build_leaderboard
from songbench.reporting.notes import ENOUGH_PROMPTS, SKEWED_COVERAGE

ROOT = Path(__file__).parents[2]
TIMEOUT = Failure("generate", "time-out")


def row(board, name):
    return next(row for row in board.rows if row.system.name == name)


def cell(board, name, column="m@b"):
    return row(board, name).cells[column]


def counts(result):
    return result.n, result.n_not_applicable, result.n_failed, result.n_pending, result.n_possible


class TestCounting:
    def test_every_song_is_accounted_for(self):
        values = [1.0, 3.0, NotApplicable("no vocals"), Failure("score", "crash"), None, None, None]
        unmade = {("s", "p06"): "pending", ("s", "p07"): TIMEOUT}
        board = simple_board({"s": values}, unmade=unmade)
        result = cell(board, "s")
        assert counts(result) == (2, 1, 2, 2, 7)
        assert (result.value, result.n_prompts, result.status, result.partial) == (2, 2, "scored", True)
        assert result.reason == "2 failed (crash; time-out); 1 not applicable (no vocals); 2 pending"
        assert (row(board, "s").n_done, row(board, "s").n_failed, row(board, "s").n_pending) == (5, 1, 1)
        assert row(board, "s").completion == 5 / 7

    @pytest.mark.parametrize(
        ("verdict", "status", "reason"),
        [
            (NotApplicable("silent"), "not applicable", "2 not applicable (silent)"),
            (Failure("feature", "no\nmemory"), "failed", "2 failed (no memory)"),
            (None, "pending", "2 pending"),
        ],
    )
    def test_an_empty_cell_says_why(self, verdict, status, reason):
        result = cell(simple_board({"s": [verdict, verdict], "t": [1.0, 2.0]}), "s")
        assert (result.value, result.low, result.group, result.best) == (None, None, "", False)
        assert (result.status, result.reason) == (status, reason)

    def test_what_can_still_come_outranks_what_failed(self):
        assert cell(simple_board({"s": [None, Failure("score", "x"), NotApplicable("y")]}), "s").status == "pending"
        assert cell(simple_board({"s": [Failure("score", "x"), NotApplicable("y")]}), "s").status == "failed"

    def test_a_verdict_on_a_song_that_failed_since_does_not_count(self):
        result = cell(simple_board({"s": [1.0, 9.0]}, unmade={("s", "p02"): TIMEOUT}), "s")
        assert (result.value, counts(result)) == (1, (1, 0, 1, 0, 2))

    def test_a_field_without_value_is_not_applicable_for_its_reason_and_one_without_weight_failed(self):
        verdict = Scores(values={}, missing={"m": "nothing to count"})
        board = simple_board({"s": [Scores(values={}), verdict, Scores(values={"m": 5.0}, weights={"m": 0.0}), 1.0]})
        assert counts(cell(board, "s")) == (1, 2, 1, 0, 4)
        assert "nothing to count" in cell(board, "s").reason

    def test_weights_give_the_micro_average(self):
        board = simple_board(
            {"s": [Scores(values={"m": 0.5}, weights={"m": 10}), Scores(values={"m": 0.0}, weights={"m": 90})]}
        )
        assert cell(board, "s").value == pytest.approx(0.05)

    def test_failures_are_listed_with_place_and_cause(self, board):
        listed = [(f.system, f.prompt, f.take, f.stage, f.metric, f.cause) for f in board.failures]
        assert listed == [
            ("yue_7b", "p03", 0, "generate", "", "time-out after 600 s"),
            ("yue_7b", "p06", 0, "generate", "", "time-out after 600 s"),
            ("rulebased", "p03", 0, "feature", "per@whisper-base-stem", "stem separation ran out of memory help"),
            ("rulebased", "p03", 1, "feature", "per@whisper-base-stem", "stem separation ran out of memory help"),
            ("silence", None, None, "score", "fad@musicnn", "the embeddings do not vary"),
        ]

    def test_unavailable_metrics_are_listed_and_have_no_column(self, board):
        assert [(gap.metric.id, gap.cure) for gap in board.unavailable] == [
            ("mcc@muq-mulan", "songbench setup muq-mulan")
        ]
        assert "mcc@muq-mulan" not in {column.name for column in board.columns}

    def test_a_metric_that_became_unavailable_keeps_what_it_said(self):
        run = simple_run({"s": [1.0, 2.0]})
        missing = dataclasses.replace(run.metrics[0], availability=unavailable("deleted", "fetch it"))
        board = build_leaderboard(dataclasses.replace(run, metrics=(missing,)), replicates=10)
        assert cell(board, "s").value == 1.5 and not board.unavailable


class TestEstimates:
    def test_interval_holds_the_value_and_needs_two_prompts(self):
        two = cell(simple_board({"s": [1.0, 2.0]}), "s")
        assert two.low <= two.value <= two.high
        single = cell(simple_board({"s": [1.0]}), "s")
        assert (single.value, single.low, single.high) == (1, None, None)

    def test_two_metrics_with_the_same_field_and_backend_stay_apart(self):
        run = simple_run({"s": [1.0, 2.0]})
        twin = MetricCard(name="other", backend="b", version="1", fields=run.metrics[0].card.fields, summary="Twin.")
        metrics = (*run.metrics, MetricResults(card=twin, availability=run.metrics[0].availability, songs={}, sets={}))
        board = build_leaderboard(dataclasses.replace(run, metrics=metrics), replicates=10)
        assert [column.name for column in board.columns] == ["m.m@b", "other.m@b"]

    def test_set_metric_is_a_jackknife(self):
        data = np.array([1.0, 4.0, 2.0, 5.0])
        songs = {SongId("s", f"p{i:02d}", 0): "done" for i in range(1, 5)}
        without = {f"p{i + 1:02d}": {"m": float(np.delete(data, i).mean())} for i in range(4)}
        scores = Scores(values={"m": 3.0}, n=4, leave_one_out=without)
        result = cell(build_leaderboard(set_run({"s": scores}, Field("m"), songs)), "s")
        assert (result.low, result.high) == pytest.approx(stats.t.interval(0.95, 3, 3, stats.sem(data)))
        bounded = build_leaderboard(set_run({"s": scores}, Field("m", low=1, high=4), songs))
        assert (cell(bounded, "s").low, cell(bounded, "s").high) == (1, 4)

    def test_a_mean_is_cut_where_its_field_ends(self):
        values = {"s": [0.0, 0.0, 0.0, 4.0, 0.0, 1.0], "t": [100.0, 100.0, 99.0, 100.0, 60.0, 100.0]}
        board = simple_board(values, Field("m", unit="%", direction="lower", low=0, high=100))
        assert cell(board, "s").low == 0 and cell(board, "t").high == 100
        assert all(cell(board, name).low <= cell(board, name).value <= cell(board, name).high for name in "st")

    def test_the_difference_of_two_sets_is_that_of_the_figures_beside_it(self):
        """As two FADs that were printed as 5.97 and 11.48 with a difference of -2.41: the corrected one."""
        songs = {SongId(name, f"p{i:02d}", 0): "done" for name in "st" for i in range(1, 7)}
        sets = {
            "s": Scores(values={"m": 5.97}, n=6, leave_one_out={f"p{i:02d}": {"m": 8.2 + i / 10} for i in range(1, 7)}),
            "t": Scores(values={"m": 5.00}, n=6, leave_one_out={f"p{i:02d}": {"m": 5.1 - i / 9} for i in range(1, 7)}),
        }
        board = build_leaderboard(set_run(sets, Field("m", unit="", direction="lower"), songs))
        (pair,) = board.comparisons
        assert pair.difference == pytest.approx(cell(board, "s").value - cell(board, "t").value)
        assert pair.low <= pair.difference <= pair.high

    def test_a_set_too_small_to_leave_one_out_has_a_figure_without_interval(self):
        songs = {SongId("s", "p01", 0): "done", SongId("s", "p02", 0): "done"}
        scores = Scores(values={"m": 3.0}, n=2, leave_one_out={"p01": {"other": 1.0}, "p02": {"m": 1.0}})
        result = cell(build_leaderboard(set_run({"s": scores}, Field("m"), songs)), "s")
        assert (result.value, result.low, result.high, result.n) == (3.0, None, None, 2)

    def test_songs_of_a_set(self):
        songs = {SongId("s", f"p{i:02d}", 0): "done" for i in range(1, 4)}
        songs |= {SongId("s", "p04", 0): TIMEOUT, SongId("s", "p05", 0): "pending"}
        field = Field("m", unit="", direction="lower")

        def counted(verdict):
            return counts(cell(build_leaderboard(set_run({"s": verdict}, field, songs)), "s"))

        assert counted(Scores(values={"m": 1.0}, n=3)) == (3, 0, 1, 1, 5)
        assert counted(Scores(values={"m": 1.0}, n=2)) == (2, 0, 2, 1, 5)
        assert counted(NotApplicable("too few")) == (0, 3, 1, 1, 5)
        assert counted(Failure("score", "x")) == (0, 0, 4, 1, 5)


class TestComparisons:
    def test_pairs_are_compared_on_common_prompts_and_corrected_per_column(self, board):
        pairs = [pair for pair in board.comparisons if pair.column == "per@whisper-base-stem"]
        assert len(pairs) == 8 * 7 / 2
        shared = {(pair.first, pair.second): pair.n_prompts for pair in pairs}
        assert shared["songbloom", "silence"] == 8  # a lost take is not a lost prompt
        assert shared["songbloom", "rulebased"] == 6
        assert shared["我的模型", "rulebased"] == 5
        assert all(pair.p <= pair.p_adjusted <= min(1, 28 * pair.p) for pair in pairs)
        assert all(pair.significant == (pair.p_adjusted < 0.05) for pair in pairs)

    def test_letters_follow_the_pairs_in_every_column(self, board):
        for pair in board.comparisons:
            letters = [set(cell(board, name, pair.column).group) for name in (pair.first, pair.second)]
            assert all(letters) and bool(letters[0] & letters[1]) == (not pair.significant)

    def test_set_metrics_are_compared_too(self, board):
        assert {pair.column for pair in board.comparisons} >= {"fad@musicnn"}
        assert cell(board, "reference", "fad@musicnn").group == "a"
        assert cell(board, "silence", "fad@musicnn").group == ""

    @pytest.mark.parametrize(("direction", "order"), [("higher", "ab"), ("lower", "ba")])
    def test_direction_decides_who_is_best(self, direction, order):
        values = {"good": [5.0, 5.1, 5.3, 5.2], "bad": [1.0, 1.2, 1.0, 1.1]}
        board = simple_board(values, Field("m", unit="", direction=direction))
        assert cell(board, "good").group + cell(board, "bad").group == order
        assert cell(board, "good").best == (direction == "higher")
        assert cell(board, "good").rank == ((1, 1) if direction == "higher" else (2, 2))

    def test_descriptive_fields_are_never_ranked(self):
        board = simple_board({"s": [1.0, 2.0, 1.0], "t": [9.0, 8.0, 9.0]}, Field("m"))
        assert board.comparisons == ()
        assert {(c.group, c.rank, c.best) for c in (cell(board, "s"), cell(board, "t"))} == {("", None, False)}

    def test_one_common_prompt_is_no_comparison(self):
        gap = NotApplicable("x")
        board = simple_board({"s": [1.0, 2.0, gap], "t": [gap, 2.0, 3.0]})
        assert board.comparisons == () and cell(board, "s").group == ""


class TestBest:
    def test_ties_as_printed_are_all_best(self):
        board = simple_board({"s": [1.001, 1.0], "t": [1.0, 1.002], "u": [0.5, 0.5]})
        assert [cell(board, name).best for name in "stu"] == [True, True, False]

    def test_sanity_systems_never(self):
        board = simple_board({"anchor": [9.0, 9.0], "s": [1.0, 2.0], "t": [0.0, 1.0]}, sanity=["anchor"])
        assert not cell(board, "anchor").best and cell(board, "anchor").rank is None
        assert cell(board, "s").best

    @pytest.mark.parametrize("changed", [None, NotApplicable("language")])
    def test_nobody_wins_a_race_of_one(self, changed):
        board = simple_board({"anchor": [0.0, 0.5], "s": [1.0, 2.0], "t": [changed, changed]}, sanity=["anchor"])
        assert not cell(board, "s").best and not any("marked best" in note for note in board.notes)
        assert "★" not in tables.to_text(board)

    def test_not_by_failing_on_the_hard_prompts(self):
        board = simple_board({"s": [9.0, None, 9.0], "t": [5.0, 1.0, 5.0]}, unmade={("s", "p02"): TIMEOUT})
        assert not cell(board, "s").best and cell(board, "t").best

    def test_prompts_that_suit_no_competitor_do_not_matter(self):
        gap = NotApplicable("language")
        board = simple_board({"s": [9.0, gap, 9.0], "t": [5.0, gap, 5.0]})
        assert cell(board, "s").best and cell(board, "s").partial

    def test_nobody_when_no_competitor_covers_the_others(self):
        gap = NotApplicable("x")
        board = simple_board({"s": [9.0, gap, 9.0], "t": [5.0, 5.0, gap]})
        assert not cell(board, "s").best and not cell(board, "t").best
        assert any(note.startswith("m@b: no competitor covers") for note in board.notes)


class TestOrder:
    def test_competitors_as_asked_then_sanity_as_asked(self, board):
        names = [row.system.name for row in board.rows]
        assert names[:4] == ["songbloom", "yue_7b", "我的模型", "rulebased"]
        assert names[4:] == ["silence", "noise", "copy_prompt", "reference"]

    def test_order_on_disk_does_not_matter(self, run, board):
        shuffled = dataclasses.replace(
            run,
            songs=dict(reversed(run.songs.items())),
            metrics=tuple(
                dataclasses.replace(
                    metric, songs=dict(reversed(metric.songs.items())), sets=dict(reversed(metric.sets.items()))
                )
                for metric in run.metrics
            ),
        )
        assert build_leaderboard(shuffled, replicates=500) == board

    def test_seed_and_confidence_matter(self, run, board):
        assert build_leaderboard(run, replicates=500, seed=1) != board
        narrow = build_leaderboard(run, replicates=500, confidence=0.5)
        per = "per@whisper-base-stem"
        assert cell(narrow, "songbloom", per).low > cell(board, "songbloom", per).low
        assert narrow.level == 0.5

    def test_a_run_without_songs_is_a_leaderboard_too(self):
        run = dataclasses.replace(simple_run({"s": [1.0]}), songs={})
        board = build_leaderboard(run)
        assert board.rows[0].completion is None and counts(cell(board, "s")) == (0, 0, 0, 0, 0)


class TestNotes:
    def test_suite_notes_come_first(self, board):
        assert board.notes[0] == "Prompts are synthetic."

    def test_a_column_that_copying_wins_is_named(self, board):
        note = next(note for note in board.notes if "copy_prompt" in note and "ahead of" in note)
        assert "similarity@musicnn (0.970 with copied 1.00; best competitor songbloom: 0.727)" in note
        assert "per@" not in note

    def test_no_remark_when_competitors_lead(self):
        board = simple_board({"anchor": [1.0, 1.0], "s": [2.0, 2.0]}, sanity=["anchor"])
        assert not any("ahead of" in note for note in board.notes)

    def test_gaps_are_told(self, board):
        assert any(note.startswith("yue_7b failed to make 2 of 16 songs: time-out after 600 s") for note in board.notes)
        assert any(note.startswith("我的模型: 2 of 16 songs are not made yet") for note in board.notes)
        assert any(note.startswith("fad@musicnn rests on sets of different sizes") for note in board.notes)

    def test_stand_in_backends_are_named(self, board):
        note = next(note for note in board.notes if "stand-in" in note)
        assert note.startswith(
            "Measured with stand-in backends: per@whisper-base-stem, similarity@musicnn, fad@musicnn."
        )
        assert "rtf" not in note and "audio" not in note and "mcc" not in note

    def test_a_method_without_a_model_stands_in_for_no_model(self):
        note = next(note for note in simple_board({"s": [1.0]}).notes if note.startswith("Measured"))
        assert note.startswith("Measured by methods of their own: m@b. Compare") and "stand-in" not in note

    @pytest.mark.parametrize(
        ("count", "words"), [(1, "A single prompt"), (4, "Only 4 prompts"), (6, "Intervals rest on 6"), (20, "")]
    )
    def test_few_prompts_are_told(self, count, words):
        board = simple_board({"s": [float(i) for i in range(count)]})
        assert (
            any(note.startswith(words) for note in board.notes)
            if words
            else not any("prompts" in note for note in board.notes)
        )

    def test_few_prompts_behind_a_single_cell_are_told_too(self):
        gap = NotApplicable("language")
        board = simple_board({"s": [float(i) for i in range(25)], "t": [1.0, 2.0, 4.0, *[gap] * 22]})
        assert any(note.startswith("Intervals rest on 3 prompts at the least") for note in board.notes)

    def test_what_is_said_of_intervals_on_few_prompts_was_measured(self):
        rows = json.loads((ROOT / "results/leaderboard_calibration.json").read_text(encoding="utf-8"))["intervals"]
        for prompts, percent in SKEWED_COVERAGE.items():
            holding = [row["coverage"] for row in rows if row["prompts"] == prompts]
            assert percent == math.floor(100 * min(holding)), prompts
        assert {row["prompts"] for row in rows if row["wanted"] is None} == set(SKEWED_COVERAGE)
        assert min(row["coverage"] for row in rows if row["prompts"] >= ENOUGH_PROMPTS) >= 0.93

    def test_a_difference_that_turns_on_common_prompts_is_told(self):
        gap = NotApplicable("language")
        hard = [1.0, 1.1, 1.2, 1.0, 1.1, 1.2, 1.0, 1.1]
        board = simple_board({"s": [v + 0.5 + v / 50 for v in hard] + [gap] * 8, "t": hard + [9.0 + v for v in hard]})
        assert cell(board, "s").value < cell(board, "t").value
        note = next(note for note in board.notes if "the other way" in note)
        assert note.startswith("m@b: on the 8 prompts that both were scored on, s differs from t by +0.5")

    def test_a_constant_difference_that_no_letter_shows_is_told(self):
        scores = {
            "truth": [100.0] * 6,
            "quiet": [0.0] * 6,
            "s": [60.0, 70.0, 65.0, 62.0, 71.0, 66.0],
            "t": [61.0, 68.0, 66.0, 60.0, 70.0, 67.0],
        }
        board = simple_board(scores)
        shared = set(cell(board, "truth").group) & set(cell(board, "quiet").group)
        (note,) = (note for note in board.notes if "same on all" in note)
        assert shared and "truth and quiet (100.00)" in note and "m@b: " in note
        assert "all 6 prompts" in note and "0.031" in note and " and s" not in note

    @pytest.mark.parametrize(
        "scores",
        [
            {"s": [1.0] * 6, "t": [1.0] * 6, "u": [1.0] * 6},  # no difference
            {"s": [1.0] * 6, "t": [2.0] * 6},  # one pair: 0.031 is enough
            {"s": [1.0, 2.0, 4.0, 3.0, 2.0, 1.0], "t": [1.5, 2.0, 4.1, 3.0, 2.9, 1.0], "u": [1.0] * 6},  # spread
        ],
    )
    def test_of_other_differences_nothing_of_the_kind_is_said(self, scores):
        assert not any("same on all" in note for note in simple_board(scores).notes)


def test_frame_holds_every_cell(board):
    frame = board.to_frame()
    assert len(frame) == len(board.rows) * len(board.columns)
    rest = frame[["n", "n_not_applicable", "n_failed", "n_pending"]].sum(axis=1)
    assert (rest == frame["n_possible"]).all() and (frame["n_possible"] == 16).all()
    assert not frame[frame["direction"] == "none"]["best"].any()


def test_scores_without_leave_one_out_have_no_interval():
    songs = {SongId(name, f"p{i:02d}", 0): "done" for name in "st" for i in range(1, 4)}
    sets = {name: Scores(values={"m": 1.0}, n=3) for name in "st"}
    board = build_leaderboard(set_run(sets, Field("m", unit="", direction="lower"), songs))
    assert (cell(board, "s").value, cell(board, "s").low, board.comparisons) == (1, None, ())


def test_large_runs_take_seconds():
    board = build_leaderboard(full_run(40, 2))
    assert len(board.rows) == 8


class TestLevels:
    def test_chance_and_self_are_told_with_the_figure_they_belong_to(self):
        fields = tuple(
            Field(name, unit="", direction="none" if "_" in name else "higher", headline="_" not in name, decimals=2)
            for name in ("m", "m_chance", "m_self")
        )
        run = simple_run({"s": [1.0, 2.0], "t": [1.0, 2.0]})
        card = MetricCard(name="m", backend="b", version="1", fields=fields, summary="Made up.", hears=("style",))
        verdicts = {
            song: Scores(values={"m": 0.8, "m_chance": 0.2 if song.system == "s" else 0.25, "m_self": 0.9})
            for song in run.songs
        }
        results = (dataclasses.replace(run.metrics[0], card=card, songs=verdicts),)
        notes = build_leaderboard(dataclasses.replace(run, metrics=results), replicates=10).notes
        assert "m@b: read it beside 0.20 to 0.25 by chance, 0.90 for the prompt and the song it was cut from." in notes

    def test_a_recogniser_s_floor_is_told_where_the_references_entered(self):
        run = simple_run({"s": [1.0, 2.0], "reference": [0.25, 0.75]}, Field("m", unit="%", direction="lower"))
        ceiling = dataclasses.replace(run.systems[1], sanity=True, ceiling=True)
        card = dataclasses.replace(run.metrics[0].card, hears=("words",))
        results = (dataclasses.replace(run.metrics[0], card=card),)
        board = build_leaderboard(
            dataclasses.replace(run, systems=(run.systems[0], ceiling), metrics=results), replicates=10
        )
        assert any(
            "counts the recogniser's errors too: read it against 0.50 for reference" in note for note in board.notes
        )

    def test_a_metric_says_whom_it_cannot_judge(self):
        run = simple_run({"mine": [1.0, 2.0], "mine:large": [1.0, 2.0], "other": [1.0, 2.0]})
        models = (ModelFamily("judge"), ModelFamily("absent"))
        card = dataclasses.replace(run.metrics[0].card, models=models)
        dependences = (Dependence("judge", "conditioned on its model"), Dependence("another", "tuned to it"))
        systems = tuple(
            dataclasses.replace(system, depends_on=dependences if system.name.startswith("mine") else ())
            for system in run.systems
        )
        results = (dataclasses.replace(run.metrics[0], card=card),)
        board = build_leaderboard(dataclasses.replace(run, systems=systems, metrics=results), replicates=10)
        notes = [note for note in board.notes if "fairly" in note]
        assert notes == ["m@b does not judge mine, mine:large fairly: conditioned on its model."]
