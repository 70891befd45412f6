"""The local index of what records say: it saves reading them, and whatever becomes of it the answers stay the same."""

import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing

import pytest

from songbench.domain.errors import InputError
from songbench.execution import intact_records
from songbench.execution import record as record_module
from songbench.execution.intact_records import BASIS, IntactRecords, basis_to_json
from songbench.execution.store import Store
from songbench.execution.store_layout import record_place
from songbench.resources import stamped_index

SCORES = intact_records.WORTH_NOTING + 20


class CountingStore(Store):
    """Counts the records that are read."""

    reads = 0

    def read_each(self, kind, keys, digests):
        self.reads += len(set(keys) - digests.keys())
        return super().read_each(kind, keys, digests)


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    """A store with one song and so many scores of it that an index is worth its while."""
    store = CountingStore(str(tmp_path_factory.mktemp("filled")))
    blob = store.put_blob(b"sound", "flac")
    store.save("songs", "song", {"audio": blob.name, BASIS: basis_to_json({"blobs": {blob.name: 5}})})
    digest = store.digest("songs", "song")
    for number in range(SCORES):
        basis = basis_to_json({"songs": {"song": digest}})
        store.save("scores", f"{number:04x}", {"values": {"x": number / 7}, BASIS: basis})
    return store


@pytest.fixture
def store(filled, tmp_path, monkeypatch):
    """The same store, a copy with a cache folder of its own; its files count as old."""
    subprocess.run(["cp", "-r", filled.url, str(tmp_path / "store")], check=True)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(stamped_index, "SETTLED_NS", 0)
    return CountingStore(str(tmp_path / "store"))


def keys():
    return {f"{number:04x}" for number in range(SCORES)}


def reads_of(store):
    """How many scores a planner that begins anew has to read, all of them whole."""
    store.reads = 0
    records = IntactRecords(store)
    assert records.intact("scores", keys()) == keys()
    assert not records.damaged
    return store.reads - 1  # the song


def index_file(tmp_path):
    (path,) = (tmp_path / "cache/songbench/stores").iterdir()
    return path


def test_records_are_read_once_for_all_planners(store, tmp_path):
    assert reads_of(store) == SCORES
    assert reads_of(store) == 0
    index_file(tmp_path).unlink()
    assert reads_of(store) == SCORES
    assert IntactRecords(store).audio("songs", ["song"]).keys() == {"song"}


def test_what_they_say_is_read_where_it_is_wanted(store):
    for _ in range(2):
        contents = dict(IntactRecords(store).contents("scores", sorted(keys())))
        assert contents == {f"{number:04x}": store.get("scores", f"{number:04x}") for number in range(SCORES)}


def test_young_records_are_read_again(store, tmp_path, monkeypatch):
    monkeypatch.setattr(stamped_index, "SETTLED_NS", 3600 * 10**9)
    assert reads_of(store) == reads_of(store) == SCORES
    assert not (tmp_path / "cache/songbench/stores").exists()


def changed_unseen(path):
    """Another byte, but size and time as they were."""
    facts, data = path.stat(), path.read_bytes()
    path.write_bytes(data.replace(b"0.", b"1.", 1))
    os.utime(path, ns=(facts.st_atime_ns, facts.st_mtime_ns))


@pytest.mark.parametrize(
    "harm", [changed_unseen, lambda path: path.write_bytes(path.read_bytes()[:20]), lambda path: path.unlink()]
)
def test_a_damaged_record_is_noticed_although_the_index_knows_it(store, tmp_path, harm):
    reads_of(store)
    harm(tmp_path / "store" / record_place("scores", "0003"))
    records = IntactRecords(store)
    assert records.intact("scores", keys()) == keys() - {"0003"}
    assert "0003" not in dict(records.contents("scores", keys()))


def test_what_records_rest_on_is_noticed_although_the_index_knows_them(store, tmp_path):
    reads_of(store)
    (blob,) = (tmp_path / "store/blobs").rglob("*.flac")
    blob.write_bytes(b"soun")
    records = IntactRecords(store)
    assert records.intact("scores", keys()) == set()
    assert "has 4 bytes instead of 5" in records.damaged["songs", "song"]
    blob.write_bytes(b"sound")
    store.save("songs", "song", {**store.get("songs", "song"), "words": []})
    records = IntactRecords(store)
    assert records.intact("scores", keys()) == set()
    assert "was made again" in records.damaged["scores", "0003"]


