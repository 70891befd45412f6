"""How much of an accompaniment is the vocal itself."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from metrics.functional.checks import check_rate, check_samples
from metrics.functional.onsets import CHANCE_SHIFTS, SHIFT_SECONDS
from songbench.domain.errors import InputError

RATE = 16_000
"""Samples per second of the audio that is compared."""
MOST_DELAY = 0.5
"""Seconds by which the vocal may come later or earlier in the accompaniment."""

_FRAME, _HOP = 2048, 512
_LOWEST_HZ, _HIGHEST_HZ = 100.0, 6000.0
_RANGE_DB = 40.0

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Leakage:
    """How much of an accompaniment follows from the vocal.

    Attributes:
        share: of the accompaniment's energy while the vocal sounds, 0 to 1.
        chance: the same with a vocal that has nothing to do with it.
        delay: seconds by which the accompaniment's copy comes later, -0.5 to 0.5; meaningless where there is none.
    """

    share: float
    chance: float
    delay: float


def leakage(vocal: npt.ArrayLike, accompaniment: npt.ArrayLike, rate: int = RATE) -> Leakage:
    """The share of an accompaniment's energy that is the vocal, filtered in whatever way.

    The delay is found where both agree best in phase (GCC-PHAT, Knapp and Carter 1976). Then, in each of the bands of 8
    Hz from 100 to 6000 Hz, the squared coherence of both over the moments in which the vocal sounds says which part of
    the accompaniment's energy a constant filter makes of the vocal; the parts are added up. Level, sign and equaliser
    of the copy do not matter; a copy with another tempo or key, or one that a model sang anew, is not recognised.

    Args:
        vocal: shape (n,), one channel, with a sample other than 0.
        accompaniment: shape (m,), likewise; what goes on longer than the other is not looked at.
        rate: samples per second of both; must be `RATE`.

    Raises:
        InputError: for samples of another shape, NaN, infinity, silence, another rate, or less than 1 s of either.

    Example:
        Noise, half as loud and 0.1 s late, under as much noise of another kind: half of the energy.

        >>> rng = np.random.default_rng(0)
        >>> vocal, band = rng.standard_normal((2, 10 * RATE))
        >>> result = leakage(vocal, 0.5 * np.roll(vocal, 1600) + 0.5 * band)
        >>> print(f"{result.share:.1f} after {result.delay:.2f} s")
        0.5 after 0.10 s
    """
    voice, mix = check_samples(vocal, "vocal"), check_samples(accompaniment, "accompaniment")
    check_rate(rate, RATE)
    size = min(len(voice), len(mix))
    if size < RATE:
        raise InputError("The vocal and the accompaniment must both last at least 1 s.")
    voice, mix = voice[:size], mix[:size]
    if not voice.any() or not mix.any():
        raise InputError("The vocal or the accompaniment is silent, so nothing of it can leak.")
    delay = _delay(voice, mix)
    # What lies before the delayed copy, or after one that comes early, has no counterpart.
    voice, mix = (voice[: size - delay], mix[delay:]) if delay >= 0 else (voice[-delay:], mix[: size + delay])
    spectra, mix_spectra = _spectra(voice), _spectra(mix)
    power = (np.abs(spectra) ** 2).sum(axis=1)
    sounding = power > np.percentile(power, 95) * 10 ** (-_RANGE_DB / 10)
    frames = len(mix_spectra)
    seconds = frames * _HOP / RATE
    low, high = SHIFT_SECONDS if seconds >= sum(SHIFT_SECONDS) else (seconds / 6, 5 * seconds / 6)
    shifts = np.rint(np.linspace(low, high, CHANCE_SHIFTS) * RATE / _HOP).astype(int)
    places = np.flatnonzero(sounding)
    shares = [_explained(spectra[places], mix_spectra[(places + shift) % frames]) for shift in (0, *shifts)]
    return Leakage(share=shares[0], chance=float(np.mean(shares[1:])), delay=delay / RATE)


def _delay(voice: Array, mix: Array) -> int:
    """By how many samples the voice, shape (n,), comes later in the mix, shape (n,)."""
    from scipy import fft

    reach = min(round(MOST_DELAY * RATE), len(voice) - RATE // 2)
    length = fft.next_fast_len(len(voice) + reach, real=True)
    cross = np.conj(fft.rfft(voice, length)) * fft.rfft(mix, length)
    hertz = fft.rfftfreq(length, 1 / RATE)
    cross[(hertz < _LOWEST_HZ) | (hertz > _HIGHEST_HZ)] = 0
    magnitude = np.abs(cross)
    match = fft.irfft(np.divide(cross, magnitude, out=np.zeros_like(cross), where=magnitude > 0), length)
    lags = np.arange(-reach, reach + 1)
    return int(lags[np.argmax(np.abs(match[lags]))])


def _spectra(samples: Array) -> npt.NDArray[np.complex128]:
    """Spectra of overlapping frames of samples of shape (n,), between the outer frequencies, shape (frames, bins)."""
    hertz = np.fft.rfftfreq(_FRAME, 1 / RATE)
    bins = (hertz >= _LOWEST_HZ) & (hertz <= _HIGHEST_HZ)
    frames = np.lib.stride_tricks.sliding_window_view(samples, _FRAME)[::_HOP]
    window = np.hanning(_FRAME + 1)[:-1]
    batches = [np.fft.rfft(frames[i : i + 512] * window)[:, bins] for i in range(0, len(frames), 512)]
    return np.concatenate(batches)


def _explained(voice: npt.NDArray[np.complex128], mix: npt.NDArray[np.complex128]) -> float:
    """The share of the mix's energy that one gain per bin makes of the voice, shapes (frames, bins)."""
    cross = np.abs((voice.conj() * mix).sum(axis=0)) ** 2
    power, total = (np.abs(voice) ** 2).sum(axis=0), float((np.abs(mix) ** 2).sum())
    explained = float(np.divide(cross, power, out=np.zeros_like(cross), where=power > 0).sum())
    return min(1.0, explained / total) if total > 0 else 0.0
