"""How many frames are masked again after each pass."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from contextlib import suppress

import numpy as np

from songbench.domain.errors import InputError

_POWERS = {"linear": 1.0, "lin": 1.0, "sqrt": 0.5, "square": 2.0, "cubic": 3.0}
_NAMES = ("cosine", "linear", "sqrt", "square", "cubic", "power:P")


def schedule_of(name: str) -> Callable[[float], float]:
    """The share of masked frames, 1 to 0, by progress, 0 to 1.

    Args:
        name: ``cosine`` (or ``cos``), ``linear`` (``lin``), ``sqrt``, ``square``, ``cubic``, or ``power:P``
            (``poly:P``, ``pow:P``) for (1 - progress) to the power of P; without ``:P`` P is 1.

    Raises:
        InputError: there is no such schedule.
    """
    name = name.strip().lower()
    if name in ("cosine", "cos"):
        return lambda progress: math.cos(0.5 * math.pi * progress)
    word, _, number = name.partition(":")
    power = _POWERS.get(name)
    if word in ("power", "poly", "pow"):
        with suppress(ValueError):
            power = float(number or 1)
    if power is None or not 0 < power < math.inf:
        raise InputError("There is no such schedule.", field="schedule", value=name, allowed=_NAMES)
    return lambda progress: (1.0 - progress) ** power


def remask_counts(ratios: Sequence[float], frames: int) -> list[int]:
    """How many of a song's frames are masked again after each pass.

    A pass but the last keeps and masks at least one frame of those that it found masked, as long as there are two.

    Args:
        ratios: of all frames, per pass.
        frames: of the song.
    """
    counts, masked = list[int](), frames
    for step, ratio in enumerate(ratios):
        count = math.floor(np.float32(ratio * frames))  # upstream multiplies in double and rounds to single
        if step < len(ratios) - 1:
            count = max(1, min(masked - 1, count))
        masked = min(count, masked)
        counts.append(masked)
    return counts
