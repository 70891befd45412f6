"""A run's name stands for one question: it grows, or says why it cannot; and it can be found from any folder."""

import contextlib
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile

import songbench
from songbench.domain.errors import InputError
from songbench.execution.config import plan_experiment
from songbench.execution.gather import gather
from songbench.execution.record import RECORD, read_record
from songbench.execution.recorded import recorded
from songbench.execution.run_names import continued
from songbench.execution.store import Store

INLINE = ["engine=inline", "statistics.replicates=100"]


@pytest.fixture(autouse=True)
def working_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write_suite(path="small.jsonl", count=2, **fields):
    rows = [{"suite": "small", "version": "1"}]
    rows += [{"id": f"p{i}", "lyrics": "[verse]\nla la la", "seconds": 0.2, **fields} for i in range(count)]
    Path(path).parent.mkdir(exist_ok=True)
    Path(path).write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def options(systems=("probe",), metrics=("level@probe",), overrides=(), **more):
    selection = {"suite": "small.jsonl", "systems": list(systems), "metrics": list(metrics), "store": "store"}
    return {**selection, "runs": "runs", "overrides": [*INLINE, *overrides], **more}


def run(replace=False, **more):
    return songbench.run(replace=replace, **options(**more)).leaderboard()


@pytest.fixture(scope="module")
def made_once(tmp_path_factory):
    folder = tmp_path_factory.mktemp("project")
    with contextlib.chdir(folder):
        write_suite()
        run()
    return folder


@pytest.fixture
def project(working_folder, made_once):
    """A suite in the working folder, and the plain run of it."""
    shutil.copytree(made_once, working_folder, dirs_exist_ok=True)


def remarks(**more):
    return " ".join(continued(plan_experiment(**options(**more))).remarks)


def cells(board):
    return {(row.system.name, name) for row in board.rows for name in row.cells}


def refused(difference, replace=False, **more):
    with pytest.raises(InputError) as caught:
        run(replace, **more)
    assert difference in str(caught.value), caught.value
    assert "--name OTHER keeps both; --replace starts this run anew" in str(caught.value)


def test_the_same_question_is_the_same_run():
    write_suite()
    first = run()
    assert not remarks()
    assert cells(run()) == cells(first)


def test_more_systems_metrics_and_takes_are_added_and_said(project):
    selection = {"systems": ("silence",), "metrics": ("spread@probe",), "takes": 2}
    text = remarks(**selection)
    assert "adds to the run 'small': system silence, metric spread@probe, takes 1 → 2" in text
    assert "keeps what it has besides: system probe, metric level@probe (--name OTHER makes another run)" in text
    with pytest.warns(UserWarning, match="adds to the run 'small': system silence"):
        board = run(**selection)
    assert cells(board) == {(s, m) for s in ("probe", "silence") for m in ("level@probe", "spread@probe")}
    assert {row.n_asked for row in board.rows} == {4}
    record = read_record(Path("runs/small") / RECORD)
    assert record["config"]["systems"] == ["probe", "silence"], "what was first stays first"
    assert record["config"]["metric"]["select"] == ["level@probe", "spread@probe"]


def test_fewer_systems_metrics_and_takes_take_nothing_away():
    write_suite()
    board = run(systems=("probe", "silence"), metrics=("level@probe", "spread@probe"), takes=2)
    text = remarks(systems=("silence",))
    assert "adds" not in text
    assert "keeps what it has besides: system probe, metric spread@probe, takes 2" in text
    assert cells(run(systems=("silence",))) == cells(board)


def test_a_system_keeps_the_parameters_it_entered_with():
    write_suite()
    run(systems=("probe:loud",), overrides=["system.probe.gain=0.2"])
    board = run(systems=("silence",))
    assert {row.system.name: row.cells["level@probe"].value for row in board.rows}["loud"] > 0.1
    refused("system loud: gain 0.2 → 0.1", systems=("probe:quiet",))


@pytest.mark.parametrize(
    ("difference", "more"),
    [
        ("seed: 0 → 1", {"seed": 1}),
        ("system probe: gain 0.1 → 0.2", {"overrides": ["system.probe.gain=0.2"]}),
        ('metric level@probe: silent_on (default) → "p1"', {"overrides": ["metric.level.silent_on=p1"]}),
        ("statistics: confidence 0.95 → 0.9", {"overrides": ["statistics.confidence=0.9"]}),
        ("the system 'probe' was probe and is imported", {"systems": ("imported:probe=audio",)}),
    ],
)
def test_another_question_is_refused_and_nothing_is_touched(project, difference, more):
    Path("audio").mkdir()
    before = {path: path.read_bytes() for path in Path("runs").rglob("*") if path.is_file()}
    refused(difference, **more)
    assert {path: path.read_bytes() for path in Path("runs").rglob("*") if path.is_file()} == before
    assert cells(run(name="other", **more)), "another name takes it"


