"""The mix of a vocal and an accompaniment by one fixed rule, so that no system wins by being louder than another."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from songbench.domain.audio import Audio
from songbench.domain.gated_loudness import gated_loudness

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

MIX_RULE = "songbench-mix 1"
"""Name and version of the rule: what is computed from mixes changes with it."""

LOUDNESS_LUFS = -20.0
"""Integrated loudness (ITU-R BS.1770-4, gated) that each of the two is brought to before they are added."""

HIGHEST_PEAK_DBFS = -1.0

_BLOCK_SECONDS = 0.4
_FILTER_RATE, _NOMINAL_RATE = 16_000, 48_000


def mix_with_vocal(vocal: Audio, accompaniment: Audio) -> Audio:
    """Vocal and accompaniment together, by `MIX_RULE`.

    Both are brought to two channels (one channel is heard on both sides; of more than two, their mean) and to the
    higher of their rates, then each to `LOUDNESS_LUFS`. What never rises above the absolute gate of −70 LUFS, such as
    silence, stays as it is. The shorter one is followed by silence, the two are added, and where the sum peaks above
    `HIGHEST_PEAK_DBFS`, one gain brings all of it down to that.

    Args:
        vocal: at least one channel.
        accompaniment: at least one channel.

    Returns:
        Two channels, as long as the longer of the two.
    """
    import numpy as np

    rate = max(vocal.rate, accompaniment.rate)
    parts = [_levelled(_stereo(part).at(rate)) for part in (vocal, accompaniment)]
    # Nothing of this size is made twice: a song of twelve minutes has 276 MB.
    shorter, mix = sorted(parts, key=lambda part: part.shape[1])
    mix[:, : shorter.shape[1]] += shorter
    peak, highest = max(float(mix.max(initial=0.0)), -float(mix.min(initial=0.0))), 10 ** (HIGHEST_PEAK_DBFS / 20)
    if peak > highest:
        mix *= np.float32(highest / peak)
    return Audio(mix, rate)


def _stereo(audio: Audio) -> Audio:
    import numpy as np

    if len(audio.samples) == 2:
        return audio
    return Audio(np.repeat(audio.mono().samples, 2, axis=0), audio.rate)


def _levelled(audio: Audio) -> npt.NDArray[np.float32]:
    """The samples, shape (2, n), at `LOUDNESS_LUFS`."""
    import numpy as np

    loudness = _loudness(audio)
    return audio.samples * np.float32(1 if loudness is None else 10 ** ((LOUDNESS_LUFS - loudness) / 20))


def _loudness(audio: Audio) -> float | None:
    """In LUFS; None below the absolute gate throughout. Less than one block of 0.4 s counts as one, with silence."""
    import numpy as np

    if not audio.samples.any():
        return None
    if audio.rate < _FILTER_RATE:  # where pyloudnorm's filters bend
        audio = audio.at(_NOMINAL_RATE)
    block = math.ceil(_BLOCK_SECONDS * audio.rate) + 1
    samples = np.pad(audio.samples, ((0, 0), (0, max(0, block - audio.samples.shape[1]))))
    return gated_loudness(samples, audio.rate)
