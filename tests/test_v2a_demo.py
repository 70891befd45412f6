"""The track v2a as a user meets it: its demo suite from nothing to a leaderboard and a page that plays."""

import os

import command_line
import pandas
import pytest

from songbench.contracts import registry
from songbench.domain.suite import load_suite
from songbench.execution.tracks import track_defaults
from songbench.resources import weights
from songbench.suites import V2A_DEMO


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.skipif(
    weights.path(registry.load(registry.WEIGHTS, "musicnn")) is None,
    reason="the embedded weights are not here: songbench setup",
)
def test_the_demo_of_the_track_runs_with_its_defaults(tmp_path):
    process = command_line.run(("run", "--suite", "v2a-demo"), cwd=tmp_path, env=dict(os.environ))
    assert process.returncode == 0, process.stderr
    folder = tmp_path / "results/runs/v2a-demo"
    board = pandas.read_csv(folder / "leaderboard.csv")
    assert list(board["system"].unique()) == track_defaults("v2a")["systems"]
    for prompt in load_suite(V2A_DEMO).prompts:
        page = (folder / f"report/prompts/{prompt.id}.html").read_text(encoding="utf-8")
        files = (f"~prompts/{prompt.id}.vocal.flac", f"oracle/{prompt.id}.take0.with-vocal.flac")
        assert all(part in page for part in (*files, "True accompaniment"))
