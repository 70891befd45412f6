"""What does not fit into messages: audio and arrays, as files in a folder that an argument names."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from songbench.domain.audio import AudioSource

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


def write_wav(source: AudioSource, path: Path, *, rate: int | None = None, mono: bool = False) -> Path:
    """Write audio as float32 wav: nothing is rounded or clipped.

    Args:
        source: any audio.
        path: where to; its folder has to exist.
        rate: resample to this many samples per second first; None: as it is.
        mono: whether to write the mean of the channels.

    Returns:
        The path.

    Raises:
        InputError: when the source cannot be decoded.
    """
    import soundfile

    audio = source.load()
    audio = audio.mono() if mono else audio
    audio = audio if rate is None else audio.at(rate)
    soundfile.write(path, audio.samples.T, audio.rate, format="WAV", subtype="FLOAT")
    return path


def read_array(path: str | Path) -> npt.NDArray[np.generic]:
    """An array that a worker wrote with ``numpy.save``; one that holds Python objects is refused.

    Raises:
        ValueError: when it is no such file.
    """
    import numpy as np

    array: npt.NDArray[Any] = np.load(path, allow_pickle=False)
    return array
