"""What MuCodec's encoder hears: a mel spectrogram in decibels of the sound at 24 kHz.

The filters are those that torchaudio's transforms have by default, on which MuQ was trained (triangles on the HTK mel
scale; a sinc of six zero crossings under a squared cosine for the rate).
"""

from __future__ import annotations

import math
from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor

from systems.ladaband.config import CodecConfig

_CROSSINGS = 6
_ROLL_OFF = 0.99
_QUIETEST = 1e-10


def halved_rate(samples: Tensor) -> Tensor:
    """Sound at half its rate.

    Args:
        samples: shape (N, n).

    Returns:
        Shape (N, ceil(n / 2)).
    """
    kernel, reach = _low_pass(), _low_pass_reach()
    padded = F.pad(samples[:, None], (reach, reach + 2))
    halved = F.conv1d(padded, kernel.to(samples)[None, None], stride=2)
    return halved[:, 0, : -(-samples.shape[-1] // 2)]


def _low_pass_reach() -> int:
    """Samples on either side that a sample at the lower rate depends on."""
    return math.ceil(_CROSSINGS * 2 / _ROLL_OFF)


@lru_cache(maxsize=1)
def _low_pass() -> Tensor:
    """The kernel around a sample at the lower rate, float32."""
    reach = _low_pass_reach()
    place = torch.arange(-reach, reach + 2, dtype=torch.float64) / 2 * _ROLL_OFF
    place = place.clamp(-_CROSSINGS, _CROSSINGS)
    window = (place * math.pi / _CROSSINGS / 2).cos().square()
    return (torch.sinc(place) * window * (_ROLL_OFF / 2)).float()


def log_mel(samples: Tensor, config: CodecConfig) -> Tensor:
    """The normalised mel spectrogram; the frame centred on the end of the sound is left out.

    Args:
        samples: at ``config.mel_rate``, shape (N, n), n > ``config.mel_fft`` / 2.
        config: sizes, mean and deviation.

    Returns:
        Shape (N, bands, n // hop), float32.
    """
    window = torch.hann_window(config.mel_fft, device=samples.device)
    spectrum = torch.stft(samples, config.mel_fft, config.mel_hop, window=window, return_complex=True)
    power = spectrum[..., :-1].abs().square()
    bands = (power.transpose(1, 2) @ mel_filters(config).to(samples.device)).transpose(1, 2)
    return (10 * bands.clamp(min=_QUIETEST).log10() - config.mel_mean) / config.mel_deviation


@lru_cache(maxsize=4)
def mel_filters(config: CodecConfig) -> Tensor:
    """What each frequency adds to each band, shape (frequencies, bands): triangles of height 1."""
    highest = config.mel_rate / 2
    frequencies = torch.linspace(0, highest, config.mel_fft // 2 + 1)
    mels = torch.linspace(0, 2595 * math.log10(1 + highest / 700), config.mel_bands + 2)
    corners = 700 * (10 ** (mels / 2595) - 1)
    widths = corners.diff()
    rising = (frequencies[:, None] - corners[:-2]) / widths[:-1]
    falling = (corners[2:] - frequencies[:, None]) / widths[1:]
    return torch.minimum(rising, falling).clamp(min=0)
