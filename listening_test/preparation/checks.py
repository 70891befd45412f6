"""The sounds of the volume page and of the headphone check."""

from __future__ import annotations

from itertools import permutations
from random import Random

import numpy as np

from listening_test.preparation.sound import Sound, factor, faded, loudness

NOISE_SECONDS = 5.0
EXCERPT_SECONDS = 10.0
"""Of a song, after the noise."""
PAUSE_SECONDS = 0.3

TONE_HZ = 200.0
TONE_SECONDS = 1.0
TONE_RAMP_SECONDS = 0.1
TONE_GAP_SECONDS = 0.5
QUIETER_DB = -6.0
"""Woods, Siegel, Traer, McDermott, "Headphone screening to facilitate web-based auditory experiments", Attention,
Perception & Psychophysics 79, 2017: three tones, one of them softer, another in antiphase between the channels. Over
loudspeakers the antiphase tone cancels and seems the softest; over headphones it does not."""


def tones(quiet: int, antiphase: int, rate: int) -> Sound:
    """One trial of the headphone check.

    Args:
        quiet: which of the three is 6 dB softer, 1 to 3: the right answer.
        antiphase: which other has its right channel inverted.
        rate: in Hz.
    """
    time = np.arange(round(TONE_SECONDS * rate)) / rate
    tone = 0.5 * np.sin(2 * np.pi * TONE_HZ * time)
    both = faded(np.stack([tone, tone]).astype(np.float32), rate, TONE_RAMP_SECONDS)
    gap = np.zeros((2, round(TONE_GAP_SECONDS * rate)), np.float32)
    parts: list[Sound] = []
    for place in (1, 2, 3):
        one = both * np.float32(factor(QUIETER_DB) if place == quiet else 1.0)
        if place == antiphase:
            one = one * np.array([[1], [-1]], np.float32)
        parts += [gap, one] if parts else [one]
    return np.concatenate(parts, axis=1)


def tone_orders(count: int, draw: Random) -> list[tuple[int, int]]:
    """For each trial the place of the quiet tone and of the one in antiphase: all six orders before one comes again."""
    found: list[tuple[int, int]] = []
    while len(found) < count:
        orders = [(one, two) for one, two, _ in permutations((1, 2, 3))]
        draw.shuffle(orders)
        found += orders
    return found[:count]


def pink_noise(seconds: float, rate: int, seed: int) -> Sound:
    """Noise of equal power per octave from 40 Hz to 12 kHz, about as music spreads its own; channels half alike."""
    numbers = np.random.default_rng(seed)
    count = round(seconds * rate)
    frequencies = np.fft.rfftfreq(count, 1 / rate)
    shape = np.where((frequencies > 40) & (frequencies < min(12_000, rate / 2)), 1, 0) / np.sqrt(frequencies + 1)
    white = numbers.standard_normal((3, count))
    pink = np.fft.irfft(np.fft.rfft(white) * shape, count)
    mixed = pink[:2] + pink[2]
    return np.asarray(0.1 * mixed / mixed.std(), dtype=np.float32)


def sound_check(excerpt: Sound | None, rate: int, seed: int) -> Sound:
    """Noise, then a song, equally loud: what the volume is set by.

    Args:
        excerpt: of a song, or None for noise alone.
        rate: in Hz.
        seed: of the noise.
    """
    noise = faded(pink_noise(NOISE_SECONDS, rate, seed), rate)
    level = -np.inf if excerpt is None else loudness(excerpt, rate)
    if excerpt is None or not np.isfinite(level):
        return noise
    pause = np.zeros((2, round(PAUSE_SECONDS * rate)), np.float32)
    equal = faded(excerpt, rate) * np.float32(factor(loudness(noise, rate) - level))
    return np.concatenate([noise, pause, equal], axis=1)
