"""Damage to an accompaniment: out of time, out of tune, absent, or with the vocal in it. `strength` is 1 to 4."""

from __future__ import annotations

import numpy as np

from songbench.domain.audio import Audio
from systems.damaged.warp import transposed, warped

LATE_SECONDS = (0.02, 0.05, 0.25, 1.0)
SLOWER = (0.005, 0.01, 0.02, 0.03)
SEMITONES = (1, 2, 4, 6)
VOCAL_DB = (-30.0, -20.0, -10.0, 0.0)
_REST_SECONDS = 1.0
_FADE_SECONDS = 0.02


def late_band(audio: Audio, strength: int) -> Audio:
    """The accompaniment `LATE_SECONDS` later; what goes beyond its end is cut off."""
    shift = min(round(LATE_SECONDS[strength - 1] * audio.rate), audio.samples.shape[1])
    late = np.zeros_like(audio.samples)
    late[:, shift:] = audio.samples[:, : audio.samples.shape[1] - shift]
    return Audio(late, audio.rate)


def slower_band(audio: Audio, strength: int) -> Audio:
    """The accompaniment slowed down by `SLOWER` at its own pitch; what goes beyond its end is cut off."""
    speed = 1 / (1 + SLOWER[strength - 1])
    return Audio(warped(audio.samples, audio.rate, lambda moment: moment * speed, audio.samples.shape[1]), audio.rate)


def transposed_band(audio: Audio, strength: int) -> Audio:
    """The accompaniment, drums and all, `SEMITONES` higher."""
    return transposed(audio, 2 ** (SEMITONES[strength - 1] / 12))


def stopped_band(audio: Audio, strength: int) -> Audio:
    """The accompaniment faded out within 20 ms and silent for the last quarter to all but the first second."""
    size = audio.samples.shape[1]
    end = max(size * (4 - strength) // 4, min(size, round(_REST_SECONDS * audio.rate)))
    gain = np.zeros(size, np.float32)
    gain[:end] = 1
    fade = min(round(_FADE_SECONDS * audio.rate), end)
    gain[end - fade : end] = np.linspace(1, 0, fade, dtype=np.float32)
    return Audio(audio.samples * gain, audio.rate)


def mixed_vocal(audio: Audio, vocal: Audio, strength: int) -> Audio:
    """The accompaniment with the vocal in it, `VOCAL_DB` above its RMS; silence on either side changes nothing."""
    samples = vocal.at(audio.rate).mono().samples[:, : audio.samples.shape[1]]
    level, vocal_level = (
        float(np.sqrt(np.mean(np.square(part, dtype=np.float64)))) for part in (audio.samples, samples)
    )
    mix = audio.samples.copy()
    if vocal_level > 0:
        gain = np.float32(level / vocal_level * 10 ** (VOCAL_DB[strength - 1] / 20))
        mix[:, : samples.shape[1]] += gain * samples
    return Audio(mix, audio.rate)
