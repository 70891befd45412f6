"""The pitch of a voice over time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from metrics.features.onsets import unheard
from songbench.domain.audio import Audio, AudioSource
from songbench.domain.errors import InputError
from songbench.domain.hashing import Json
from songbench.domain.song import Failure
from songbench.plugin import Feature

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

RATE = 16_000
STEP = 0.01
"""Seconds from one moment to the next."""
_LOWEST_HZ, _HIGHEST_HZ = 65.0, 1000.0
_RANGE_DB = 40.0
"""What lies further below the loud moments (95th percentile) is no singing: leakage, reverberation, breath."""


class Pitch:
    """The fundamental frequency of a single voice every 10 ms, by pyworld's DIO and StoneMask (65 to 1000 Hz).

    Feature:
        ``hertz``: float32, shape (n,); 0 where there is no pitch, or too little of it to be sung.
        ``unheard`` (data): why there is none at all, "silent" or "shorter than 1 s"; only where that is so.
    """

    name = "pitch"

    @property
    def identity(self) -> Mapping[str, Json]:
        """Version and parameters."""
        return {"version": "1", "step": STEP, "hertz": [_LOWEST_HZ, _HIGHEST_HZ], "range_db": _RANGE_DB}

    def extract(self, sources: Sequence[AudioSource]) -> Iterator[Feature | Failure]:
        """One feature per source; a `Failure` for one whose audio cannot be decoded."""
        import numpy as np

        for source in sources:
            try:
                audio = source.load()
            except InputError as error:
                yield Failure("feature", str(error))
                continue
            if reason := unheard(audio):
                yield Feature({"hertz": np.zeros(0, np.float32)}, {"unheard": reason})
            else:
                yield Feature({"hertz": _pitch(audio)})


def _pitch(audio: Audio) -> npt.NDArray[np.float32]:
    """The pitch of audio, shape (n,), in Hz."""
    import numpy as np
    import pyworld

    samples = audio.mono().at(RATE).samples[0].astype(np.float64)
    coarse, times = pyworld.dio(samples, RATE, f0_floor=_LOWEST_HZ, f0_ceil=_HIGHEST_HZ, frame_period=1000 * STEP)
    hertz = pyworld.stonemask(samples, coarse, times, RATE)
    size = round(STEP * RATE)
    power = np.add.reduceat(samples**2, np.arange(0, len(samples), size))[: len(hertz)] / size
    level = 10 * np.log10(np.resize(power, len(hertz)) + 1e-12)
    hertz[level < np.percentile(level, 95) - _RANGE_DB] = 0
    return np.asarray(hertz, np.float32)
