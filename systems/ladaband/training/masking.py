"""Which accompaniment tokens a training step hides.

A share of the tokens is drawn per song: ``cos(pi r / 2)`` with r from a scrambled Sobol sequence, so that all shares
come up evenly. The released models are trained with independent draws per token (``bernoulli``); the other strategies
exist in the released code and no released configuration but the adapter experiment (``mixed``) uses them.

Shapes: B songs, T frames.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, Literal, get_args

import torch
from torch import Tensor

from songbench.domain.errors import InputError
from songbench.domain.hashing import Json

Strategy = Literal["bernoulli", "exact_random", "span", "mixed", "autoregressive"]
STRATEGIES: tuple[str, ...] = get_args(Strategy)

SOBOL_SEED = 8
"""Of the Sobol sequence, in the released training code."""

_SMALLEST_SHARE = 1e-10


@dataclass(frozen=True, kw_only=True)
class MaskingConfig:
    """How tokens are chosen.

    Attributes:
        strategy: ``bernoulli``: each token by itself; ``exact_random``: exactly the drawn share, anywhere; ``span``:
            exactly that many, in a few spans; ``mixed``: each song one of the last two; ``autoregressive``: none are
            hidden, the model is trained to continue (the paper's ablation).
        least: the smallest share, but for ``bernoulli``, which takes the share as it was drawn.
        most: the largest, likewise.
        span_chance: of a song to be masked in spans, with ``mixed``.
        fewest_spans: how many spans there are at least, as far as there are tokens enough.
        most_spans: how many at most.
        first_token_kept: the first token is never hidden, but for ``bernoulli``.
    """

    strategy: Strategy = "bernoulli"
    least: float = 0.0
    most: float = 1.0
    span_chance: float = 0.5
    fewest_spans: int = 1
    most_spans: int = 3
    first_token_kept: bool = False

    def __post_init__(self) -> None:
        """Refuse what cannot be drawn."""
        if self.strategy not in STRATEGIES:
            raise InputError(
                f"There is no masking '{self.strategy}'.",
                field="strategy",
                value=str(self.strategy),
                allowed=STRATEGIES,
            )
        if not 0 <= self.least <= self.most <= 1:
            raise InputError(f"No share lies from {self.least} to {self.most}.", field="least")
        if not 0 <= self.span_chance <= 1:
            raise InputError(f"A chance cannot be {self.span_chance}.", field="span_chance")
        if not 1 <= self.fewest_spans <= self.most_spans:
            raise InputError(f"No number lies from {self.fewest_spans} to {self.most_spans}.", field="fewest_spans")

    @property
    def autoregressive(self) -> bool:
        """Whether the model is trained to continue instead of to fill in."""
        return self.strategy == "autoregressive"


@dataclass(frozen=True)
class Milestone:
    """From a step on, some of the masking's settings are others.

    Attributes:
        step: from which step on, counted from 0.
        changes: fields of `MaskingConfig` by name.
    """

    step: int
    changes: Mapping[str, Json]


def _step(milestone: Milestone) -> int:
    return milestone.step


@dataclass(frozen=True)
class Curriculum:
    """Masking that changes in the course of training; later milestones are laid over earlier ones.

    Attributes:
        start: the settings at step 0.
        milestones: in any order.
    """

    start: MaskingConfig = field(default_factory=MaskingConfig)
    milestones: Sequence[Milestone] = ()

    def __post_init__(self) -> None:
        """Refuse unknown settings before training begins, not at their step."""
        settings = tuple(setting.name for setting in fields(MaskingConfig))
        for milestone in self.milestones:
            for name in milestone.changes:
                if name not in settings:
                    raise InputError(f"Masking has no setting '{name}'.", field=name, value=name, allowed=settings)
        for milestone in self.milestones:
            self.at(milestone.step)

    def at(self, step: int) -> MaskingConfig:
        """The settings of a step."""
        changes: dict[str, Any] = {}
        for milestone in sorted(self.milestones, key=_step):
            if milestone.step <= step:
                changes.update(milestone.changes)
        return replace(self.start, **changes)


class ShareSequence:
    """The shares of tokens to hide, one per song, evenly spread over a training.

    Args:
        seed: of the Sobol sequence.
    """

    def __init__(self, seed: int = SOBOL_SEED) -> None:
        self._sequence = torch.quasirandom.SobolEngine(1, scramble=True, seed=seed)

    def draw(self, songs: int) -> Tensor:
        """The next positions r in the sequence, shape (B,), 0 to 1; `share_of` turns them into shares."""
        positions: Tensor = self._sequence.draw(songs)[:, 0]
        return positions

    def skip(self, songs: int) -> None:
        """Go on as if so many had been drawn."""
        if songs:
            self._sequence.fast_forward(songs)


def share_of(positions: Tensor) -> Tensor:
    """The share of tokens to hide, ``cos(pi r / 2)``, the same shape: r = 0 hides all, r = 1 next to none."""
    return torch.cos(positions * math.pi / 2).clamp(_SMALLEST_SHARE, 1.0)


def draw_mask(shares: Tensor, valid: Tensor, config: MaskingConfig, generator: torch.Generator) -> Tensor:
    """Which tokens are hidden.

    Args:
        shares: of each song, (B,), from `share_of`.
        valid: which tokens may be hidden, boolean (B, T).
        config: how they are chosen; not ``autoregressive``.
        generator: on the CPU, where the masks are drawn.

    Returns:
        Boolean (B, T), on the CPU. With exact numbers at least one token of a song is hidden where it has any.
    """
    shares, valid = shares.cpu(), valid.cpu()
    if config.strategy == "bernoulli":
        return (torch.rand(valid.shape, generator=generator) < shares[:, None]) & valid
    shares = shares.clamp(config.least, config.most)
    in_spans = torch.full((len(valid),), config.strategy == "span")
    if config.strategy == "mixed":
        in_spans = torch.rand(len(valid), generator=generator) < config.span_chance
    mask = torch.zeros_like(valid)
    for row, (share, spans) in enumerate(zip(shares.tolist(), in_spans.tolist(), strict=True)):
        places = valid[row].nonzero()[:, 0]
        if config.first_token_kept and len(places) and places[0] == 0:
            places = places[1:]
        count = min(len(places), max(round(share * len(places)), int(share > 0)))
        if spans and count:
            hidden = _spans(count, len(places), config, generator)
        else:
            hidden = torch.randperm(len(places), generator=generator)[:count]
        mask[row, places[hidden]] = True
    return mask


def _spans(count: int, places: int, config: MaskingConfig, generator: torch.Generator) -> Tensor:
    """The numbers of the hidden places, so many in some spans; shape (count,)."""
    most = min(config.most_spans, count)
    fewest = min(config.fewest_spans, most)
    spans = int(torch.randint(fewest, most + 1, (1,), generator=generator))
    cuts = torch.randperm(count - 1, generator=generator)[: spans - 1].sort().values + 1
    span_of = torch.bucketize(torch.arange(count), cuts, right=True)
    # the free places before each span: evenly drawn, like the rest behind the last one
    owners = torch.randint(0, spans + 1, (places - count,), generator=generator)
    before = torch.bincount(owners, minlength=spans + 1).cumsum(0)
    return torch.arange(count) + before[span_of]
