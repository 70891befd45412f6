"""A run that is killed again and again ends with the bytes of one that was left alone, and computes nothing twice."""

import json
import os
import random
import signal
import time
from pathlib import Path

import command_line
import psutil
import pytest

from songbench.execution.checksums import UNLISTED
from songbench.execution.damage import folder_damage, stored_damage, unknown_results
from songbench.execution.record import read_record
from songbench.execution.store import Store


def words_of(folder, suite, workers):
    words = ["run", "--suite", suite, "--systems", "probe:first,probe:second", "--metrics", "level@probe,spread@probe"]
    words += ["--store", folder / "store", "--runs", folder / "runs", "--takes", "2"]
    words += ["--set", "system.probe.seconds_each=0.05", "--workers", workers]
    return list(map(str, words))


def environment(folder):
    return {**os.environ, "PROBE_LOG": str(folder / "log"), "PROBE_FEATURE_S": "0.02"}


def finish(folder, suite, workers):
    process = command_line.run(words_of(folder, suite, workers), cwd=folder, env=environment(folder))
    assert process.returncode == 0, process.stderr
    return {
        path.relative_to(folder): path.read_bytes()
        for path in sorted((folder / "runs/small").rglob("*"))
        if path.name.startswith(("leaderboard", "scores")) or path.suffix == ".png"
    }


def files_of(folder):
    """Every record and feature with its time of writing."""
    files = [*(folder / "store").rglob("*.json"), *(folder / "store").rglob("*.npz")]
    return {path: (path.stat().st_mtime_ns, path.stat().st_ino) for path in files}


def settled(folder):
    """How much the runs so far have noted as done."""
    journal = folder / "runs/small/journal.jsonl"
    return journal.read_bytes().count(b"\n") if journal.exists() else 0


def kill_sometime(folder, suite, workers, chance, moment):
    """Start the run, kill it (or a worker of it) when `moment` results are there; returns whether it still ran."""
    then = chance.uniform(0, 0.1)
    process = command_line.start(
        words_of(folder, suite, workers), cwd=folder, env=environment(folder), output=os.devnull
    )
    while settled(folder) < moment and process.poll() is None:
        time.sleep(0.02)
    time.sleep(then)
    if process.poll() is not None:
        return False
    workers = psutil.Process(process.pid).children(recursive=True)
    if workers and chance.random() < 0.3:
        workers[0].send_signal(signal.SIGKILL)
        time.sleep(0.2)
    process.kill()
    process.wait()
    psutil.wait_procs(workers, timeout=10)
    return True


@pytest.mark.timeout(280)
@pytest.mark.parametrize(("workers", "kills"), [(2, 3), (1, 3), pytest.param(2, 20, marks=pytest.mark.slow)])
def test_kills_change_nothing(tmp_path, suite_file, workers, kills):
    """One worker leaves a core to spare, on which songs are stored while the next ones are made."""
    suite = suite_file(10)
    calm, rough = tmp_path / "calm", tmp_path / "rough"
    calm.mkdir(), rough.mkdir()
    expected = finish(calm, suite, workers)

    chance, killed, before = random.Random(7), 0, {}
    # Counted in results, the moments lie in every stage, from the first start to the report, on a busy machine, too.
    last = settled(calm)
    for moment in [0, *sorted(chance.sample(range(1, last), kills - 2)), last]:
        killed += kill_sometime(rough, suite, workers, chance, moment)
        now = files_of(rough)
        for path, facts in before.items():
            assert now[path] == facts, f"{path.name} was lost or written again"
        before = now
        assert_the_record_holds(rough)
    assert killed >= kills // 2, "the kills came too late to matter"
    assert finish(rough, suite, workers) == expected

    for path, facts in before.items():
        assert files_of(rough)[path] == facts
    assert_nothing_computed_after_it_was_stored(rough, kills)
    assert not assert_the_record_holds(rough), "the last run recorded everything"
    assert not list(rough.rglob("*.tmp"))
    assert not list((rough / "store/records/failures").rglob("*.json")), "a killed run is not a failed song"


def assert_the_record_holds(folder: Path):
    """What the record of a killed run says was stored is whole; returns how many results it does not hold yet."""
    if not (folder / "runs/small/record.json").exists():
        return 0
    record, store = read_record(folder / "runs/small/record.json"), Store(str(folder / "store"))
    assert not stored_damage(record, store)[1]
    damages = [damage for damage in folder_damage(folder / "runs/small") if damage.kind != "left over"]
    assert not [damage for damage in damages if damage.problem != UNLISTED], "more than a report that was being written"
    return unknown_results(record, store)


def assert_nothing_computed_after_it_was_stored(folder: Path, kills):
    """Every start of every song, by the probe's own log, lies before the moment its result was stored."""
    record = json.loads((folder / "runs/small/record.json").read_text())
    records = {path.stem: path for path in (folder / "store/records/songs").rglob("*.json")}
    stored_at = {name: records[key].stat().st_mtime_ns for name, key in record["songs"].items()}
    starts = [row.split() for row in (folder / "log").read_text().splitlines()]
    songs = [(int(when), "/".join(name)) for when, what, *name in starts if what == "song"]
    assert {name for _, name in songs} == set(stored_at)
    assert len(songs) <= len(stored_at) + 3 * kills, "only what a kill interrupted is begun again"
    for when, name in songs:
        assert when <= stored_at[name], f"{name} was computed after it was stored"
