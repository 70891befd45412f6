"""Systems of the track ``v2a`` before stand-ins: a vocal, requests, and what each needs of its surroundings."""

import shutil
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

from songbench.contracts.registry import build_system
from songbench.domain.audio import Audio, MemoryAudio
from songbench.domain.lyrics import parse_lyrics
from songbench.domain.prompt import FileAsset, Prompt
from songbench.domain.song import Request
from songbench.resources.checkouts import override_variable as checkout_variable
from songbench.resources.environments import override_variable as environment_variable

HERE = Path(__file__).parent
PROMPT = Prompt(
    id="song.1",
    lyrics=parse_lyrics("[verse]\nMorning comes in slowly\n"),
    track="v2a",
    vocal=FileAsset(Path("vocal.wav")),
    style="warm folk, guitar",
    prompt_audio=FileAsset(Path("clip.wav")),
)


def vocal(seconds=0.5, rate=44_100, channels=1):
    """A vocal: a tone."""
    times = np.arange(round(seconds * rate)) / rate
    return MemoryAudio(Audio(np.tile(0.25 * np.sin(1000 * times), (channels, 1)).astype("float32"), rate))


def ask(sound=None, *, seed=5, clip=None, **facts):
    """A request for the accompaniment of a vocal."""
    sound = vocal() if sound is None else sound
    return Request(prompt=replace(PROMPT, **facts), take=0, seed=seed, vocal=sound, prompt_audio=clip)


def before_stand_in(spec, root, patch, *, python=sys.executable, program="", **settings):
    """A system upon a folder that stands for its checkout; its weights are empty files.

    Args:
        spec: as on the command line.
        root: a folder for all that; the checkout is its folder ``code``.
        patch: of the environment.
        python: that runs the program or the worker.
        program: the file that is run, "" where the checkout holds modules that are there already.
        settings: of the system.
    """
    system = build_system(spec, settings)
    patch.setenv("SONGBENCH_ENVIRONMENTS", str(root / "environments"))
    patch.setenv(environment_variable(system.environment), python)
    patch.setenv(checkout_variable(system.upstream), str(root / "code"))
    for file in system.upstream.files:
        touch(root / "code" / file)
    if program:
        shutil.copyfile(HERE / "bodies" / f"{system.card.name.partition(':')[0]}.py", root / "code" / program)
    for entry in system.weights:
        (root / "weights" / entry.name).mkdir(parents=True, exist_ok=True)
        for file in entry.files:
            touch(root / "weights" / entry.name / (file.name + "some" if file.folder else file.name))
    for function in ("path", "verified"):
        patch.setattr(f"songbench.resources.weights.{function}", lambda entry: root / "weights" / entry.name)
    return system


def touch(path):
    """An empty file where there is none."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
