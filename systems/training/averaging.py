"""An exponential moving average of weights, which decodes better than the weights of the last step alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn


class WeightAverage:
    """The average of trained weights, in float32 beside them.

    In the first steps the average follows faster, with a decay of ``(1 + steps) / (10 + steps)``, as it would otherwise
    remember the initial weights for as many steps as the decay stands for.

    Args:
        parameters: the weights by name; the average starts as they are.
        decay: share of the average that stays at a step, 0 to 1.
    """

    def __init__(self, parameters: Mapping[str, nn.Parameter], decay: float) -> None:
        self.parameters, self.decay, self.steps = dict(parameters), decay, 0
        self.tensors = {name: one.detach().float().clone() for name, one in self.parameters.items()}

    @torch.no_grad()
    def update(self) -> None:
        """Take in the weights as they are after a step."""
        self.steps += 1
        decay = min(self.decay, (1 + self.steps) / (10 + self.steps))
        weights = [one.detach().float() for one in self.parameters.values()]
        torch._foreach_lerp_(list(self.tensors.values()), weights, 1 - decay)

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Have the average in the model while this lasts."""
        self._exchange()
        try:
            yield
        finally:
            self._exchange()

    @torch.no_grad()
    def _exchange(self) -> None:
        for name, parameter in self.parameters.items():
            weights = parameter.detach().clone()
            parameter.copy_(self.tensors[name])
            self.tensors[name].copy_(weights)

    def state_dict(self) -> dict[str, Tensor | int | dict[str, Tensor]]:
        """What `load_state_dict` takes."""
        return {"steps": self.steps, "tensors": self.tensors}

    def load_state_dict(self, steps: int, tensors: Mapping[str, Tensor]) -> None:
        """Go on from an earlier average of the same weights."""
        self.steps = steps
        for name, tensor in self.tensors.items():
            tensor.copy_(tensors[name])
