"""``songbench runs``, and which run the commands take that look at one."""

import json
import os
import shutil

import command_here
import pytest

PROBE = ["--systems", "probe,silence", "--metrics", "level@probe"]


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    """A folder with two runs on one store, the one called ``first`` written last."""
    folder = tmp_path_factory.mktemp("runs")
    rows = [{"suite": "small", "version": "1"}]
    rows += [{"id": f"p{number}", "lyrics": "[verse]\nla la la", "seconds": 1.0} for number in range(2)]
    (folder / "small.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    for name in ("second", "first"):
        words = ["run", "--suite", "small.jsonl", *PROBE, "--name", name, "--quiet", "--set", "engine=inline"]
        process = command_here.run([*words, "--store", "store", "--runs", "runs"], cwd=folder)
        assert process.returncode == 0, process.stderr
    os.utime(folder / "runs/second/record.json", (1e9, 1e9))
    return folder


@pytest.fixture
def runs(original, tmp_path):
    """The folder of runs in a copy of it, which is the working folder of commands."""
    shutil.copytree(original, tmp_path, dirs_exist_ok=True)
    return tmp_path / "runs"


@pytest.fixture
def look(songbench_here, runs):
    """Run a command on the folder of runs."""
    return lambda *words: songbench_here(*words, "--runs", runs, folders=False)


def test_runs_are_listed_newest_first(look):
    process = look("runs")
    assert process.returncode == 0, process.stderr
    assert process.stdout.index("first") < process.stdout.index("second")
    assert "probe, silence" in process.stdout and "4/4" in process.stdout and "2001-09-0" in process.stdout
    assert look("runs", "list").stdout == process.stdout
    rows = json.loads(look("runs", "list", "--json").stdout)
    assert [row["name"] for row in rows] == ["first", "second"]
    assert rows[0]["systems"] == ["probe", "silence"] and rows[0]["metrics"] == ["level@probe"]
    assert rows[0]["bytes"]["unshared"] == 0 < rows[0]["bytes"]["folder"] and rows[0]["bytes"]["store"] > 0
    assert (rows[0]["songs"], rows[0]["done"], rows[0]["failed"], rows[0]["suite"]) == (4, 4, 0, "small 1")


def test_a_run_is_shown_with_its_files(look, runs):
    process = look("runs", "show", "first")
    assert process.returncode == 0, process.stderr
    for text in ("level@probe", "leaderboard.md", "record.json", "store", "figures/ ("):
        assert text in process.stdout.replace("\n", "")
    wrong = look("runs", "show", "frist")
    assert wrong.returncode == 2
    assert "There is no run 'frist'" in wrong.stderr and "Did you mean 'first'? Allowed: first, second." in wrong.stderr


def test_a_run_with_a_damaged_record_is_listed(look, runs):
    (runs / "first/record.json").write_text("{")
    process = look("runs")
    assert process.returncode == 0
    assert "The record is cut" in " ".join(process.stdout.split())
    assert "cut or unreadable" in json.loads(look("runs", "show", "first", "--json").stdout)["problem"]


@pytest.mark.parametrize("command", ["report", "status", "verify", "runs show"])
def test_the_newest_run_is_taken_and_those_that_exist_are_named(look, songbench_here, command, tmp_path):
    words = command.split()
    process = look(*words)
    assert process.returncode == 0, process.stderr
    assert command == "runs show" or "run 'first', the newest in" in process.stderr
    assert process.stdout == look(*words, "first").stdout
    wrong = look(*words, "secnd")
    assert wrong.returncode == 2
    assert "Did you mean 'second'? Allowed: first, second." in wrong.stderr
    empty = songbench_here(*words, "--runs", tmp_path / "nothing", folders=False)
    assert empty.returncode == 2 and "'songbench run' makes one" in empty.stderr


def test_json_for_programs(look, songbench_here, runs):
    status = json.loads(look("status", "first", "--json").stdout)
    assert status["run"] == "first"
    assert status["songs"][0] == {"system": "probe", "done": 2, "failed": 0, "unsupported": 0, "open": 0, "total": 2}
    assert status["scores"][0]["metric"] == "level@probe"
    verification = look("verify", "first", "--again", "1", "--json")
    facts = json.loads(verification.stdout)
    assert verification.returncode == 0 and facts["whole"] and facts["damaged"] == []
    assert {song["verdict"] for song in facts["made_again"]} == {"same"}
    (runs / "first/leaderboard.md").write_text("edited")
    damaged = look("verify", "first", "--json")
    facts = json.loads(damaged.stdout)
    assert damaged.returncode == 1 and not facts["whole"]
    assert facts["damaged"][0]["place"] == "leaderboard.md"


def test_json_of_listings(songbench_here):
    def rows(*words):
        process = songbench_here(*words, "--json", folders=False)
        assert process.returncode == 0, process.stderr
        return json.loads(process.stdout)

    systems = {row["name"]: row for row in rows("systems")}
    assert systems["silence"]["state"] == "ready" and systems["broken"]["state"] == "broken"
    assert rows("systems", "silence") == [systems["silence"]]
    metrics = {row["id"]: row for row in rows("metrics")}
    assert metrics["missing@probe"]["state"] == "unavailable"
    assert metrics["missing@probe"]["cure"] == "songbench setup nothing"
    assert metrics["level@probe"]["fields"][0]["name"] == "level"
    suites = {row["name"]: row for row in rows("suites")}
    assert suites["demo"]["prompts"] == 6 and suites["broken-suite"]["state"] == "broken"
    assert rows("suites", "show", "demo")["prompts"][0]["id"] == "en-pop-window"
    assert songbench_here("systems", "silenc", "--json", folders=False).returncode == 2


def test_quiet_runs_say_nothing_but_results_and_failures(songbench_here, suite_file):
    words = ["run", "--suite", suite_file(2), *PROBE, "--set", "engine=inline", "--quiet"]
    process = songbench_here(*words)
    assert process.returncode == 0 and process.stderr == ""
    assert "Leaderboard" in process.stdout


def test_tables_by_condition_and_songs_of_a_run(songbench_here, suite_file, tmp_path):
    words = ["--suite", suite_file(2), "--systems", "probe:text,probe:audio", "--metrics", "level@probe"]
    refusal = songbench_here("run", *words, "--facet", "conditions")
    assert refusal.returncode == 2 and not (tmp_path / "store").exists(), "refused before anything is made"
    assert "Did you mean 'condition'? Allowed: language, section_plan, condition" in " ".join(refusal.stderr.split())
    run = songbench_here("run", *words, "--set", "engine=inline", "--quiet", "--facet", "condition")
    assert run.returncode == 0, run.stderr
    assert run.stdout.index("competitors with style as text") < run.stdout.index("competitors with style as audio")
    report = songbench_here("report", "--quiet").stdout
    assert "condition" in report and "style as text: text; style as audio: audio" in " ".join(report.split())
    assert (tmp_path / "runs/small/leaderboard.text.json").exists(), "a later report writes the parts anew"
    options = ["--columns", "level", "--systems", "audio,text", "--no-intervals", "--name", "levels"]
    table = songbench_here("report", *options, "--quiet")
    assert table.returncode == 0 and table.stdout.index("audio") < table.stdout.index("text"), table.stderr
    assert (tmp_path / "runs/small/tables/levels.tex").exists()
    assert "with other intervals" in songbench_here("report", *options[:4], "--name", "levels").stderr
    folders = ["--store", tmp_path / "store", "--runs", tmp_path / "runs"]

    def songs(*words):
        return songbench_here("runs", "songs", "small", *words, *folders, folders=False)

    rows = json.loads(songs("--system", "audio", "--json").stdout)
    assert [(row["prompt"], row["record"]["style"]) for row in rows] == [("p0", "audio"), ("p1", "audio")]
    assert "compute" in songs("--prompt", "p1").stdout and "given otherwise" in songs().stdout
    assert "Did you mean 'audio'" in songs("--system", "audoi").stderr


def test_what_a_system_cannot_take_is_said_before_and_after(songbench_here, suite_file):
    words = ["--suite", suite_file(2), *PROBE, "--set", "engine=inline", "--set", "system.probe.limits={p1: no words}"]
    plan = songbench_here("run", *words, "--dry-run")
    assert "probe: 1 of 2 songs unsupported: no words" in plan.stderr and "probe: no words (1×: p1)" in plan.stdout
    assert songbench_here("run", *words, "--quiet").returncode == 0, "that is no failure"
    row = next(row for row in songbench_here("status").stdout.splitlines() if row.split()[0] == "probe")
    assert row.split() == ["probe", "1", "1", "2"]


def test_quiet_runs_say_what_failed(songbench_here, suite_file):
    words = ["--set", "engine=inline", "--set", "system.probe.misbehave={p1: fail}", "--quiet"]
    process = songbench_here("run", "--suite", suite_file(2), *PROBE, *words)
    assert process.returncode == 1
    assert "songs or scores failed" in process.stderr and len(process.stderr.splitlines()) == 1
