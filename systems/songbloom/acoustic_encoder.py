"""The acoustic encoder: squeezes the latents of one patch into one embedding that the language model reads."""

from __future__ import annotations

from torch import Tensor, nn

from systems.songbloom.config import ModelConfig


class AcousticEncoder(nn.Module):
    """Two linear layers with a SiLU between, over a patch's latents laid out frame by frame."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.inner = nn.Linear(config.patch * config.latent_channels, config.dim)
        self.outer = nn.Linear(config.dim, config.dim)

    def forward(self, latents: Tensor) -> Tensor:
        """Latents (..., patch, channels) to embeddings (..., dim)."""
        embedding: Tensor = self.outer(nn.functional.silu(self.inner(latents.flatten(-2))))
        return embedding
