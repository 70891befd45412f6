"""Sizes of runs, removal of a system, and of what no run needs, on small stores."""

import contextlib
import json
import os
import shutil
import signal
from pathlib import Path

import fsspec
import pytest

from songbench.domain.errors import InputError, StoreBusyError
from songbench.execution.config import build_experiment, compose
from songbench.execution.damage import stored_damage
from songbench.execution.housekeeping.claims import RecordedRun, recorded_runs
from songbench.execution.housekeeping.contents import kind_of
from songbench.execution.housekeeping.garbage import garbage, remove_garbage
from songbench.execution.housekeeping.sizes import run_sizes, sized_summaries
from songbench.execution.housekeeping.systems import remove_system, system_files
from songbench.execution.intact_records import IntactRecords
from songbench.execution.keys import feature_key
from songbench.execution.plan import Planner, asset_keys
from songbench.execution.record import RECORD, read_record, save_record
from songbench.execution.recorded import rebuilt
from songbench.execution.run_folders import remove_run
from songbench.execution.runner import Runner
from songbench.execution.sessions import open_session
from songbench.execution.store import Store
from songbench.execution.store_layout import KINDS, feature_place, record_place

RUNS = {"first": ("probe",), "second": ("probe", "noise"), "third": ("noise",)}
"""The systems of each run. The probe's songs sound the same in all runs; the first has other prompts and is whole."""
OF_PROBE = {"scores": 5, "failures": 1, "songs": 3, "features": 2, "audio": 2}
WITHOUT_SECOND_AND_THIRD = {"scores": 5, "failures": 1, "songs": 3, "assets": 2, "features": 3, "audio": 3}