@pytest.mark.parametrize(
    ("difference", "count", "fields"),
    [
        ("prompts added in the suite: p2", 3, {}),
        ("prompts gone in the suite: p1", 1, {}),
        ("prompts changed in the suite: p0, p1", 2, {"style": "slow"}),
    ],
)
def test_another_suite_of_the_same_name_is_refused(project, difference, count, fields):
    refused(difference, suite=write_suite("elsewhere/small.jsonl", count, **fields))


def test_another_version_of_a_system_or_metric_is_refused(project, monkeypatch):
    import dataclasses

    import songbench_probe

    monkeypatch.setattr(songbench_probe.Level, "card", dataclasses.replace(songbench_probe.Level.card, version="2"))
    refused("metric level@probe: version 1 → 2")


def test_replaced_imported_audio_is_refused_and_added_audio_is_not():
    def write(name, gain):
        soundfile.write(f"audio/{name}.wav", gain * np.sin(np.arange(1600.0)), 8000)

    write_suite()
    Path("audio").mkdir()
    write("p0", 0.1)
    systems = ("imported:suno=audio",)
    assert run(systems=systems).rows[0].n_done == 1
    write("p1", 0.1)
    assert run(systems=systems).rows[0].n_done == 2, "what failed for want of a file is mended"
    write("p0", 0.2)
    refused("system suno: other audio for p0/0", systems=systems)
    assert run(True, systems=systems).rows[0].n_done == 2


def test_replacing_starts_the_folder_anew_and_puts_answers_of_people_aside():
    write_suite()
    run(systems=("probe", "silence"), metrics=("level@probe", "spread@probe"))
    folder = Path("runs/small")
    (folder / "listening").mkdir()
    (folder / "listening/test.json").write_text("{}")
    (folder / "notes.txt").write_text("mine")
    songs = len(list(Path("store/records/songs").rglob("*.json")))
    board = run(True, seed=1)
    assert cells(board) == {("probe", "level@probe")}
    assert (folder / "listening/replaced/test.json").exists() and (folder / "notes.txt").exists()
    assert {path.name for path in (folder / "figures").iterdir()} == {"level-probe.png", "level-probe.svg"}
    assert len(list(Path("store/records/songs").rglob("*.json"))) == songs + 2, "the store keeps what it had"


def test_a_damaged_record_is_written_anew():
    write_suite()
    run(systems=("probe", "silence"))
    (Path("runs/small") / RECORD).write_text("{")
    assert "cut or unreadable" in remarks() and "is written anew" in remarks()
    assert cells(run()) == {("probe", "level@probe")}


def test_a_run_is_found_from_any_folder_and_wherever_the_project_moved(working_folder, monkeypatch):
    write_suite("suites/small.jsonl")
    Path("audio").mkdir()
    soundfile.write("audio/p0.wav", 0.1 * np.sin(np.arange(1600.0)), 8000)
    selection = {"systems": ("probe", "imported:suno=audio"), "suite": "suites/small.jsonl"}
    board = run(**selection)
    record = read_record(Path("runs/small") / RECORD)
    assert str(working_folder) not in json.dumps(record["config"]), "as given, without paths of this machine"
    (working_folder / "far/away").mkdir(parents=True)
    monkeypatch.chdir(working_folder / "far/away")
    again, _ = recorded("small", "../../runs")
    assert sum(state == "done" for state in gather(again, Store(again.store)).songs.values()) == 3
    moved = working_folder.parent / f"{working_folder.name}-moved"
    shutil.copytree(working_folder, moved)
    shutil.rmtree(working_folder / "store")
    monkeypatch.chdir(moved / "far")
    plan, _ = recorded("small", "../runs")
    assert sum(state == "done" for state in gather(plan, Store(plan.store)).songs.values()) == 3
    monkeypatch.chdir(moved)
    assert cells(run(systems=("silence",), suite="suites/small.jsonl")) == cells(board) | {("silence", "level@probe")}
    assert read_record(Path("runs/small") / RECORD)["config"]["systems"] == ["probe", "imported:suno=audio", "silence"]
