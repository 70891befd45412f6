"""From boundary and label probabilities to sections, as All-In-One does it and SongFormer after it.

A frame is a boundary when its probability is the highest for some frames around, is still the highest within 12 s when
all frames but those count as 0, and exceeds the mean over these 12 s before and after. Between two boundaries the label
with the highest mean probability counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Array: TypeAlias = npt.NDArray[np.float32]
Sections: TypeAlias = list[tuple[str, float, float]]
"""Label, start and end in seconds, in order, from 0 to the end without gaps."""


def sections(boundary: Array, labels: Array, names: Sequence[str], *, rate: float, near: int, wide: int) -> Sections:
    """Sections of a song.

    Args:
        boundary: probability of a boundary at each frame, shape (n,), n > 0.
        labels: probability of each label at each frame, shape (len(names), n).
        names: of the labels.
        rate: frames per second.
        near: frames on either side among which only the highest probability counts.
        wide: frames on either side among which a boundary has to be the highest.

    Returns:
        At least one section; the last one ends with the last frame.
    """
    edges = boundaries(boundary, near, wide)
    inner = edges[edges > 0]
    times = [0.0, *(float(edge / rate) for edge in inner), float(boundary.size / rate)]
    means = [part.mean(axis=1) for part in np.split(labels, inner, axis=1)]
    return [(names[int(mean.argmax())], *span) for mean, span in zip(means, pairwise(times), strict=True)]


def boundaries(probability: Array, near: int, wide: int) -> npt.NDArray[np.intp]:
    """The frames that are boundaries, see `sections`; the first frame may be one of them.

    Args:
        probability: of a boundary at each frame, shape (T,).
        near: as in `sections`.
        wide: as in `sections`.

    Returns:
        Frame numbers in order, shape (boundaries,).
    """
    from scipy.ndimage import maximum_filter1d

    nearest = maximum_filter1d(probability, 2 * near + 1, mode="constant", cval=-np.inf)
    peaks = np.where(probability == nearest, probability, np.float32(0))
    widest = maximum_filter1d(peaks, 2 * wide + 1, mode="constant", cval=0.0)
    candidates = np.flatnonzero((peaks == widest) & (peaks > 0))
    around = np.pad(peaks, wide)  # frame i of the song is frame i + wide here
    level = [(around[i : i + wide].mean() + around[i + wide + 1 : i + 2 * wide + 1].mean()) / 2 for i in candidates]
    return candidates[peaks[candidates] > np.asarray(level)]
