"""Harmonic pitch class profiles: how much of each of the twelve pitch classes sounds in each moment.

A spectrum's peaks below and above 500 Hz are gathered in twelve bins each, by their power and by how near they lie to
a semitone of A = 440 Hz; both halves are brought to a largest value of 1, so that bass and melody count alike, added,
and brought to 1 again. Definition and parameters are the defaults of essentia's algorithm HPCP (Gómez, "Tonal
description of polyphonic audio for music content processing", INFORMS Journal on Computing, 2006), fed by its
SpectralPeaks and a Blackman-Harris window; the code is our own.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from metrics.functional.checks import check_rate, check_samples
from metrics.functional.onsets import CHANCE_SHIFTS, SHIFT_SECONDS
from songbench.domain.errors import InputError

RATE = 44_100
"""Samples per second of the audio that profiles are made of."""
FRAME, HOP = 4096, 2048
"""Samples; frame k is centred at k hops."""
CLASSES = 12
SILENCE_DB = -60.0
"""RMS in dBFS below which a frame is silent."""

_REFERENCE_HZ = 440.0
_LOWEST_HZ, _SPLIT_HZ, _HIGHEST_HZ = 40.0, 500.0, 5000.0
_THRESHOLD = 1e-5
"""Magnitude, of a full-scale sine 1, from which on a peak counts."""
_BATCH = 512
_WINDOW = (0.44959, 0.49364, 0.05677)
"""Of the three cosines of the Blackman-Harris window with side lobes below -62 dB."""

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


def hpcp(samples: npt.ArrayLike, rate: int = RATE) -> tuple[Array, Mask]:
    """The profile of each moment of a piece of audio.

    Args:
        samples: shape (n,), n >= 1, full scale ±1.
        rate: samples per second; must be `RATE`, as the resampling to it changes the numbers.

    Returns:
        Profiles, shape (frames, 12), from A upwards, each with a largest value of 1, or 0 throughout where nothing
        sounds; and which frames are audible (`SILENCE_DB`), shape (frames,). Frame k is centred at k · 2048 / 44100 s.

    Raises:
        InputError: for samples of another shape, none, NaN, infinity or another rate.

    Example:
        The A major triad. Its A is below the split, C sharp and E are above, and the louder of these has 1.

        >>> time = np.arange(RATE) / RATE
        >>> tones = sum(np.sin(2 * np.pi * hz * time) for hz in (220.0, 554.37, 659.26))
        >>> profiles, audible = hpcp(0.1 * tones)
        >>> profiles[10].round(1)
        array([1. , 0. , 0. , 0. , 0.9, 0. , 0. , 1. , 0. , 0. , 0. , 0. ])
    """
    wave = check_samples(samples, "samples")
    check_rate(rate, RATE)
    count = -(-len(wave) // HOP)
    padded = np.zeros((count - 1) * HOP + FRAME)
    padded[FRAME // 2 : FRAME // 2 + len(wave)] = wave[: len(padded) - FRAME // 2]
    frames = np.lib.stride_tricks.sliding_window_view(padded, FRAME)[::HOP]
    window = _window()
    profiles = [
        _profiles(np.abs(np.fft.rfft(frames[start : start + _BATCH] * window)))
        for start in range(0, len(frames), _BATCH)
    ]
    # Frames at either end hang over it: their level is that of what they have of the audio.
    starts = np.arange(count) * HOP - FRAME // 2
    inside = np.minimum(starts + FRAME, len(wave)) - np.maximum(starts, 0)
    energy = np.concatenate([[0.0], np.cumsum(padded**2)])
    power = (energy[np.arange(count) * HOP + FRAME] - energy[np.arange(count) * HOP]) / inside
    return np.concatenate(profiles), power >= 10 ** (SILENCE_DB / 10)


def frame_similarity(profiles: npt.ArrayLike, audible: npt.ArrayLike, judged: npt.ArrayLike) -> float:
    """The mean cosine of profiles at the same moment.

    Args:
        profiles: of what is compared with, shape (frames, 12), none below 0.
        audible: which of them count, shape (frames,); at least one.
        judged: the profiles that are compared, shape (m, 12); where there is none, or one that is 0 throughout, the
            cosine counts as 0. What goes on longer than `profiles` is not looked at.

    Returns:
        In [0, 1].

    Raises:
        InputError: for other shapes, values below 0, NaN or infinity, or no frame that counts.

    Example:
        >>> frame_similarity(np.eye(12)[[0, 0, 4]], [True, True, True], np.eye(12)[[0, 7]])
        0.3333333333333333
    """
    first, second = profile_matrix(profiles, "profiles"), profile_matrix(judged, "judged")
    counted = np.asarray(audible, bool)
    if counted.shape != (len(first),) or not counted.any():
        raise InputError(f"audible must mark at least one of the {len(first)} profiles, one value each.")
    shared = min(len(first), len(second))
    cosines = np.zeros(len(first))
    cosines[:shared] = (_units(first[:shared]) * _units(second[:shared])).sum(axis=1)
    return float(np.clip(cosines[counted].mean(), 0, 1))


def chance_similarity(profiles: npt.ArrayLike, audible: npt.ArrayLike, judged: npt.ArrayLike) -> float:
    """What the same profiles have in common when they do not belong together in time.

    The judged profiles are shifted in a circle by 20 amounts from 5 to 25 s (of shorter audio, from a sixth to five
    sixths of it), and the similarities are averaged. Profiles that never change have the same similarity as ever.

    Arguments, result and errors as in `frame_similarity`.

    Example:
        A chord that changes every 2 s and is compared with itself.

        >>> tones = np.repeat(np.eye(12)[[0, 5, 7, 4, 9, 2]], 43, axis=0)
        >>> audible = [True] * len(tones)
        >>> print(f"{frame_similarity(tones, audible, tones):.2f} {chance_similarity(tones, audible, tones):.2f}")
        1.00 0.00
    """
    matrix = profile_matrix(judged, "judged")
    seconds = len(matrix) * HOP / RATE
    low, high = SHIFT_SECONDS if seconds >= sum(SHIFT_SECONDS) else (seconds / 6, 5 * seconds / 6)
    shifts = np.rint(np.linspace(low, high, CHANCE_SHIFTS) * RATE / HOP).astype(int)
    return float(np.mean([frame_similarity(profiles, audible, np.roll(matrix, shift, axis=0)) for shift in shifts]))


def mean_similarity(profiles: npt.ArrayLike, judged: npt.ArrayLike) -> float:
    """The cosine of the mean profiles of two pieces of audio, as papers seem to have it.

    It hardly tells songs apart, as most music sounds all twelve pitch classes; see `frame_similarity`.

    Args:
        profiles: of the audible moments of one, shape (n, 12), n >= 1, none below 0.
        judged: of the other, shape (m, 12), likewise.

    Returns:
        In [0, 1]; 0 where either is 0 throughout.

    Raises:
        InputError: for other shapes, values below 0, NaN or infinity.

    Example:
        >>> f"{mean_similarity([[1.0] * 12], [[1.0] * 6 + [0.0] * 6]):.3f}"
        '0.707'
    """
    means = [profile_matrix(side, name).mean(axis=0) for side, name in ((profiles, "profiles"), (judged, "judged"))]
    return float(np.clip((_units(means[0][None]) * _units(means[1][None])).sum(), 0, 1))


def best_transposition(profiles: npt.ArrayLike, audible: npt.ArrayLike, judged: npt.ArrayLike) -> int:
    """By how many semitones what is judged lies above what it is compared with, -5 to 6, where both agree best.

    Arguments and errors as in `frame_similarity`. Where several transpositions agree equally well, the smallest wins.

    Example:
        >>> best_transposition(np.eye(12)[[0, 4, 7]], [True] * 3, np.eye(12)[[2, 6, 9]])
        2
    """
    matrix = profile_matrix(judged, "judged")
    shifts = sorted(range(-5, 7), key=abs)
    similarities = [frame_similarity(profiles, audible, np.roll(matrix, -shift, axis=1)) for shift in shifts]
    return shifts[int(np.argmax(similarities))]


def profile_matrix(profiles: npt.ArrayLike, name: str) -> Array:
    """Profiles as a matrix (n, 12) in float64.

    Raises:
        InputError: for another shape, no rows, values below 0, NaN or infinity; `name` is what the message calls them.
    """
    try:
        matrix = np.asarray(profiles, np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"{name} is no array of numbers: {error}.") from error
    if matrix.ndim != 2 or matrix.shape[1] != CLASSES or not len(matrix):
        raise InputError(f"{name} must have the shape (n, 12) with n of at least 1, not {matrix.shape}.")
    if not np.isfinite(matrix).all() or (matrix < 0).any():
        raise InputError(f"{name} has NaN, infinity or values below 0.")
    return matrix


def _window() -> Array:
    """The window, of shape (FRAME,), with a sum of 2, so that a sine of amplitude 1 has a peak of 1."""
    turns = 2 * np.pi * np.arange(FRAME) / (FRAME - 1)
    constant, once, twice = _WINDOW
    window: Array = constant - once * np.cos(turns) + twice * np.cos(2 * turns)
    window *= 2 / window.sum()
    return window


def _profiles(magnitudes: Array) -> Array:
    """Profiles, shape (frames, 12), of magnitude spectra of shape (frames, FRAME // 2 + 1)."""
    rows, hertz, magnitude = _peaks(magnitudes)
    place = CLASSES * np.log2(hertz / _REFERENCE_HZ)
    nearest = np.rint(place)
    power = (np.cos(np.pi * (place - nearest)) ** 2 * magnitude) * magnitude
    bins = rows * CLASSES + nearest.astype(int) % CLASSES
    size = len(magnitudes) * CLASSES
    low = hertz < _SPLIT_HZ
    lower, upper = (
        np.bincount(bins[part], power[part], size).astype(np.float64).reshape(-1, CLASSES) for part in (low, ~low)
    )
    return _to_one(_to_one(lower) + _to_one(upper))


def _to_one(profiles: Array) -> Array:
    """Each row, of shape (n, 12), with a largest value of 1; rows of 0 stay."""
    top = profiles.max(axis=1, keepdims=True)
    scaled: Array = np.divide(profiles, top, out=np.zeros_like(profiles), where=top > 0)
    return scaled


def _peaks(magnitudes: Array) -> tuple[npt.NDArray[np.intp], Array, Array]:
    """The local maxima of spectra, refined by a parabola through their neighbours.

    A spectrum that falls from the lowest bin on has its first peak there, unrefined.

    Args:
        magnitudes: shape (frames, bins).

    Returns:
        The frame, the frequency in Hz and the magnitude of each peak, shape (peaks,) each.
    """
    step = RATE / FRAME
    first, last = int(np.ceil(_LOWEST_HZ / step)), int(_HIGHEST_HZ / step) + 2
    middle = magnitudes[:, first + 1 : last]
    left, right = magnitudes[:, first : last - 1], magnitudes[:, first + 2 : last + 1]
    rows, at = np.nonzero((middle > left) & (middle > right) & (middle > _THRESHOLD))
    before, top, after = left[rows, at], middle[rows, at], right[rows, at]
    offset = 0.5 * (before - after) / (before - 2 * top + after)
    hertz = (first + 1 + at + offset) * step
    magnitude = top - 0.25 * (before - after) * offset
    edge = np.flatnonzero((magnitudes[:, first] > magnitudes[:, first + 1]) & (magnitudes[:, first] > _THRESHOLD))
    rows, hertz = np.concatenate([edge, rows]), np.concatenate([np.full(len(edge), first * step), hertz])
    magnitude = np.concatenate([magnitudes[edge, first], magnitude])
    inside = hertz <= _HIGHEST_HZ
    return rows[inside], hertz[inside], magnitude[inside]


def _units(profiles: Array) -> Array:
    """Each row, of shape (n, 12), brought to length 1; rows of 0 stay."""
    length = np.linalg.norm(profiles, axis=1, keepdims=True)
    units: Array = np.divide(profiles, length, out=np.zeros_like(profiles), where=length > 0)
    return units
