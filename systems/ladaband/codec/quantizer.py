"""From features to tokens and back: the nearest of 16384 codebook rows by angle, behind a projection to 32 numbers.

Factorised vector quantisation (Yu et al. 2022, arXiv 2110.04627; one codebook). Shapes: N songs, T tokens, D width of
features, C width of codebook rows.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class WeightNormedProjection(nn.Module):
    """A linear map of each token whose rows are stored as direction (`weight_v`) and length (`weight_g`)."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.weight_g = nn.Parameter(torch.ones(outputs, 1, 1))
        self.weight_v = nn.Parameter(torch.randn(outputs, inputs, 1) / inputs**0.5)
        self.bias = nn.Parameter(torch.zeros(outputs))

    def forward(self, x: Tensor) -> Tensor:
        """Shape (..., inputs) to (..., outputs)."""
        return F.linear(x, torch._weight_norm(self.weight_v, self.weight_g, 0)[..., 0], self.bias)


class CodebookQuantizer(nn.Module):
    """The codebook with the projections before and after it."""

    def __init__(self, feature_dim: int, vocabulary: int, code_dim: int) -> None:
        super().__init__()
        self.in_proj = WeightNormedProjection(feature_dim, code_dim)
        self.out_proj = WeightNormedProjection(code_dim, feature_dim)
        self.codebook = nn.Embedding(vocabulary, code_dim)

    def tokens(self, features: Tensor) -> Tensor:
        """The tokens (N, T) of features (N, T, D)."""
        codes = F.normalize(self.in_proj(features), dim=-1)
        return (codes @ F.normalize(self.codebook.weight, dim=-1).T).argmax(-1)

    def features(self, ids: Tensor) -> Tensor:
        """The features (N, T, D) that tokens (N, T) stand for; rows are taken at their own length."""
        features: Tensor = self.out_proj(self.codebook(ids))
        return features
