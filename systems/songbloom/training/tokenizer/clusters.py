"""A codebook from the features of songs: k-means, whose unused rows are put where the codebook is worst."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from songbench.domain.errors import InputError
from systems.songbloom.training.tokenizer.codebook import nearest_rows

_REFILLS = 5


@dataclass(frozen=True, kw_only=True)
class CodeUsage:
    """How a codebook is used by frames.

    Attributes:
        frames: how many there are.
        error: mean squared distance of a frame to its code, as a share of that to the mean of all frames; 0 is best.
        coverage: share of the codes that any frame has, 0 to 1.
        entropy: of the codes, in bits; at most the logarithm of their number.
        commonest: share of the frames that have the commonest code, 0 to 1.
    """

    frames: int
    error: float
    coverage: float
    entropy: float
    commonest: float


def code_usage(vectors: Tensor, codebook: Tensor) -> CodeUsage:
    """The usage of a codebook (codes, width) by frames (frames, width), at least one."""
    rows, distances = nearest_rows(vectors, codebook)
    spread = (vectors - vectors.mean(dim=0)).square().sum(dim=1).mean()
    counts = torch.bincount(rows, minlength=len(codebook))
    return CodeUsage(
        frames=len(vectors),
        error=float(distances.mean() / spread) if spread > 0 else 0.0,
        coverage=float((counts > 0).double().mean()),
        entropy=entropy_bits(counts),
        commonest=float(counts.max() / len(vectors)),
    )


def entropy_bits(counts: Tensor) -> float:
    """The entropy in bits of what was counted, (codes,); 0 where there is nothing."""
    shares = counts[counts > 0].double() / max(1, int(counts.sum()))
    return max(0.0, float(-(shares * shares.log2()).sum()))


def train_codebook(vectors: Tensor, codes: int, seed: int = 0) -> Tensor:
    """The centres of k-means (scikit-learn's mini-batch variant).

    Rows that no frame is nearest to are put on the frames that are farthest from their codes, up to five times.

    Args:
        vectors: features of frames, float32, (frames, width).
        codes: how many centres.
        seed: everything random follows from it.

    Returns:
        float32, (codes, width).

    Raises:
        InputError: there are fewer different frames than codes.
    """
    from sklearn.cluster import MiniBatchKMeans

    different = len(torch.unique(vectors, dim=0))
    if different < codes:
        raise InputError(
            f"{different} different frames cannot make {codes} codes.", field="--codes", cure="Give more songs."
        )
    batch = min(len(vectors), max(1024, 4 * codes))
    kmeans = MiniBatchKMeans(
        codes, batch_size=batch, n_init=1, max_iter=max(10, math.ceil(50 * batch / len(vectors))), random_state=seed
    )
    codebook = torch.from_numpy(kmeans.fit(vectors.numpy()).cluster_centers_).float()
    for _ in range(_REFILLS):
        rows, distances = nearest_rows(vectors, codebook)
        counts = torch.bincount(rows, minlength=codes)
        empty = (counts == 0).nonzero()[:, 0]
        if not len(empty):
            break
        codebook[empty] = vectors[distances.argsort(descending=True)[: len(empty)]]
    return codebook.contiguous()
