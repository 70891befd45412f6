"""Runs that share a store compute nothing twice and lose nothing, whichever of them is killed."""

import os
import time
from collections import Counter
from pathlib import Path

import command_line
import psutil
import pytest

from songbench.domain.errors import StoreBusyError
from songbench.execution.gather import gather
from songbench.execution.run_lock import run_lock
from songbench.execution.run_progress import NoProgress
from songbench.execution.runner import Runner
from songbench.execution.sessions import open_session
from songbench.execution.store import Store


def start(folder, suite, name, command="run", takes=2):
    folder.mkdir(exist_ok=True)
    words = [command, "--suite", suite, "--systems", "probe", "--metrics", "level@probe,spread@probe", "--name", name]
    words += ["--store", folder / "store", "--runs", folder / "runs", "--takes", takes]
    words += ["--set", "system.probe.seconds_each=0.1", "--workers", "2", "--set", "engine.batch=1"]
    variables = {**os.environ, "PROBE_LOG": str(folder / "log"), "PROBE_FEATURE_S": "0.02"}
    return command_line.start(list(map(str, words)), cwd=folder, env=variables, output=folder / f"{name}.txt")


def finish(process, folder, name):
    assert process.wait(timeout=200) == 0, (folder / f"{name}.txt").read_text()
    return {
        path.relative_to(folder): path.read_bytes()
        for path in sorted((folder / "runs" / name).rglob("*"))
        if path.name.startswith(("leaderboard", "scores")) or path.suffix == ".png"
    }


def logged(folder):
    log = folder / "log"
    return Counter(row.split(maxsplit=1)[1] for row in log.read_text().splitlines()) if log.exists() else Counter()


def wait_until(condition):
    for _ in range(3000):
        if condition():
            return
        time.sleep(0.02)
    raise AssertionError("it did not come to that")


def nobody_is_left(folder):
    return not [
        path for part in ("claims", "sessions") for path in (folder / "store" / part).rglob("*") if path.is_file()
    ]


@pytest.mark.timeout(280)
def test_runs_that_share_a_store_compute_once_what_both_ask_for(tmp_path, suite_file):
    suite = suite_file(6)
    calm, shared = tmp_path / "calm", tmp_path / "shared"
    expected = finish(start(calm, suite, "a"), calm, "a")
    assert set(logged(calm).values()) == {1} and len(logged(calm)) == 12 + 12, "songs and their features"
    runs = start(shared, suite, "a"), start(shared, suite, "b", takes=1)
    assert finish(runs[0], shared, "a") == expected
    finish(runs[1], shared, "b")
    assert logged(shared) == logged(calm)
    assert nobody_is_left(shared)


@pytest.mark.timeout(280)
@pytest.mark.parametrize("command", ["generate", pytest.param("run", marks=pytest.mark.slow)])
def test_a_run_that_is_killed_is_taken_over_by_another(tmp_path, suite_file, command):
    suite = suite_file(8)
    shared = tmp_path / "shared"
    victim, heir = start(shared, suite, "a", command), start(shared, suite, "b", command)
    wait_until(lambda: len(Store(str(shared / "store")).places_below("sessions")) == 2 and len(logged(shared)) > 4)
    workers = psutil.Process(victim.pid).children(recursive=True)
    victim.kill()
    victim.wait()
    psutil.wait_procs(workers, timeout=10)
    taken_over = finish(heir, shared, "b")
    songs = Counter({what: times for what, times in logged(shared).items() if what.startswith("song")})
    assert len(songs) == 16 and songs.total() <= 16 + 2, "twice only what the two workers of the other had not ended"
    assert nobody_is_left(shared)
    before = logged(shared)
    finish(start(shared, suite, "a", command), shared, "a")
    assert logged(shared) == before
    if command == "run":
        calm = tmp_path / "calm"
        assert finish(start(calm, suite, "b"), calm, "b") == taken_over


class Rivalry(NoProgress):
    """Lets a rival go on as soon as the run waits for it."""

    def __init__(self, act):
        self.act, self.waits = act, []

    def waiting(self, sessions):
        self.waits.append(dict(sessions))
        if sessions:
            self.act()


@pytest.mark.parametrize("end", ["gives up", "settles it"])
def test_a_run_waits_for_what_others_work_on_and_takes_it_when_it_is_given_up(experiment, tmp_path, monkeypatch, end):
    monkeypatch.setenv("PROBE_LOG", str(tmp_path / "log"))
    plan = experiment("engine=inline")
    store, spare = Store(plan.store), experiment("engine=inline", store="spare")
    Runner(spare, Store(spare.store)).run()
    (tmp_path / "log").unlink()
    (key,) = [path.stem for path in Path(spare.store).rglob("records/songs/*/*.json")][:1]
    with open_session(store, "run 'other'") as rival:
        rival.claim(key)

        def act():
            if end == "settles it":
                song = Store(spare.store).get("songs", key)
                blob = Path(spare.store, "blobs", song["audio"][:2], song["audio"])
                store.put_blob(blob.read_bytes(), blob.suffix[1:])
                store.save("songs", key, song)
            rival.release([key])

        progress = Rivalry(act)
        outcome = Runner(plan, store, progress).run()
        (waited,) = progress.waits[0].items()
        assert waited == (str(rival.record), 1) and progress.waits[1:] == [{}]
    assert set(gather(plan, store).songs.values()) == {"done"}
    songs = [row for row in (tmp_path / "log").read_text().splitlines() if " song " in row]
    assert len(songs) == outcome.computed["songs of probe"] == (4 if end == "gives up" else 3)


def test_a_run_is_worked_on_by_one_process(experiment):
    plan = experiment("engine=inline")
    with (
        run_lock(plan.folder),
        pytest.raises(StoreBusyError, match=r"The run 'small' .*already \(process \d+ on ") as caught,
    ):
        Runner(plan, Store(plan.store)).run()
    assert caught.value.exit_code == 3
    Runner(plan, Store(plan.store)).run()


def test_a_failure_of_a_song_that_another_run_removed_is_none(experiment):
    """The other run found it damaged; here it is made again."""
    plan = experiment("engine=inline")
    store = Store(plan.store)
    Runner(plan, store).run(score=False)
    key = sorted(store.keys("songs"))[0]

    class Removal(NoProgress):
        def stage(self, title, total, completed):
            if title not in titles:
                store.discard("songs", key)
            titles.append(title)

    titles = ["songs of probe"]
    outcome = Runner(plan, store, Removal()).run()
    assert not outcome.failed and list(outcome.damaged) == [f"records/songs/{key[:2]}/{key}.json is gone"]
    assert not store.keys("failures") and len(store.keys("songs")) == 4
    assert set(gather(plan, store).metrics[0].songs) == set(gather(plan, store).songs)
