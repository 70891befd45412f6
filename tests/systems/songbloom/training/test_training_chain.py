"""The whole way as the page on training writes it: songs, tokens, data, a model, a run, its leaderboard."""

import csv
import json
import re
import shlex

import documented
import pytest
from songbloom_random import random_model

from songbench.suites import DEMO
from systems.songbloom.checkpoint import save_checkpoint

PAGE, HEADING = documented.ROOT / "docs/training.md", "## On a laptop"

CHEAPER = {
    "tokenizer": ("--rulebased", "2", "--seconds", "6", "--device", "cpu"),
    "prepare": ("--rulebased", "5", "--seconds", "6", "--device", "cpu"),
    "songbloom": tuple(
        word
        for setting in (
            "steps=4",
            "optimiser.warm_up=1",
            "saving.interval=2",
            "validation.interval=2",
            "compute.device=cpu",
            "batch.songs=1",
            "model.sizes.dim=64",
            "model.sizes.heads=2",
            "model.sizes.lm_layers=1",
            "model.sizes.dit_layers=1",
            "model.sizes.prompt_frames=50",
            "model.seconds=3",
        )
        for word in ("--set", setting)
    ),
    "run": (
        *("--metrics", "rtf,audio", "--set", "engine=inline", "--set", "system.songbloom.device=cpu"),
        *("--set", "system.songbloom.max_seconds=1.28", "--set", "system.songbloom.steps=2"),
    ),
}
"""What the test adds to each command; of an option that is given twice, the last counts."""


@pytest.fixture
def checkpoint(tmp_path):
    """What ``--autoencoder`` names, as the released one is not here; quiet enough that its songs can be kept."""
    model = random_model()
    model.autoencoder.decoder[-1].weight.mul_(1e-3)
    return save_checkpoint(model, tmp_path / "small").weights.parent


@pytest.fixture
def short_demo(tmp_path):
    """The demo suite's first prompt with one line to sing."""
    head, prompt, *_ = map(json.loads, DEMO.read_text(encoding="utf-8").splitlines())
    prompt |= {"lyrics": "[verse]\nI open up the window\n", "seconds": 6}
    prompt["prompt_wav"] |= {"start": 0.0, "seconds": 3.0}
    path = tmp_path / "demo.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in (head, prompt)), encoding="utf-8")
    return path


def documented_commands():
    """The lines of the block under the heading."""
    section = PAGE.read_text(encoding="utf-8").split(f"\n{HEADING}\n")[1].split("\n## ")[0]
    block = re.search(r"```sh\n(.*?)```", section, re.DOTALL)[1]
    return [shlex.split(line) for line in block.replace("\\\n", " ").splitlines() if line.startswith("songbench ")]


def test_the_block_of_the_page_leads_to_a_leaderboard(songbench_here, checkpoint, short_demo, tmp_path, monkeypatch):
    monkeypatch.setattr("songbench.suites.DEMO", short_demo)
    names = []
    for _, *words in documented_commands():
        name = words[0] if words[0] == "run" else words[1]
        cheaper = CHEAPER.get(name, ())
        if name in ("prepare", "songbloom"):
            cheaper += ("--autoencoder", checkpoint)
        process = songbench_here(*words, *cheaper, folders=name == "run")
        assert process.returncode == 0, f"{words}\n{process.stdout}\n{process.stderr}"
        names.append(name)
    assert names == ["tokenizer", "prepare", "songbloom", "run"]
    log = [json.loads(line) for line in (tmp_path / "my-model/log.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [line["step"] for line in log if "validation" in line] == [2, 4]
    (run,) = (folder for folder in (tmp_path / "runs").iterdir() if folder.is_dir())
    with (run / "leaderboard.csv").open(encoding="utf-8", newline="") as table:
        status = {(row["system"], row["column"]): row["status"] for row in csv.DictReader(table)}
    for system in ("songbloom:mine", "rulebased"):
        assert status[system, "rtf"] == status[system, "lufs"] == "scored"
