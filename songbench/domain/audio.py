"""Audio in memory and where it comes from. Arrays are always float32, shape (channels, samples), full scale ±1."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from songbench.domain.errors import InputError
from songbench.domain.hashing import bytes_digest, file_digest

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

AUDIO_SUFFIXES = (".wav", ".flac", ".mp3", ".ogg", ".aiff", ".aif")


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
        """The part from `start` s that lasts `seconds` s, shorter where the audio ends before that."""
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
    """A file on this machine (wav, flac, mp3, ogg, aiff; any rate, any channels)."""

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
    """Decode an audio file with libsndfile.

    Raises:
        InputError: when the file is absent, empty, not decodable or holds no sample or a non-finite one.
    """
    import numpy as np
    import soundfile

    path = Path(path)
    if not path.is_file():
        raise InputError("No such audio file.", file=str(path))
    if path.stat().st_size == 0:
        raise InputError("The audio file is empty (0 bytes).", file=str(path), cure="Export or copy it again.")
    try:
        samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    except soundfile.SoundFileError as error:
        reason = str(error).split(": ", 1)[-1].rstrip(".")
        raise InputError(
            f"The audio cannot be decoded ({reason}).",
            file=str(path),
            cure=f"Use a sound file of one of these kinds: {', '.join(AUDIO_SUFFIXES)}.",
        ) from error
    if samples.shape[0] == 0:
        raise InputError("The audio file holds no samples.", file=str(path))
    if not np.isfinite(samples).all():
        raise InputError("The audio file holds NaN or infinite samples.", file=str(path))
    return Audio(np.ascontiguousarray(samples.T), int(rate))
