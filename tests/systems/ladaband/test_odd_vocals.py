"""Vocals that people bring and no singer sang, through whole runs of the track ``v2a`` and their reports.

Each has an answer of every system and metric, is not applicable with a reason, or is a failure that is recorded.
"""

import json
from functools import partial

import numpy as np
import pandas
import pytest
import soundfile
from ladaband_band import band, small_model, voice

from systems.rulebased.espeak import say

RATE = 16_000
SYSTEMS = ("rulebased_band", "oracle", "copy_vocal")
ANCHORS = ("shuffled_band", "click", "silence")
METRICS = (
    *("audio", "onset_f1@librosa", "hpcp@own", "beats@librosa", "chord_fit@hpcp"),
    *("vocal_leakage@coherence", "loudness_balance", "rtf"),
)
TEXT = "Nobody knows how many ships came here in the old days, but the books name more than four thousand."


def tune(seconds, rate=RATE):
    """Notes of 0.4 s with eight harmonics each, up and down a chord."""
    time = np.arange(round(seconds * rate)) / rate
    number = (time / 0.4).astype(int)
    hertz = 220 * 2 ** (np.array([0, 4, 7, 12, 7, 4])[number % 6] / 12)
    within = time - 0.4 * number
    swell = np.minimum(1, within / 0.02) * np.minimum(1, np.maximum(0, 0.36 - within) / 0.03)
    return 0.1 * swell * sum(np.sin(2 * np.pi * k * hertz * within) / k for k in range(1, 9))


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    songs = [(voice(2, seed), band(2, seed)) for seed in range(2)]
    return small_model(tmp_path_factory.mktemp("model"), songs, steps=0)


