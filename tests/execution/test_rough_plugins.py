"""Plug-ins that do rough things to their own process: one worker restarted, the run goes on, the cause is recorded."""

import dataclasses
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from songbench.domain.song import Failure
from songbench.execution.gather import gather
from songbench.execution.jobs import Event
from songbench.execution.runner import Runner
from songbench.execution.store import Store
from songbench.resources.processes import host

ALL_AT_ONCE = ("engine.workers=1", "engine.batch=16", "engine.retries=1", "engine.timeout_s=20")


ALONE = ("engine.batch=1", "engine.retries=0")


def run(experiment, roughly, *overrides, count=4):
    setting = ", ".join(f"{prompt}: '{how}'" for prompt, how in roughly.items())
    settings = (f"system.probe.misbehave={{{setting}}}", *ALL_AT_ONCE, *overrides)
    plan = experiment(*settings, count=count, metrics=("level@probe",))
    store = Store(plan.store)
    outcome = Runner(plan, store).run()
    return {name.prompt: state for name, state in gather(plan, store).songs.items()}, outcome, plan


def starts(plan):
    """How many worker processes the run's logs tell of."""
    return sum(path.read_text().count("probe: loaded") for path in Path(plan.folder, "logs").glob("worker-*.log"))


def test_what_a_plugin_prints_starts_or_closes_harms_no_answer(experiment):
    """Each does it and then sings: standard output, a program that outlives it, a forked child that goes on."""
    states, outcome, plan = run(
        experiment, {"p0": "print", "p1": "background program", "p2": "forked child", "p3": "read stdin"}
    )
    assert set(states.values()) == {"done"}
    assert not outcome.failed
    assert starts(plan) == 1, "no worker had to be replaced"


SAID = {
    "exit": "the worker ended with exit code 7",
    "sys.exit": "SystemExit: 3",
    "base exception": "Calamity: beyond Exception",
    "interrupt": "the worker was ended by SIGINT",
    "write anywhere": "something wrote into the channel of the worker's answers: 'rubbish",
    "child and exit": "the worker ended with exit code 7",
    "unprintable": "Unprintable, whose own text cannot be had",
}


def test_each_song_fails_with_its_own_cause_and_the_others_are_made(experiment):
    """One after the other in one batch, with a song that nothing is wrong with before and after each."""
    roughly = {f"p{2 * place + 1}": how for place, how in enumerate(SAID)}
    states, _, plan = run(experiment, roughly, count=2 * len(SAID) + 1)
    for prompt, how in roughly.items():
        failure = states.pop(prompt)
        assert isinstance(failure, Failure) and failure.cause.startswith(SAID[how]), (how, failure)
    assert len(states) == len(SAID) + 1 and set(states.values()) == {"done"}
    assert starts(plan) == 1 + 4 + 1, "four ended their worker, the first of them twice"


def test_a_song_that_was_stored_before_its_worker_died_is_done(experiment):
    """It closes the channel of the answers, and is noticed when it wants to say that the song is stored."""
    states, outcome, plan = run(experiment, {"p1": "close all"})
    assert set(states.values()) == {"done"}
    assert outcome.computed["songs of probe"] == 4 and not outcome.failed
    assert starts(plan) == 2, "and not made again"
    assert not Store(plan.store).keys("failures")


def test_a_hanging_worker_is_ended_with_its_children(experiment, tmp_path):
    states, _, _ = run(experiment, {"p1": f"hang with children {tmp_path}"}, *ALONE, "engine.timeout_s=2")
    failure = states.pop("p1")
    assert failure.cause.startswith("time-out: nothing for")
    pids = [int(path.name) for path in tmp_path.glob("[0-9]*")]
    assert len(pids) == 2
    deadline = time.monotonic() + 20
    while any(map(alive, pids)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(map(alive, pids))


def test_a_worker_without_a_sign_of_life_is_ended(experiment, monkeypatch):
    monkeypatch.setattr("songbench.execution.engine.local.SILENCE_SECONDS", 4.0)
    states, _, _ = run(experiment, {"p1": "freeze"}, *ALONE, "engine.timeout_s=100")
    assert states.pop("p1").cause == "the worker gave no sign of life for 4 s"
    assert set(states.values()) == {"done"}


def alive(pid):
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


def test_events_survive_the_wire():
    for event in (
        Event(status="done", key="k"),
        Event(status="failed", key="k", cause="so", detail="\ud800", seconds=1.5),
    ):
        line = host.encode(host.PartialResult(1, dataclasses.asdict(event)), "token")
        assert Event.from_json(host.decode(line, "token").value) == event


@pytest.mark.parametrize(
    "value",
    [
        {"status": "done"},
        {"status": "perhaps", "key": "k"},
        {"status": ["done"], "key": "k"},
        {"status": "done", "key": 3},
        {"status": "done", "key": "k", "more": 1},
        ["done"],
        None,
    ],
)
def test_anything_else_is_no_event(value):
    with pytest.raises(ValueError, match="no event"):
        Event.from_json(value)


def test_a_worker_ends_with_its_engine(tmp_path):
    words = ["-m", "songbench.execution.engine.worker", "token"]
    with subprocess.Popen([sys.executable, *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as worker:
        worker.stdin.write(host.encode(host.Call(host.START, "start", {"store": str(tmp_path)}), "token"))
        worker.stdin.flush()
        message = host.decode(worker.stdout.readline(), "token")
        while isinstance(message, host.Heartbeat):
            message = host.decode(worker.stdout.readline(), "token")
        assert isinstance(message, host.Ready)
        worker.stdin.close()
        assert worker.wait(60) == 0
    assert not list(tmp_path.iterdir())
