"""``songbench train prepare`` and ``tokenizer`` as people type them."""

import json

import pytest
from prepared_cases import write_song
from safetensors import safe_open
from songbloom_random import random_checkpoint


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    return random_checkpoint(tmp_path_factory.mktemp("checkpoint")).weights.parent


@pytest.fixture
def train(songbench_here, tmp_path):
    def run(*words):
        process = songbench_here("train", *words, folders=False)
        assert "Traceback" not in process.stderr
        return process

    return run


def test_from_songs_to_a_checked_folder(train, checkpoint, tmp_path):
    for name in ("a", "b", "c"):
        write_song(tmp_path / "songs", name)
    write_song(tmp_path / "songs", "wordless", lyrics=None, sections=None)
    (tmp_path / "songs" / "scores.csv").write_text("id,per\na,3\nb,30\nc,4\n")
    codes = train("tokenizer", "songs", "--codes", "64", "--out", "codes.safetensors")
    assert codes.returncode == 0, codes.stderr
    assert "codes.safetensors: mel, 64 codes by kmeans, from 3 songs, 1 left out" in codes.stdout
    assert "trained on: 200 frames, error " in codes.stdout and " 0.0% of the codes dead" in codes.stdout
    assert "held out: 100 frames" in codes.stdout
    words = ("prepare", "songs", "--out", "data", "--autoencoder", checkpoint, "--device", "cpu")
    prepared = train(*words, "--tokenizer", "codes.safetensors", "--keep", "per<15", "--scores", "songs/scores.csv")
    assert prepared.returncode == 0, prepared.stderr
    assert "data: 2 songs prepared, 2 left out" in prepared.stdout
    assert "2 songs, 0.1 min (" in prepared.stdout
    assert "times of sections: given 2" in prepared.stdout
    assert "left out b: not kept by per<15: per 30" in prepared.stderr
    assert "left out wordless:" in prepared.stderr
    checked = train("prepare", "--check", "data")
    assert checked.returncode == 0
    assert "data: 2 songs in 1 shards are as they were written" in checked.stdout
    (tmp_path / "data" / "shards" / "00000.safetensors").unlink()
    damaged = train("prepare", "--check", "data")
    assert damaged.returncode == 1
    assert "00000.safetensors is gone" in damaged.stderr
    again = train("tokenizer", "songs", "--codes", "64", "--out", "codes.safetensors")
    assert again.returncode == 2 and "is there already" in again.stderr


def test_songs_by_rules(train, checkpoint, tmp_path):
    words = ("--rulebased", "2", "--seconds", "6", "--language", "zh")
    codes = train("tokenizer", *words, "--codes", "64", "--method", "ema", "--out", "codes.safetensors")
    assert codes.returncode == 0, codes.stderr
    assert "mel, 64 codes by ema, from 2 songs, 0 left out" in codes.stdout
    with safe_open(tmp_path / "codes.safetensors", framework="pt") as file:
        usage = json.loads(file.metadata()["trained on"])
    assert f"trained on: {usage['frames']} frames, error {usage['error']:.1%} of the variance" in codes.stdout
    assert usage["dead"] == 0 and 0 < usage["entropy"] <= 6 and 1 / 64 <= usage["commonest"] < 1
    prepared = train(
        "prepare", *words, "--tokenizer", "codes.safetensors", "--out", "data", "--autoencoder", checkpoint
    )
    assert prepared.returncode == 0, prepared.stderr
    assert "times of sections: exact 2" in prepared.stdout


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (("prepare",), "Give a source of songs, or --rulebased"),
        (("prepare", "demo", "--rulebased", "2", "--out", "data"), "Give a source of songs, or --rulebased"),
        (("prepare", "demo"), "Name the folder to prepare into"),
        (("prepare", "nosuch", "--out", "data"), "There is no suite, manifest or folder 'nosuch'"),  # before weights
        (("prepare", "demo", "--out", "data", "--keep", "per<3"), "A rule needs scores"),
        (("prepare", "demo", "--out", "data", "--scores", "x.csv"), "Scores judge nothing without a rule"),
        (("prepare", "demo", "--check", "data"), "A check prepares nothing"),
        (("prepare", "demo", "--out", "data", "--validation", "2"), "2 is no share"),
        (
            ("prepare", "demo", "--out", "data", "--autoencoder", "nowhere"),
            "There is no SongBloom checkpoint 'nowhere'",
        ),
        (("tokenizer",), "Give a source of songs"),
        (("tokenizer", "demo", "--out", "codes.pt"), "ends in .safetensors"),
        (("tokenizer", "demo", "--features", "mfcc"), "no sketch features 'mfcc'"),
        (("tokenizer", "demo", "--features", "muq"), "Which layer of muq?"),
        (("tokenizer", "demo", "--method", "pca"), "no method 'pca'"),
    ],
)
def test_mistakes(train, words, problem):
    process = train(*words)
    assert process.returncode == 2
    assert problem in " ".join(process.stderr.split())
