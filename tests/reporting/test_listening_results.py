"""Listening tests beside the metrics: the file, the columns it becomes, and everything that shows them."""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import replace

import pytest
from made_up_run import full_run
from rich.cells import cell_len

from songbench.domain.errors import InputError
from songbench.reporting import export, tables, wording
from songbench.reporting.estimates import Comparison
from songbench.reporting.figures.files import encoded
from songbench.reporting.figures.intervals import columns_with_figure, intervals
from songbench.reporting.leaderboard import build_leaderboard
from songbench.reporting.listening_results import (
    ListeningResult,
    RatedScale,
    RatedSong,
    RatedSystem,
    load_listening_result,
    load_listening_results,
    write_listening_result,
)
from songbench.reporting.report import write_report

VALUES = {"songbloom": 4.21, "yue_7b": 3.4, "我的模型": 3.38, "strangers": 2.0}


def songs(value):
    return tuple(RatedSong(f"p{n:02d}", 0, value + (n - 4) / 10, 6) for n in range(1, 8))


def make_result(**more):
    systems = {
        name: RatedSystem(
            value=value,
            low=value - 0.3,
            high=value + 0.3,
            n_ratings=42,
            n_raters=6,
            n_items=7,
            group="a" if value > 4 else "b",
            rank=(1, 1),
            songs=songs(value),
        )
        for name, value in VALUES.items()
    }
    pair = Comparison(
        first="songbloom",
        second="yue_7b",
        n_prompts=7,
        difference=0.81,
        low=0.3,
        high=1.3,
        p=0.002,
        p_flip=None,
        p_adjusted=0.004,
        significant=True,
    )
    untested = Comparison(
        first="songbloom",
        second="strangers",
        n_prompts=7,
        difference=2.2,
        low=None,
        high=None,
        p=0.001,
        p_flip=0.01,
        p_adjusted=0.001,
        significant=True,
    )
    scale = RatedScale(
        id="MUS-V",
        description="How musical the voice is.",
        unit="1–5",
        direction="higher",
        low=1,
        high=5,
        decimals=2,
        systems=systems,
        comparisons=(pair, untested),
    )
    facts = {
        "test": "songbloom-pilot", "form": "acr", "run": "demo", "simulated": False, "raters": 6, "confidence": 0.95,
        "protocol_digest": "ab" * 32, "test_digest": "cd" * 32, "answered": "2026-01-31", "scales": (scale,),
        "notes": ("Nobody was left out.",),
    }  # fmt: skip
    return ListeningResult(**{**facts, **more})


NAME = "MUS-V@songbloom-pilot"


@pytest.fixture(scope="module")
def board(run):
    return build_leaderboard(run, listening_results=(make_result(),), replicates=100)


class TestFile:
    def test_comes_back_as_it_was_written(self, tmp_path):
        result = make_result()
        path = write_listening_result(result, tmp_path)
        assert path == tmp_path / "listening/songbloom-pilot.json"
        assert load_listening_result(path) == result and load_listening_results(tmp_path) == (result,)

    def test_a_simulated_one_lies_beside_the_real_one(self, tmp_path):
        write_listening_result(make_result(), tmp_path)
        write_listening_result(make_result(simulated=True), tmp_path)
        assert [result.name for result in load_listening_results(tmp_path)] == [
            "songbloom-pilot",
            "songbloom-pilot (simulated)",
        ]

    def test_a_run_without_any_has_none(self, tmp_path):
        assert load_listening_results(tmp_path) == ()

    def test_later_versions_may_add_fields(self, tmp_path):
        path = write_listening_result(make_result(), tmp_path)
        value = json.loads(path.read_text())
        value["later"] = value["scales"][0]["later"] = 1
        path.write_text(json.dumps(value))
        assert load_listening_result(path) == make_result()

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            (lambda value: value.update(schema=2), "schema 1"),
            (lambda value: value.pop("test"), "no field 'test'"),
            (lambda value: value.update(simulated="no"), "'simulated'"),
            (lambda value: value["scales"].clear(), "'scales'"),
            (lambda value: value["scales"][0].update(direction="up"), "direction 'up' of scale MUS-V"),
            (lambda value: value["scales"][0]["systems"]["yue_7b"].update(value="4"), "'4' is not a number"),
            (lambda value: value["scales"][0]["systems"]["yue_7b"].update(low=float("nan")), "NaN is not a number"),
            (lambda value: value["scales"][0].update(systems=[]), "songbloom-pilot.json"),
            (lambda value: value["scales"][0]["systems"]["yue_7b"].update(rank=[1]), "songbloom-pilot.json"),
        ],
    )
    def test_a_broken_one_is_named(self, tmp_path, change, message):
        path = write_listening_result(make_result(), tmp_path)
        value = json.loads(path.read_text())
        change(value)
        path.write_text(json.dumps(value))
        with pytest.raises(InputError, match=re.escape(str(path))) as error:
            load_listening_results(tmp_path)
        assert message in str(error.value) and "listen report" in str(error.value)

    def test_half_a_file_and_two_of_one_test_are_named(self, tmp_path):
        path = write_listening_result(make_result(), tmp_path)
        copy = path.with_name("zz-copy.json")
        copy.write_bytes(path.read_bytes())
        with pytest.raises(InputError, match=r"zz-copy\.json.*songbloom-pilot"):
            load_listening_results(tmp_path)
        copy.write_bytes(path.read_bytes()[:100])
        with pytest.raises(InputError, match=r"zz-copy\.json.*not the result"):
            load_listening_results(tmp_path)


