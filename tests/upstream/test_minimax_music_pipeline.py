"""MiniMax Music 3: diffusers' own pipeline, with tiny random parts, through the adapter.

Runs where SONGBENCH_ENV_MINIMAX_MUSIC names a Python that has the packages of the environment ``minimax-music``.
"""

import os
import subprocess
from pathlib import Path

import numpy as np
import pytest

from songbench.domain.lyrics import parse_lyrics
from songbench.domain.prompt import Prompt
from songbench.domain.song import Failure, Request, Song
from songbench.resources import weights
from systems.minimax_music.environment import WEIGHTS
from systems.minimax_music.system import MiniMaxMusic

PYTHON = os.environ.get("SONGBENCH_ENV_MINIMAX_MUSIC")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(1800),
    pytest.mark.skipif(PYTHON is None, reason="SONGBENCH_ENV_MINIMAX_MUSIC names no Python"),
]


def request(seed=7, style="bright pop"):
    prompt = Prompt(id="p", lyrics=parse_lyrics("[verse]\nhello world\n\n[chorus]\nsing with me"), style=style)
    return Request(prompt=prompt, take=0, seed=seed)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    """A folder in which the index still names the hub's repository, as that of the released weights does."""
    mirror = tmp_path_factory.mktemp("mirror")
    script = Path(__file__).with_name("minimax_music_tiny.py")
    folder = mirror / WEIGHTS.name
    subprocess.run([PYTHON, "-I", script, folder], check=True)
    index = folder / "modular_model_index.json"
    index.write_text(index.read_text().replace(f'"{folder}"', '"MiniMaxAI/MiniMax-Music3"'))
    assert "MiniMaxAI/MiniMax-Music3" in index.read_text()
    return mirror


@pytest.fixture
def places(checkpoint, tmp_path, monkeypatch):
    monkeypatch.setenv("SONGBENCH_WEIGHTS", str(tmp_path / "weights"))
    weights.setup(WEIGHTS, mirror=checkpoint, accept_licence=True)
    return weights.folder_of(WEIGHTS)


def test_songs(places):
    system = MiniMaxMusic(steps=1, precision="float32", max_seconds=1.0)
    assert system.availability().ready
    songs = list(system.generate([request(7), request(7), request(8)]))
    system.close()
    assert all(isinstance(song, Song) for song in songs), songs
    first, again, third = (song.audio for song in songs)
    assert first.rate == 44_100 and first.samples.shape[0] == 2
    assert np.array_equal(first.samples, again.samples) and not np.array_equal(first.samples, third.samples)
    assert songs[0].record.notes == ("cut at the bound of 1 s",)
    assert songs[0].record.seed_honoured and songs[0].record.rendering.lyrics.startswith("[verse]\nhello world")


def test_a_part_that_is_missing(places):
    for file in (places / "vocoder").iterdir():
        file.unlink()
    system = MiniMaxMusic(steps=1, precision="float32", max_seconds=1.0)
    (outcome,) = system.generate([request()])
    system.close()
    assert isinstance(outcome, Failure)
