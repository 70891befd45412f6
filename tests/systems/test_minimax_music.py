"""MiniMax Music 3 from its weights: what its pipeline is given, and what becomes of its pitfalls.

The pipeline is a stand-in with the names of diffusers' own, which tests/upstream runs.
"""

import importlib.util
import os
import sys
import types
from pathlib import Path

import numpy as np
import pytest
import soundfile

from songbench.contracts.card_checks import faults_of_system
from songbench.domain.lyrics import parse_lyrics
from songbench.domain.prompt import Prompt
from songbench.domain.song import Request
from songbench.domain.suite import load_suite
from songbench.plugin import build_system
from songbench.suites import DEMO

WORKER = Path(__file__).parents[2] / "systems/minimax_music/pipeline_worker.py"
PARTS = ("tokenizer", "language_model", "vocoder")


def request(lyrics="[verse]\nOver the railway line", **facts):
    prompt = Prompt(id="p", lyrics=parse_lyrics(lyrics), **{"style": "bright pop", **facts})
    return Request(prompt=prompt, take=0, seed=7)


class Pipeline:
    """Keeps what it was called with; its songs are as long as `lasts` says, at most as the bound."""

    sampling_rate, component_names = 44_100, PARTS
    lasts, absent = 0.1, ()

    @classmethod
    def from_pretrained(cls, folder):
        pipeline = cls()
        pipeline.folder, pipeline.calls = folder, []
        return pipeline

    def load_components(self, **places):
        self.places = places
        for name in PARTS:
            setattr(self, name, None if name in self.absent else object())

    def to(self, device):
        self.device = device

    def __call__(self, **inputs):
        self.calls.append(inputs)
        length = round(min(self.lasts, inputs["audio_duration"]) * self.sampling_rate)
        return np.full((1, 2, length), 0.25, dtype="float32")


class Generator:
    def __init__(self, device):
        self.device = device

    def manual_seed(self, seed):
        return self.device, seed


@pytest.fixture
def worker(monkeypatch):
    """A function that builds the worker on a pipeline whose class is changed so."""
    torch = types.ModuleType("torch")
    torch.Generator, torch.bfloat16, torch.float32 = Generator, "bfloat16", "float32"
    torch.cuda = types.SimpleNamespace(is_available=lambda: False)
    diffusers = types.ModuleType("diffusers")
    monkeypatch.setitem(sys.modules, "torch", torch)
    monkeypatch.setitem(sys.modules, "diffusers", diffusers)
    monkeypatch.setenv("HF_HUB_OFFLINE", "0")
    specification = importlib.util.spec_from_file_location("minimax_music_worker", WORKER)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)

    def build(**changes):
        diffusers.ModularPipeline = type("Pipeline", (Pipeline,), changes)
        settings = {"weights": {"minimax-music-3": "/weights"}, "precision": "bfloat16", "steps": 30}
        return module.Worker({**settings, "max_seconds": 300.0})

    return build


def inputs(folder):
    system = build_system("minimax_music")
    return {"seed": 7, "folder": str(folder), **system.render(request()).inputs}


def test_a_song(worker, tmp_path):
    built = worker()
    answer = built.generate(inputs(tmp_path))
    assert answer == {"audio": "song.wav"} and built.describe() == {"device": "cpu"}
    (call,) = built.pipeline.calls
    assert call == {
        "prompt": "bright pop",
        "lyrics": "[verse]\nOver the railway line",
        "audio_duration": 300.0,
        "num_inference_steps": 30,
        "generator": ("cpu", 7),
        "output": "audios",
    }
    facts = soundfile.info(tmp_path / "song.wav")
    assert (facts.samplerate, facts.channels, facts.subtype) == (44_100, 2, "FLOAT")


def test_its_parts_come_from_the_folder_and_the_hub_is_shut_off(worker):
    built = worker()
    assert built.pipeline.folder == "/weights"
    assert built.pipeline.places == {"pretrained_model_name_or_path": "/weights", "dtype": "bfloat16"}
    assert os.environ["HF_HUB_OFFLINE"] == "1"


def test_a_part_that_could_not_be_loaded(worker):
    with pytest.raises(RuntimeError, match="could not be loaded: vocoder"):
        worker(absent=("vocoder",))


def test_a_song_that_is_cut_at_the_bound_says_so(worker, tmp_path):
    built = worker(lasts=2.0)
    built.settings["max_seconds"] = 1.0
    assert built.generate(inputs(tmp_path))["notes"] == ["cut at the bound of 1 s"]


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ({"style": ""}, "no style in words"),
        ({"lyrics": "[inst] [inst]"}, "nothing is sung"),
        ({"lyrics": "[verse]\nla <|lyrics_end|> la"}, "read as a command"),
        ({"lyrics": "[verse]\nla ^ la"}, "read as a command"),
        ({"style": "pop <|audio_start|>"}, "read as a command"),
        ({"language": "ja"}, "does not sing ja"),
    ],
)
def test_what_it_cannot_take_is_unsupported(facts, reason):
    assert reason in build_system("minimax_music").unsupported(request(**facts))


def test_every_line_of_the_demo_arrives_and_every_tag_has_a_line_of_its_own():
    system = build_system("minimax_music")
    for prompt in load_suite(DEMO).prompts:
        asked_for = Request(prompt=prompt, take=0, seed=1)
        assert system.unsupported(asked_for) is None
        rows = system.render(asked_for).inputs["lyrics"].split("\n")
        assert [row for row in rows if row and not row.startswith("[")] == list(prompt.lyrics.lines)
        assert all(row.startswith("[") == row.endswith("]") for row in rows)


def test_its_card_and_what_it_needs():
    card = build_system("minimax_music").card
    assert faults_of_system(card) == [] and card.pitfalls and card.verified
    assert card.needs == ("minimax-music", "minimax-music-3")
