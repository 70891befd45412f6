"""Onsets and beats of a piece of audio, as librosa finds them with its own parameters."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib.metadata import version
from typing import TYPE_CHECKING, TypeAlias

from metrics.features.resampling import like_librosa
from songbench.domain.audio import Audio, AudioSource
from songbench.domain.errors import InputError
from songbench.domain.hashing import Json
from songbench.domain.song import Failure
from songbench.plugin import Feature

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Moments: TypeAlias = npt.NDArray[np.float64]

RATE = 22_050
LEAST_SECONDS = 1.0
"""Audio below this has no onsets and no beats."""
SILENCE_DB = -60.0
"""RMS in dBFS of the loudest second below which audio is silent."""


class Onsets:
    """When notes, drums and syllables begin.

    ``librosa.onset.onset_detect`` as it comes: the mean over 128 mel bands of what grew louder within 23 ms, brought to
    0 to 1, and its peaks (at least 0.07 above the mean of 0.2 s), without going back to where each began.

    Feature:
        ``times``: seconds, shape (n,), ascending.
        ``seconds`` (data): of the audio.
        ``unheard`` (data): why there are no times, "silent" or "shorter than 1 s"; only where that is so.
    """

    name = "onsets"

    @property
    def identity(self) -> Mapping[str, Json]:
        """Our version and librosa's."""
        return _identity()

    def extract(self, sources: Sequence[AudioSource]) -> Iterator[Feature | Failure]:
        """One feature per source; a `Failure` for one whose audio cannot be decoded."""
        return (_feature(source, _onsets) for source in sources)


class Beats:
    """The beats of a piece of audio, by dynamic programming on its onsets (Ellis, JNMR 2007).

    ``librosa.beat.beat_track`` as it comes: one tempo for the whole piece, near 120 beats per minute where several fit,
    beats at the strongest onsets that keep it. It finds no bars.

    Feature:
        ``times``: seconds, shape (n,), ascending.
        ``seconds``, ``unheard`` (data): as in `Onsets`.
    """

    name = "beats"

    @property
    def identity(self) -> Mapping[str, Json]:
        """Our version and librosa's."""
        return _identity()

    def extract(self, sources: Sequence[AudioSource]) -> Iterator[Feature | Failure]:
        """One feature per source; a `Failure` for one whose audio cannot be decoded."""
        return (_feature(source, _beats) for source in sources)


def unheard(audio: Audio) -> str:
    """Why nothing can be heard in it, "silent" or "shorter than 1 s"; "" where something can."""
    import numpy as np

    if audio.seconds < LEAST_SECONDS:
        return "shorter than 1 s"
    power = (audio.samples.astype(np.float64) ** 2).mean(axis=0)
    loudest = max(part.mean() for part in np.array_split(power, int(audio.seconds)))
    return "" if loudest >= 10 ** (SILENCE_DB / 10) else "silent"


def _identity() -> Mapping[str, Json]:
    return {"version": "1", "librosa": version("librosa")}


def _feature(source: AudioSource, find: Callable[[npt.NDArray[np.float32]], Moments]) -> Feature | Failure:
    import numpy as np

    try:
        audio = source.load()
    except InputError as error:
        return Failure("feature", str(error))
    reason = unheard(audio)
    times = np.zeros(0) if reason else find(like_librosa(audio, RATE))
    data: dict[str, Json] = {"seconds": audio.seconds}
    return Feature({"times": times}, {**data, "unheard": reason} if reason else data)


def _onsets(samples: npt.NDArray[np.float32]) -> Moments:
    """The onsets of samples of shape (n,), in seconds."""
    import librosa

    times: Moments = librosa.onset.onset_detect(y=samples, sr=RATE, units="time")
    return times


def _beats(samples: npt.NDArray[np.float32]) -> Moments:
    """The beats of samples of shape (n,), in seconds."""
    import librosa

    times: Moments = librosa.beat.beat_track(y=samples, sr=RATE, units="time")[1]
    return times
