"""Ctrl-C and time-outs on every engine, in real processes: what was made stays, nothing goes on in the background."""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from importlib.util import find_spec

import psutil
import pytest
import slurm_here
from ray_cluster import ray_cluster

from songbench.execution.store import Store

ENGINES = {
    "local": (None, ["engine=local", "engine.workers=2"]),
    "ray": ("ray", ["engine=ray", "engine.workers=2"]),
    "ray cluster": ("ray", ["engine=ray"]),
    "slurm": ("submitit", ["engine=slurm", "engine.cluster=local", "engine.workers=2"]),
    "real slurm": ("submitit", ["engine=slurm", "engine.workers=2"]),
}
"""What each needs installed, and its settings; of Ray's cluster the address comes later."""
MARK = "SONGBENCH_TEST_MARK"
"""A variable of all processes of a run, whoever starts them."""
LONGEST_END_S = 60

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture(params=ENGINES)
def engine(request, tmp_path):
    """The settings of an engine, and the variables of a run on it."""
    package, settings = ENGINES[request.param]
    if package and not find_spec(package):
        pytest.skip(f"{package} is not installed")
    variables = {**os.environ, MARK: str(tmp_path), "PROBE_LOG": str(tmp_path / "log")}
    if request.param == "real slurm":
        if reason := slurm_here.why_not():
            pytest.skip(reason)
        with slurm_here.slurm_here() as where:
            yield settings, {**variables, **where}
        return
    if request.param != "ray cluster":
        yield settings, variables
        return
    with ray_cluster(2, {"PROBE_LOG": str(tmp_path / "log")}) as cluster:
        yield [*settings, f"engine.address={cluster.address}"], {**variables, **cluster.variables}


def words_of(folder, suite, settings, *more):
    words = ["run", "--suite", suite, "--systems", "probe", "--metrics", "level@probe,spread@probe"]
    words += ["--store", folder / "store", "--runs", folder / "runs", "--quiet"]
    for setting in [*settings, *more]:
        words += ["--set", setting]
    return list(map(str, words))


@pytest.mark.parametrize("to_all", [False, True], ids=["to the run", "to all that the terminal has"])
def test_ctrl_c_stops_and_the_next_run_goes_on(engine, tmp_path, suite_file, to_all):
    settings, variables = engine
    suite, children = suite_file(8), tmp_path / "children"
    children.mkdir()
    slow = ["engine.batch=3", "system.probe.seconds_each=0.5"]
    rough = f"system.probe.misbehave={{p4: 'hang with children {children}'}}"
    run = start(words_of(tmp_path, suite, settings, *slow, rough), variables, tmp_path)
    wait_until(run, tmp_path, lambda: len(songs(tmp_path)) >= 2 and len(list(children.iterdir())) == 2)
    (os.killpg if to_all else os.kill)(run.pid, signal.SIGINT)
    code = run.wait(LONGEST_END_S)
    output = (tmp_path / "output").read_text()
    assert code == 130, output
    assert "run the same command again to go on" in output and "Traceback" not in output
    assert_nothing_is_left(tmp_path, children)
    before = songs(tmp_path)  # Slurm gives tasks some seconds to end, in which one may have stored another
    assert len(before) < 8 and not Store(str(tmp_path / "store")).keys("failures")

    (tmp_path / "log").unlink()
    code = start(words_of(tmp_path, suite, settings, *slow), variables, tmp_path).wait(300)
    assert code == 0, (tmp_path / "output").read_text()
    assert len(songs(tmp_path)) == 8 and set(before) < set(songs(tmp_path))
    assert {path: songs(tmp_path)[path] for path in before} == before, "what was made stays"
    assert (tmp_path / "log").read_text().count(" song ") == 8 - len(before), "and is not made again"
    assert_nothing_is_left(tmp_path, children)


@pytest.mark.parametrize("early", ["at once", "a moment later"])
@pytest.mark.parametrize(
    ("package", "program"), [("ray", "gcs_server"), ("ray", "raylet/raylet"), ("submitit", "submitit.local._local")]
)
def test_ctrl_c_while_workers_are_started_leaves_none(tmp_path, suite_file, package, program, early):
    if not find_spec(package):
        pytest.skip(f"{package} is not installed")
    settings = next(settings for needed, settings in ENGINES.values() if needed == package)
    variables = {**os.environ, MARK: str(tmp_path)}
    run = start(words_of(tmp_path, suite_file(2), settings), variables, tmp_path)
    wait_until(run, tmp_path, lambda: any(program in line for line in processes_of(tmp_path, ()).values()))
    if early == "a moment later":
        time.sleep(0.5)
    os.kill(run.pid, signal.SIGINT)
    assert run.wait(LONGEST_END_S) == 130, (tmp_path / "output").read_text()
    (tmp_path / "children").mkdir()
    assert_nothing_is_left(tmp_path, tmp_path / "children")


