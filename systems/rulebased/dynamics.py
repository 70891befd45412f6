"""How the song grows: the intensity of each section, and what loudness that means."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from systems.rulebased.plan import PlacedSection

FULL = 0.6
"""Least intensity of a full section; below it sections are quiet."""

_INTENSITIES = (0.25, 0.45, 0.75, 1.0)
_VOICE_DB = (-3.9, -2.7, 0.2, 0.9)
_BAND_DB = (-6.8, -4.6, -0.2, 1.5)
_WIDTH = (0.75, 0.85, 1.0, 1.15)
_RAMP_SECONDS = 0.3
_STEP = 48
"""Samples for which a curve stays level: too few to be heard."""

Curve = npt.NDArray[np.float32]


def intensities(sections: Sequence[PlacedSection], arrangement: str) -> tuple[float, ...]:
    """How much happens in each section, 0-1: more from repeat to repeat, most in the last of several choruses.

    Args:
        sections: in order.
        arrangement: `full`; `band`: no section is quiet; `sparse`: none is full.
    """
    passed: Counter[str] = Counter()
    totals = Counter(section.tag for section in sections)
    levels = []
    for section in sections:
        rules = section.rules
        last = totals[section.tag] > 1 and passed[section.tag] == totals[section.tag] - 1
        level = rules.climax if last and rules.climax else rules.intensity + rules.growth * min(2, passed[section.tag])
        passed[section.tag] += 1
        levels.append({"band": max(level, 0.7), "sparse": min(level, 0.45)}.get(arrangement, level))
    return tuple(levels)


@dataclass(frozen=True)
class Stretch:
    """A section in seconds and its intensity."""

    start: float
    end: float
    intensity: float


def voice_decibels(intensity: float) -> float:
    """Level of the voice, in dB."""
    return float(np.interp(intensity, _INTENSITIES, _VOICE_DB))


def band_decibels(intensity: float) -> float:
    """Level of the band, in dB."""
    return float(np.interp(intensity, _INTENSITIES, _BAND_DB))


def stereo_width(intensity: float) -> float:
    """How wide the band is, over its usual width."""
    return float(np.interp(intensity, _INTENSITIES, _WIDTH))


def curve(stretches: Sequence[Stretch], values: Sequence[float], rate: int, count: int) -> Curve:
    """A value per section as a curve, (count,), with a short ramp before each change."""
    if not stretches:
        return np.zeros(count, np.float32)
    points, heights = [0.0], [values[0]]
    for before, stretch, old, new in zip(stretches, stretches[1:], values, values[1:], strict=False):
        ramp = min(_RAMP_SECONDS, 0.5 * (before.end - before.start))
        points += [stretch.start - ramp, stretch.start]
        heights += [old, new]
    steps = np.interp(np.arange(-(-count // _STEP)) * (_STEP / rate), points, heights).astype(np.float32)
    return np.repeat(steps, _STEP)[:count]