@pytest.mark.parametrize("where", [0.0, 0.0001, 0.02, 0.1, 0.3, 0.5, 0.7, 0.9, 1.0])
def test_a_byte_changed_in_the_index_changes_nothing(store, tmp_path, where):
    reads_of(store)
    path = index_file(tmp_path)
    data = bytearray(path.read_bytes())
    data[min(len(data) - 1, round(where * len(data)))] ^= 0x15
    path.write_bytes(data)
    expected = {key: IntactRecords(store).find("scores", key).digest for key in keys()}
    records = IntactRecords(store)
    assert records.intact("scores", keys()) == keys()
    assert {key: records.find("scores", key).digest for key in keys()} == expected
    reads_of(store)
    assert reads_of(store) < SCORES, "it is mended or made again"


@pytest.mark.parametrize("content", [b"", b"no database", None])
def test_what_is_no_index_is_thrown_away(store, tmp_path, content):
    reads_of(store)
    path = index_file(tmp_path)
    if content is None:
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    else:
        path.write_bytes(content)
    for _ in range(2):
        reads_of(store)
    assert reads_of(store) == 0


def test_a_cache_that_cannot_be_written_costs_time_only(store, tmp_path):
    (tmp_path / "cache").write_text("a file")
    assert reads_of(store) == reads_of(store) == SCORES


def test_many_processes_share_it(store, tmp_path):
    code = (
        "import sys\nfrom songbench.resources import stamped_index\nstamped_index.SETTLED_NS = 0\n"
        "from songbench.execution.store import Store\n"
        "from songbench.execution.intact_records import IntactRecords\n"
        "for _ in range(3):\n"
        "    records = IntactRecords(Store(sys.argv[1]))\n"
        "    print(len(records.intact('scores', [f'{number:04x}' for number in range(int(sys.argv[2]))])))\n"
    )
    processes = [
        subprocess.Popen([sys.executable, "-c", code, store.url, str(SCORES)], stdout=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    assert [process.communicate()[0].split() for process in processes] == [[str(SCORES)] * 3] * 4
    assert reads_of(store) == 0


def test_a_large_record_of_a_run_is_hashed_once_and_its_changes_are_noticed(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(stamped_index, "SETTLED_NS", 0)
    path, hashed = tmp_path / "record.json", []
    content = record_module.signed({"schema": record_module.SCHEMA, "songs": {"a": "0.123"}, "more": "x" * 10**6})
    path.write_text(json.dumps(content))
    signed = record_module.signed
    monkeypatch.setattr(record_module, "signed", lambda record: hashed.append(1) or signed(record))
    for _ in range(3):
        assert record_module.read_record(path) == content
    assert len(hashed) == 1
    changed_unseen(path)
    with pytest.raises(InputError, match="altered"):
        record_module.read_record(path)
    with pytest.raises(InputError, match="altered"):
        record_module.read_record(path)


def test_a_few_records_of_many_are_looked_up_one_by_one(store):
    reads_of(store)
    fifth = {f"{number:04x}" for number in range(0, SCORES, 5)}
    store.reads = 0
    assert IntactRecords(store).intact("scores", fifth) == fifth and store.reads == 1  # the song


def test_an_index_of_another_layout_is_thrown_away(store, tmp_path):
    reads_of(store)
    path = index_file(tmp_path)
    with closing(sqlite3.connect(path)) as database:
        database.executescript(
            "DROP TABLE entries; CREATE TABLE entries (kind TEXT, key TEXT, stamp INTEGER, content TEXT, sum INTEGER);"
            "INSERT INTO entries VALUES ('scores', '0001', 1, 'x', 2); PRAGMA user_version = 1"
        )
    assert reads_of(store) == SCORES
    assert reads_of(store) == 0


@pytest.mark.parametrize("content", ["'text'", "1.5", "NULL", "x''"])
def test_a_row_with_something_else_changes_nothing(store, tmp_path, content):
    reads_of(store)
    with closing(sqlite3.connect(index_file(tmp_path))) as database:
        database.execute(f"UPDATE entries SET content = {content} WHERE key = '0007'")
        database.commit()
    for _ in range(2):
        reads_of(store)


def test_what_is_lacking_is_what_is_not_whole(store, tmp_path):
    (tmp_path / "store" / record_place("scores", "0003")).unlink()
    (tmp_path / "store" / record_place("scores", "0004")).write_text("{")
    for _ in range(2):
        assert IntactRecords(store).lacking("scores", sorted(keys() | {"beef"})) == {"0003", "0004", "beef"}


def test_failures_that_come_and_go_are_seen_after_a_refresh(store):
    records = IntactRecords(store)
    assert records.intact("failures", keys()) == set()
    store.save("failures", "0005", {"cause": "none"})
    records.refresh()
    assert records.intact("failures", keys()) == {"0005"}
