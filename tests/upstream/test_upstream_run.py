"""A run of the command line with real upstream programs and tiny random models, up to the leaderboard."""

import json

import numpy as np
import pytest
import soundfile
from test_upstream_diffrhythm import WEIGHTS as DIFFRHYTHM_WEIGHTS
from test_upstream_yue import WEIGHTS as YUE_WEIGHTS

from songbench.contracts.registry import build_system
from songbench.resources import weights

pytestmark = [pytest.mark.slow, pytest.mark.timeout(5400)]


@pytest.fixture
def tiny(diffrhythm, yue, set_folders, monkeypatch, tmp_path):
    """Both systems can run in this process, with tiny weights in the places of the released ones."""
    folders = {}
    for name, (environment, checkout, folder), places in (
        ("diffrhythm", diffrhythm, DIFFRHYTHM_WEIGHTS),
        ("yue", yue, YUE_WEIGHTS),
    ):
        set_folders(build_system(name, {}), environment, checkout)
        folders |= {weight: folder / place for weight, place in places.items()}
    path = weights.path
    for function in ("path", "verified"):
        monkeypatch.setattr(weights, function, lambda entry: folders.get(entry.name) or path(entry))


def test_a_run_of_real_programs_ends_in_a_leaderboard_with_both_conditions(tiny, songbench_here, tmp_path):
    clip = tmp_path / "clip.wav"
    soundfile.write(clip, 0.1 * np.random.default_rng(0).standard_normal(8000 * 12), 8000)
    lyrics = "[verse]\nHello little world\n[chorus]\nWe sing along\n[bridge]\nAnd on we go"
    rows = [
        {"suite": "small", "version": "1"},
        {
            "id": "song",
            "language": "en",
            "lyrics": lyrics,
            "style": "pop, piano",
            "prompt_wav": str(clip),
        },
        {"id": "cancion", "language": "es", "lyrics": "[verse]\nLa noche viene", "style": "pop"},
    ]
    suite = tmp_path / "small.jsonl"
    suite.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    systems = "rulebased,diffrhythm,diffrhythm:base-audio,yue"
    settings = ("engine=inline", "system.yue.max_new_tokens=200", "system.yue.languages=[en]")
    process = songbench_here(
        "run", "--suite", suite, "--systems", systems, "--metrics", "audio,rtf", "--name", "field", "--quiet",
        *(word for setting in settings for word in ("--set", setting)),
    )  # fmt: skip
    assert process.returncode in (0, 1), process.stdout + process.stderr
    board = json.loads((tmp_path / "runs/field/leaderboard.json").read_text(encoding="utf-8"))
    text = (tmp_path / "runs/field/leaderboard.md").read_text(encoding="utf-8")
    songs = {row["system"]["name"]: row["songs"] for row in board["rows"]}
    for name in systems.split(",")[1:]:
        assert (songs[name]["done"], songs[name]["failed"], songs[name]["unsupported"]) == (1, 0, 1), (name, text)
    assert "it does not sing es" in text
    assert board["conditions"] == {
        "rulebased": "text",
        "diffrhythm": "text",
        "diffrhythm:base-audio": "audio",
        "yue": "text",
    }


def test_the_demo_suite_is_sung_by_real_programs(tiny, songbench_here, tmp_path):
    process = songbench_here(
        "run", "--suite", "demo", "--systems", "rulebased,diffrhythm,yue", "--metrics", "audio,rtf", "--name", "field",
        "--quiet", "--set", "engine=inline", "--set", "system.yue.max_new_tokens=300",
    )  # fmt: skip
    assert process.returncode == 0, process.stdout + process.stderr
    board = json.loads((tmp_path / "runs/field/leaderboard.json").read_text(encoding="utf-8"))
    songs = {row["system"]["name"]: row["songs"] for row in board["rows"]}
    text = (tmp_path / "runs/field/leaderboard.md").read_text(encoding="utf-8")
    for name, numbers in songs.items():
        assert numbers["done"] == numbers["asked"], (name, text)
