"""Sound at half its rate, as torchaudio's transform makes it: a sinc of six zero crossings under a squared cosine."""

from __future__ import annotations

import math
from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor

_CROSSINGS = 6
_ROLL_OFF = 0.99


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
