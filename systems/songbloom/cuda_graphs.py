"""Functions of fixed shapes captured as CUDA graphs, so that a patch costs two launches instead of thousands."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor


class CapturedCalls:
    """Captures a function at its first call under a key and replays it afterwards.

    A function is run a few times before it is captured, so whatever it writes besides its outputs must be the same each
    time (keys and values of given positions are). Outputs are copied, as the next replay overwrites them.
    """

    def __init__(self) -> None:
        self._captured: dict[tuple[object, ...], tuple[torch.cuda.CUDAGraph, tuple[Tensor, ...], Any]] = {}
        self._pool = torch.cuda.graph_pool_handle()

    def __call__(self, key: tuple[object, ...], function: Callable[..., Any], *inputs: Tensor) -> Any:
        """The function's output, a tensor or a tuple of tensors."""
        if key not in self._captured:
            self._captured[key] = self._capture(function, inputs)
        graph, held, outputs = self._captured[key]
        for target, source in zip(held, inputs, strict=True):
            target.copy_(source)
        graph.replay()
        return outputs.clone() if isinstance(outputs, Tensor) else tuple(one.clone() for one in outputs)

    def _capture(
        self, function: Callable[..., Any], inputs: tuple[Tensor, ...]
    ) -> tuple[torch.cuda.CUDAGraph, tuple[Tensor, ...], Any]:
        held = tuple(one.clone() for one in inputs)
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(2):
                function(*held)
        torch.cuda.current_stream().wait_stream(side)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, pool=self._pool):
            outputs = function(*held)
        return graph, held, outputs
