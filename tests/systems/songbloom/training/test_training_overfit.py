"""A small model learns eight clips by heart, and a training that is killed ends as one that is not."""

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from overfit_program import OBJECTIVE, overfit
from songbloom_clips import CLIPS, clips

from systems.songbloom.checkpoint import load_checkpoint
from systems.songbloom.checkpoint_files import CheckpointFiles
from systems.songbloom.decoding import DecodingEngine, DecodingInput, Patch, SongEnd
from systems.songbloom.draws import SeededDraws
from systems.songbloom.training.baselines import Baselines
from systems.songbloom.training.validation import SongValidation

PROGRAM = Path(__file__).with_name("overfit_program.py")


def learnt(folder, steps, **changes):
    """The numbers on the clips themselves after so many steps, what is known without learning, and the loop."""
    songs = clips()
    check = SongValidation(songs.examples, OBJECTIVE, Baselines.of(songs.examples, CLIPS.model), bins=5)
    loop = overfit(songs, folder, steps, validate=check, saving=steps, **changes)
    return check(loop.compute), check.baseline(loop.model), loop


def test_a_hundred_steps_know_the_tokens_and_more_of_the_latents_than_their_variance(tmp_path):
    numbers, baseline, _ = learnt(tmp_path, 100)
    assert numbers["accuracy"] >= 0.95
    assert numbers["sketch"] < 0.5 * baseline["bigram"] < baseline["unigram"]
    assert numbers["velocity"] < 0.5 * baseline["velocity"]


@pytest.mark.slow
def test_clips_that_were_learnt_come_back_by_greedy_decoding(tmp_path):
    """In about 70 s of one core's time, of which 10 s are for rendering the clips."""
    numbers, baseline, _ = learnt(tmp_path, 700)
    assert numbers["accuracy"] >= 0.95 and numbers["velocity"] < 0.5 * baseline["velocity"]
    model = load_checkpoint(CheckpointFiles.find(tmp_path)).for_decoding()
    config = model.config.decoding.changed({"diffusion_temperature": 1.0, "steps": 16})
    assert config.guidance == 1.0 and not config.sampling and not config.penalise_repetition
    songs = clips().examples
    inputs = [DecodingInput(song.lyrics, song.style, SeededDraws(n, CLIPS)) for n, song in enumerate(songs)]
    tokens, endings = {}, {}
    with torch.inference_mode():
        for event in DecodingEngine(model, config, slots=8).decode(iter(inputs)):
            if isinstance(event, Patch):
                tokens.setdefault(event.song, []).append(event.tokens)
            elif isinstance(event, SongEnd):
                endings[event.song] = event.ending
    for number, song in enumerate(songs):
        assert torch.cat(tokens[number]).tolist() == song.sketch.tolist(), song.id
    assert set(endings.values()) == {"end token"}


def program(file, folder, steps):
    command = [sys.executable, str(PROGRAM), str(file), str(folder), str(steps)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.slow
def test_a_training_that_is_killed_ends_with_the_same_weights(tmp_path):
    torch.save(clips(), tmp_path / "clips.pt")
    steps, last = 40, random.Random(time.time_ns()).randrange(6, 30)
    killed = program(tmp_path / "clips.pt", tmp_path / "killed", steps)
    for line in killed.stdout:
        if int(line) == last:
            killed.send_signal(signal.SIGKILL)
            break
    assert killed.wait(60) == -signal.SIGKILL, killed.stderr.read()
    assert not (tmp_path / "killed/training/state_00000040.pt").exists()
    outputs = {}
    for name in ("killed", "through"):
        process = program(tmp_path / "clips.pt", tmp_path / name, steps)
        outputs[name], errors = process.communicate(timeout=250)
        assert process.returncode == 0, errors
    assert 1 < int(outputs["killed"].split()[0]) <= last + 5, f"killed at step {last}"
    states = [torch.load(tmp_path / name / "training/state_00000040.pt", weights_only=True) for name in outputs]
    for part in ("weights", "average", "optimiser"):
        assert flat(states[0][part]) and all(
            torch.equal(first, second)
            for first, second in zip(flat(states[0][part]), flat(states[1][part]), strict=True)
        ), f"{part}, killed at step {last}"
    exported = [(tmp_path / name / "clips.safetensors").read_bytes() for name in outputs]
    assert exported[0] == exported[1]


def flat(state):
    """All tensors of a nested state."""
    if isinstance(state, torch.Tensor):
        return [state]
    values = state.values() if isinstance(state, dict) else state if isinstance(state, list) else ()
    return [tensor for value in values for tensor in flat(value)]
