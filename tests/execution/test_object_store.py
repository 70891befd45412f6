"""Runs on an object store: a real S3 service (moto's), a process of its own."""

import os
import threading
import time

import command_line
import psutil
import pytest
from object_store import object_store

from songbench.domain.errors import InputError, StoreReadError, StoreWriteError
from songbench.execution.sessions import LEASE_S, open_session
from songbench.execution.store import Store
from songbench.execution.store_layout import Blob

pytest.importorskip("moto", reason="moto is not installed")
pytest.importorskip("s3fs", reason="s3fs is not installed")


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    with object_store(tmp_path_factory.mktemp("service")) as service:
        service.bucket("songs")
        yield service


@pytest.fixture
def variables(service, monkeypatch):
    for name, value in service.variables.items():
        monkeypatch.setenv(name, value)
    return service.variables


def test_what_another_process_stores_is_seen_at_once(service, variables):
    reader = Store("s3://songs/seen")
    assert reader.keys("scores") == set() and reader.files() == {}
    blob = reader.put_blob(b"sound", "flac")
    assert reader.files() == {blob.place: 5}
    writer = Store(reader.url)
    writer._fs = type(reader._fs)(skip_instance_cache=True, **reader._fs.storage_options)  # as in another process
    writer.save("scores", "aa11", {"x": 1})
    writer.put_feature("bb22", b"numbers")
    assert reader.get("scores", "aa11") == {"x": 1}
    assert reader.keys("scores") == {"aa11"}
    assert reader.has_feature("bb22") and reader.size("features/bb/bb22.npz") == 7
    writer.discard("scores", "aa11")
    writer.discard("scores", "aa11")  # twice does no harm
    assert reader.get("scores", "aa11") is None and reader.size("records/scores/aa/aa11.json") is None
    assert reader.read_blob(Blob(blob.name)) == b"sound" and reader.local_path(blob) is None
    before = len(service.requests())
    assert reader.peek(blob.place) == b"sound" and reader.peek("blobs/00/none") is None
    assert len(service.requests()) == before + 2, "one request for each"


