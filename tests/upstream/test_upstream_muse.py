"""Muse's own program and MuCodec's own decoding through our adapter, with stand-ins for their models."""

import json

import numpy as np
import pytest
from layers import HERE, environment_folder, layered_environment, linked_checkout, plant, upstream_folder

from songbench.contracts.registry import build_system
from songbench.domain.lyrics import parse_lyrics
from songbench.domain.prompt import Prompt
from songbench.domain.song import Request, Song
from songbench.resources import checkouts, environments
from systems.muse.environment import CHECKOUT, CODEC_CHECKOUT, CODEC_ENVIRONMENT, ENVIRONMENT

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

LYRICS = "[verse]\nHello little world\n[chorus]\n你好 月亮\n[verse]\nAnd on we go"


@pytest.fixture
def system(set_folders, tmp_path, monkeypatch):
    """The adapter upon both programs; the user's environment serves both."""
    import torch

    checkout, codec = upstream_folder(CHECKOUT), upstream_folder(CODEC_CHECKOUT)
    modules = {
        "sitecustomize.py": HERE / "sites" / "muse_site.py",
        "cpu_site.py": HERE / "cpu_site.py",
        "absent.py": HERE / "absent.py",
    }
    environment = layered_environment(environment_folder(ENVIRONMENT), tmp_path / "environment", modules)
    built = build_system("muse", {})
    set_folders(built, environment, checkout)
    linked = linked_checkout(codec, tmp_path / "codec", {})
    monkeypatch.setenv(environments.override_variable(CODEC_ENVIRONMENT), str(environment))
    monkeypatch.setenv(checkouts.override_variable(CODEC_CHECKOUT), str(linked))
    sources = {entry.name: tmp_path / "sources" / entry.name for entry in built.weights}
    for folder in sources.values():
        folder.mkdir(parents=True)
    (sources["muse-0.6b"] / "config.json").write_text("{}")
    torch.save({}, sources["muse-codec"] / "mucodec.pt")
    plant(built, sources)
    yield built
    built.close()


def test_all_sections_reach_the_model_and_all_tokens_the_sound(system, tmp_path, monkeypatch):
    notes = tmp_path / "notes.jsonl"
    monkeypatch.setenv("SONGBENCH_TEST_NOTES", str(notes))
    prompt = Prompt(id="p", lyrics=parse_lyrics(LYRICS), language="mixed", style="pop, piano")
    (song,) = system.generate([Request(prompt=prompt, take=0, seed=3)])
    assert isinstance(song, Song), song.cause + song.detail
    lines = [json.loads(line) for line in notes.read_text(encoding="utf-8").splitlines()]
    turns = [value for kind, value in lines if kind == "turn"]
    assert len(turns) == 4
    assert "[Intro]" in turns[0] and "[Intro]" in song.record.rendering.added[-1]
    for line, turn in zip(prompt.lyrics.lines, turns[1:], strict=True):
        assert line.replace(" ", "") in turn.replace(" ", "")
    assert "pop, piano" in turns[0].lower()
    audio = song.source.load()
    assert (audio.rate, audio.samples.shape[0]) == (48_000, 2)
    assert audio.seconds == pytest.approx(16.0)  # four sections of 100 tokens, 25 a second
    assert np.abs(audio.samples).max() == pytest.approx(0.3, abs=0.01)
    ((shape, first, steps),) = [value for kind, value in lines if kind == "window"]
    assert (shape, first, steps) == ([1, 1, 1024], 0, 50)
