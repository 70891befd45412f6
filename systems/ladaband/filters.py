"""From logits to the distribution that tokens are drawn from: top-p, then top-k, then temperature.

Shapes: N frames, V tokens, K candidates.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from systems.layers.draws import invert_cumulative

TIES = 28
"""How many tokens as likely as the k-th are looked for beyond it; where logits are real numbers, one is rare."""


@dataclass(frozen=True)
class Candidates:
    """The tokens that may be drawn, with their probabilities.

    Attributes:
        probabilities: (N, K), float32; each row sums to 1.
        ids: the tokens, likeliest first, (N, K); None: all of them by their number, so K = V.
    """

    probabilities: Tensor
    ids: Tensor | None = None

    def row(self, number: int) -> Candidates:
        """One row alone, so that N = 1."""
        ids = None if self.ids is None else self.ids[number : number + 1]
        return Candidates(self.probabilities[number : number + 1], ids)

    def tokens(self, columns: Tensor) -> Tensor:
        """The tokens at a column per row, (N,)."""
        return columns if self.ids is None else self.ids.gather(1, columns[:, None])[:, 0]

    def likeliest(self) -> Tensor:
        """The likeliest token of each row, (N,)."""
        return self.tokens(self.probabilities.argmax(dim=-1))

    def at(self, uniform: Tensor) -> Tensor:
        """The tokens that numbers in [0, 1) stand for, (N,): each as often as its probability says."""
        return self.tokens(invert_cumulative(self.probabilities, uniform))

    def probabilities_of(self, tokens: Tensor) -> Tensor:
        """The probabilities of a token per row, (N,); 0 for one that is no candidate."""
        if self.ids is None:
            return self.probabilities.gather(1, tokens[:, None])[:, 0]
        return torch.where(self.ids == tokens[:, None], self.probabilities, 0.0).sum(dim=-1)


def candidates_of(logits: Tensor, *, top_k: int = 0, top_p: float = 1.0, temperature: float = 1.0) -> Candidates:
    """Filter logits.

    Top-p comes first and looks at the probabilities without the temperature: a token is left out if those before it
    hold more than `top_p`. Top-k keeps what is as likely as the k-th (up to `TIES` more).

    Args:
        logits: (N, V), float32.
        top_k: 0: no such limit.
        top_p: 1: no such limit.
        temperature: above 0.
    """
    vocabulary = logits.shape[-1]
    limited = 0 < top_k < vocabulary
    if not limited and top_p >= 1:
        return Candidates(torch.softmax(logits / temperature, dim=-1))
    # Only the candidates have to be in order; sorting all of a large vocabulary costs more than everything else here.
    best, ids = logits.topk(min(top_k + TIES, vocabulary) if limited else vocabulary, dim=-1)
    left_out = torch.zeros_like(best, dtype=torch.bool)
    if top_p < 1:
        shares = torch.exp(best - torch.logsumexp(logits, dim=-1, keepdim=True)).cumsum(dim=-1)
        left_out[:, 1:] = shares[:, :-1] > top_p
    if limited:
        left_out |= best < best[:, top_k - 1 : top_k]
    return Candidates(torch.softmax((best / temperature).masked_fill(left_out, -torch.inf), dim=-1), ids)
