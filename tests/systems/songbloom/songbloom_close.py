"""How close is close enough."""

import torch


def close(actual: torch.Tensor, expected: torch.Tensor, tolerance: float = 1e-5) -> None:
    """Within `tolerance` of the largest expected value."""
    assert actual.shape == expected.shape
    worst = float((actual.detach() - expected).abs().max() / expected.abs().max())
    assert worst <= tolerance, f"relative difference {worst:.2e}"
