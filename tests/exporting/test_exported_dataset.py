"""A run as a data set, opened by the package ``datasets`` itself."""

import io
import json

import numpy as np
import pytest
import soundfile
import yaml

from songbench.domain.errors import InputError
from songbench.execution.results import SongId
from songbench.exporting import dataset
from songbench.exporting.dataset import export_dataset


@pytest.fixture
def opened(monkeypatch, tmp_path):
    """A function that opens a data set, with the caches of ``datasets`` in the test's folder and without a network."""
    for name in ("HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE"):
        monkeypatch.setenv(name, "1")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hub"))
    datasets = pytest.importorskip("datasets", reason="the package datasets is not installed")
    datasets.disable_progress_bars()

    def load(folder, name=None):
        rows = datasets.load_dataset(str(folder), name, split="test", cache_dir=str(tmp_path / "cache"))
        return rows.cast_column("audio", datasets.Audio(decode=False)) if "audio" in rows.column_names else rows

    return load


def test_datasets_opens_songs_and_scores(export, opened, tmp_path, monkeypatch):
    monkeypatch.setattr(dataset, "SHARD_BYTES", 60_000)
    run = export()
    paths = export_dataset(run, tmp_path / "set")
    names = [path.relative_to(tmp_path / "set").as_posix() for path in paths]
    assert names[0] == "README.md" and names[-1] == "scores/test.parquet"
    assert [name for name in names if name.startswith("songs/")] == [
        f"songs/test-0000{number}-of-0000{len(names) - 2}.parquet" for number in range(len(names) - 2)
    ]
    assert len(names) > 3
    songs = opened(tmp_path / "set")
    assert [(row["system"], row["prompt"]) for row in songs] == [song[:2] for song in run.songs]
    row = songs[1]
    assert row["system"] == "probe" and row["prompt"] == "aux" and row["tag.genre"] == "pop"
    assert row["lyrics"] == "[verse]\nla la\n\n[chorus]\n好的" and row["language"] and row["licence"] == "CC0-1.0"
    samples, rate = soundfile.read(io.BytesIO(row["audio"]["bytes"]), dtype="float32", always_2d=True)
    original = run.songs[SongId("probe", "aux", 0)].audio
    assert rate == original.rate and np.array_equal(samples.T, original.samples)
    assert row["level@probe"] == run.results.metrics[0].songs["probe", "aux", 0].values["level"]
    assert songs[0]["level@probe"] is None and songs[0]["audio"]["path"] == "probe.rain.take0.wav"
    assert json.loads(row["generation_record"])["device"] == "cpu" or "device" in row["generation_record"]
    scores = opened(tmp_path / "set", "scores")
    assert len(scores) == len(run.scores)
    assert {row["status"] for row in scores} == {"scored", "failed"}


def test_the_card_says_what_it_is(export, tmp_path):
    export_dataset(export(), tmp_path)
    _, front, text = (tmp_path / "README.md").read_text(encoding="utf-8").split("---\n", 2)
    facts = yaml.safe_load(front)
    assert facts["license"] == "other" and facts["license_link"], "the systems have two"
    assert facts["language"] == ["en"] and facts["size_categories"] == ["n<1K"]
    assert facts["configs"][0] == {
        "config_name": "songs",
        "default": True,
        "data_files": [{"split": "test", "path": "songs/test-*.parquet"}],
    }
    assert [entry["config_name"] for entry in facts["configs"]] == ["songs", "scores"]
    for part in ("## Licences", "## Limits", "level@probe", "5 songs", "| *noise* |", "load_dataset"):
        assert part in text


def test_one_licence_of_all_is_named(export, tmp_path):
    export_dataset(export(systems=["probe"]), tmp_path)
    assert "license: cc0-1.0\n" in (tmp_path / "README.md").read_text()


def test_a_folder_with_something_in_it_is_left_alone(export, tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match=r"notes\.txt.*--force"):
        export_dataset(export(), tmp_path)
    export_dataset(export(), tmp_path, force=True)
    assert (tmp_path / "notes.txt").read_text() == "mine"
    with pytest.raises(InputError, match="no song to export"):
        export_dataset(export(systems=["probe"], prompts=["sun"]), tmp_path / "empty")
