"""Songs nobody wants, through whole runs: every metric answers, says not applicable or fails with its cause."""

import json
from functools import partial

import numpy as np
import pandas
import pytest
import soundfile

from songbench.contracts import registry
from songbench.resources import weights

METRICS = ["audio", "ser@novelty", "similarity@musicnn", "fad@musicnn", "kad@musicnn", "per@whisper-base-mix"]
RATE = 48_000


def tone(seconds, rate=RATE, channels=2):
    time = np.arange(round(seconds * rate)) / rate
    wave = 0.2 * np.sin(2 * np.pi * 220 * time) * (1 + 0.5 * np.sin(2 * np.pi * 2 * time))
    hiss = 0.02 * np.random.default_rng(0).standard_normal((len(time), channels))
    return (wave[:, None] + hiss).astype(np.float32)


ODD = {
    "plain": (tone(6), RATE),
    "silent": (np.zeros((6 * RATE, 2), np.float32), RATE),
    "short": (tone(0.3), RATE),
    "nan": (np.where(np.arange(6 * RATE)[:, None] == 1000, np.nan, tone(6)).astype(np.float32), RATE),
    "mono": (tone(6, channels=1), RATE),
    "telephone": (tone(6, 8000, 1), 8000),
}


def prepare(folder, songs):
    """A suite with a prompt, a reference and a style prompt per song, and the songs as files."""
    (folder / "songs").mkdir()
    rows = [{"suite": "odd", "version": "1"}]
    rng = np.random.default_rng(1)
    for name, (samples, rate) in songs.items():
        soundfile.write(folder / f"songs/{name}.wav", samples, rate, subtype="FLOAT")
        reference = tone(6) + 0.05 * rng.standard_normal((6 * RATE, 2)).astype(np.float32)
        soundfile.write(folder / f"{name}-reference.wav", reference, RATE, subtype="PCM_16")
        rows.append(
            {
                "id": name,
                "lyrics": "[verse]\nla la la\n\n[outro] [outro]",
                "seconds": 6.0,
                "prompt_wav": f"{name}-reference.wav",
                "reference": f"{name}-reference.wav",
            }
        )
    suite = folder / "odd.jsonl"
    suite.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def available():
    lacking = {name for name in ("musicnn", "whisper-base") if not weights.path(registry.load(registry.WEIGHTS, name))}
    return [metric for metric in METRICS if not any(name in metric for name in lacking)]


def run(songbench, folder, metrics, *more):
    options = ("--suite", folder / "odd.jsonl", "--systems", "imported:odd=songs", "--metrics", ",".join(metrics))
    process = songbench("run", *options, "--name", "odd", *more)
    assert (folder / "runs/odd/leaderboard.csv").exists(), process.stderr
    return process, pandas.read_csv(folder / "runs/odd/leaderboard.csv")


def test_odd_songs_are_answered_and_counted_alone_as_in_company(songbench, songbench_here, tmp_path):
    metrics = available()
    prepare(tmp_path, ODD)
    process, frame = run(songbench, tmp_path, metrics, "--workers", 1, "--set", "engine.batch=16")
    assert process.returncode == 1, "the song that is not a number failed, and the exit code says so"
    assert "Traceback" not in process.stdout + process.stderr
    assert set(frame["metric"]) == {metric.partition("@")[0] for metric in metrics}
    counted = frame["n"] + frame["n_not_applicable"] + frame["n_failed"] + frame["n_pending"]
    assert (counted == len(ODD)).all()
    assert (frame["n_possible"] == len(ODD)).all()
    headline = frame[frame["column"].isin(["duration_error", "ser@novelty", "per@whisper-base-mix", "fad@musicnn"])]
    assert (headline["n"] == len(ODD) - 1).all(), headline[["column", "n", "reason"]]
    assert np.isfinite(frame["value"].dropna()).all()
    failures = json.loads((tmp_path / "runs/odd/leaderboard.json").read_text())["failures"]
    assert any(note["prompt"] == "nan" and "NaN" in note["cause"] for note in failures)
    scores = pandas.read_csv(tmp_path / "runs/odd/scores.csv").set_index(["column", "prompt"])["value"]
    assert scores["ser@novelty", "silent"] == 100
    if "per@whisper-base-mix" in metrics:
        assert scores["per@whisper-base-mix", "silent"] == 100

    # One song at a time it is the same; but for the recogniser, which is slow: `test_transcript` says it of that.
    (tmp_path / "runs").rename(tmp_path / "together")
    quick_metrics = [metric for metric in metrics if "whisper" not in metric]
    more = ("--store", tmp_path / "other", "--runs", tmp_path / "runs")
    more += ("--set", "engine=inline", "--set", "engine.batch=1")
    _, alone = run(partial(songbench_here, folders=False), tmp_path, quick_metrics, *more)
    together = frame[frame["metric"].isin(alone["metric"])]
    assert set(alone["metric"]) == {metric.partition("@")[0] for metric in quick_metrics}
    assert alone["column"].tolist() == together["column"].tolist()
    assert alone["n"].tolist() == together["n"].tolist()
    np.testing.assert_allclose(alone["value"], together["value"], atol=1e-5, rtol=1e-5)


@pytest.mark.slow
def test_twenty_minutes_are_answered(songbench, tmp_path):
    long = np.tile(tone(6, 16_000, 1), (200, 1))
    songs = {"plain": ODD["plain"], "long": (long, 16_000)}
    prepare(tmp_path, songs)
    _, frame = run(songbench, tmp_path, [metric for metric in available() if "per" not in metric])
    assert (frame["n"] + frame["n_not_applicable"] == 2).all(), frame[["column", "n", "reason"]]
