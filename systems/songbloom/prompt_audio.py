"""The style prompt's audio: any rate, channels and length to what the model was trained on."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from songbench.domain.audio import Audio
from songbench.domain.errors import InputError
from systems.songbloom.config import SongBloomConfig

SILENCE = 1e-4
"""Audio whose largest sample is below this (-80 dBFS) has no style to follow."""

SLACK = 0.05
"""Seconds by which a prompt may be too short, as codecs and resampling shave a little off; filled with zeros."""


def prompt_samples(audio: Audio, config: SongBloomConfig) -> Tensor:
    """The first seconds of a prompt, mono at the model's rate.

    Args:
        audio: the prompt as it was loaded.
        config: of the model; the released ones take 10 s at 48 kHz.

    Returns:
        Exactly ``config.prompt_seconds``, shape (samples,), float32.

    Raises:
        InputError: it is too short, silent or not finite.
    """
    seconds, rate = config.prompt_seconds, config.autoencoder.sample_rate
    if audio.seconds < seconds - SLACK:
        raise InputError(
            f"The style prompt lasts {audio.seconds:.2f} s; this model follows prompts of {seconds:g} s.",
            field="prompt_wav",
            cure=f"Give {seconds:g} s or more; what is longer is cut.",
        )
    begin = audio.cut(0, seconds)
    if not (len(begin.samples) and np.isfinite(begin.samples).all()):
        raise InputError("The style prompt holds NaN or infinite samples, or no channel.", field="prompt_wav")
    samples = torch.from_numpy(begin.mono().at(rate).samples[0].copy())
    if float(samples.abs().max()) < SILENCE:
        raise InputError(
            f"The first {seconds:g} s of the style prompt are silent.",
            field="prompt_wav",
            cure="Give a piece of music that begins at once.",
        )
    count = config.model.prompt_frames * config.autoencoder.hop
    return torch.nn.functional.pad(samples[:count], (0, max(0, count - len(samples))))
