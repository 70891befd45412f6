"""Chords of pitch class profiles, and how much of a sung melody lies on their tones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from metrics.functional.onsets import CHANCE_SHIFTS, SHIFT_SECONDS
from metrics.functional.pitch_profiles import CLASSES, HOP, RATE, profile_matrix
from songbench.domain.errors import InputError

BLOCK = 0.25
"""Seconds that a chord is decided for at a time."""
NO_CHORD = -1

_CHANGE = 0.5
"""What a change of chord costs, in cosines of a block with a chord."""
_FIRST = 9
"""The pitch class, from C, of a profile's first bin: A."""

Chords = npt.NDArray[np.int64]
Array = npt.NDArray[np.float64]


def chords(profiles: npt.ArrayLike, audible: npt.ArrayLike) -> Chords:
    """The major or minor triad that sounds in each quarter of a second.

    The profiles of a block are added up and compared, by their cosine, with the tones of the 24 triads; of all courses
    of chords the one with the largest sum wins, where each change costs 0.5 (Viterbi). Sevenths, suspensions and basses
    are not told apart.

    Args:
        profiles: as `metrics.functional.pitch_profiles.hpcp` gives them, shape (frames, 12).
        audible: which of them count, shape (frames,).

    Returns:
        Shape (blocks,): 0 to 11 for C major to B major, 12 to 23 for C minor to B minor, `NO_CHORD` where nothing is
        audible.

    Raises:
        InputError: for other shapes, values below 0, NaN or infinity.

    Example:
        >>> a_minor = np.zeros((22, 12))
        >>> a_minor[:, [0, 3, 7]] = 1.0
        >>> chords(a_minor, [True] * 22)
        array([21, 21, 21, 21])
    """
    matrix = profile_matrix(profiles, "profiles")
    counted = np.asarray(audible, bool)
    if counted.shape != (len(matrix),):
        raise InputError(f"audible must have one value for each of the {len(matrix)} profiles.")
    place = (np.arange(len(matrix)) * HOP / RATE / BLOCK).astype(int)
    blocks = np.zeros((place[-1] + 1, CLASSES))
    np.add.at(blocks, place[counted], matrix[counted])
    length = np.linalg.norm(blocks, axis=1)
    fit = blocks @ _templates().T / np.maximum(length, 1e-9)[:, None]
    course = _best_course(fit)
    course[length == 0] = NO_CHORD
    return course


@dataclass(frozen=True)
class ChordFit:
    """How a melody lies on chords.

    Attributes:
        fit: share of the voiced time on a tone of the chord that sounds, 0 to 1.
        chance: the same with the chords shifted in a circle.
        key: by how many semitones the melody would have to go up to fit best, -5 to 6; 0 where nothing fits better.
        voiced: seconds with a pitch.
    """

    fit: float
    chance: float
    key: int
    voiced: float


def chord_fit(hertz: npt.ArrayLike, step: float, course: npt.ArrayLike) -> ChordFit:
    """The share of a melody's time that lies on tones of the chords below it.

    A pitch belongs to the nearest semitone of A = 440 Hz. The mean over the melody in all twelve keys is 25 % for every
    course of triads; the chance here keeps melody, key and chords, and only takes away that they belong together in
    time: chords are shifted in a circle by 20 amounts from 5 to 25 s (of shorter audio, a sixth to five sixths of it).

    Args:
        hertz: the pitch at each moment, shape (n,); 0 where there is none.
        step: seconds from one moment to the next.
        course: chords as `chords` gives them, shape (blocks,), blocks >= 1; moments after its end have no chord, and
            moments without a chord count against the fit.

    Raises:
        InputError: for other shapes, pitches below 0, NaN or infinity, or no moment with a pitch.

    Example:
        A quarter of a second of C, then of D, over C major.

        >>> chord_fit([261.6] * 25 + [293.7] * 25, 0.01, [0, 0]).fit
        0.5
    """
    pitch, sounding = np.asarray(hertz, np.float64), np.asarray(course, np.int64)
    if pitch.ndim != 1 or not np.isfinite(pitch).all() or (pitch < 0).any() or not (pitch > 0).any():
        raise InputError("hertz must have the shape (n,), values of at least 0 and at least one above it.")
    if sounding.ndim != 1 or not len(sounding) or sounding.min() < NO_CHORD or sounding.max() >= 2 * CLASSES:
        raise InputError("course must have the shape (blocks,) with at least one block, and values from -1 to 23.")
    voiced = np.flatnonzero(pitch > 0)
    notes = np.rint(69 + CLASSES * np.log2(pitch[voiced] / 440)).astype(int) % CLASSES
    block = (voiced * step / BLOCK).astype(int)
    size = max(len(sounding), int(block[-1]) + 1)
    padded = np.concatenate([sounding, np.full(size - len(sounding), NO_CHORD)])
    fits = [_fit(notes + shift, block, padded) for shift in range(CLASSES)]
    order = sorted(range(-5, 7), key=abs)
    seconds = size * BLOCK
    low, high = SHIFT_SECONDS if seconds >= sum(SHIFT_SECONDS) else (seconds / 6, 5 * seconds / 6)
    shifts = np.linspace(low, high, CHANCE_SHIFTS) / BLOCK
    return ChordFit(
        fit=fits[0],
        chance=float(np.mean([_fit(notes, block, np.roll(padded, round(shift))) for shift in shifts])),
        key=order[int(np.argmax([fits[shift % CLASSES] for shift in order]))],
        voiced=len(voiced) * step,
    )


def _fit(notes: Chords, block: Chords, course: Chords) -> float:
    """The share of notes, shape (n,), that are tones of the chord in their block, shape (n,)."""
    tones = np.vstack([np.roll(_templates(), _FIRST, axis=1) > 0, np.zeros((1, CLASSES), bool)])
    return float(tones[course[block], notes % CLASSES].mean())


def _templates() -> Array:
    """The triads of length 1 in a profile's order, from A, shape (24, 12)."""
    templates = np.zeros((2 * CLASSES, CLASSES))
    for root in range(CLASSES):
        for chord, third in ((root, 4), (root + CLASSES, 3)):
            templates[chord, [(root + step - _FIRST) % CLASSES for step in (0, third, 7)]] = 3**-0.5
    return templates


def _best_course(fit: Array) -> Chords:
    """The course of chords with the largest sum of `fit`, shape (blocks, 24), less what its changes cost."""
    chord_range = np.arange(fit.shape[1])
    total, origins = fit[0], []
    for row in fit[1:]:
        best = int(total.argmax())
        origins.append(np.where(total >= total[best] - _CHANGE, chord_range, best))
        total = np.maximum(total, total[best] - _CHANGE) + row
    course = [int(total.argmax())]
    for origin in reversed(origins):
        course.append(int(origin[course[-1]]))
    return np.array(course[::-1], np.int64)
