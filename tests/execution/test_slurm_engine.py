"""The engine that is Slurm: through submitit's local executor, and on a real Slurm where it is installed."""

import contextlib
import json
import os
import re
import signal
import sys
import time
from pathlib import Path

import command_line
import pytest
import slurm_here

from songbench.domain.errors import InputError
from songbench.execution.config import compose
from songbench.execution.engine import slurm_cluster, slurm_worker
from songbench.execution.engine.slurm_engine import SlurmEngine, _Slot
from songbench.execution.settings import read_settings

pytest.importorskip("submitit", reason="submitit is not installed")
GOLDEN = Path(__file__).parent / "golden/sbatch.txt"
ASKED = ["engine=slurm", "engine.workers=8", "engine.partition=gpu", "engine.gpus_per_node=1", "engine.mem_gib=32"]
ASKED += ["engine.cpus_per_task=4", "engine.array_parallelism=4", "engine.setup=['module load cuda']"]
ASKED += ["engine.sbatch={constraint: a100}"]


def words_of(folder, suite, *more):
    words = ["run", "--suite", suite, "--systems", "probe:first,probe:second", "--metrics", "level@probe,spread@probe"]
    words += ["--store", folder / "store", "--runs", folder / "runs", "--takes", "2", "--quiet"]
    return [str(word) for word in [*words, "--set", "system.probe.seconds_each=0.3", *more]]


def leaderboard(folder):
    return {path.name: path.read_bytes() for path in (folder / "runs/small").glob("leaderboard.*")}


def test_what_sbatch_is_given():
    settings = read_settings(compose(ASKED, {})).engine
    text = SlurmEngine.plan(settings, Path("/shared/runs/demo")).replace(sys.executable, "PYTHON")
    assert text + "\n" == GOLDEN.read_text()


def test_a_dry_run_says_what_slurm_would_be_asked(songbench_here, suite_file):
    words = [
        "--suite",
        suite_file(1),
        "--systems",
        "silence",
        "--metrics",
        "audio",
        "--dry-run",
        "--set",
        "engine=slurm",
    ]
    assert "1 task, for sbatch:" in songbench_here("run", *words).stdout
    local = songbench_here("run", *words, "--set", "engine.cluster=local", "--set", "engine.workers=2").stdout
    assert "2 processes on this machine" in local


def test_without_submitit_its_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "submitit", None)
    with pytest.raises(InputError, match=r"needs submitit.*pip install 'songbench\[slurm\]'"):
        slurm_cluster.SlurmCluster({}, 0).text(1, Path("/shared"))


def test_events_are_read_once_and_whole(tmp_path):
    slot = _Slot(identifier="7", folder=tmp_path)
    assert slot.news() == []
    slurm_worker.say(tmp_path, {"beat": True})
    with open(tmp_path / "events.jsonl", "ab") as file:
        file.write(b'{"job": ')
    assert slot.news() == [{"beat": True}] and slot.news() == []
    with open(tmp_path / "events.jsonl", "ab") as file:
        file.write(b'"000001"}\n')
    assert slot.news() == [{"job": "000001"}]


def test_a_task_ends_when_its_run_says_nothing_any_more(tmp_path, monkeypatch):
    monkeypatch.setattr(slurm_worker, "ORPHAN_S", 0.2)
    (tmp_path / "beat").write_text("1")
    orphan = slurm_worker.Orphan(tmp_path / "beat")
    assert not orphan.left_alone()
    time.sleep(0.3)
    (tmp_path / "beat").write_text("2")
    assert not orphan.left_alone()
    time.sleep(0.3)
    assert orphan.left_alone()


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("cluster", ["local", "slurm"])
def test_tasks_that_are_killed_or_preempted_change_nothing(tmp_path, suite_file, cluster):
    if cluster == "slurm" and (reason := slurm_here.why_not()):
        pytest.skip(reason)
    suite = suite_file(10)
    alone, folder = tmp_path / "alone", tmp_path / cluster
    alone.mkdir(), folder.mkdir()
    process = command_line.run(words_of(alone, suite, "--set", "engine=inline"), cwd=alone, env=dict(os.environ))
    assert process.returncode == 0, process.stderr

    with slurm_here.slurm_here() if cluster == "slurm" else contextlib.nullcontext({}) as variables:
        words = words_of(folder, suite, "--set", "engine=slurm", "--set", f"engine.cluster={cluster}")
        words += ["--set", "engine.workers=2", "--set", "engine.batch=4"]
        where = {"cwd": folder, "env": {**os.environ, **variables, "PROBE_LOG": str(folder / "log")}}
        # 1. a run that is killed; its tasks have nobody to work for
        run = command_line.start_fresh(words, **where, output=folder / "output")
        wait_for(run, folder, 6)
        run.kill()
        run.wait()
        # 2. another goes on; one of its tasks is killed, one preempted
        earlier = set(processes_of(folder))
        run = command_line.start_fresh(words, **where, output=folder / "output")
        try:
            wait_for(run, folder, 20)
            first, second = [process for process in processes_of(folder) if process not in earlier]
            os.kill(first, signal.SIGKILL)
            os.kill(second, signal.SIGUSR2)
            code = run.wait(600)
        finally:
            run.kill()
    assert code == 0, (folder / "output").read_text()
    assert leaderboard(folder) == leaderboard(alone) and leaderboard(alone)
    events = [json.loads(row) for row in (folder / "runs/small/journal.jsonl").read_text().splitlines()]
    finished = [(event["stage"], event["item"]) for event in events if event.get("status") == "done"]
    assert len(finished) == len(set(finished)), "nothing twice"
    assert len(processes_of(folder)) > len(earlier) + 2, "tasks were begun again"
    assert not (folder / "runs/small/slurm").exists()


def wait_for(run, folder, results):
    """Until the runs so far have noted so many results."""
    journal = folder / "runs/small/journal.jsonl"
    while run.poll() is None and not (journal.exists() and journal.read_bytes().count(b"\n") >= results):
        time.sleep(0.05)
    assert run.poll() is None, (folder / "output").read_text()


def processes_of(folder):
    """The processes of all tasks so far, by their logs."""
    logs = sorted((folder / "runs/small/logs").glob("worker-*.log"))
    return [int(number) for log in logs for number in re.findall(r"^-- .*process (\d+)$", log.read_text(), re.M)]
