"""Audio at a model's rate, brought there as the model's authors bring it, so that numbers equal theirs."""

from __future__ import annotations

from math import ceil, gcd
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from songbench.domain.audio import Audio

    Mono: TypeAlias = npt.NDArray[np.float32]

_LARGEST_FILTER = 1 << 26
"""Numbers in torchaudio's filter bank: thousands between usual rates, a billion between 44 101 and 16 000 Hz."""


def like_librosa(audio: Audio, rate: int) -> Mono:
    """The mean of the channels at another rate, as ``librosa.load(path, sr=rate)`` gives it (soxr, high quality).

    Returns:
        Shape (n,).
    """
    import librosa
    import numpy as np

    mono = audio.mono().samples[0]
    if audio.rate != rate:
        mono = librosa.resample(mono, orig_sr=audio.rate, target_sr=rate)
    return np.ascontiguousarray(mono, np.float32)


def like_torchaudio(audio: Audio, rate: int) -> Mono:
    """The mean of the channels at another rate, as ``torchaudio.functional.resample`` gives it.

    Its filter bank grows with the smallest common multiple of both rates. Where that would take more than 256 MB, soxr
    resamples instead.

    Returns:
        Shape (n,).
    """
    import numpy as np

    mono = audio.mono().samples[0]
    if audio.rate == rate:
        return np.ascontiguousarray(mono, np.float32)
    old, new = (one // gcd(audio.rate, rate) for one in (audio.rate, rate))
    if new * (2 * ceil(6 * old / (0.99 * min(old, new))) + old) > _LARGEST_FILTER:
        return like_librosa(audio, rate)
    from songbench.resources.cpu_imports import mend_cpu_imports

    mend_cpu_imports()
    import torch
    import torchaudio.functional

    resampled = torchaudio.functional.resample(torch.from_numpy(np.ascontiguousarray(mono)), audio.rate, rate)
    return np.ascontiguousarray(resampled.numpy())
