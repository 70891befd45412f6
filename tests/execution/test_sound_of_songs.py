"""Odd songs through whole runs: told under the table, not judged by what cannot hear them, counted once."""

import json

import numpy as np
import pytest
import soundfile

import songbench
from songbench.contracts import registry
from songbench.resources import weights

RATE = 16_000
SECONDS = 4.0


def music(seed, seconds=SECONDS):
    """A stereo song of chords over noise that fades out, another one for each seed, shape (n, 2)."""
    rng = np.random.default_rng(seed)
    time = np.arange(round(seconds * RATE)) / RATE
    chords = sum(np.sin(2 * np.pi * rng.uniform(150, 900) * time + phase) for phase in range(4))
    noise = rng.standard_normal((len(time), 2))
    fade = np.minimum(1, (time[-1] - time) / 0.3)[:, None]
    return (0.05 * chords[:, None] + 0.02 * noise) * fade


ODD = {
    "plain": music(1),
    "more": music(2),
    "opposite": music(3)[:, :1] * [[1, -1]],
    "again": music(1),
    "sample": np.full((1, 1), 0.5),
    "silent": np.zeros((round(SECONDS * RATE), 2)),
    "silent2": np.zeros((round(SECONDS * RATE), 2)),
    "last": music(4),
}


def prepare(folder, songs, references=()):
    """A suite with one prompt per song and the songs in ``songs``."""
    (folder / "songs").mkdir(exist_ok=True)
    rows = [{"suite": "odd", "version": "1"}]
    for name, samples in songs.items():
        soundfile.write(folder / f"songs/{name}.wav", samples, RATE, subtype="FLOAT")
        rows.append({"id": name, "lyrics": "[verse]\nla la la\n\n[chorus]\nla la", "seconds": SECONDS})
    for row, samples in zip(rows[1:], references, strict=False):
        row["reference"] = f"{row['id']}-reference.wav"
        soundfile.write(folder / row["reference"], samples, RATE, subtype="FLOAT")
    (folder / "odd.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def run(folder, systems, metrics, **options):
    return songbench.run(
        suite=str(folder / "odd.jsonl"),
        systems=systems,
        metrics=metrics,
        store=str(folder / "store"),
        runs=str(folder / "runs"),
        overrides=["engine=inline", "statistics.replicates=200"],
        **options,
    ).leaderboard()


def cell(board, column, row=0):
    return next(board.rows[row].cells[c.name] for c in board.columns if c.name == column)


@pytest.fixture(scope="module")
def board(tmp_path_factory):
    """A system with every odd song, beside silence and noise, by a metric that hears mono and one that does not."""
    folder = tmp_path_factory.mktemp("odd")
    prepare(folder, ODD)
    return run(folder, [f"imported:suno={folder / 'songs'}", "silence", "noise"], ["audio", "ser@novelty"])


def test_odd_songs_are_named_under_the_table(board):
    notes = [note for note in board.notes if note.startswith("Songs ")]
    assert (
        "Songs whose channels cancel each other in mono (metrics that hear mono do not judge them): 1 of 8 of suno"
        " (opposite)." in notes
    )
    assert "Songs that are silent: 2 of 8 of suno (silent, silent2)." in notes
    assert "Songs shorter than a second: 1 of 8 of suno (sample)." in notes


def test_nothing_is_said_of_what_is_odd_on_purpose(board):
    text = "\n".join(board.notes)
    assert "of silence" not in text
    assert "of noise" not in text
    assert "silence: the same recording" not in text


def test_one_recording_under_two_ids_is_named(board):
    (note,) = [note for note in board.notes if "same recording" in note]
    assert note.startswith("suno: the same recording under several ids: plain = again; silent = silent2.")


def test_opposite_channels_are_not_judged_in_mono(board):
    result = cell(board, "ser@novelty")
    assert "opposite" not in {point.prompt for point in result.points}
    assert result.n_not_applicable >= 1
    assert "cancel each other in mono (silent in mono)" in result.reason
    assert "opposite" in {point.prompt for point in cell(board, "lufs").points}


def lacking():
    return not weights.path(registry.load(registry.WEIGHTS, "musicnn"))


@pytest.mark.skipif(lacking(), reason="the weights of musicnn are not set up")
def test_a_set_without_the_songs_that_cannot_be_heard(tmp_path):
    songs = {name: ODD[name] for name in ("plain", "more", "opposite", "again", "sample", "last")}
    prepare(tmp_path, songs, [music(10), music(11), np.full((1, 1), 0.5), music(11), music(12)])
    board = run(tmp_path, [f"imported:suno={tmp_path / 'songs'}"], ["fad@musicnn", "kad@musicnn"])
    for column in ("fad@musicnn", "kad@musicnn"):
        result = cell(board, column)
        assert result.value is not None
        assert (result.n, result.n_possible) == (3, 6)
        assert (result.n_failed, result.n_not_applicable) == (1, 2)
        notes = "\n".join(note for note in board.notes if note.startswith(column))
        assert "leaves out 1 song of suno (opposite): the channels cancel each other in mono" in notes
        assert "leaves out 1 song of suno (again): the same recording as plain." in notes
        assert "leaves out 1 song of suno (sample): shorter than 16 ms." in notes
        assert "leaves out 1 reference song (opposite): shorter than 16 ms" in notes
        assert "leaves out 1 reference song (again): the same recording as more." in notes
    prepare(tmp_path, {name: ODD[name] for name in ("plain", "more", "last")}, [music(10), music(11), music(12)])
    alone = run(tmp_path, [f"imported:suno={tmp_path / 'songs'}"], ["fad@musicnn", "kad@musicnn"], name="alone")
    for column in ("fad@musicnn", "kad@musicnn"):
        assert cell(board, column).value == pytest.approx(cell(alone, column).value, rel=1e-9)


def test_takes_that_are_one_recording_are_named(tmp_path):
    prepare(tmp_path, {"one": music(1), "two": music(2)})
    for take, seed in enumerate((1, 1)):
        soundfile.write(tmp_path / f"songs/one_s{take}.wav", music(seed), RATE, subtype="FLOAT")
    (tmp_path / "songs/one.wav").unlink()
    board = run(tmp_path, [f"imported:suno={tmp_path / 'songs'}"], ["audio"], takes=2)
    assert any("same recording under several ids: one = one take 1." in note for note in board.notes)


def test_odd_references_and_prompts_are_told(tmp_path):
    prepare(tmp_path, {"one": music(1), "two": music(2)}, [music(3)[:, :1] * [[1, -1]], music(4)])
    board = run(tmp_path, ["silence"], ["audio"])
    assert any(note.startswith("Reference songs whose channels cancel") and "one" in note for note in board.notes)


def test_a_song_on_another_scale_fails_alone(tmp_path, suite_file):
    board = songbench.run(
        suite=str(suite_file()),
        systems=["probe"],
        metrics=["audio"],
        store=str(tmp_path / "store"),
        runs=str(tmp_path / "runs"),
        overrides=["engine=inline", "system.probe.gain=32768"],
    ).leaderboard()
    assert board.rows[0].n_failed == 4
    assert "on another scale" in board.failures[0].cause
