"""A run with other people's programs, through real worker processes, up to the leaderboard."""

import json

import numpy as np
import pytest
import soundfile

SYSTEMS = "diffrhythm,diffrhythm:base-audio,yue"
ALL_SYSTEMS = f"{SYSTEMS},yue:icl,songbloom_upstream"


@pytest.fixture
def small_suite(tmp_path):
    """Two prompts that all can sing, one that only some can, and one during which a program breaks down."""
    clip = tmp_path / "clip.wav"
    soundfile.write(clip, 0.1 * np.random.default_rng(0).standard_normal(8000 * 10), 8000)
    lyrics = {
        "morning": ("en", "[verse]\nMorning comes in slowly\n\n[chorus]\nHold the line\n"),
        "evening": ("zh", "[verse]\n早晨慢慢地来了\n\n[chorus]\n我们一起唱歌\n"),
        "noche": ("es", "[verse]\nLa noche viene\n\n[chorus]\nCanta conmigo\n"),
        "storm": ("en", "[verse]\nfault crash now\n\n[chorus]\nHold the line\n"),
    }
    rows = [{"suite": "small", "version": "1"}]
    for name, (language, text) in lyrics.items():
        rows.append({"id": name, "language": language, "lyrics": text, "style": "pop, piano", "prompt_wav": str(clip)})
    path = tmp_path / "small.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


@pytest.fixture
def stand_ins(stand_in):
    """All systems of `ALL_SYSTEMS` can run in this process."""
    for spec in ALL_SYSTEMS.split(","):
        stand_in(spec.partition(":")[0], spec)


def _run(songbench_here, suite, systems, *words):
    return songbench_here(
        "run", "--suite", suite, "--systems", systems, "--metrics", "rtf", "--name", "field", "--quiet",
        *["--set", "engine=inline"], *words,
    )  # fmt: skip


def test_a_run_ends_in_a_leaderboard_that_says_what_became_of_every_song(
    songbench_here, stand_ins, small_suite, tmp_path
):
    process = _run(songbench_here, small_suite, SYSTEMS)
    assert process.returncode in (0, 1), process.stderr
    board = json.loads((tmp_path / "runs/field/leaderboard.json").read_text(encoding="utf-8"))
    rows = {row["system"]["name"]: row for row in board["rows"]}
    assert set(rows) == set(SYSTEMS.split(","))
    for name, row in rows.items():
        assert row["songs"] == {"asked": 4, "done": 2, "failed": 1, "pending": 0, "unsupported": 1}, name
    text = (tmp_path / "runs/field/leaderboard.md").read_text(encoding="utf-8")
    assert "it does not sing es" in text
    assert "ValueError: tensors of different sizes" in text
    again = _run(songbench_here, small_suite, SYSTEMS, "--dry-run")
    assert again.returncode == 0 and "yue: it does not sing es (1×: noche)" in again.stdout


@pytest.mark.slow
def test_the_demo_suite_is_sung_by_all_of_them(songbench_here, stand_ins, tmp_path):
    process = _run(songbench_here, "demo", f"rulebased,{ALL_SYSTEMS}")
    assert process.returncode == 0, process.stderr
    board = json.loads((tmp_path / "runs/field/leaderboard.json").read_text(encoding="utf-8"))
    assert {row["songs"]["failed"] for row in board["rows"]} == {0}
