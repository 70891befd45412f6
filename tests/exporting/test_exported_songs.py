"""Songs as files: what they are called, that nothing else is overwritten, and that they come back as they were."""

import json
import os
import signal

import numpy as np
import pytest
import soundfile

from songbench.domain.errors import InputError
from songbench.execution.config import build_experiment, compose
from songbench.execution.gather import gather
from songbench.execution.results import SongId
from songbench.execution.runner import Runner
from songbench.execution.store import Store
from songbench.exporting import songs as exporting
from songbench.exporting.songs import export_songs


def files_of(folder):
    return {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}


def contents(folder):
    return {name: (path.read_bytes(), path.stat().st_mtime_ns) for name, path in files_of(folder).items()}


def test_songs_have_readable_names_that_no_file_system_confuses(export, tmp_path):
    exported = export_songs(export(), tmp_path)
    assert (exported.new, exported.unchanged, exported.faults) == (5, 0, ())
    names = files_of(tmp_path)
    assert {"README.md", "export.json", "probe/manifest.jsonl", "noise/manifest.jsonl"} < names.keys()
    assert {"noise/sun.take0.flac", "noise/sun.take0.json", "noise/sun.take0.txt"} < names.keys()
    assert sum(name.startswith("noise/aux~") for name in names) == 3, "what Windows cannot have has another name"
    assert "probe/rain.take0.wav" in names, "FLAC cannot hold it"
    assert names["noise/rain.take0.txt"].read_text(encoding="utf-8") == "[verse]\nla la\n\n[chorus]\n好的\n"
    record = json.loads(names["noise/sun.take0.json"].read_text())
    assert record["sections"] == record["words"] == [], "noise has none"
    assert record["song"]["system"] == "noise" and record["prompt"]["tags"] == {"genre": "pop"}
    assert record["suite"] == {"name": "small", "version": "1"} and record["song"]["seed"] is not None
    readme = names["README.md"].read_text()
    assert (
        "lyrics and prompts of the suite small: CC0-1.0" in readme and "songs of probe: the system's licence" in readme
    )
    assert "imported:NAME=probe" in readme


def test_they_are_scored_as_they_were(export, folder, tmp_path):
    export_songs(export(), tmp_path / "songs")
    options = {
        "suite.source": str(folder / "small.jsonl"),
        "systems": [f"imported:again={tmp_path / 'songs/probe'}", f"imported:hiss={tmp_path / 'songs/noise'}"],
        "metric.select": ["level@probe", "spread@probe"],
        "store": str(tmp_path / "store"),
        "runs": str(tmp_path / "runs"),
    }
    experiment = build_experiment(compose(["engine=inline"], options))
    Runner(experiment, Store(experiment.store)).run()
    results, before = gather(experiment, Store(experiment.store)), export().results
    for system, original in (("again", "probe"), ("hiss", "noise")):
        for prompt in ("rain", "aux", "sun"):
            song, first = SongId(system, prompt, 0), SongId(original, prompt, 0)
            assert (song in results.sounds) == (first in before.sounds)
            if first in before.sounds:
                assert results.sounds[song].digest == before.sounds[first].digest, "the same audio"
                assert results.metrics[0].songs[song] == before.metrics[0].songs[first]
        assert results.metrics[1].sets[system].values == before.metrics[1].sets[original].values


@pytest.mark.parametrize("encoding", ["wav", "mp3"])
def test_other_encodings(export, tmp_path, encoding):
    run = export(systems=["probe"])
    export_songs(run, tmp_path, encoding=encoding)
    for name, path in files_of(tmp_path).items():
        if name.endswith(encoding):
            song = next(
                song for song in run.songs if song.prompt == name.partition("/")[2].partition("~")[0].partition(".")[0]
            )
            original = run.songs[song].audio
            samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
            if encoding == "wav":
                assert rate == original.rate and np.array_equal(samples.T, original.samples), "beyond full scale, too"
            else:
                assert abs(samples.shape[0] / rate - original.samples.shape[1] / original.rate) < 0.1
    with pytest.raises(InputError, match=r"Allowed: flac, wav, mp3"):
        exporting.check_encoding("ogg")