def run(songbench, folder, vocals, systems, *more):
    """The suite of vocals, (samples, rate) each, all but those that are spoken with a truth; run and reported."""
    rows = [{"suite": "odd", "version": "1"}]
    for number, (name, (samples, rate)) in enumerate(vocals.items()):
        soundfile.write(folder / f"{name}.wav", samples, rate, subtype="PCM_16")
        row = {"id": name, "track": "v2a", "vocal": f"{name}.wav", "style": "pop, 150 bpm"}
        if name != "speech":
            truth = band(len(samples) / rate, number) if len(samples) < 60 * rate else None
            sound = np.tile(band(40, number).samples, 18) if truth is None else truth.samples
            soundfile.write(folder / f"{name}-band.wav", sound.T, 48_000, subtype="PCM_16")
            row["reference"] = f"{name}-band.wav"
        rows.append(row)
    (folder / "odd.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    choice = ("--suite", folder / "odd.jsonl", "--systems", ",".join(systems), "--metrics", ",".join(METRICS))
    process = songbench("run", *choice, "--name", "odd", "--set", "system.ladaband.steps=2", *more)
    home = folder / "runs/odd"
    assert (home / "leaderboard.csv").exists(), process.stderr
    assert "Traceback" not in process.stdout + process.stderr
    return process, home


def check_counts(home, systems, count):
    """Every song of every system is counted in every column, and what is a number is one."""
    frame = pandas.read_csv(home / "leaderboard.csv")
    assert set(frame["system"]) == {system.partition("=")[0] for system in systems}
    assert (frame["n"] + frame["n_not_applicable"] + frame["n_failed"] == count).all()
    assert np.isfinite(frame["value"].dropna()).all()
    return frame


def song_records(home):
    songs = json.loads((home / "songs.json").read_text(encoding="utf-8"))["songs"]
    return {(song["system"], song["prompt"]): song for song in songs}


def odd_vocals():
    """A file of each kind, (samples, rate)."""
    return {
        "silent": (np.zeros((2 * RATE, 2)), RATE),
        "short": (tune(0.3), RATE),
        "clipped": (np.clip(40 * tune(4), -1, 1), RATE),
        "telephone": (tune(4, 8_000), 8_000),
        "speech": (say(TEXT, "en-us", 150, 0).samples, 22_050),
    }


def check_failures(home):
    """One for a silent vocal, of the system that refuses it; one for a truth that is not there."""
    notes = json.loads((home / "leaderboard.json").read_text(encoding="utf-8"))["failures"]
    failures = {(note["system"], note["prompt"]): note["cause"] for note in notes}
    assert set(failures) == {("ladaband", "silent"), ("oracle", "speech")}
    assert "silent" in failures["ladaband", "silent"] and "no true accomp" in failures["oracle", "speech"]


def test_odd_vocals_have_an_answer_a_reason_or_a_recorded_failure(songbench_here, tmp_path, model):
    vocals, systems = odd_vocals(), (*SYSTEMS, f"ladaband={model}")
    process, home = run(songbench_here, tmp_path, vocals, systems, "--set", "engine=inline")
    assert process.returncode == 1, "songs that were not made show in the exit code"
    check_counts(home, systems, len(vocals))
    check_failures(home)

    # What each system says of the song it made.
    songs = song_records(home)
    notes = {prompt: " ".join(songs["rulebased_band", prompt]["record"]["notes"]) for prompt in vocals}
    assert "the vocal is silent" in notes["silent"] and "no beat was found" in notes["short"]
    assert "as in speech" in notes["speech"] and "speech" not in notes["clipped"] + notes["telephone"]
    assert "the vocal is clipped" in songs["ladaband", "clipped"]["record"]["notes"]

    # What the report says of the vocals: on its front page, and on the page of each.
    text = "\n".join(json.loads((home / "leaderboard.json").read_text(encoding="utf-8"))["notes"])
    for line in (
        *(
            "Vocals that are silent: silent.",
            "Vocals shorter than a second: short.",
            "Vocals that are clipped: clipped.",
        ),
        "Vocals at less than 16,000 samples per second (models expect more): telephone.",
        "chord_fit@hpcp is doubtful where little of the vocal's pitch is held, as in speech: speech.",
    ):
        assert line in text
    pages = {name: (home / f"report/prompts/{name}.html").read_text(encoding="utf-8") for name in vocals}
    assert "% of the samples in runs at full scale" in pages["clipped"]
    assert "8000 samples per second" in pages["telephone"] and "Doubtful: " in pages["speech"]

    # Which figures there are: none where nothing is to be compared, all where something sounds.
    scores = pandas.read_csv(home / "scores.csv").dropna(subset="value")
    columns = {
        prompt: set(rows["column"]) for prompt, rows in scores[scores["system"] == "rulebased_band"].groupby("prompt")
    }
    vocal_fields = {"onset_f1_vocal@librosa", "hpcp_frame_vocal@own", "chord_fit@hpcp", "loudness_balance"}
    truth_fields = {"onset_f1_ref@librosa", "hpcp_frame_ref@own", "beat_f1_ref@librosa"}
    assert not (vocal_fields | truth_fields) & columns["short"]
    assert not vocal_fields & columns["silent"] and truth_fields <= columns["silent"]
    assert vocal_fields <= columns["speech"] and not truth_fields & columns["speech"]
    for name in ("clipped", "telephone"):
        assert vocal_fields | truth_fields <= columns[name], name


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_twelve_minutes_have_an_answer_in_bounded_memory(songbench, tmp_path, model):
    vocals = {**odd_vocals(), "long": (np.tile(tune(30), 24), RATE)}
    systems = (*SYSTEMS, *ANCHORS, f"ladaband={model}")
    process, home = run(partial(songbench, timeout=3000), tmp_path, vocals, systems, "--workers", 1)
    assert process.returncode == 1, process.stderr
    check_counts(home, systems, len(vocals))
    check_failures(home)
    scores = pandas.read_csv(home / "scores.csv")
    figures = scores[(scores["prompt"] == "long") & scores["system"].isin(["rulebased_band", "ladaband"])]
    assert figures["value"].notna().all(), figures[figures["value"].isna()]
    songs = song_records(home)
    assert songs["rulebased_band", "long"]["record"]["peak_gib"] < 3
    assert songs["rulebased_band", "long"]["record"]["notes"] == []
    assert any("720 s" in note for note in songs["ladaband", "long"]["record"]["notes"])
