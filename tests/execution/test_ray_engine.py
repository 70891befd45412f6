"""The engine that is Ray: two nodes of real processes on this machine, one of which is lost in the middle."""

import json
import os
import subprocess
import time

import command_line
import pytest
from ray_cluster import ray_cluster

from songbench.domain.errors import InputError
from songbench.execution.config import compose
from songbench.execution.engine import ray_engine
from songbench.execution.settings import read_settings


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("engine.address=ray://head:10001", "start the run on a machine of the cluster"),
        ("engine.timeout_s=0", "needs a timeout_s above 0"),
        ("engine.cpus=0", "needs cpus or gpus above 0"),
    ],
)
def test_settings_that_cannot_work_are_refused(override, message):
    with pytest.raises(InputError, match=message):
        read_settings(compose(["engine=ray", override], {}))


def test_without_ray_its_extra_is_named(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "ray", None)
    with pytest.raises(InputError, match=r"needs Ray.*pip install 'songbench\[ray\]'"):
        ray_engine.import_ray()


def words_of(folder, suite, *more):
    words = ["run", "--suite", suite, "--systems", "probe:first,probe:second", "--metrics", "level@probe,spread@probe"]
    words += ["--store", folder / "store", "--runs", folder / "runs", "--takes", "2", "--quiet"]
    return [str(word) for word in [*words, "--set", "system.probe.seconds_each=0.3", *more]]


def leaderboard(folder):
    return {path.name: path.read_bytes() for path in (folder / "runs/small").glob("leaderboard.*")}


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_node_that_is_lost_costs_nothing_but_its_last_songs(tmp_path, suite_file):
    pytest.importorskip("ray", reason="Ray is not installed")
    suite = suite_file(10)
    alone, cluster_run = tmp_path / "alone", tmp_path / "cluster"
    alone.mkdir(), cluster_run.mkdir()
    process = command_line.run(words_of(alone, suite, "--set", "engine=inline"), cwd=alone, env=dict(os.environ))
    assert process.returncode == 0, process.stderr

    variables = {**os.environ, "PROBE_LOG": str(cluster_run / "log")}
    with ray_cluster(2, {"PROBE_LOG": str(cluster_run / "log")}) as cluster:
        words = words_of(cluster_run, suite, "--set", "engine=ray", "--set", f"engine.address={cluster.address}")
        words += ["--set", "engine.batch=4"]
        run = command_line.start_fresh(
            words, cwd=cluster_run, env={**variables, **cluster.variables}, output=cluster_run / "output"
        )
        journal = cluster_run / "runs/small/journal.jsonl"
        while run.poll() is None and not (journal.exists() and journal.read_bytes().count(b"\n") >= 12):
            time.sleep(0.05)
        logs = {path.name for path in (cluster_run / "runs/small/logs").iterdir()}
        cluster.kill(1)
        try:
            code = run.wait(500)
        except subprocess.TimeoutExpired:
            run.kill()
            code = run.wait()
    assert code == 0, (cluster_run / "output").read_text()
    assert logs == {"worker-0.log", "worker-1.log"}
    assert leaderboard(cluster_run) == leaderboard(alone) and leaderboard(alone)
    events = [json.loads(row) for row in journal.read_text().splitlines()]
    finished = [(event["stage"], event["item"]) for event in events if event.get("status") == "done"]
    assert len(finished) == len(set(finished)), "nothing twice"
    songs = [row.split() for row in (cluster_run / "log").read_text().splitlines() if " song " in row]
    assert 40 <= len(songs) <= 40 + 4, "only what the node was at is begun again"
    assert not list((cluster_run / "store").rglob("*.mark")) and not list((cluster_run / "runs").rglob("*.mark"))
