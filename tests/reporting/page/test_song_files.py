"""Songs in a report: names that cannot meet, the store's bytes unharmed, nothing made twice."""

import json

import numpy as np
import pytest
import soundfile

from songbench.domain.audio import Audio, AudioFile, MemoryAudio
from songbench.domain.errors import InputError
from songbench.domain.lyrics import parse_lyrics
from songbench.domain.mixing import mix_with_vocal
from songbench.domain.prompt import Prompt
from songbench.domain.song import Request, Song
from songbench.execution.results import SongId
from songbench.execution.songs import StoredAudio, put_audio
from songbench.execution.store import Store
from songbench.execution.store_layout import Blob
from songbench.reporting.page import song_files
from songbench.reporting.page.song_files import LIST, MP3_RATE, check_audio_mode, readable_names, write_song_files

PROMPT = Prompt(id="p", lyrics=parse_lyrics("[verse]\nla"))


def audio(level=0.1, seconds=0.2, channels=1, rate=16_000):
    rng = np.random.default_rng(1)
    return Audio((level * rng.standard_normal((channels, int(seconds * rate)))).astype("float32"), rate)


def song(source, **stems):
    return Song(request=Request(prompt=PROMPT, take=0, seed=0), source=source, stems=stems)


@pytest.fixture
def store(tmp_path):
    return Store(str(tmp_path / "store"))


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "report"


def test_names_are_readable_and_never_meet():
    texts = ["rulebased", "P1", "p1", "我的模型", "a/../b", "..", "con", "a b", "a-b", "a" * 300]
    names = readable_names(texts)
    assert names["rulebased"] == "rulebased" and names["a-b"] == "a-b"
    assert len({name.casefold() for name in names.values()}) == len(texts)
    for name in names.values():
        assert name.isascii() and "/" not in name and len(name) < 130 and not name.startswith(".")
    assert all("~" in names[text] for text in ("P1", "p1", "我的模型", "a/../b", "..", "con", "a b"))
    assert readable_names(["p1"])["p1"] == "p1"


def test_linked_songs_take_no_room_and_leave_the_store_alone(store, folder):
    blob_audio, vocals, clip = (put_audio(store, MemoryAudio(audio(level))) for level in (0.1, 0.2, 0.05))
    songs = {SongId("s", "p", 0): song(blob_audio, vocals=vocals)}
    report = write_song_files(folder, songs, {"p": {"prompt_wav": clip, "reference": MemoryAudio(audio(2.0))}}, "link")
    (paths,) = report.songs.values()
    assert (paths.mix, paths.vocals) == ("songs/s/p.take0.flac", "songs/s/p.take0.vocals.flac")
    assert report.prompts == {
        "p": {"prompt_wav": "songs/~prompts/p.style.flac", "reference": "songs/~prompts/p.reference.flac"}
    }
    assert (folder / paths.mix).samefile(store.local_path(blob_audio.blob))
    assert not (folder / "songs/~prompts/p.reference.flac").stat().st_nlink > 1
    # another song of the same place replaces the name, never the store's bytes
    louder = put_audio(store, MemoryAudio(audio(0.15)))
    before = store.read_blob(blob_audio.blob)
    write_song_files(folder, {SongId("s", "p", 0): song(louder)}, {}, "link")
    assert (folder / paths.mix).read_bytes() == store.read_blob(louder.blob)
    assert store.read_blob(blob_audio.blob) == before
    assert not (folder / paths.vocals).exists() and not (folder / "songs/~prompts").exists()


def test_where_links_are_impossible_songs_are_copied(store, folder, monkeypatch):
    def refuse(source, target):
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(song_files.os, "link", refuse)
    blob_audio = put_audio(store, MemoryAudio(audio()))
    write_song_files(folder, {SongId("s", "p", 0): song(blob_audio)}, {}, "link")
    copy = folder / "songs/s/p.take0.flac"
    assert copy.read_bytes() == store.read_blob(blob_audio.blob) and copy.stat().st_nlink == 1


