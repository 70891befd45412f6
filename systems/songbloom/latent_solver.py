"""From the language model's hidden vector and sketch tokens to a patch's latents: one guided solve of the diffusion.

SongBloom, arXiv 2506.07634, section 4.2. Shapes: S songs, P frames of a patch, C latent channels, D model width,
R rows per song (conditional, null).
"""

from __future__ import annotations

import torch
from torch import Tensor

from systems.songbloom.config import DecodingConfig
from systems.songbloom.guidance import cfg_of_halves
from systems.songbloom.model import SongBloom
from systems.songbloom.solver import Field, ddim, ddim_grid, euler, time_grid


class LatentSolver:
    """Solves patches with one model and one set of settings; what is the same for all patches is computed once.

    Args:
        model: prepared for decoding.
        config: guidance, steps and temperature of the solver.
    """

    def __init__(self, model: SongBloom, config: DecodingConfig) -> None:
        self._model, self._config = model, config
        self._is_flow = model.config.model.objective == "rectified_flow"
        dit = model.acoustic_dit
        self._rope = dit.rope(model.device)
        grid = time_grid(config.steps)[:-1] if self._is_flow else ddim_grid(config.steps)
        with torch.inference_mode():
            self._times = dit.time_embedding(grid.to(model.device)).to(model.dtype)  # (steps, D)

    def solve(self, hidden: Tensor, tokens: Tensor, previous: Tensor, noise: Tensor) -> Tensor:
        """The latents of one patch of every song.

        Args:
            hidden: of the language model after the patch's tokens, (S, R, D).
            tokens: sketch tokens, (S, P), or none, (S, 0).
            previous: latents of the previous patch, (S, P, C).
            noise: standard normal, (S, P, C).

        Returns:
            Shape (S, P, C), float32.
        """
        dit, sketch = self._model.acoustic_dit, self._model.sketch_embedding(tokens)
        mode, scale = self._config.guidance_mode, self._config.latent_guidance
        conditional = dit.context(hidden[:, 0], sketch, previous)
        if mode == "none" or (mode == "h" and scale == 1):
            return self._follow(self._field(conditional), noise)
        if mode == "global":
            null = dit.context(hidden[:, 1], sketch, previous)
            pair = self._field(torch.cat([conditional, null]))
            return cfg_of_halves(self._follow(pair, noise.repeat(2, 1, 1)), scale)
        null = dit.context(torch.zeros_like(hidden[:, 0]), torch.zeros_like(sketch), previous)
        pair = self._field(torch.cat([conditional, null]))
        return self._follow(lambda x, step: cfg_of_halves(pair(x.repeat(2, 1, 1), step), scale), noise)

    def _field(self, context: Tensor) -> Field:
        """The velocity of rows, (N, P, C), in their contexts, from `AcousticDiT.context`."""
        dit = self._model.acoustic_dit
        return lambda x, step: dit.velocity(x, self._times[step : step + 1], context, self._rope)

    def _follow(self, field: Field, noise: Tensor) -> Tensor:
        """From noise to latents, (N, P, C), along a field."""
        if self._is_flow:
            return euler(field, noise, self._config.steps, self._config.diffusion_temperature)
        return ddim(field, noise, self._config.steps)
