"""Runs of the track v2a as files: accompaniments, mixes, vocals and truth, each where its name says."""

import json

import numpy as np
import pytest
import soundfile

import songbench
from songbench.domain.audio import AudioFile
from songbench.domain.errors import InputError
from songbench.domain.mixing import mix_with_vocal
from songbench.execution.recorded import recorded
from songbench.execution.store import Store
from songbench.exporting.material import RunExport
from songbench.exporting.songs import export_songs

RATE = 8000


@pytest.fixture
def bands(tmp_path):
    """A run of two prompts, one with a true accompaniment, by a system called as a folder of the export is."""
    rows = [{"suite": "bands", "licence": "CC0-1.0"}]
    (tmp_path / "made").mkdir()
    for number, name in enumerate(("anna", "ben")):
        for seed, path in enumerate((f"vocal-{name}.wav", f"truth-{name}.wav", f"made/{name}.wav")):
            noise = np.random.default_rng([number, seed]).standard_normal(RATE)
            soundfile.write(tmp_path / path, 0.1 * noise, RATE)
        row = {"id": name, "track": "v2a", "vocal": f"vocal-{name}.wav"}
        rows.append(row | ({"reference": "truth-anna.wav"} if name == "anna" else {}))
    (tmp_path / "bands.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    places = {"store": tmp_path / "store", "runs": tmp_path / "runs", "overrides": ["engine=inline"]}
    systems = ["copy_vocal", f"imported:vocals={tmp_path / 'made'}"]
    songbench.run(suite=tmp_path / "bands.jsonl", systems=systems, metrics=["audio"], **places)

    def open_run():
        experiment, record = recorded("bands", str(tmp_path / "runs"))
        return RunExport(experiment, Store(experiment.store), record)

    return open_run


def names(folder):
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_each_part_lies_where_its_name_says(bands, tmp_path):
    folder = tmp_path / "songs"
    exported = export_songs(bands(), folder)
    assert (exported.new, exported.faults) == (4, ())
    place = exported.systems["vocals"]
    assert place.name.startswith("vocals~"), "no system takes the folder of the vocals"
    assert {path for path in names(folder) if path.endswith(("flac", "wav"))} == {
        *(
            f"{system}/{kind}{prompt}.take0.flac"
            for system in ("copy_vocal", place.name)
            for kind in ("", "with-vocal/")
            for prompt in ("anna", "ben")
        ),
        *("vocals/anna.wav", "vocals/ben.wav", "true-accompaniments/anna.wav"),
    }
    assert (folder / "vocals/ben.wav").read_bytes() == (tmp_path / "vocal-ben.wav").read_bytes()
    band, vocal = AudioFile(place / "anna.take0.flac").load(), AudioFile(folder / "vocals/anna.wav").load()
    expected = mix_with_vocal(vocal, band)
    mix = AudioFile(place / "with-vocal/anna.take0.flac").load()
    assert mix.rate == expected.rate and np.allclose(mix.samples, expected.samples, atol=2**-22)
    readme = (folder / "README.md").read_text()
    assert (
        "with-vocal/PROMPT.take0" in readme and "-20 LUFS" in readme and "vocals, true accompaniments, lyrics" in readme
    )
    manifest = [json.loads(line)["audio"] for line in (place / "manifest.jsonl").read_text().splitlines()]
    assert manifest == ["anna.take0.flac", "ben.take0.flac"], "a mix is no song of the system"


def test_what_lies_there_is_left_alone_and_what_is_not_ours_is_kept(bands, tmp_path):
    folder = tmp_path / "songs"
    export_songs(bands(), folder)
    before = {path: (folder / path).stat().st_mtime_ns for path in names(folder) if path.endswith(("flac", "wav"))}
    assert export_songs(bands(), folder).unchanged == 4
    assert {path: (folder / path).stat().st_mtime_ns for path in before} == before
    (folder / "copy_vocal/with-vocal/ben.take0.flac").unlink()
    assert (export_songs(bands(), folder).new, names(folder)) == (1, names(folder) | set(before))
    for place in ("vocals/anna.wav", "copy_vocal/with-vocal/anna.take0.flac"):
        original = (folder / place).read_bytes()
        (folder / place).write_bytes(b"mine")
        with pytest.raises(InputError, match=f"would overwrite: {place}"):
            export_songs(bands(), folder)
        (folder / place).write_bytes(original)
    export_songs(bands(), folder, encoding="mp3")
    assert {path.rpartition(".")[2] for path in names(folder)} == {"mp3", "json", "jsonl", "txt", "md"}


def test_a_vocal_that_is_gone_is_told(bands, tmp_path):
    run = bands()
    assert len(run.songs) == 4 and run.assets
    (tmp_path / "vocal-ben.wav").unlink()
    exported = export_songs(run, tmp_path / "songs", encoding="wav")
    faults = " ".join(exported.faults)
    assert "vocals/ben.wav" in faults and "copy_vocal/ben/0" in faults and "anna" not in faults
    assert (tmp_path / "songs/copy_vocal/with-vocal/anna.take0.wav").is_file()


def test_exported_accompaniments_are_scored_without_their_suite(bands, tmp_path):
    folder = export_songs(bands(), tmp_path / "songs").systems["copy_vocal"]
    parts = {"vocals": tmp_path / "songs/vocals", "references": tmp_path / "songs/true-accompaniments"}
    places = {"store": tmp_path / "store", "runs": tmp_path / "runs", "overrides": ["engine=inline"]}
    run = songbench.score_files(folder, metrics=["vocal_leakage@coherence"], **parts, **places)
    leakage = run.scores.query("field == 'vocal_leakage'").set_index("prompt")["value"]
    assert set(leakage.index) == {"anna.take0", "ben.take0"} and leakage.min() > 99