def test_songs_of_a_remote_store_are_copied(folder):
    remote = Store("memory://page-song-files")
    blob_audio = put_audio(remote, MemoryAudio(audio()))
    report = write_song_files(folder, {SongId("s", "p", 0): song(blob_audio)}, {}, "link")
    assert (folder / report.songs["s", "p", 0].mix).read_bytes() == remote.read_blob(blob_audio.blob)


@pytest.mark.parametrize(("channels", "rate"), [(1, 16_000), (2, 44_100), (3, 96_000)])
def test_mp3_has_its_rate_and_is_made_once(store, folder, channels, rate, monkeypatch):
    blob_audio = put_audio(store, MemoryAudio(audio(seconds=1.0, channels=channels, rate=rate)))
    songs = {SongId("s", "p", 0): song(blob_audio)}
    path = folder / write_song_files(folder, songs, {}, "mp3").songs["s", "p", 0].mix
    assert soundfile.info(path).format == "MP3"
    assert 8 * path.stat().st_size / soundfile.info(path).duration / 1000 == pytest.approx(MP3_RATE, rel=0.1)
    monkeypatch.setattr(StoredAudio, "load", lambda self: pytest.fail("decoded again"))
    write_song_files(folder, songs, {}, "mp3")


def test_without_audio_nothing_is_left_but_what_others_put_there(store, folder):
    blob_audio = put_audio(store, MemoryAudio(audio()))
    write_song_files(folder, {SongId("s", "p", 0): song(blob_audio)}, {}, "copy")
    (folder / "songs/s/mine.txt").write_text("mine")
    report = write_song_files(folder, {SongId("s", "p", 0): song(blob_audio)}, {}, "none")
    assert not report.songs and [path.name for path in folder.rglob("*") if path.is_file()] == ["mine.txt"]


def test_a_forged_list_removes_nothing_outside(store, folder):
    (folder / "songs").mkdir(parents=True)
    outside = folder.parent / "precious"
    outside.write_text("kept")
    files = {"songs/../../precious": "x", "../precious": "x", "precious": 3}
    (folder / LIST).write_text(json.dumps({"schema": "songbench.song-files/1", "files": files}))
    write_song_files(folder, {}, {}, "none")
    assert outside.read_text() == "kept"


def test_a_song_that_cannot_be_read_is_named(store, folder):
    absent = StoredAudio(store, Blob("0" * 64 + ".flac"))
    report = write_song_files(folder, {SongId("s", "p", 0): song(absent)}, {}, "link")
    assert not report.songs and "s/p.take0" in report.faults["p"][0] and "is gone" in report.faults["p"][0]


def test_a_file_of_the_suite_that_is_gone_is_named(store, folder, tmp_path):
    report = write_song_files(folder, {}, {"p": {"reference": AudioFile(tmp_path / "mine.wav")}}, "link")
    assert report.prompts == {"p": {}} and "No such file" in report.faults["p"][0]


def test_modes_are_named():
    assert check_audio_mode("mp3") == "mp3"
    with pytest.raises(InputError, match="link, copy, mp3"):
        check_audio_mode("ogg")


def test_an_accompaniment_is_heard_with_its_vocal_and_alone(store, folder):
    band, vocal = (put_audio(store, MemoryAudio(audio(level, seconds=0.6))) for level in (0.01, 0.1))
    songs = {SongId("s", "p", 0): song(band)}
    report = write_song_files(folder, songs, {"p": {"vocal": vocal}}, "link")
    (paths,) = report.songs.values()
    assert (paths.mix, paths.accompaniment) == ("songs/s/p.take0.with-vocal.flac", "songs/s/p.take0.flac")
    assert report.prompts == {"p": {"vocal": "songs/~prompts/p.vocal.flac"}}
    assert (folder / paths.accompaniment).samefile(store.local_path(band.blob))
    mix, _ = soundfile.read(folder / paths.mix)
    assert mix == pytest.approx(mix_with_vocal(vocal.load(), band.load()).samples.T, abs=1e-5)
    first = (folder / paths.mix).stat()
    write_song_files(folder, songs, {"p": {"vocal": vocal}}, "link")
    assert (folder / paths.mix).stat().st_ino == first.st_ino  # the same content is not mixed again
