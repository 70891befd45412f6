"""The pitch class profiles of a piece of audio, moment by moment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from metrics.features.onsets import unheard
from songbench.domain.audio import AudioSource
from songbench.domain.errors import InputError
from songbench.domain.hashing import Json
from songbench.domain.song import Failure
from songbench.plugin import Feature


class PitchProfiles:
    """Harmonic pitch class profiles (`metrics.functional.pitch_profiles`) of the mean of the channels.

    Feature:
        ``profiles``: float32, shape (frames, 12), from A upwards; a frame every 2048 samples of 44.1 kHz (46 ms).
        ``audible``: which frames are not silent, shape (frames,).
        ``unheard`` (data): why no frame is audible, "silent" or "shorter than 1 s"; only where that is so.
    """

    name = "hpcp"

    @property
    def identity(self) -> Mapping[str, Json]:
        """Version and frames."""
        from metrics.functional.pitch_profiles import FRAME, HOP, RATE

        return {"version": "1", "rate": RATE, "frame": FRAME, "hop": HOP}

    def extract(self, sources: Sequence[AudioSource]) -> Iterator[Feature | Failure]:
        """One feature per source; a `Failure` for one whose audio cannot be decoded."""
        import numpy as np

        from metrics.functional.pitch_profiles import CLASSES, RATE, hpcp

        for source in sources:
            try:
                audio = source.load()
            except InputError as error:
                yield Failure("feature", str(error))
                continue
            if reason := unheard(audio):
                empty = {"profiles": np.zeros((0, CLASSES), np.float32), "audible": np.zeros(0, bool)}
                yield Feature(empty, {"unheard": reason})
                continue
            profiles, audible = hpcp(audio.mono().at(RATE).samples[0], RATE)
            yield Feature({"profiles": profiles.astype(np.float32), "audible": audible})
