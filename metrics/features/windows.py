"""Where to cut a recording into windows for a speech recogniser: in pauses, never by a speech detector."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view

Mono: TypeAlias = npt.NDArray[np.float32]
Window: TypeAlias = tuple[int, int]
"""First sample and one past the last."""

SILENT = 1e-3
"""RMS (−60 dBFS) of a frame of 50 ms below which there is silence."""

LONGEST_SECONDS = 30.0
"""Seconds of a window, Whisper's input."""

_SHORTEST_SECONDS = 20.0
_GAP_SECONDS = 2.0
_FRAME_SECONDS = 0.05


def sounding_windows(mono: Mono, rate: int) -> list[Window]:
    """Windows that together hold all that sounds, none longer than 30 s.

    Silence longer than 2 s is left out, so that an instrumental part in a vocal stem does not make the recogniser
    invent words. A longer stretch of sound is cut at its quietest moment between 20 and 30 s after the cut before, so
    that words are rarely cut.

    Args:
        mono: samples, shape (n,).
        rate: samples per second.

    Returns:
        In time order, without overlap; empty when all is silent.
    """
    levels = _levels(mono, rate)
    sounding = np.flatnonzero(levels >= SILENT)
    if sounding.size == 0:
        return []
    pauses = np.flatnonzero(np.diff(sounding) > _GAP_SECONDS / _FRAME_SECONDS)
    starts = [int(sounding[0]), *(int(frame) for frame in sounding[pauses + 1])]
    ends = [*(int(frame) + 1 for frame in sounding[pauses]), int(sounding[-1]) + 1]
    shortest, longest = (round(seconds / _FRAME_SECONDS) for seconds in (_SHORTEST_SECONDS, LONGEST_SECONDS))
    windows = []
    for first, end in zip(starts, ends, strict=True):
        start = first
        while end - start > longest:
            cut = _quietest(levels, start + shortest, start + longest)
            windows.append((start, cut))
            start = cut
        windows.append((start, end))
    frame = round(_FRAME_SECONDS * rate)
    return [(start * frame, min(end * frame, mono.size)) for start, end in windows]


def halves(mono: Mono, rate: int, window: Window) -> tuple[Window, Window]:
    """A window of mono samples, shape (n,), cut in two at the quietest moment of its middle third."""
    start, end = window
    levels = _levels(mono[start:end], rate)
    cut = start + _quietest(levels, levels.size // 3, 2 * levels.size // 3) * round(_FRAME_SECONDS * rate)
    return (start, cut), (cut, end)


def _levels(mono: Mono, rate: int) -> npt.NDArray[np.float64]:
    """The RMS of each 50 ms frame, shape (frames,); an incomplete last frame is filled up with silence."""
    starts = np.arange(0, mono.size, round(_FRAME_SECONDS * rate))
    if not starts.size:
        return np.zeros(0)
    power = np.add.reduceat(np.square(mono, dtype=np.float64), starts)
    return np.asarray(np.sqrt(power / round(_FRAME_SECONDS * rate)), dtype=np.float64)


def _quietest(levels: npt.NDArray[np.float64], first: int, end: int) -> int:
    """The middle of the quietest quarter of a second between two frames of levels of shape (frames,)."""
    if end - first < 5:
        return (first + end) // 2
    return first + 2 + int(np.argmin(sliding_window_view(levels[first:end], 5).sum(axis=1)))
