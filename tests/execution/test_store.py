import errno
import os

import fsspec
import numpy as np
import pytest
from fsspec.implementations.memory import MemoryFileSystem

import songbench
from songbench.contracts.feature import Feature
from songbench.domain.audio import Audio, MemoryAudio
from songbench.domain.errors import DamageError, InputError, StoreReadError, StoreWriteError
from songbench.domain.song import Failure, GenerationRecord, Request, Song, TimedSection, TimedWord
from songbench.domain.suite import parse_prompt
from songbench.execution.features import StoredFeatures, decode_feature, encode_feature
from songbench.execution.songs import StoredAudio, load_song, save_song
from songbench.execution.store import Store
from songbench.execution.store_layout import Blob
from songbench.resources import files
from songbench.resources.files import write_atomically

PROMPT = parse_prompt({"id": "p", "lyrics": "[verse] la.", "seconds": 1})


@pytest.fixture(params=["folder", "memory"])
def store(request, tmp_path):
    return Store(str(tmp_path / "store") if request.param == "folder" else f"memory://{tmp_path.name}-{os.getpid()}")


def noise(gain=0.1, seed=0):
    samples = gain * np.random.default_rng(seed).standard_normal((2, 4000))
    return MemoryAudio(Audio(samples.astype("float32"), 8000))


def test_records_come_back_and_are_listed(store):
    assert store.get("scores", "ab12") is None
    assert store.keys("scores") == set()
    store.save("scores", "ab12", {"x": 1.5, "t": "好"})
    assert store.get("scores", "ab12") == {"x": 1.5, "t": "好"}
    assert store.keys("scores") == {"ab12"}
    store.discard("scores", "ab12")
    store.discard("scores", "ab12")
    assert store.keys("scores") == set()


def test_many_records_are_read_side_by_side(store):
    for number in range(5):
        store.save("scores", f"{number:04x}", {"x": number})
    store._write("records/scores/00/0003.json", b"{")
    outcomes = dict(store.read_each("scores", [f"{number:04x}" for number in range(6)], {"0001": "another"}))
    assert [outcomes[f"{number:04x}"][0] for number in (0, 2, 4)] == [{"x": 0}, {"x": 2}, {"x": 4}]
    assert outcomes["0000"][1] == store.digest("scores", "0000")
    problems = {key: outcome.problem for key, outcome in outcomes.items() if isinstance(outcome, DamageError)}
    assert problems == {"0001": "was altered", "0003": "is cut or unreadable", "0005": "is gone"}


def test_files_are_listed_with_their_sizes(store):
    assert store.files() == {}
    blob = store.put_blob(b"abc", "bin")
    store.put_feature("ab12", b"12345")
    assert store.files() == {blob.place: 3, "features/ab/ab12.npz": 5}
    if not store.local:
        everything = Store("memory://").files()
        assert everything[f"{store.url.removeprefix('memory://')}/features/ab/ab12.npz"] == 5


def test_blobs_are_named_by_content(store):
    blob = store.put_blob(b"abc", "bin")
    assert store.put_blob(b"abc", "bin") == blob
    assert blob.digest.startswith("ba7816bf")
    assert store.read_blob(blob) == b"abc"
    with pytest.raises(DamageError, match=r"00ff\.bin in the store is gone"):
        store.read_blob(Blob("00ff.bin"))
    assert store.damage[0].place == "blobs/00/00ff.bin"


def test_a_song_comes_back_whole(store):
    request = Request(prompt=PROMPT, take=0, seed=7)
    song = Song(
        request=request,
        source=noise(),
        record=GenerationRecord(seconds=1.25, notes=("n",), stages={"voice": 0.5}),
        stems={"vocals": noise(0.05)},
        words=(TimedWord("la", 0.0, 0.4),),
        sections=(TimedSection("verse", 0.0, 0.5),),
        midi=b"MThd",
    )
    save_song(store, "k1", song)
    back = load_song(store, "k1", request)
    assert (back.record, back.words, back.sections, back.midi) == (song.record, song.words, song.sections, song.midi)
    assert np.abs(back.audio.samples - song.audio.samples).max() <= 2**-23
    assert list(back.stems) == ["vocals"]
    assert load_song(store, "k2", request) is None


def test_samples_beyond_full_scale_survive_and_bytes_are_the_same_each_time(store):
    loud = noise(2.0)
    save_song(store, "a", Song(request=Request(prompt=PROMPT, take=0, seed=0), source=loud))
    first = load_song(store, "a", Request(prompt=PROMPT, take=0, seed=0))
    assert np.array_equal(first.audio.samples, loud.load().samples)
    save_song(store, "b", Song(request=Request(prompt=PROMPT, take=0, seed=0), source=noise(2.0)))
    assert load_song(store, "b", Request(prompt=PROMPT, take=0, seed=0)).source.digest == first.source.digest


def test_damaged_audio_is_named(store):
    blob = store.put_blob(b"fLaC rubbish", "flac")
    with pytest.raises(InputError, match="damaged"):
        StoredAudio(store, blob).load()
    store._write(blob.place, b"fLaC other rubbish")
    with pytest.raises(DamageError, match=r"was altered or cut\. 'songbench run' makes it again"):
        StoredAudio(store, blob).load()
    assert store.put_blob(b"fLaC rubbish", "flac") == blob
    assert store.read_blob(blob) == b"fLaC rubbish", "a damaged blob is written again"


