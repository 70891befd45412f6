"""A run of the vocal track with other people's systems, through real worker processes, up to the leaderboard."""

import json
import sys

import numpy as np
import pytest
import soundfile
from accompaniment_modules import FASTSAG, lay_out
from accompanying import before_stand_in, touch

from songbench.resources.environments import override_variable


@pytest.fixture
def suite(tmp_path):
    """Two vocals of ten seconds at most, one that is longer, and one with nothing in it."""
    rows = [{"suite": "short", "version": "1"}]
    for name, seconds, level in (("rain", 2.0, 0.2), ("wind", 3.0, 0.2), ("river", 12.0, 0.2), ("hush", 2.0, 0.0)):
        for part, shift in (("vocal", 0.0), ("band", 1.0)):
            times = np.arange(round(8000 * seconds)) / 8000
            soundfile.write(tmp_path / f"{name}-{part}.wav", (level or shift * 0.2) * np.sin(900 * times + shift), 8000)
        rows.append({"id": name, "track": "v2a", "vocal": f"{name}-vocal.wav", "reference": f"{name}-band.wav"})
    path = tmp_path / "short.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


@pytest.mark.slow
def test_a_run_ends_in_a_leaderboard_that_says_what_became_of_every_vocal(songbench_here, suite, tmp_path, monkeypatch):
    lay_out(
        {**FASTSAG, "sde_diffusion/fastsag.py": FASTSAG["sde_diffusion/fastsag.py"].replace("== 4", "== 50")},
        tmp_path / "code",
    )
    system = before_stand_in("fastsag", tmp_path, monkeypatch)
    touch(tmp_path / "weights/mert-v1-95m/config.json")
    monkeypatch.setenv(override_variable(system.environment), sys.executable)
    process = songbench_here(
        "run", "--suite", suite, "--systems", "fastsag,silence", "--metrics", "audio,rtf", "--name", "field", "--quiet",
        *["--set", "engine=inline"],
    )  # fmt: skip
    assert process.returncode in (0, 1), process.stderr
    board = json.loads((tmp_path / "runs/field/leaderboard.json").read_text(encoding="utf-8"))
    songs = {row["system"]["name"]: row["songs"] for row in board["rows"]}
    assert songs["fastsag"] == {"asked": 4, "done": 2, "failed": 1, "pending": 0, "unsupported": 1}, process.stderr
    text = (tmp_path / "runs/field/leaderboard.md").read_text(encoding="utf-8")
    assert "the vocal has 12 s, of which the system takes 10" in text and "The vocal is silent" in text
