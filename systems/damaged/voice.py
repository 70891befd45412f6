"""Damage to the voice alone, for songs whose vocal stem is known: the rest of the mix stays what it was."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from songbench.domain.audio import Audio
from songbench.domain.song import TimedWord
from systems.damaged.warp import transposed

CENTS = (25.0, 50.0, 100.0, 200.0)
VOICE_GAIN = (10 ** (-6 / 20), 10 ** (-12 / 20), 10 ** (-24 / 20), 0.0)
PHRASE_GAP = 0.3
"""Seconds without a word that end a phrase."""
_FADE_SECONDS = 0.02


def detuned_voice(mix: Audio, vocals: Audio, strength: int) -> Audio:
    """The voice raised by `CENTS` against the band."""
    raised = transposed(vocals, 2 ** (CENTS[strength - 1] / 1200))
    return Audio((mix.samples - vocals.samples + raised.samples).astype(np.float32), mix.rate)


def voice_removed(mix: Audio, vocals: Audio, strength: int) -> Audio:
    """The voice turned down to `VOICE_GAIN`."""
    gain = VOICE_GAIN[strength - 1]
    return Audio((mix.samples - (1 - gain) * vocals.samples).astype(np.float32), mix.rate)


def dropped_lines(
    mix: Audio, vocals: Audio, words: tuple[TimedWord, ...], strength: int, seed: int
) -> tuple[Audio, Audio]:
    """A quarter to all of the sung phrases left out.

    Returns:
        The mix and the voice without them.
    """
    gain = np.ones(vocals.samples.shape[1], np.float32)
    sung = phrases(words)
    for i in random_indices(len(sung), strength, seed):
        start, end = sung[i]
        gain[round(start * vocals.rate) : round(end * vocals.rate)] = 0
    width = round(_FADE_SECONDS * vocals.rate)
    gain = np.convolve(gain, np.ones(width, np.float32) / width, "same").astype(np.float32)
    left: npt.NDArray[np.float32] = vocals.samples * gain
    return Audio((mix.samples - vocals.samples + left).astype(np.float32), mix.rate), Audio(left, vocals.rate)


def phrases(words: tuple[TimedWord, ...]) -> list[tuple[float, float]]:
    """Start and end of each run of words without a gap of `PHRASE_GAP`, widened by half of it on both sides."""
    spans: list[tuple[float, float]] = []
    for word in sorted(words, key=lambda word: word.start):
        if spans and word.start - spans[-1][1] < PHRASE_GAP:
            spans[-1] = (spans[-1][0], max(spans[-1][1], word.end))
        else:
            spans.append((word.start, word.end))
    return [(max(0.0, start - PHRASE_GAP / 2), end + PHRASE_GAP / 2) for start, end in spans]


def random_indices(count: int, strength: int, seed: int) -> list[int]:
    """A quarter to all of `count` things; a stronger choice contains the weaker ones."""
    order = np.random.default_rng(seed).permutation(count)
    return sorted(int(i) for i in order[: max(1, round(count * strength / 4))])