def test_sessions_claim_there_and_the_bucket_has_the_clock(variables):
    stores = [Store("s3://songs/shared") for _ in range(2)]
    assert stores[0].can_create
    with open_session(stores[0], "run 'a'") as first, open_session(stores[1], "run 'b'") as second:
        assert first.claim("song") is None and second.claim("song") == first.record
        assert abs(first._age_s(f"sessions/{second.record.id}")) < LEASE_S
        holders, start = [], threading.Barrier(2)

        def race(session):
            for number in range(10):
                start.wait()
                holders.append(session.claim(f"score{number}"))

        threads = [threading.Thread(target=race, args=(session,)) for session in (first, second)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert holders.count(None) == 10
    assert not stores[0].places_below("claims") and not stores[0].places_below("sessions")


@pytest.mark.parametrize(
    ("url", "changed", "reason", "cure"),
    [
        ("s3://no-such-bucket/a", {}, "bucket does not exist", "make the bucket"),
        ("s3://songs/a", {"AWS_ENDPOINT_URL": "127.0.0.1:9"}, "Invalid endpoint", "with http://"),
        ("s3://songs/a", {"AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None}, "credentials", "AWS_PROFILE"),
    ],
)
def test_what_is_wrong_with_a_store_is_said_with_its_cure(variables, monkeypatch, url, changed, reason, cure):
    for name, value in changed.items():
        monkeypatch.setenv(name, value) if value else monkeypatch.delenv(name)
    store = Store(url)
    store._fs = type(store._fs)(skip_instance_cache=True, **store._fs.storage_options)
    with pytest.raises(StoreWriteError, match=rf"{reason}.*{cure}"):
        store.save("scores", "aa11", {"x": 1})
    if "bucket" not in reason:
        with pytest.raises(StoreReadError, match=rf"{reason}.*{cure}"):
            store.get("scores", "aa11")


def test_a_driver_that_is_not_installed_is_named(monkeypatch):
    import fsspec

    def absent(*_, **__):
        raise ImportError("Install s3fs to access S3")

    monkeypatch.setattr(fsspec.core, "url_to_fs", absent)
    with pytest.raises(InputError, match=r"Install s3fs to access S3.*pip install 'songbench\[s3\]'"):
        Store("s3://songs/a")


@pytest.mark.slow
@pytest.mark.timeout(280)
def test_the_demo_on_an_object_store_gives_the_bytes_of_a_folder(tmp_path, suite_file, variables):
    suite = suite_file(3)
    files = {}
    for name, store in (("folder", "store"), ("bucket", "s3://songs/demo")):
        (tmp_path / name).mkdir()
        words = ["run", "--suite", suite, "--systems", "rulebased,noise", "--metrics", "audio", "--store", store]
        words += ["--runs", "runs", "--set", "engine=inline"]
        where = {"cwd": tmp_path / name, "env": {**os.environ, **variables}}
        process = command_line.run(list(map(str, words)), **where)
        assert process.returncode == 0, process.stderr
        run = tmp_path / name / "runs/small"
        files[name] = {path.name: path.read_bytes() for path in run.iterdir() if path.name.startswith("leaderboard")}
    assert files["bucket"] == files["folder"] and files["folder"]
    process = command_line.run(["verify", "small", "--runs", "runs"], **where)
    assert process.returncode == 0 and "0 damaged; 0 songs missing" in process.stdout, process.stdout + process.stderr


def words_of(folder, suite, store):
    words = ["run", "--suite", suite, "--systems", "probe:first,probe:second", "--metrics", "level@probe,spread@probe"]
    words += ["--store", store, "--runs", folder / "runs", "--takes", "2", "--workers", "2", "--quiet"]
    return [str(word) for word in [*words, "--set", "system.probe.seconds_each=0.1"]]


def leaderboard(folder):
    return {path.name: path.read_bytes() for path in (folder / "runs/small").glob("leaderboard.*")}


def songs_begun(log):
    return [row.partition(" song ")[2] for row in log.read_text().splitlines() if " song " in row]


@pytest.fixture
def calm_table(tmp_path, suite_file):
    """The table of a run on a folder that was left alone."""
    (tmp_path / "calm").mkdir()
    words = [*words_of(tmp_path / "calm", suite_file(6), tmp_path / "calm/store"), "--set", "engine=inline"]
    words.remove("--workers"), words.remove("2")
    process = command_line.run(words, cwd=tmp_path, env=dict(os.environ))
    assert process.returncode == 0, process.stderr
    return leaderboard(tmp_path / "calm")


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_kills_change_nothing_on_an_object_store(tmp_path, suite_file, variables, calm_table):
    suite, folder = suite_file(6), tmp_path / "rough"
    folder.mkdir()
    words = words_of(folder, suite, "s3://songs/rough")
    where = {"cwd": folder, "env": {**os.environ, **variables, "PROBE_LOG": str(folder / "log")}}
    journal = folder / "runs/small/journal.jsonl"
    for results in (5, 30):
        run = command_line.start_fresh(words, **where, output=folder / "output")
        while run.poll() is None and not (journal.exists() and journal.read_bytes().count(b"\n") >= results):
            time.sleep(0.05)
        assert run.poll() is None, (folder / "output").read_text()
        workers = psutil.Process(run.pid).children(recursive=True)
        run.kill()
        run.wait()
        psutil.wait_procs(workers, timeout=30)
    process = command_line.fresh(words, **where, timeout=400)
    assert process.returncode == 0, process.stderr
    assert leaderboard(folder) == calm_table
    assert len(set(songs_begun(folder / "log"))) == 24
    assert len(songs_begun(folder / "log")) <= 24 + 2 * 2, "only what a kill interrupted is begun again"


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_two_runs_share_an_object_store(tmp_path, suite_file, variables, calm_table):
    suite, environment = suite_file(6), {**os.environ, **variables, "PROBE_LOG": str(tmp_path / "log")}
    runs = {}
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        words = words_of(tmp_path / name, suite, "s3://songs/shared")
        runs[name] = command_line.start_fresh(
            words, cwd=tmp_path / name, env=environment, output=tmp_path / name / "output"
        )
    for name, run in runs.items():
        assert run.wait(400) == 0, (tmp_path / name / "output").read_text()
        assert leaderboard(tmp_path / name) == calm_table
    assert len(songs_begun(tmp_path / "log")) == len(set(songs_begun(tmp_path / "log"))) == 24, "each by one of them"
