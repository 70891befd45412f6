"""Audio in memory and where it comes from. Arrays are always float32, shape (channels, samples), full scale ±1."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from songbench.domain.audio_file import decode_file
from songbench.domain.errors import InputError
from songbench.domain.hashing import bytes_digest, file_digest
from songbench.domain.remark import Remark

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

HIGHEST_PEAK = 16.0
"""24 dB beyond full scale: more than decoders and loud mixes overshoot, less than integers written as floats."""


@dataclass(frozen=True, eq=False)
class Audio:
    """Samples and their rate.

    Attributes:
        samples: float32, shape (channels, n); full scale is ±1, values beyond it are kept.
        rate: samples per second.
    """

    samples: npt.NDArray[np.float32]
    rate: int

    def __post_init__(self) -> None:
        """Refuse shapes and types that would be misread later."""
        if self.samples.ndim != 2 or str(self.samples.dtype) != "float32":
            raise InputError(
                f"Audio must be float32 of shape (channels, samples), not {self.samples.dtype} {self.samples.shape}."
            )

    @property
    def seconds(self) -> float:
        """Duration in seconds."""
        return float(self.samples.shape[1] / self.rate)

    @property
    def peak(self) -> float:
        """The largest magnitude; NaN or infinite when any sample is. Looked for each time: samples may change."""
        highest, lowest = float(self.samples.max()), float(self.samples.min())  # no copy, as the magnitudes would be
        return math.nan if math.isnan(highest) else max(highest, -lowest)

    def mono(self) -> Audio:
        """The mean of the channels, shape (1, n)."""
        return self if self.samples.shape[0] == 1 else Audio(self.samples.mean(axis=0, keepdims=True), self.rate)

    def at(self, rate: int) -> Audio:
        """The same audio at another rate (soxr, high quality)."""
        if rate == self.rate:
            return self
        import numpy as np
        import soxr

        return Audio(np.ascontiguousarray(soxr.resample(self.samples.T, self.rate, rate).T, dtype="float32"), rate)

    def cut(self, start: float, seconds: float) -> Audio:
        """The part from `start` s that lasts `seconds` s, shorter where the audio ends before that.

        Raises:
            InputError: when it would begin before the audio or after its end, or last no time.
        """
        if not 0 <= start < self.seconds or seconds <= 0:
            raise InputError(
                f"There is no cut of {seconds:g} s from {start:g} s on in {self.seconds:.1f} s of audio.",
                cure="Begin it inside the audio.",
            )
        first = round(start * self.rate)
        return Audio(self.samples[:, first : first + round(seconds * self.rate)], self.rate)


@runtime_checkable
class AudioSource(Protocol):
    """Audio that is loaded when it is needed and known by its content."""

    @property
    def digest(self) -> str:
        """What identifies the content: equal digests mean equal audio."""

    def load(self) -> Audio:
        """The audio itself."""


@dataclass(frozen=True)
class AudioFile:
    """A file on this machine (wav, flac, mp3, ogg, aiff …; any usual rate, up to 8 channels)."""

    path: Path

    @cached_property
    def digest(self) -> str:
        """The sha256 of the file's bytes."""
        return file_digest(self.path)

    def load(self) -> Audio:
        """Decode the file.

        Raises:
            InputError: when the file is absent, empty or not decodable, naming it.
        """
        return read_audio(self.path)


@dataclass(frozen=True, eq=False)
class MemoryAudio:
    """Audio that exists in memory only."""

    audio: Audio

    @cached_property
    def digest(self) -> str:
        """The sha256 of rate, shape and samples."""
        head = f"{self.audio.rate} {self.audio.samples.shape} ".encode()
        return bytes_digest(head + self.audio.samples.tobytes())

    def load(self) -> Audio:
        """The audio."""
        return self.audio


def read_audio(path: str | Path) -> Audio:
    """Decode a sound file with libsndfile; see `read_audio_with_remarks`."""
    return read_audio_with_remarks(path)[0]


def read_audio_with_remarks(path: str | Path) -> tuple[Audio, tuple[Remark, ...]]:
    """Decode a sound file with libsndfile, and say what is odd about the file.

    Raises:
        InputError: when the file is absent, empty, another kind of file, not decodable, cut short, or holds what no
            song can hold (see `check_audio`); it names the file.
    """
    decoded = decode_file(path)
    audio = Audio(decoded.samples, decoded.rate)
    try:
        check_audio(audio)
    except InputError as error:
        raise error.located(file=str(path)) from None
    return audio, decoded.remarks


def check_audio(audio: Audio) -> None:
    """Refuse what cannot be a song, wherever it comes from.

    Raises:
        InputError: for no samples, samples that are not finite, and samples so far beyond full scale that they must be
            on another scale.
    """
    if audio.samples.size == 0:
        raise InputError("The audio holds no samples.")
    peak = audio.peak
    if not math.isfinite(peak):
        raise InputError("The audio holds NaN or infinite samples.", cure="Export it again.")
    if peak > HIGHEST_PEAK:
        raise InputError(
            f"The samples reach {peak:.6g} times full scale: they seem to be on another scale than -1 to 1.",
            cure="Divide them by 32768 if they were 16-bit integers, or export it again.",
        )
