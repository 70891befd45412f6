"""Gated loudness by pyloudnorm's filters and rules, in the memory of one channel: long songs can be measured."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Channel = npt.NDArray[np.floating]

WEIGHTS = (1.0, 1.0, 1.0, 1.41, 1.41)
"""Of left, right, centre, surround left and surround right (ITU-R BS.1770-4)."""

_BLOCK_SECONDS, _STEP = 0.4, 0.25
_OFFSET_DB = -0.691
_ABSOLUTE_GATE, _RELATIVE_GATE_DB = -70.0, -10.0
_PIECE = 1 << 20
"""Samples that are filtered together; filters keep their state, so that nothing depends on it."""


def gated_loudness(samples: npt.NDArray[np.floating], rate: int, weights: tuple[float, ...] = WEIGHTS) -> float | None:
    """The integrated loudness of ITU-R BS.1770-4, that of ``pyloudnorm.Meter(rate)`` (0.2).

    Equal but for rounding: numpy adds numbers in an order that depends on the processor and on where they lie.

    pyloudnorm needs four copies of the whole in float64.

    Args:
        samples: shape (channels, n), full scale ±1, at least 0.4 s.
        rate: samples per second.
        weights: of each channel; no more channels than weights.

    Returns:
        LUFS, or None where no block of 0.4 s rises above -70 LUFS.

    Raises:
        ValueError: less than 0.4 s, or more channels than weights.
    """
    import numpy as np
    import pyloudnorm

    channels, count = samples.shape
    if count < _BLOCK_SECONDS * rate or channels > len(weights):
        raise ValueError(f"no loudness of {channels} channels of {count} samples")
    stages = list(pyloudnorm.Meter(rate)._filters.values())
    blocks = int(np.round((count / rate - _BLOCK_SECONDS) / (_BLOCK_SECONDS * _STEP)) + 1)
    edges = [
        (int(_BLOCK_SECONDS * (block * _STEP) * rate), int(_BLOCK_SECONDS * (block * _STEP + 1) * rate))
        for block in range(blocks)
    ]
    power = np.zeros((channels, blocks))
    for place, channel in enumerate(samples):
        weighted = _filtered(channel, stages)
        for block, (first, end) in enumerate(edges):
            power[place, block] = (1.0 / (_BLOCK_SECONDS * rate)) * np.sum(np.square(weighted[first:end]))
    gains = np.array(weights[:channels])
    with np.errstate(divide="ignore"):
        levels = _OFFSET_DB + 10.0 * np.log10(np.sum(gains[:, None] * power, axis=0))
    loud = levels >= _ABSOLUTE_GATE
    if not loud.any():
        return None
    gate = _level(power[:, loud], gains) + _RELATIVE_GATE_DB
    counted = (levels > gate) & (levels > _ABSOLUTE_GATE)
    return _level(power[:, counted], gains) if counted.any() else None


def _level(power: npt.NDArray[np.float64], gains: npt.NDArray[np.float64]) -> float:
    """The loudness of some blocks, shape (channels, blocks), in LUFS."""
    return _OFFSET_DB + 10.0 * math.log10(sum(float(gain * row.mean()) for gain, row in zip(gains, power, strict=True)))


def _filtered(channel: Channel, stages: list[object]) -> npt.NDArray[np.float64]:
    """One channel, shape (n,), through filters one after the other."""
    import numpy as np
    from scipy.signal import lfilter

    weighted = np.empty(len(channel))
    states = [np.zeros(max(len(stage.a), len(stage.b)) - 1) for stage in stages]  # type: ignore[attr-defined]
    for start in range(0, len(channel), _PIECE):
        part = channel[start : start + _PIECE].astype(np.float64)
        for number, stage in enumerate(stages):
            part, states[number] = lfilter(stage.b, stage.a, part, zi=states[number])  # type: ignore[attr-defined]
            part = stage.passband_gain * part  # type: ignore[attr-defined]
        weighted[start : start + _PIECE] = part
    return weighted
