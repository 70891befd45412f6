"""A codebook from the features of songs: k-means or moving averages, with unused rows put where it is worst."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, TypeAlias

import torch
from torch import Tensor

from songbench.domain.errors import InputError
from systems.songbloom.training.tokenizer.codebook import nearest_rows

CodebookMethod: TypeAlias = Literal["kmeans", "ema"]

_REFILLS = 5
_DECAY = 0.99
_CHUNK = 500
"""Frames after which moving averages move on."""

_FEWEST_CHUNKS = 1000
"""Ten times what the averages remember; few frames are gone through again until there were as many chunks."""


@dataclass(frozen=True, kw_only=True)
class CodeUsage:
    """How a codebook is used by frames.

    Attributes:
        frames: how many there are.
        error: mean squared distance of a frame to its code, as a share of that to the mean of all frames; 0 is best.
        dead: share of the codes that no frame has, 0 to 1.
        entropy: of the codes, in bits; at most the logarithm of their number.
        commonest: share of the frames that have the commonest code, 0 to 1.
    """

    frames: int
    error: float
    dead: float
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
        dead=float((counts == 0).double().mean()),
        entropy=entropy_bits(counts),
        commonest=float(counts.max() / len(vectors)),
    )


def entropy_bits(counts: Tensor) -> float:
    """The entropy in bits of what was counted, (codes,); 0 where there is nothing."""
    shares = counts[counts > 0].double() / max(1, int(counts.sum()))
    return max(0.0, float(-(shares * shares.log2()).sum()))


def train_codebook(vectors: Tensor, codes: int, seed: int = 0, method: CodebookMethod = "kmeans") -> Tensor:
    """A codebook by k-means (scikit-learn's mini-batch variant) or by moving averages.

    Rows that no frame is nearest to are put on the frames that are farthest from their codes, up to five times.

    Args:
        vectors: features of frames, float32, (frames, width).
        codes: how many rows.
        seed: everything random follows from it.
        method: ``ema`` is that of vector quantisation with exponential moving averages (van den Oord et al. 2017,
            arXiv 1711.00937, appendix A.1) as a public fork of SongBloom trains it, decay 0.99 and 500 frames at a
            time. Its commitment loss is none here: the features are fixed. Rows begin as frames, and frames are
            shuffled, as the averages otherwise forget the first songs.

    Returns:
        float32, (codes, width).

    Raises:
        InputError: there are fewer different frames than codes.
    """
    distinct = torch.unique(vectors, dim=0)
    if len(distinct) < codes:
        raise InputError(
            f"{len(distinct)} different frames cannot make {codes} codes.", field="--codes", cure="Give more songs."
        )
    codebook = (
        _k_means(vectors, codes, seed) if method == "kmeans" else _moving_averages(vectors, distinct, codes, seed)
    )
    for _ in range(_REFILLS):
        rows, distances = nearest_rows(vectors, codebook)
        counts = torch.bincount(rows, minlength=codes)
        empty = (counts == 0).nonzero()[:, 0]
        if not len(empty):
            break
        codebook[empty] = vectors[distances.argsort(descending=True)[: len(empty)]]
    return codebook.contiguous()


def _k_means(vectors: Tensor, codes: int, seed: int) -> Tensor:
    from sklearn.cluster import MiniBatchKMeans

    batch = min(len(vectors), max(1024, 4 * codes))
    kmeans = MiniBatchKMeans(
        codes, batch_size=batch, n_init=1, max_iter=max(10, math.ceil(50 * batch / len(vectors))), random_state=seed
    )
    return torch.from_numpy(kmeans.fit(vectors.numpy()).cluster_centers_).float()


def _moving_averages(vectors: Tensor, distinct: Tensor, codes: int, seed: int) -> Tensor:
    """A row is the quotient of two averages over chunks: of the sum of frames it is nearest to, and of their number."""
    generator = torch.Generator().manual_seed(seed)
    codebook = distinct[torch.randperm(len(distinct), generator=generator)[:codes]].clone()
    sums, counts = codebook.double(), torch.ones(codes, dtype=torch.float64)
    passes = math.ceil(_FEWEST_CHUNKS / math.ceil(len(vectors) / _CHUNK))
    for _ in range(passes):
        for choice in torch.randperm(len(vectors), generator=generator).split(_CHUNK):
            chunk = vectors[choice]
            rows, _ = nearest_rows(chunk, codebook)
            sums.mul_(_DECAY).index_add_(0, rows, chunk.double() * (1 - _DECAY))
            counts.mul_(_DECAY).add_(torch.bincount(rows, minlength=codes) * (1 - _DECAY))
            hit = rows.unique()
            codebook[hit] = (sums[hit] / counts[hit, None]).float()  # the quotients of others are as they were
    return codebook