def test_an_unreadable_record_counts_as_absent(tmp_path):
    store = Store(str(tmp_path))
    store.save("songs", "abcd", {"x": 1})
    path = tmp_path / "records/songs/ab/abcd.json"
    content = path.read_text()
    for text, problem in (
        ('{"x": ', "is cut or unreadable"),
        ("", "is empty"),
        ("[]", "is cut or unreadable"),
        ('{"x": 1}', "is cut or unreadable"),
        (content.replace("1", "2", 1), "was altered"),
    ):
        path.write_text(text)
        assert store.get("songs", "abcd") is None
        with pytest.raises(DamageError, match=problem):
            store.read("songs", "abcd")


class CountingExtractor:
    name, identity = "sum", {"v": 1}

    def __init__(self):
        self.digests = []

    def extract(self, sources):
        for source in sources:
            self.digests.append(source.digest)
            if source.load().rate == 1:
                yield Failure("feature", "too slow a rate")
            else:
                yield Feature({"s": source.load().samples.sum(keepdims=True)}, {"text": "é"})


def test_features_are_extracted_once_per_content(store):
    extractor, features = CountingExtractor(), StoredFeatures(store)
    a, b, bad = noise(seed=1), noise(seed=2), MemoryAudio(Audio(np.ones((1, 2), "float32"), 1))
    first = features.of(extractor, [a, b, a, bad])
    assert len(extractor.digests) == 3
    assert first[0].arrays["s"] == first[2].arrays["s"]
    assert isinstance(first[3], Failure)
    again = StoredFeatures(store).of(extractor, [b, a])
    assert len(extractor.digests) == 3
    assert np.array_equal(again[1].arrays["s"], first[0].arrays["s"])
    features.of(extractor, [bad])
    assert len(extractor.digests) == 4, "a failure is not stored"


def test_feature_bytes_round_trip():
    feature = Feature({"a": np.arange(6, dtype="float32").reshape(2, 3)}, {"t": ["x", 1, None]})
    back = decode_feature("k", encode_feature("k", feature))[0]
    assert np.array_equal(back.arrays["a"], feature.arrays["a"])
    assert back.arrays["a"].dtype == np.float32
    assert back.data == feature.data


def test_a_failed_write_leaves_nothing_and_says_what_to_do(tmp_path, monkeypatch):
    def full(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    store = Store(str(tmp_path))
    store.save("scores", "aa", {"x": 1})
    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(StoreWriteError, match=r"disk is full.*stored before is safe") as caught:
        store.save("scores", "bb", {"x": 2})
    assert caught.value.exit_code == 5
    assert store.keys("scores") == {"aa"}
    assert not list(tmp_path.rglob("*.tmp"))


class UnreachableFileSystem(MemoryFileSystem):
    """A driver whose server has gone, and which says so in its own way."""

    protocol = "unreachable"

    def _fail(self, *_, **__):
        raise RuntimeError("no answer from the server\nafter 3 tries")

    cat_file = info = exists = find = pipe_file = _fail


def test_a_store_that_cannot_be_reached_says_so(suite_file, tmp_path):
    fsspec.register_implementation("unreachable", UnreachableFileSystem, clobber=True)
    store = Store("unreachable://songs")
    message = r"Cannot read .* in the store 'unreachable://songs': no answer from the server after 3 tries\. .*is safe"
    for ask in (
        lambda: store.peek("records/scores/aa.json"),
        lambda: store.size("aa"),
        lambda: store.keys("songs"),
        lambda: store.has_feature("aa"),
        lambda: store.get("scores", "aa"),
    ):
        with pytest.raises(StoreReadError, match=message) as caught:
            ask()
        assert caught.value.exit_code == 5
    with pytest.raises(StoreWriteError, match="Cannot write to 'unreachable://songs': no answer from the server"):
        store.save("scores", "aa", {"x": 1})
    with pytest.raises(StoreWriteError, match="no answer from the server"):  # it would register there
        songbench.run(
            suite=str(suite_file(1)),
            systems=["silence"],
            metrics=["audio"],
            store=store.url,
            runs=str(tmp_path),
            overrides=["engine=inline"],
        )


def test_writing_over_a_file_is_atomic(tmp_path):
    path = tmp_path / "f.json"
    write_atomically(path, b"old")
    write_atomically(path, b"new")
    assert path.read_bytes() == b"new"
    assert [one.name for one in tmp_path.iterdir()] == ["f.json"]


def test_bad_urls_are_explained(tmp_path):
    with pytest.raises(InputError, match="cannot be opened"):
        Store("nosuchprotocol://x")
    (tmp_path / "file").write_text("x")
    with pytest.raises(InputError, match="is a file"):
        Store(str(tmp_path / "file"))


@pytest.mark.parametrize("url", ["a", "./a/", ".", "a/../b", "~/a", "{}/a//", "{}", "/", "file://{}/a", "", "a/./b"])
def test_the_folder_of_a_path_is_fsspecs(url, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    url = url.format(tmp_path)
    root = fsspec.core.url_to_fs(url)[1].rstrip("/")
    store = Store(url)
    assert store.local and store.address("x") == f"{root}/x"
