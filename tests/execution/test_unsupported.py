"""Prompts that a system cannot take: planned out and shown, neither made nor failed nor waited for."""

import json

import pytest

from songbench.contracts.registry import PluginError
from songbench.execution.gather import completion, gather
from songbench.execution.plan import Planner
from songbench.execution.record import RECORD, make_record, read_record
from songbench.execution.recorded import stored_songs
from songbench.execution.results import SongId, Unsupported
from songbench.execution.run_folders import summarise
from songbench.execution.runner import Runner
from songbench.execution.store import Store
from songbench.execution.verification import verify
from songbench.reporting import export, tables
from songbench.reporting.leaderboard import build_leaderboard
from songbench.reporting.limits import by_system, sentence

LIMITS = "engine=inline", "system.probe.limits={p1: cannot sing ko, p3: cannot sing ko.}"
ALL = "engine=inline", "system.probe.limits={p0: no words, p1: no words, p2: too long, p3: no words}"


def run(plan):
    store = Store(plan.store)
    outcome = Runner(plan, store).run()
    return gather(plan, store), outcome, store


def counts(part):
    return part.succeeded, part.failed, part.unsupported, part.remaining, part.total


def test_they_are_never_made_and_nothing_waits_for_them(experiment):
    plan = experiment(*LIMITS, systems=("probe", "noise"))
    planner = Planner(plan, Store(plan.store))
    assert planner.generation(plan.systems[0]).missing == 2 and set(planner.unsupported.values()) == {"cannot sing ko"}
    results, outcome, store = run(plan)
    assert not outcome.failed and not store.keys("failures")
    assert len(store.keys("songs")) == 2 + 4
    assert results.songs[SongId("probe", "p1", 0)] == Unsupported("cannot sing ko")
    songs, scores = completion(results)
    assert [counts(part) for part in songs] == [(2, 0, 2, 0, 4), (4, 0, 0, 0, 4)]
    assert [counts(part) for part in scores] == [(6, 0, 2, 0, 8), (2, 0, 0, 0, 2)]
    planner = Planner(plan, store)
    stages = [planner.scoring(plan.metrics[0]), planner.features(plan.metrics[1]), planner.set_scoring(plan.metrics[1])]
    assert [(stage.missing, stage.waiting) for stage in stages] == [(0, 0)] * 3
    assert stored_songs(plan, store)[SongId("probe", "p1", 0)] == (None, None)
    record = read_record(plan.folder / RECORD)
    assert record["unsupported"] == {"probe/p1/0": "cannot sing ko", "probe/p3/0": "cannot sing ko"}
    assert verify(record, plan.folder, store, make_record(plan, planner)).intact
    summary = summarise(plan.folder)
    assert (summary.songs, summary.generated, summary.failed, summary.unsupported) == (8, 6, 0, 2)


def test_the_leaderboard_counts_them_and_says_why(experiment):
    plan = experiment(*LIMITS, "statistics.replicates=100", systems=("probe", "noise"))
    board = build_leaderboard(run(plan)[0], **plan.statistics)
    row, noise = board.rows
    assert (row.n_asked, row.n_done, row.n_failed, row.n_pending, row.n_unsupported) == (4, 2, 0, 0, 2)
    assert row.completion == 0.5 and not board.failures
    for cell in row.cells.values():
        assert (cell.n, cell.n_unsupported, cell.n_possible, cell.reason) == (2, 2, 4, "2 unsupported (cannot sing ko)")
    pair = next(pair for pair in board.comparisons if pair.column == "level@probe")
    assert pair.n_prompts == 2, "common prompts only"
    note = "probe made 2 of 4 songs, 2 unsupported: cannot sing ko (×2). Its numbers rest on the songs it made."
    assert note in board.notes
    assert "- probe: cannot sing ko (2×: p1, p3)" in tables.to_markdown(board)
    value = json.loads(export.to_json(board))
    assert value["rows"][0]["songs"]["unsupported"] == value["rows"][0]["cells"]["level@probe"]["n_unsupported"] == 2
    assert value["unsupported"][0] == {"system": "probe", "prompt": "p1", "take": 0, "reason": "cannot sing ko"}
    assert board.to_frame()["n_unsupported"].tolist() == [2, 2, 0, 0]
    assert noise.n_unsupported == 0 and "unsupported" not in value["rows"][1]["songs"]


def test_a_song_made_before_counts_as_unsupported_all_the_same(experiment):
    results, _, store = run(experiment("engine=inline"))
    assert set(results.songs.values()) == {"done"} and len(store.keys("songs")) == 4
    results, outcome, _ = run(experiment(*LIMITS))
    assert [state for state in results.songs.values() if state != "done"] == [Unsupported("cannot sing ko")] * 2
    assert set(outcome.computed) == {"scores of spread@probe"}, "the set is another one"
    assert len(results.metrics[0].songs) == 2 and results.metrics[1].sets["probe"].n == 2


def test_a_system_that_can_take_nothing_is_a_row_that_says_so(experiment):
    plan = experiment(*ALL, "statistics.replicates=100", systems=("probe", "noise"))
    results, outcome, _ = run(plan)
    board = build_leaderboard(results, **plan.statistics)
    assert {cell.status for cell in board.rows[0].cells.values()} == {"unsupported"} and not outcome.failed
    assert [counts(part) for part in completion(results)[1]] == [(4, 0, 4, 0, 8), (1, 0, 1, 0, 2)]
    text = tables.to_text(board)
    assert "unsupported: the system can take none of the prompts" in text
    assert "probe made 0 of 4 songs, 4 unsupported: no words (×3); too long." in " ".join(text.split())
    (songs,) = by_system(Planner(plan, Store(plan.store)).unsupported).values()
    assert sentence(songs, 4) == "probe: all 4 songs unsupported: no words (×3); too long"


def test_boards_without_them_say_nothing_of_them(experiment):
    plan = experiment("engine=inline", "statistics.replicates=100")
    board = build_leaderboard(run(plan)[0], **plan.statistics)
    texts = [export.to_json(board), export.to_csv(board), tables.to_markdown(board), (plan.folder / RECORD).read_text()]
    assert not any("unsupported" in text for text in texts)


@pytest.mark.parametrize(
    ("limits", "message"),
    [("raise", "failed: RuntimeError: no idea"), ("3", "gave 3 instead of a reason"), ("''", "gave ''")],
)
def test_a_plugin_that_cannot_say_it_is_named(experiment, limits, message):
    plan = experiment("engine=inline", f"system.probe.limits={{p1: {limits}}}")
    with pytest.raises(PluginError, match=rf"'probe' \(songbench-probe 1.0\), asked .* prompt 'p1', {message}"):
        run(plan)
