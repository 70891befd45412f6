"""Copies from the CPU to the device of a model."""

from __future__ import annotations

import torch
from torch import Tensor


def device_copy(values: Tensor, device: torch.device) -> Tensor:
    """A tensor of any shape on a device; the host goes on before a copy from the CPU to a CUDA device is done.

    A copy from ordinary memory, such as ``torch.tensor(numbers, device="cuda")`` makes, waits until the device has done
    everything it was asked for. Memory that is pinned needs no waiting; torch keeps it until the copy is through.
    """
    if device.type == "mps":  # whether memory outlives such a copy there was not tried
        return values.to(device)
    source = values.pin_memory() if (values.device.type, device.type) == ("cpu", "cuda") else values
    return source.to(device, non_blocking=True)
