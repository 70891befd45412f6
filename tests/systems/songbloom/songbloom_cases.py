"""What the tests around SongBloom share: style prompts, suites, checkpoints in the layouts people have."""

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
import yaml
from safetensors.torch import load_file, save_file
from songbloom_random import SMALL, longer, random_model

from songbench.domain.audio import Audio
from songbench.domain.lyrics import parse_lyrics
from songbench.domain.prompt import Prompt
from songbench.domain.song import Request
from songbench.resources.weights import availability
from systems.songbloom.checkpoint import save_checkpoint
from systems.songbloom.checkpoint_files import CheckpointFiles
from systems.songbloom.config import SongBloomConfig
from systems.songbloom.model import SongBloom
from systems.songbloom.text import SONGBLOOM_TEXT

_missing = availability(SONGBLOOM_TEXT)
needs_text = pytest.mark.skipif(not _missing.ready, reason=f"{_missing.reason}: {_missing.cure}")

LYRICS = "[intro]\n\n[verse]\n月亮代表我的心\n\n[chorus]\n你问我爱你有多深\n"
"""Mandarin, as reading English loads a dictionary of several megabytes first."""

NEVER_ENDS, ENDS_AT_ONCE, ENDS_SOMEWHERE = -50.0, 50.0, -0.2
"""Biases of the end token."""


PATCHES = 4
SHORT = longer(PATCHES * SMALL.patch_seconds)
"""Songs of at most four patches: enough for a first piece, one in the middle and a shorter last one."""


def calm_model(config: SongBloomConfig = SHORT, **options) -> SongBloom:
    """A small random model whose audio stays within ±1; large samples would magnify every rounding."""
    model = random_model(config, **options)
    for parameter in model.autoencoder.decoder.parameters():
        if parameter.ndim > 1:
            parameter.mul_(0.5)
    return model


def calm_checkpoint(folder: Path, config: SongBloomConfig = SHORT, **options) -> CheckpointFiles:
    return save_checkpoint(calm_model(config, **options), folder)


def music(seconds: float, rate: int = 44_100, channels: int = 1) -> Audio:
    time = np.arange(round(seconds * rate)) / rate
    noise = np.random.default_rng(0).standard_normal((channels, len(time)))
    return Audio((0.3 * np.sin(2 * np.pi * 220 * time) + 0.02 * noise).astype("float32"), rate)


def write_audio(path: Path, audio: Audio) -> Path:
    soundfile.write(path, audio.samples.T, audio.rate, subtype="FLOAT" if path.suffix == ".wav" else None)
    return path


class _Loaded:
    """Prompt audio that is in memory."""

    def __init__(self, audio: Audio) -> None:
        self.audio, self.digest = audio, "x"

    def load(self) -> Audio:
        return self.audio


def request(number: int = 0, lyrics: str = LYRICS, audio: Audio | None = None, seed: int | None = None) -> Request:
    audio = music(1.5) if audio is None else audio
    prompt = Prompt(id=f"p{number}", lyrics=parse_lyrics(lyrics), language="zh")
    return Request(prompt=prompt, take=0, seed=100 + number if seed is None else seed, prompt_audio=_Loaded(audio))


def write_suite(folder: Path, count: int, **fields: dict) -> Path:
    """A suite of `count` prompts with prompt audio; `fields` are changes by prompt id."""
    write_audio(folder / "style.wav", music(1.5))
    rows: list[dict] = [{"suite": "small", "version": "1"}]
    for number in range(count):
        row = {"id": f"p{number}", "lyrics": LYRICS, "language": "zh", "prompt_wav": "style.wav", "seconds": 5.0}
        row |= fields.get(f"p{number}", {})
        rows.append({name: value for name, value in row.items() if value is not None})
    path = folder / "small.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def rewritten(checkpoint, folder: Path, change, suffix: str = ".safetensors") -> Path:
    """A copy of a checkpoint whose state dict went through `change`, in another format."""
    folder.mkdir(parents=True, exist_ok=True)
    for file in checkpoint.weights.parent.iterdir():
        if file.is_file() and file != checkpoint.weights:
            (folder / file.name).write_bytes(file.read_bytes())
    path = folder / checkpoint.weights.with_suffix(suffix).name
    state = change(load_file(checkpoint.weights))
    if suffix == ".safetensors":
        save_file({name: tensor.contiguous() for name, tensor in state.items()}, path)
    else:
        torch.save(state, path)
    return path


def edit_yaml(path: Path, change) -> None:
    settings = yaml.safe_load(path.read_text(encoding="utf-8"))
    change(settings)
    path.write_text(yaml.safe_dump(settings, sort_keys=False), encoding="utf-8")