def planned(name, *overrides):
    """The experiment of one of `RUNS` in the present folder; all but the first have references."""
    fields = {} if name == "first" else {"reference": {"render": "probe", "seed": 1, "parameters": {}}}
    rows = [{"suite": "small", "version": "1"}]
    rows += [{"id": f"p{number}", "lyrics": "[verse]\nla la", "seconds": 0.2, **fields} for number in range(2)]
    Path(f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    options = {
        "suite.source": f"{name}.jsonl",
        "systems": list(RUNS[name]),
        "metric.select": ["level@probe", "spread@probe"],
        "store": "store",
        "runs": "runs",
        "name": name,
    }
    return build_experiment(compose(("engine=inline", *overrides), options))


def make(name):
    failing = ["system.probe.misbehave={p1: fail}"] if name == "second" else []
    experiment = planned(name, *failing)
    Runner(experiment, Store(experiment.store)).run()


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    """A folder with `RUNS` on one store."""
    folder = tmp_path_factory.mktemp("housekeeping")
    with contextlib.chdir(folder):
        for name in RUNS:
            make(name)
    return folder


@pytest.fixture
def folder(original, tmp_path, monkeypatch):
    """A copy of it, which is the working folder."""
    shutil.copytree(original, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("songbench.execution.housekeeping.garbage.find_suite", no_suite)
    return tmp_path


def no_suite(name):
    """What installed suites need is the matter of one test, and to read them takes a moment."""
    raise InputError(f"There is no suite '{name}' here.")


@pytest.fixture(params=["folder", "memory"])
def store(request, folder):
    """Its store, also as one that is in no folder."""
    if request.param == "folder":
        return Store("store")
    memory = fsspec.filesystem("memory")
    for path in Path("store").rglob("*"):
        if path.is_file():
            memory.pipe_file(f"/{folder.name}-{os.getpid()}/{path.relative_to('store')}", path.read_bytes())
    return Store(f"memory://{folder.name}-{os.getpid()}")


FOLDERS = [Path("runs")]


def record_of(run):
    return read_record(Path("runs") / run / RECORD)


def state(store):
    """All files of a store but its lock."""
    return {place: store.peek(place) for place in store.files()}


def is_whole(run, store):
    return not stored_damage(record_of(run), store)[1]


def counts(parts):
    return {part.kind: len(part.sizes) for part in parts if not part.reason}


def places(parts):
    return {place for part in parts for place in part.sizes}


# -- sizes -------------------------------------------------------------------------------------------------------------


def test_what_a_run_rests_on_is_counted_and_what_it_shares(folder):
    runs = recorded_runs(FOLDERS)
    first, second, third = run_sizes(runs)
    files = {place: size for place, size in Store("store").files().items() if kind_of(place)}
    assert first.unshared + second.unshared + third.unshared + _of_several(runs, files) == sum(files.values())
    assert 0 < first.unshared < first.store, "its audio is the second's, too"
    assert third.unshared == 0 and second.store > third.store
    assert first.folder == sum(path.stat().st_size for path in Path("runs/first").rglob("*") if path.is_file())
    os.link(next(Path("store/blobs").rglob("*.flac")), "runs/first/song.flac")
    assert run_sizes(runs)[0].folder == first.folder, "a link takes no room"
    os.truncate(Path("runs/second") / RECORD, 20)
    (_, sizes), (summary, damaged) = sized_summaries([Path("runs/first"), Path("runs/second")])
    assert sizes.store == sizes.unshared == first.store
    assert summary.problem and damaged.folder > 0 and damaged.store is None
    shutil.rmtree("store")
    Path("store").write_text("no folder")
    assert sized_summaries([Path("runs/first")])[0][1].store is None


def _of_several(runs, files):
    claims = [run.places() for run in runs]
    return sum(size for place, size in files.items() if sum(place in claim for claim in claims) > 1)


# -- what no run needs -------------------------------------------------------------------------------------------------


def test_what_no_run_needs_goes_and_nothing_else(store):
    assert garbage(store, FOLDERS) == []
    before = state(store)
    shutil.rmtree("runs/second"), shutil.rmtree("runs/third")
    parts = garbage(store, FOLDERS)
    assert counts(parts) == WITHOUT_SECOND_AND_THIRD
    assert remove_garbage(store, parts, FOLDERS) == sum(part.bytes for part in parts) > 0
    assert state(store) == {place: data for place, data in before.items() if place not in places(parts)}
    assert is_whole("first", store)
    assert garbage(store, FOLDERS) == []


def test_what_reports_derive_from_audio_stays_and_goes_with_it(folder):
    store, songs = Store("store"), record_of("second")["songs"]
    derived = {}
    for name in ("probe/p0/0", "noise/p0/0"):
        digest = store.get("songs", songs[name])["audio"].partition(".")[0]
        key = feature_key(LevelPictures.name, LevelPictures.identity, digest)
        store.put_feature(key, b"a picture")
        derived[name] = feature_place(key)
    assert len(places(garbage(store, FOLDERS))) == 2
    assert garbage(store, FOLDERS, extractors=[LevelPictures()]) == []
    files = places(system_files(store, "noise", FOLDERS, [LevelPictures()]).parts)
    assert derived["noise/p0/0"] in files and derived["probe/p0/0"] not in files
    shutil.rmtree("runs/second"), shutil.rmtree("runs/third")
    files = places(garbage(store, FOLDERS, extractors=[LevelPictures()]))
    assert derived["noise/p0/0"] in files and derived["probe/p0/0"] not in files


class LevelPictures:
    name, identity = "level picture", {"version": "1"}


def test_files_of_others_are_no_business_of_ours(folder):
    for name in ("notes.txt", "blobs/readme", "records/songs/ab/other.json", "features/ab/cd.npz"):
        path = Path("store") / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("mine")
    assert garbage(Store("store"), FOLDERS) == []


def test_a_run_that_was_cut_short_keeps_what_it_has(folder):
    store, record = Store("store"), record_of("first")
    assert not RecordedRun(Path("runs/first"), record).unfinished
    assert not RecordedRun(Path("runs/second"), record_of("second")).unfinished, "what failed is settled"
    # the record of the moment before the first score, with everything stored since
    shutil.copytree("store", "early")
    shutil.rmtree("early/records/scores"), shutil.rmtree("early/features")
    experiment = planned("first")
    save_record(experiment, Planner(experiment, Store("early")))
    store.put_feature("0" * 64, b"of nobody")
    (part,) = garbage(store, FOLDERS)
    assert part.kind == "features" and "'first' is unfinished" in part.reason
    assert feature_place("0" * 64) in part.sizes
    make("first")
    assert places(garbage(store, FOLDERS)) == {feature_place("0" * 64)}


def test_runs_of_several_folders_count_and_damaged_ones_stop_everything(folder):
    Path("elsewhere").mkdir()
    shutil.move("runs/second", "elsewhere/second")
    store, two_folders = Store("store"), [Path("runs"), Path("elsewhere")]
    assert garbage(store, two_folders) == []
    assert counts(garbage(store, FOLDERS))["songs"] == 1
    for damage in ("cut", "gone"):
        os.truncate("elsewhere/second/record.json", 20)
        if damage == "gone":
            Path("elsewhere/second/record.json").unlink()
        with pytest.raises(InputError, match=r"elsewhere/second: The record is .* 'songbench remove RUN'"):
            garbage(store, two_folders)


def test_nothing_goes_while_a_run_works_or_once_it_is_needed_again(folder):
    store = Store("store")
    shutil.move("runs/second", "second")
    parts = garbage(store, FOLDERS)
    with open_session(Store("store"), "run 'other'"), pytest.raises(StoreBusyError, match="run 'other'"):
        remove_garbage(store, parts, FOLDERS)
    shutil.move("second", "runs/second")  # after it was shown
    assert parts and remove_garbage(store, parts, FOLDERS) == 0


def test_prompt_audio_that_a_suite_needs_again_stays_unless_that_is_said(folder, monkeypatch):
    store = Store("store")
    suite = rebuilt(record_of("third"), Path("runs/third")).suite
    shutil.rmtree("runs/second"), shutil.rmtree("runs/third")
    monkeypatch.setattr("songbench.execution.housekeeping.garbage.registry.names", lambda group: ["small", "broken"])
    monkeypatch.setattr("songbench.execution.housekeeping.garbage.find_suite", {"small": suite}.__getitem__)
    monkeypatch.setattr("songbench.execution.housekeeping.garbage.SongbenchError", KeyError)
    *parts, assets = garbage(store, FOLDERS)
    assert assets.reason == "needed again by the suite small (--no-keep-assets removes them)"
    keys = {key for fields in asset_keys(suite).values() for key in fields.values()}
    assert {record_place("assets", key) for key in keys} < assets.sizes.keys(), "with their audio"
    assert "assets" not in counts(parts)
    assert counts(garbage(store, FOLDERS, keep_assets=False)) == WITHOUT_SECOND_AND_THIRD


@pytest.mark.parametrize("moment", [0, 7, 12, 16])
def test_a_kill_in_the_middle_leaves_a_store_that_is_whole(folder, moment):
    store = Store("store")
    remove_run(Path("runs/second")), remove_run(Path("runs/third"))
    parts = garbage(store, FOLDERS)
    child = os.fork()
    if child == 0:
        remove, left = store.remove, iter(range(moment))

        def remove_or_die(place):
            if next(left, None) is None:
                os.kill(os.getpid(), signal.SIGKILL)
            remove(place)

        store.remove = remove_or_die
        remove_garbage(store, parts, FOLDERS)
        os._exit(0)
    assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL
    assert len(places(garbage(store, FOLDERS))) == sum(WITHOUT_SECOND_AND_THIRD.values()) - moment
    assert is_whole("first", store)
    assert_every_record_stands(store)
    if moment == 12:
        make("second")
        assert is_whole("first", store) and is_whole("second", store)
        remove_run(Path("runs/second"))
    remove_garbage(store, garbage(store, FOLDERS), FOLDERS)
    assert is_whole("first", store) and garbage(store, FOLDERS) == []


def assert_every_record_stands(store):
    """No record rests on something that is gone."""
    records = IntactRecords(store)
    for kind in KINDS:
        assert records.intact(kind, store.keys(kind)) == store.keys(kind)
    assert not records.damaged


# -- a system ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("with_runs", [True, False])
def test_all_that_is_stored_of_a_system(store, with_runs):
    if not with_runs:
        remove_run(Path("runs/first")), remove_run(Path("runs/second"))
    files = system_files(store, "probe", FOLDERS)
    assert counts(files.parts) == OF_PROBE
    assert files.runs == (("first", "second") if with_runs else ()) and files.systems == ("noise", "probe")
    before = state(store)
    assert remove_system(store, "probe", files, FOLDERS) == sum(part.bytes for part in files.parts)
    assert state(store) == {place: data for place, data in before.items() if place not in places(files.parts)}
    assert is_whole("third", store)
    assert_every_record_stands(store)
    assert system_files(store, "probe", FOLDERS).parts == () == system_files(store, "nobody", FOLDERS).parts


def test_audio_and_features_that_another_system_shares_stay(folder):
    """Two systems may give the same recording, such as one that copies the other's."""
    store, keys = Store("store"), record_of("second")["songs"]
    song, copy = (store.get("songs", keys[name]) for name in ("noise/p0/0", "probe/p0/0"))
    store.save("songs", keys["probe/p0/0"], {**song, "system": "probe"})
    shared = f"blobs/{song['audio'][:2]}/{song['audio']}"
    files = places(system_files(store, "probe", FOLDERS).parts)
    assert shared not in files and copy["audio"] != song["audio"]
    assert shared not in places(system_files(store, "noise", FOLDERS).parts)


def test_songs_of_stores_before_their_records_said_whose_they_are(folder):
    store = Store("store")
    for kind in ("songs", "failures"):
        for key in store.keys(kind):
            record = store.get(kind, key)
            del record["system"]
            store.save(kind, key, record)
    assert counts(system_files(store, "probe", FOLDERS).parts) == OF_PROBE