class TestColumns:
    def test_they_come_last_and_keep_the_tests_own_figures(self, board):
        column = board.columns[-1]
        assert (column.name, column.kind, column.ranked) == (NAME, "panel", True)
        assert (column.field.low, column.field.high, column.field.decimals) == (1, 5, 2)
        cell = next(row for row in board.rows if row.system.name == "songbloom").cells[NAME]
        assert (cell.value, cell.low, cell.high, cell.group, cell.rank) == (4.21, 4.21 - 0.3, 4.21 + 0.3, "a", (1, 1))
        assert (cell.n, cell.n_prompts, cell.n_raters, cell.n_ratings, cell.partial) == (7, 7, 6, 42, False)
        assert len(cell.points) == 7 and cell.best

    def test_counts_add_up(self, board):
        for row in board.rows:
            cell = row.cells[NAME]
            assert cell.n + cell.n_not_applicable + cell.n_failed + cell.n_pending == cell.n_possible

    def test_a_system_that_was_not_heard_has_no_number(self, board):
        cell = next(row for row in board.rows if row.system.name == "rulebased").cells[NAME]
        assert cell.status == "not applicable" and "not in this listening test" in cell.reason

    def test_only_pairs_of_the_run_are_compared(self, board):
        pairs = [pair for pair in board.comparisons if pair.column == NAME]
        assert [(pair.first, pair.second, pair.p_flip) for pair in pairs] == [("songbloom", "yue_7b", None)]

    def test_the_best_is_best_as_printed_and_on_all_songs(self, run):
        def best(**values):
            systems = {
                n: RatedSystem(value=v, low=None, high=None, n_ratings=6, n_raters=6, n_items=items, songs=())
                for n, (v, items) in values.items()
            }
            scale = replace(make_result().scales[0], systems=systems, comparisons=())
            board = build_leaderboard(run, listening_results=(make_result(scales=(scale,)),), replicates=10)
            return {row.system.name for row in board.rows if row.cells[NAME].best}

        assert best(songbloom=(4.0, 7), yue_7b=(3.0, 7)) == {"songbloom"}
        assert best(songbloom=(4.001, 7), yue_7b=(4.0, 7)) == {"songbloom", "yue_7b"}
        assert best(songbloom=(5.0, 3), yue_7b=(3.0, 7)) == {"yue_7b"}
        assert best(reference=(5.0, 7), yue_7b=(3.0, 7), songbloom=(2.0, 7)) == {"yue_7b"}
        assert best(reference=(5.0, 7), yue_7b=(3.0, 7)) == set(), "nobody wins a race of one"

    def test_without_panels_nothing_changes(self, run):
        plain, empty = (
            build_leaderboard(run, replicates=50),
            build_leaderboard(run, listening_results=(), replicates=50),
        )
        assert plain == empty and not plain.has_listening_tests
        text = export.to_json(plain) + export.to_csv(plain) + tables.to_text(plain)
        assert "n_raters" not in text and "listening" not in text


