"""What codecs are given and give: samples and tokens checked, audio cut or filled up to a length."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from songbench.domain.errors import InputError


def check_samples(samples: Tensor) -> None:
    """Refuse what is no song.

    Raises:
        InputError: another shape than (1 or 2, n), or no samples.
    """
    if samples.ndim != 2 or samples.shape[0] not in (1, 2):
        raise InputError(
            f"A codec hears audio of shape (1 or 2 channels, samples), not {list(samples.shape)}.",
            cure="Give the first two channels, or their mean.",
        )
    if not samples.shape[1]:
        raise InputError("The audio holds no samples.")


def check_ids(ids: Tensor, vocabulary: int) -> None:
    """Refuse what are no tokens.

    Raises:
        InputError: another shape than (T,), no tokens, fractions, or tokens outside 0 … vocabulary - 1.
    """
    if ids.ndim != 1 or not len(ids) or ids.is_floating_point():
        raise InputError(f"Tokens are whole numbers of shape (T,), not {ids.dtype} {list(ids.shape)}.")
    lowest, highest = int(ids.min()), int(ids.max())
    if lowest < 0 or highest >= vocabulary:
        raise InputError(
            f"Tokens reach from {lowest} to {highest}, but this codec's are 0 to {vocabulary - 1}.",
            cure="Decode with the codec whose tokens the model was trained on.",
        )


def fitted(audio: Tensor, samples: int | None) -> Tensor:
    """Audio (channels, n) cut, or filled up with zeros, to that many samples; None: as it is."""
    if samples is None:
        return audio
    return F.pad(audio[:, :samples], (0, max(0, samples - audio.shape[1])))
