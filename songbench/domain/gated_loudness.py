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
_PIECE = 1 << 14
"""Samples that are filtered together, in the processor's cache; filters keep their state: nothing depends on it."""


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
    stages = pyloudnorm.Meter(rate)._filters.values()
    sections = np.array([[*(stage.passband_gain * stage.b), *stage.a] for stage in stages])
    blocks = int(np.round((count / rate - _BLOCK_SECONDS) / (_BLOCK_SECONDS * _STEP)) + 1)
    edges = [
        (int(_BLOCK_SECONDS * (block * _STEP) * rate), int(_BLOCK_SECONDS * (block * _STEP + 1) * rate))
        for block in range(blocks)
    ]
    power = np.stack([_block_energies(channel, sections, edges) for channel in samples]) / (_BLOCK_SECONDS * rate)
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


def _block_energies(
    channel: Channel, sections: npt.NDArray[np.float64], edges: list[tuple[int, int]]
) -> npt.NDArray[np.float64]:
    """The sums of squares of some blocks of a channel, shape (n,), after filters; blocks overlap by three quarters.

    Args:
        channel: its samples.
        sections: of the filters, second order, shape (filters, 6), as scipy has them.
        edges: first sample and end of each block, in order.
    """
    import numpy as np

    squares = _filtered(channel, sections)
    np.square(squares, out=squares)
    ends = np.minimum(edges, len(squares))  # the last block may reach beyond the last sample
    stretches = np.unique(ends)
    sums = np.append(np.add.reduceat(squares, stretches[stretches < len(squares)]), 0.0)
    energies: npt.NDArray[np.float64] = np.add.reduceat(sums, np.searchsorted(stretches, ends).ravel())[::2]
    return energies


def _filtered(channel: Channel, sections: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """One channel, shape (n,), through filters one after the other."""
    import numpy as np
    from scipy.signal import sosfilt

    weighted = np.empty(len(channel))
    state = np.zeros((len(sections), 2))
    for start in range(0, len(channel), _PIECE):
        part = channel[start : start + _PIECE].astype(np.float64)
        weighted[start : start + _PIECE], state = sosfilt(sections, part, zi=state)
    return weighted
