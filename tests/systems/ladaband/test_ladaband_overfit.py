"""The benchmark that learns eight songs by heart: all the way from vocals to a leaderboard."""

import subprocess
import sys
from pathlib import Path

import pandas
import pytest

BENCHMARK = Path(__file__).parents[3] / "benchmarks/ladaband_overfit.py"


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_songs_that_were_learnt_by_heart_come_back_in_a_run(tmp_path):
    process = subprocess.run(
        [sys.executable, str(BENCHMARK), "--out", str(tmp_path / "out")], capture_output=True, text=True, check=False
    )
    assert process.returncode == 0, process.stderr
    (folder,) = (tmp_path / "out/runs").iterdir()
    scores = pandas.read_csv(folder / "scores.csv")
    onsets = scores[scores["column"] == "onset_f1_ref@librosa"].set_index(["system", "prompt"])["value"]
    assert len(onsets["ladaband"]) == 8 and onsets["ladaband"].min() >= 90
    assert onsets["oracle"].min() == 100
    assert onsets["shuffled_band"].mean() < 70 and onsets["silence"].max() == 0
