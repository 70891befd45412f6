"""Reference backends through whole runs, on small random weights where `songbench setup` would put the real ones."""

import json

import numpy as np
import pandas
import pytest
import soundfile
from test_mert import checkpoint, files, hubert  # noqa: F401  (fixtures)

METRICS = "fad@mert-v1-95m,kad@mert-v1-95m"
HERE = ("--set", "engine=inline")  # a worker would load the libraries anew


@pytest.fixture
def suite(tmp_path, suite_file):
    """Four prompts with references that differ from what the probe sings."""
    rng = np.random.default_rng(0)
    suite = suite_file()
    rows = [json.loads(row) for row in suite.read_text().splitlines()]
    for row in rows[1:]:
        samples = 0.1 * np.cumsum(rng.standard_normal((48_000, 2)), axis=0) / 50
        soundfile.write(tmp_path / f"{row['id']}.wav", samples, 24_000)
        row |= {"seconds": 2.0, "reference": f"{row['id']}.wav"}
    suite.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return suite


def test_one_song_at_a_time_or_all_at_once_gives_the_same_distances(checkpoint, suite, songbench, tmp_path):  # noqa: F811
    frames = []
    for batch in (1, 16):
        where = ("--store", tmp_path / f"store{batch}", "--runs", tmp_path / f"runs{batch}")
        words = ("--suite", suite, "--systems", "probe", "--metrics", METRICS)
        process = songbench("run", *words, *HERE, "--set", f"engine.batch={batch}", *where, folders=False)
        assert process.returncode == 0, process.stderr
        frames.append(pandas.read_csv(tmp_path / f"runs{batch}/small/leaderboard.csv"))
    assert frames[0]["value"].notna().sum() >= 2
    np.testing.assert_allclose(frames[0]["value"], frames[1]["value"], rtol=1e-5, atol=1e-5)
    assert "stand-in" not in process.stdout, "these are the backends papers use"


def test_validation_runs_on_them(checkpoint, suite, songbench, tmp_path):  # noqa: F811
    words = ("--suite", suite, "--base", "probe", "--metrics", METRICS, "--damages", "noise,loudness", *HERE)
    process = songbench("validate-metrics", *words, "--to", "out")
    assert process.returncode == 0, process.stderr
    columns = json.loads((tmp_path / "out/validation.json").read_text())["columns"]
    assert columns["fad@mert-v1-95m"]["hears"] == ["style", "sound"]
    assert columns["fad@mert-v1-95m"]["verdicts"]["loudness"] == "ignores", "the model hears every song at one level"
    figures = pandas.read_csv(tmp_path / "out/validation.csv").set_index(["column", "damage", "strength"])["figure"]
    clean, softer, noisy = (
        figures["fad@mert-v1-95m", damage, strength]
        for damage, strength in (("noise", 0), ("loudness", 4), ("noise", 4))
    )
    assert softer == pytest.approx(clean, rel=1e-4)
    assert noisy != pytest.approx(clean, rel=1e-3), "random weights hear the noise, whatever they make of it"
