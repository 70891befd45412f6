"""``songbench remove`` and ``songbench gc``."""

import io
import json
import shutil

import pytest

PROBE = ["--systems", "probe,silence", "--metrics", "level@probe"]


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    """A folder with two runs on one store: the second has a system more."""
    import command_here

    folder = tmp_path_factory.mktemp("runs")
    rows = [{"suite": "small", "version": "1"}, {"id": "p0", "lyrics": "[verse]\nla la la", "seconds": 0.2}]
    (folder / "small.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    for name, systems in (("first", "probe"), ("second", "probe,silence")):
        words = ["--suite", "small.jsonl", "--systems", systems, "--metrics", "level@probe", "--name", name]
        words += ["--store", "store", "--runs", "runs", "--set", "engine=inline", "--quiet"]
        process = command_here.run(["run", *words], cwd=folder)
        assert process.returncode == 0, process.stderr
    return folder


@pytest.fixture
def folder(original, tmp_path):
    """A copy of it."""
    return shutil.copytree(original, tmp_path, dirs_exist_ok=True)


@pytest.fixture
def command(songbench_here, folder):
    return lambda *words: songbench_here(*words, folders=False)


@pytest.fixture
def store(folder):
    """A function that gives what is stored."""
    return lambda: {path: path.read_bytes() for path in (folder / "store").rglob("*") if path.is_file()}


def test_removing_a_run_leaves_the_store_and_foreign_files(command, folder, store):
    before, run = store(), folder / "runs/first"
    (run / "listening").mkdir()
    (run / "listening/mos.json").write_text("{}")
    (run / "notes.txt").write_text("mine")
    process = command("remove", "first", "--yes", "--runs", "runs")
    assert process.returncode == 0, process.stderr
    assert process.stdout == "removed the run 'first'\n"
    removals, left = process.stderr.splitlines()
    assert "leaderboard.md" in removals and "mos.json" not in removals
    assert left.endswith(": listening/mos.json, notes.txt")
    assert sorted(path.name for path in run.rglob("*")) == ["listening", "mos.json", "notes.txt"]
    process = command("remove", "second", "--yes", "--runs", "runs")
    assert process.returncode == 0 and "that no other run of the folder needs (songbench gc)" in process.stderr
    assert not (folder / "runs/second").exists()
    assert store() == before
    words = ["--suite", "small.jsonl", "--systems", "probe", "--metrics", "level@probe", "--name", "first"]
    again = command("run", *words, "--store", "store", "--runs", "runs", "--set", "engine=inline")
    assert "nothing to compute" in again.stderr


@pytest.mark.parametrize(("answer", "code", "removed"), [("y\n", 0, True), ("n\n", 0, False), ("", 2, False)])
def test_removing_asks(songbench, folder, answer, code, removed):
    process = songbench("remove", "first", "--runs", "runs", folders=False, input=answer)
    assert process.returncode == code
    assert "Remove the run 'first'?" in process.stderr and ("--yes" in process.stderr) == (code == 2)
    assert (folder / "runs/first").exists() != removed


def test_a_run_or_a_system_has_to_be_named(command):
    for words in ([], ["first", "--system", "probe"]):
        process = command("remove", *words, "--runs", "runs")
        assert process.returncode == 2 and "Name a run, or a system" in process.stderr


def test_a_system_that_runs_rest_on_is_removed_only_when_that_is_said(command, folder, store):
    before, words = store(), ["remove", "--system", "probe", "--store", "store", "--runs", "runs"]
    process = command(*words)
    assert process.returncode == 2 and "Runs rest on it: first, second." in process.stderr
    assert "songs" in process.stdout and "to be freed" in process.stdout
    assert store() == before
    process = command(*words, "--yes")
    assert process.returncode == 0 and "removed what was stored of 'probe'" in process.stdout
    assert 0 < len(store()) < len(before)
    wrong = command("remove", "--system", "silenc", "--store", "store", "--runs", "runs")
    assert wrong.returncode == 2 and "Did you mean 'silence'?" in wrong.stderr
    empty = command("remove", "--system", "probe", "--store", "elsewhere", "--runs", "runs")
    assert empty.returncode == 2 and "There is nothing in the store 'elsewhere'" in empty.stderr


def test_what_no_run_needs_is_shown_and_removed(command, folder, store, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO())
    before, words = store(), ["gc", "--store", "store", "--runs", "runs"]
    process = command(*words, "--yes")
    assert process.returncode == 0 and "Runs need everything that is stored." in process.stderr
    shutil.rmtree(folder / "runs/second")
    rows = json.loads(command(*words, "--dry-run", "--json").stdout)
    assert [(row["kind"], row["files"]) for row in rows] == [
        ("scores", 1),
        ("songs", 1),
        ("features", 2),
        ("audio", 1),
    ]
    question = command(*words)
    assert question.returncode == 2 and "to be freed" in question.stdout and "--yes" in question.stderr
    assert store() == before
    process = command(*words, "--yes")
    assert process.returncode == 0 and "freed " in process.stdout and len(store()) == len(before) - 5
    assert command("verify", "first", "--runs", "runs").returncode == 0


def test_a_store_is_not_emptied_by_a_folder_without_runs(command, folder, store):
    before = store()
    shutil.move(folder / "runs", folder / "elsewhere")
    process = command("gc", "--store", "store", "--yes")
    assert process.returncode == 2 and "There is no run in results/runs" in process.stderr
    wrong = command("gc", "--store", "store", "--runs", "runs", "--yes")
    assert wrong.returncode == 2 and "There is no folder 'runs'" in wrong.stderr
    (folder / "elsewhere/first/record.json").write_text("{")
    damaged = command("gc", "--store", "store", "--runs", "elsewhere", "--yes")
    assert damaged.returncode == 2 and "elsewhere/first: The record is cut" in damaged.stderr
    assert store() == before
    shutil.rmtree(folder / "elsewhere"), (folder / "elsewhere").mkdir()
    process = command("gc", "--store", "store", "--runs", "elsewhere", "--yes")
    assert process.returncode == 0 and store() == {}