def test_what_lies_there_already_is_left_alone_and_parts_add_up(export, tmp_path):
    export_songs(export(prompts=["sun"]), tmp_path)
    first = contents(tmp_path)
    exported = export_songs(export(), tmp_path)
    assert (exported.new, exported.unchanged) == (4, 1)
    after = contents(tmp_path)
    songs = {name: content for name, content in first.items() if ".take0." in name}
    assert songs.items() <= after.items()
    exported = export_songs(export(systems=["noise"], prompts=["rain"]), tmp_path)
    assert (exported.new, exported.unchanged) == (0, 1)
    manifest = [json.loads(row) for row in (tmp_path / "noise/manifest.jsonl").read_text().splitlines()]
    assert [(row["id"], row["take"]) for row in manifest] == [("rain", 0), ("aux", 0), ("sun", 0)]
    with pytest.raises(InputError, match="Did you mean 'sun'"):
        export(prompts=["sum"])


def test_nothing_of_others_is_overwritten_unless_that_is_said(export, tmp_path):
    run = export(systems=["noise"])
    (tmp_path / "noise").mkdir()
    (tmp_path / "noise/sun.take0.flac").write_bytes(b"mine")
    with pytest.raises(InputError, match=r"would overwrite: noise/sun\.take0\.flac.*--force"):
        export_songs(run, tmp_path)
    assert files_of(tmp_path).keys() == {"noise/sun.take0.flac"}, "nothing was begun"
    export_songs(run, tmp_path, force=True)
    assert export_songs(run, tmp_path).unchanged == 3
    for name, data in (("noise/sun.take0.txt", b"edited"), ("noise/manifest.jsonl", b""), ("README.md", b"mine")):
        original = (tmp_path / name).read_bytes()
        (tmp_path / name).write_bytes(data)
        with pytest.raises(InputError, match="would overwrite"):
            export_songs(run, tmp_path)
        assert (tmp_path / name).read_bytes() == data
        (tmp_path / name).write_bytes(original)


def test_another_encoding_takes_the_place_of_the_first(export, tmp_path):
    run = export(systems=["noise"], prompts=["sun"])
    export_songs(run, tmp_path)
    export_songs(run, tmp_path, encoding="mp3")
    assert {name for name in files_of(tmp_path) if "sun" in name} == {
        f"noise/sun.take0.{ending}" for ending in ("mp3", "txt", "json")
    }
    assert '"sun.take0.mp3"' in (tmp_path / "noise/manifest.jsonl").read_text()


@pytest.mark.parametrize("moment", [1, 5, 9])
def test_an_export_that_was_killed_is_taken_up_again(export, tmp_path, monkeypatch, moment):
    run = export()
    export_songs(run, tmp_path / "calm")
    save, left = exporting.save, iter(range(moment))

    def save_or_die(path, data):
        if next(left, None) is None:
            os.kill(os.getpid(), signal.SIGKILL)
        save(path, data)

    child = os.fork()
    if child == 0:
        monkeypatch.setattr(exporting, "save", save_or_die)
        export_songs(run, tmp_path / "rough")
        os._exit(0)
    assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL
    before = contents(tmp_path / "rough")
    assert len(before) == moment
    exported = export_songs(run, tmp_path / "rough")
    assert exported.unchanged == moment // 3
    calm, rough = (contents(tmp_path / name) for name in ("calm", "rough"))
    assert {name: data for name, (data, _) in calm.items()} == {name: data for name, (data, _) in rough.items()}


def test_a_song_that_the_store_has_lost_is_named(export, tmp_path, monkeypatch):
    run = export(systems=["noise"])
    lost = run.songs[SongId("noise", "sun", 0)].source.blob
    store = Store(str(tmp_path / "store"))
    read = Store.read_blob
    monkeypatch.setattr(Store, "read_blob", lambda self, blob: read(store if blob == lost else self, blob))
    exported = export_songs(run, tmp_path / "songs")
    assert exported.new == 2 and len(exported.faults) == 1
    assert exported.faults[0].startswith("noise/sun/0: ") and "is gone" in exported.faults[0]
    assert "sun" not in (tmp_path / "songs/noise/manifest.jsonl").read_text()
