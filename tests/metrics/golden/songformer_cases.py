"""Small models and a song from seeds, the same for the test and for ``make_songformer.py``."""

import math
import zlib
from collections.abc import Iterable

import numpy as np

WIDTH = 64
"""Of the two music models here (the released ones have 1024); SongFormer's own network hears four times that."""

SIZES = {
    "conv_dim": 8,
    "encoder_dim": WIDTH,
    "encoder_depth": 11,
    "w2v2_config": {
        "hidden_size": WIDTH,
        "intermediate_size": 96,
        "num_attention_heads": 4,
        "hidden_act": "swish",
        "layer_norm_eps": 1e-5,
        "conv_depthwise_kernel_size": 31,
        "position_embeddings_type": "rotary",
        "rotary_embedding_base": 10_000,
    },
}
STATISTICS = {"melspec_2048_mean": 6.768444971712967, "melspec_2048_std": 18.417922652295623}

SECONDS = 64.3
"""Of the song: two pieces of 30 s and a rest."""


def tensor(name: str, shape: Iterable[int]) -> np.ndarray:
    """A made-up tensor for a name: norms near one, weights that keep the size of what they multiply."""
    shape = tuple(shape)
    noise = np.random.default_rng(zlib.crc32(name.encode())).standard_normal(shape)
    if name.endswith("running_var"):
        noise = 1 + 0.1 * np.abs(noise)
    elif name.endswith(("gamma", "norm.weight", "norm1.weight", "final_norm.weight")) or (
        name.endswith("weight") and len(shape) == 1
    ):
        noise = 1 + 0.2 * noise
    elif name.endswith("weight") and len(shape) > 1:
        noise *= 1.3 / math.sqrt(math.prod(shape[1:]))
    else:
        noise *= 0.2
    return noise.astype(np.float32)


def song() -> np.ndarray:
    """Mono at 24 kHz, shape (n,): chords that change every few seconds, with noise of changing level."""
    rng = np.random.default_rng(5)
    time = np.arange(round(SECONDS * 24_000)) / 24_000
    part = (time / 7.3).astype(int)
    pitches = rng.uniform(80, 900, (part.max() + 1, 4))
    tones = sum(np.sin(2 * np.pi * pitches[part, i] * time) for i in range(4)) / 8
    level = rng.uniform(0.01, 0.4, part.max() + 1)[part]
    return (tones * level + 0.1 * level * rng.standard_normal(time.size)).astype(np.float32)