class TestShown:
    @pytest.mark.parametrize("width", [80, 110])
    def test_text_has_raters_and_songs(self, board, width):
        text = tables.to_text(board, width)
        assert max(cell_len(line) for line in text.splitlines()) <= width
        assert re.search(r"songbloom .*4\.21 \[3\.91, 4\.51\] a ★ 6r 7s", text)
        assert "12r 20s" in text and "over raters and songs" in " ".join(text.split())

    def test_notes_name_the_test_what_it_heard_and_who_counted(self, board):
        notes = "\n".join(board.notes)
        assert "listening test, acr, 6 raters after screening, last answer 2026-01-31, protocol abababababab" in notes
        assert "also heard strangers" in notes and "songbloom-pilot: Nobody was left out." in notes

    def test_people_are_no_stand_in(self, board):
        message = next(note for note in board.notes if "stand-in" in note)
        assert "listening" not in message

    def test_markdown_and_latex(self, board):
        text = tables.to_markdown(board)
        assert f"| {NAME}<br>1–5 ↑ |" in text and "**4.21** [3.91, 4.51] a ★ 6r 7s" in text.replace("\\", "")
        assert "**listening@songbloom-pilot** (version abababababab)" in text
        assert re.search(
            r"\| songbloom \| yue_7b \| 7 \| 0\.81 \[0\.30, 1\.30\] \| 0\.002 \|  \| \*\*0\.004\*\* \|", text
        )
        latex = tables.to_latex(board)
        assert r"\textbf{4.21}" in latex and "(6r 7s)" in latex and latex.count("{") == latex.count("}")

    def test_csv_and_json(self, board):
        rows = {(row["column"], row["system"]): row for row in csv.DictReader(io.StringIO(export.to_csv(board)))}
        row = rows[NAME, "songbloom"]
        assert (row["kind"], row["n_raters"], row["n_ratings"], row["backend"]) == (
            "panel",
            "6",
            "42",
            "songbloom-pilot",
        )
        assert rows["per@whisper-base-stem", "songbloom"]["n_raters"] == "0"
        assert rows[NAME, "rulebased"]["status"] == "not applicable"
        value = json.loads(export.to_json(board))
        cells = next(row for row in value["rows"] if row["system"]["name"] == "songbloom")["cells"]
        assert cells[NAME]["n_raters"] == 6 and "n_raters" not in cells["per@whisper-base-stem"]
        scores = list(csv.DictReader(io.StringIO(export.scores_to_csv(board))))
        assert sum(row["column"] == NAME for row in scores) == 21

    def test_figures(self, board, tmp_path):
        column = board.columns[-1]
        assert column in columns_with_figure(board)
        names = {path.name for path in write_report(board, tmp_path)}
        assert "MUS-V-songbloom-pilot.png" in names

    def test_simulated_answers_say_so_in_every_place(self, run):
        board = build_leaderboard(run, listening_results=(make_result(simulated=True),), replicates=10)
        name = f"{NAME} (simulated)"
        assert board.columns[-1].name == name
        assert any(note.startswith("SIMULATED: the columns @songbloom-pilot (simulated)") for note in board.notes)
        assert not any("stand-in" in note and "listening" in note for note in board.notes)
        text = tables.to_text(board)
        assert "(simulated)" in text and name in export.to_csv(board) and name in export.to_json(board)
        assert "program that simulates raters" in tables.to_markdown(board)
        assert name in [column.name for column in wording.headline_columns(board)]

    def test_a_test_of_pairs_has_no_songs(self, run):
        systems = {
            n: RatedSystem(value=v - 3, low=None, high=None, n_ratings=40, n_raters=6, n_items=7, group="a")
            for n, v in VALUES.items()
        }
        scale = replace(make_result().scales[0], unit="log-odds", low=None, high=None, systems=systems)
        board = build_leaderboard(
            run, listening_results=(make_result(form="preference", scales=(scale,)),), replicates=10
        )
        assert "6r 7s" in tables.to_text(board) and intervals(board, board.columns[-1])


def test_the_same_panels_give_the_same_bytes():
    boards = [build_leaderboard(full_run(), listening_results=(make_result(),), replicates=50) for _ in range(2)]
    assert boards[0] == boards[1]
    images = [encoded(intervals(board, board.columns[-1]), "png") for board in boards]
    assert images[0] == images[1]
