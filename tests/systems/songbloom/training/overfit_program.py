"""Trains a small model on eight clips until it knows them by heart; as a program, so that it can be killed.

``python overfit_program.py CLIPS FOLDER STEPS`` prints the number of each step.
"""

import sys
from pathlib import Path

import torch
from songbloom_clips import CLIPS, Clips
from training_cases import one_process, parts, settings

from systems.songbloom.training.fit import fit
from systems.songbloom.training.loop import TrainingLoop
from systems.songbloom.training.objective import SongBloomObjective
from systems.songbloom.training.song_steps import SongSteps

OBJECTIVE = SongBloomObjective(
    velocity_weight=1.0,  # of equal weight, as there is little time
    time_mean=1.0,  # later times, at which noise hides whose latents are asked for, so that the hidden vector must tell
    condition_dropout=0.0,
    style_dropout=0.0,
    hidden_dropout=0.0,
    sketch_dropout=0.0,
)


def overfit(clips: Clips, folder: Path, steps: int, validate=None, on_step=None, **changes) -> TrainingLoop:
    training = settings(
        steps=steps, songs=8, lr=8e-3, warm_up=20, validate=100, optimiser={"weight_decay": 0.0}, **changes
    )
    objective = SongSteps(clips, CLIPS.model, OBJECTIVE, training.batch)
    training_parts = parts(folder, steps, validate=validate)
    if on_step:
        training_parts.display.step = on_step
    return fit(one_process(), clips.model(), objective, training, training_parts)


if __name__ == "__main__":
    torch.set_num_threads(1)
    file, place, count = sys.argv[1:]
    overfit(
        torch.load(file, weights_only=False),
        Path(place),
        int(count),
        on_step=lambda record: print(record.step, flush=True),
        saving=5,
        average=0.9,
    )
