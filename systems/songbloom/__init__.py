"""SongBloom: lyrics and a 10 s style prompt to a full song, by interleaved sketching and diffusion.

An implementation of its own of the model of Yang et al., "SongBloom: Coherent Song Generation via Interleaved
Autoregressive Sketching and Diffusion Refinement", arXiv 2506.07634. It loads the released checkpoints and gives
their numbers.

The order to read it in, and the file that holds each of the paper's formulas, are in ``docs/songbloom.md``. Parts first
(`config`, `text`, `layers`, `conditioning`, `sketch_lm`, `acoustic_dit`, `autoencoder`), then what is done with them
(`model`, `batches`, `latent_solver`, `decoding`, `singing`), then checkpoints and songbench's contract (`system`).
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from systems.songbloom.loading import load
    from systems.songbloom.singing import sing, stream

__all__ = ["load", "sing", "stream"]

_MODULES = {"load": "loading", "sing": "singing", "stream": "singing"}


def __getattr__(name: str) -> Any:
    """Functions imported when they are asked for, so that listing systems does not import everything behind them."""
    if name in _MODULES:
        return getattr(importlib.import_module(f"{__name__}.{_MODULES[name]}"), name)
    raise AttributeError(name)
