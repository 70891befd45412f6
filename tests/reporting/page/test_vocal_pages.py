"""The page of a prompt with a vocal: what is played, and what it is called."""

import json
import re

import numpy as np
import soundfile

from songbench.execution.config import plan_experiment
from songbench.execution.gather import gather
from songbench.execution.runner import Runner
from songbench.execution.store import Store
from songbench.reporting.leaderboard import build_leaderboard
from songbench.reporting.page.material import PARTS, page_material, prompt_place
from songbench.reporting.page.prompt_page import prompt_pages
from songbench.reporting.page.song_files import write_song_files


def test_a_page_plays_the_mix_the_parts_and_the_truth(tmp_path):
    for name, seed in (("v.wav", 0), ("b.wav", 1)):
        soundfile.write(tmp_path / name, 0.1 * np.random.default_rng(seed).standard_normal(16_000), 8000)
    suite = tmp_path / "s.jsonl"
    suite.write_text(json.dumps({"id": "p", "track": "v2a", "vocal": "v.wav", "reference": "b.wav"}))
    experiment = plan_experiment(
        suite=suite,
        systems=["oracle", "click"],
        metrics=["audio"],
        store=tmp_path / "store",
        runs=tmp_path / "runs",
        overrides=["engine=inline"],
    )
    store = Store(experiment.store)
    Runner(experiment, store).run()
    results = gather(experiment, store)
    material = page_material(experiment, store, results, build_leaderboard(results, replicates=100))
    audio = write_song_files(tmp_path / PARTS, material.songs, material.assets, "link")
    page = dict(prompt_pages(material, audio))[prompt_place("p")].decode()
    assert "both at −20 LUFS (songbench-mix 1)" in page
    for title in ("Vocal", "True accompaniment", "Accompaniment"):
        assert re.search(rf'aria-label="{title}"', page), title
    paths = set(re.findall(r'"\.\./(songs/[^"]+)"', page))
    assert paths == {
        *("songs/~prompts/p.vocal.flac", "songs/~prompts/p.reference.flac"),
        *(f"songs/{system}/p.take0{part}.flac" for system in ("oracle", "click") for part in ("", ".with-vocal")),
    }
    assert all((tmp_path / PARTS / path).is_file() for path in paths)
    assert "data-loudness" not in page  # the rule has seen to it