def test_what_a_run_that_was_killed_has_left_ends_with_the_next(tmp_path, suite_file):
    """Its tasks are told by files that it is over, which one that hangs never reads."""
    if not find_spec("submitit"):
        pytest.skip("submitit is not installed")
    settings, variables = ENGINES["slurm"][1], {**os.environ, MARK: str(tmp_path)}
    suite, children = suite_file(2), tmp_path / "children"
    children.mkdir()
    rough = f"system.probe.misbehave={{p1: 'hang with children {children}'}}"
    run = start(words_of(tmp_path, suite, settings, "engine.batch=1", rough), variables, tmp_path)
    wait_until(run, tmp_path, lambda: len(list(children.iterdir())) == 2)
    run.kill()
    run.wait()
    assert processes_of(tmp_path, ()), "tasks that nobody has told"
    assert start(words_of(tmp_path, suite, settings), variables, tmp_path).wait(300) == 0
    assert_nothing_is_left(tmp_path, children)


def test_a_song_that_hangs_is_ended_with_all_it_started_and_the_others_are_made(engine, tmp_path, suite_file):
    settings, variables = engine
    suite, children = suite_file(6), tmp_path / "children"
    children.mkdir()
    rough = f"system.probe.misbehave={{p2: 'hang with children {children}'}}"
    limits = ["engine.batch=2", "engine.retries=1", "engine.timeout_s=10"]
    run = start(words_of(tmp_path, suite, settings, *limits, rough), variables, tmp_path)
    code = run.wait(400)
    assert code == 1, (tmp_path / "output").read_text()
    assert len(songs(tmp_path)) == 5
    (failure,) = failures(tmp_path)
    assert failure["cause"] == "time-out: nothing for 10 s", "of its own job, the second time"
    assert len(list(children.iterdir())) == 4, "tried twice"
    assert_nothing_is_left(tmp_path, children)
    log = (tmp_path / "log").read_text()
    assert start(words_of(tmp_path, suite, settings, *limits, rough), variables, tmp_path).wait(300) == 1
    assert (tmp_path / "log").read_text() == log, "the failure is kept"


def start(words, variables, folder):
    """Start a run at the head of a process group, as a shell does."""
    with open(folder / "output", "wb") as output:
        line = [sys.executable, "-m", "songbench", *words]
        return subprocess.Popen(
            line, cwd=folder, env=variables, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
        )


def wait_until(run, folder, ready):
    """Until a run in progress has come so far."""
    while run.poll() is None and not ready():
        time.sleep(0.05)
    assert run.poll() is None, (folder / "output").read_text()


def songs(folder):
    """The records of songs that are stored."""
    return {path: path.read_bytes() for path in (folder / "store/records/songs").rglob("*.json")}


def failures(folder):
    return [json.loads(path.read_text()) for path in (folder / "store/records/failures").rglob("*.json")]


def assert_nothing_is_left(folder, children):
    """No process of the run, nor what a song has started; no files by which workers are told things."""
    pids = {int(path.name) for path in children.iterdir()} | set(workers_of(folder))
    deadline = time.monotonic() + LONGEST_END_S
    while (left := processes_of(folder, pids)) and time.monotonic() < deadline:
        time.sleep(0.2)
    try:
        assert not left, "\n".join(left.values())
    finally:
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    assert not (folder / "runs/small/slurm").exists()
    assert not list(folder.rglob("*.mark"))


def workers_of(folder):
    """The numbers of workers on this machine that a cluster has started, which has no mark, by their logs."""
    logs = (folder / "runs/small/logs").glob("worker-*.log")
    return [int(number) for log in logs for number in re.findall(r"^-- .*, process (\d+)$", log.read_text(), re.M)]


def processes_of(folder, children):
    """The processes with the mark of a run, and those of its songs, by their number."""
    left = {}
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            marked = process.environ().get(MARK) == str(folder)
            if (marked or process.pid in children) and process.status() != psutil.STATUS_ZOMBIE:
                left[process.pid] = " ".join(process.cmdline())[:200]
    return left
