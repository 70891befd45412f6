"""What MuQ hears: a mel spectrogram in decibels of the sound at 24 kHz.

The filters are those that torchaudio's transforms have by default, on which MuQ was trained: triangles on the HTK mel
scale.
"""

from __future__ import annotations

import math
from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor

from systems.music_encoders.muq_sizes import MuqSizes

_QUIETEST = 1e-10


def log_mel(samples: Tensor, sizes: MuqSizes) -> Tensor:
    """The normalised mel spectrogram; the frame centred on the end of the sound is left out.

    Args:
        samples: at ``sizes.mel_rate``, shape (N, n), n > ``sizes.mel_fft`` / 2.
        sizes: of the spectrogram, with mean and deviation.

    Returns:
        Shape (N, bands, n // hop), float32.
    """
    return log_mel_part(mirrored(samples, sizes), sizes, 0, samples.shape[-1] // sizes.mel_hop)


def mirrored(samples: Tensor, sizes: MuqSizes) -> Tensor:
    """Sound, shape (N, n), with as much of its mirror image on either side as frames at its ends hear."""
    return F.pad(samples, (sizes.mel_fft // 2, sizes.mel_fft // 2), mode="reflect")


def log_mel_part(sound: Tensor, sizes: MuqSizes, start: int, end: int) -> Tensor:
    """Frames `start` to `end`, at least one, of the normalised mel spectrogram of a `mirrored` sound.

    Returns:
        Shape (N, bands, end - start), float32.
    """
    samples = sound[:, start * sizes.mel_hop : (end - 1) * sizes.mel_hop + sizes.mel_fft]
    window = torch.hann_window(sizes.mel_fft, device=sound.device)
    spectrum = torch.stft(samples, sizes.mel_fft, sizes.mel_hop, window=window, center=False, return_complex=True)
    power = spectrum.abs().square()
    bands = (power.transpose(1, 2) @ mel_filters(sizes).to(sound.device)).transpose(1, 2)
    return (10 * bands.clamp(min=_QUIETEST).log10() - sizes.mel_mean) / sizes.mel_deviation


@lru_cache(maxsize=4)
def mel_filters(sizes: MuqSizes) -> Tensor:
    """What each frequency adds to each band, shape (frequencies, bands): triangles of height 1."""
    highest = sizes.mel_rate / 2
    frequencies = torch.linspace(0, highest, sizes.mel_fft // 2 + 1)
    mels = torch.linspace(0, 2595 * math.log10(1 + highest / 700), sizes.mel_bands + 2)
    corners = 700 * (10 ** (mels / 2595) - 1)
    widths = corners.diff()
    rising = (frequencies[:, None] - corners[:-2]) / widths[:-1]
    falling = (corners[2:] - frequencies[:, None]) / widths[1:]
    return torch.minimum(rising, falling).clamp(min=0)
