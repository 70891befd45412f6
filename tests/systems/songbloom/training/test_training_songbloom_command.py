"""``songbench train songbloom``: a prepared folder to a checkpoint that sings, from the command line."""

import json
import subprocess
import sys
from dataclasses import replace

import pytest
import torch
from prepared_cases import basis_for, counting_folder, counting_song
from safetensors.torch import load_file
from songbloom_cases import calm_checkpoint, needs_text, write_suite
from songbloom_clips import small
from songbloom_random import random_checkpoint
from typer.testing import CliRunner

from songbench.cli import app
from systems.songbloom import loading
from systems.songbloom.checkpoint import load_checkpoint
from systems.songbloom.training.data.latents import LatentEncoder, load_autoencoder

CONFIG = small(dim=32, heads=1, lm_layers=1, dit_layers=1, patch=4, prompt_frames=4, lyrics_length=40)
SIZES = (
    "model.sizes={dim: 32, heads: 1, lm_layers: 1, dit_layers: 1, timestep_features: 32, patch: 4, prompt_frames: 4,"
    " lyrics_length: 40}"
)
QUICK = (
    "steps=4",
    "optimiser.warm_up=1",
    "batch.songs=2",
    "saving.interval=2",
    "validation.interval=2",
    "log.interval=1",
    SIZES,
)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """Songs for training and validation, and the checkpoint they were prepared with."""
    folder = tmp_path_factory.mktemp("prepared")
    base = calm_checkpoint(folder / "base", CONFIG)  # whose audio stays within full scale
    digest = LatentEncoder(load_autoencoder(base)).digest
    basis = replace(basis_for(CONFIG), autoencoder=digest, validation=0.2)
    sections = [("verse", 0, 8, (1, 20, 30)), ("chorus", 8, 16, (2, 21, 31))]
    songs = [counting_song(f"song{number}", 12 + 4 * (number % 2), sections) for number in range(6)]
    for _, tensors in songs:  # numbers of frames are no latents one could learn from
        tensors.latents.copy_(torch.sin(tensors.latents))
        tensors.style.copy_(torch.sin(tensors.style))
    return counting_folder(folder / "data", songs, basis), folder / "base"


def arguments(prepared, out, *settings, options=()):
    data, base = prepared
    changes = [part for setting in (*QUICK, *settings) for part in ("--set", setting)]
    start = options or ("--config", "laptop", "--autoencoder", str(base))
    return ["train", "songbloom", "--data", str(data), "--out", str(out), *start, *changes]


def train(prepared, out, *settings, options=()):
    outcome = CliRunner().invoke(app, arguments(prepared, out, *settings, options=options), catch_exceptions=False)
    assert outcome.exit_code == 0, outcome.output
    return outcome.output


def log_of(out):
    return [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]


def test_from_scratch_to_a_checkpoint(prepared, tmp_path):
    out = tmp_path / "my model"
    output = train(prepared, out)
    assert "weights learn from" in output and "unigram" in output
    assert "songbloom:my-model=" in output
    model = load_checkpoint(loading.find(out))
    assert model.config.name == "my-model" and model.config.trained_seconds == 30.0
    base = load_checkpoint(loading.find(prepared[1]))
    assert all(
        torch.equal(tensor, base.state_dict()[name])
        for name, tensor in model.state_dict().items()
        if name.startswith("autoencoder.")
    )
    lines = log_of(out)
    assert [line["step"] for line in lines if "train" in line] == [1, 2, 3, 4]
    assert [line["step"] for line in lines if "validation" in line] == [2, 4]
    weights = {path.name: path.read_bytes() for path in out.glob("*.safetensors")}
    assert "Going on from step 4" in train(prepared, out)
    assert weights == {path.name: path.read_bytes() for path in out.glob("*.safetensors")}


def test_going_on_from_a_checkpoint_keeps_its_sizes(prepared, tmp_path):
    train(prepared, tmp_path / "tuned", options=("--from", str(prepared[1])))
    model = load_checkpoint(loading.find(tmp_path / "tuned"))
    assert model.config.model == load_checkpoint(loading.find(prepared[1])).config.model


def test_adapters_alone_make_a_file_that_sings(prepared, tmp_path):
    train(prepared, tmp_path / "lora", options=("--from", str(prepared[1]), "--lora", "rank=2,targets=q_proj+to_qkv"))
    tensors = load_file(tmp_path / "lora" / "lora.lora")
    assert all("lora_" in name for name in tensors)
    model = load_checkpoint(loading.find(tmp_path / "lora"))
    base = load_checkpoint(loading.find(prepared[1]))
    changed = [name for name, tensor in model.state_dict().items() if not torch.equal(tensor, base.state_dict()[name])]
    assert changed and all("qkv" in name for name in changed)


def test_wrong_data_are_refused(prepared, tmp_path):
    unlike = random_checkpoint(tmp_path / "other", CONFIG, seed=1)
    command = arguments(
        prepared, tmp_path / "out", options=("--config", "laptop", "--autoencoder", str(unlike.weights))
    )
    outcome = CliRunner().invoke(app, command)
    assert outcome.exit_code != 0 and "another autoencoder" in str(outcome.exception)
    outcome = CliRunner().invoke(app, arguments(prepared, tmp_path / "out", "model.sizes.dimm=3"))
    assert "Did you mean 'dim'" in str(outcome.exception)


@pytest.mark.slow
@needs_text
def test_songs_are_sung_and_scored_meanwhile(prepared, tmp_path):
    suite = write_suite(tmp_path, 3)
    out = tmp_path / "singer"
    output = train(
        prepared,
        out,
        "songs.interval=4",
        f"songs.suite='{suite}'",
        "songs.prompts=2",
        "songs.metrics=[audio]",
        "songs.overrides=['system.songbloom.max_seconds=1','system.songbloom.steps=2']",
        "log.to=[tensorboard]",
    )
    (figures,) = [line["songs"] for line in log_of(out) if "songs" in line]
    assert figures, output
    assert len((out / "songs/suite.jsonl").read_text().splitlines()) == 3


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_two_processes_are_one_with_twice_the_passes(prepared, tmp_path):
    folders = {"one": ("batch.accumulation=2",), "two": ("compute.devices=2",)}
    weights = {}
    for name, settings in folders.items():
        out = tmp_path / name
        command = arguments(prepared, out, "compute.device=cpu", "model.preset=tiny", *settings)
        process = subprocess.run(
            [sys.executable, "-m", "songbench", *command], capture_output=True, text=True, check=False, timeout=500
        )
        assert process.returncode == 0, process.stderr[-3000:]
        weights[name] = load_file(out / f"{name}.safetensors")
        assert len([line for line in log_of(out) if "train" in line]) == 4
    for name, tensor in weights["one"].items():
        torch.testing.assert_close(weights["two"][name], tensor, rtol=0, atol=1e-6)
    losses = [[line["train"]["loss"] for line in log_of(tmp_path / name) if "train" in line] for name in folders]
    assert losses[0] == pytest.approx(losses[1], rel=1e-6)
