"""Functions of fixed shapes captured as CUDA graphs, so that a patch costs eighteen launches instead of thousands."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import torch
from torch import Tensor

Key: TypeAlias = tuple[str, int]
_Captured: TypeAlias = tuple[torch.cuda.CUDAGraph, tuple[Tensor, ...], tuple[Tensor, ...]]


class CapturedCalls:
    """Captures functions under keys and replays them.

    A function is run once before it is captured, so whatever it writes besides its outputs must be the same each
    time (keys and values of given positions are). Outputs are copied, as the next replay overwrites them.
    """

    def __init__(self) -> None:
        self._captured: dict[Key, _Captured] = {}
        self._pool = torch.cuda.graph_pool_handle()

    def prepare(self, key: Key, function: Callable[..., tuple[Tensor, ...]], *inputs: Tensor) -> None:
        """Capture a function, unless one was captured under this key; `inputs` give the shapes."""
        if key not in self._captured:
            self._captured[key] = self._capture(function, inputs)

    def replay(self, key: Key, *inputs: Tensor) -> tuple[Tensor, ...]:
        """What the function captured under a key makes of new inputs, of the shapes it was captured with."""
        graph, buffers, outputs = self._captured[key]
        for target, source in zip(buffers, inputs, strict=True):
            target.copy_(source)
        graph.replay()
        return tuple(tensor.clone() for tensor in outputs)

    def _capture(self, function: Callable[..., tuple[Tensor, ...]], inputs: tuple[Tensor, ...]) -> _Captured:
        buffers = tuple(tensor.clone() for tensor in inputs)
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            function(*buffers)  # what is set up or compiled at a first call cannot be while capturing
        torch.cuda.current_stream().wait_stream(side)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, pool=self._pool):
            outputs = function(*buffers)
        return graph, buffers, outputs
