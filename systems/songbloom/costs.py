"""What decoding and training cost by the model's sizes: arithmetic and memory traffic that nothing can avoid.

A matrix of m x n applied to one token is 2·m·n floating-point operations. Norms, activations and sampling are left out;
they are below one per cent at every released size.
"""

from __future__ import annotations

from itertools import pairwise

from songbench.plugin import MemoryNeed
from systems.songbloom.config import AutoencoderConfig, DecodingConfig, ModelConfig, SongBloomConfig


def layer_weights(config: ModelConfig) -> int:
    """Numbers in one transformer layer's matrices, the same in both transformers."""
    return (4 + 3 * config.feed_forward_factor) * config.dim**2


def lm_weights(config: ModelConfig) -> int:
    """Numbers that one step of the language model reads: all layers and the classifier."""
    classifier = config.dim**2 + config.dim * (config.end + 1)
    return config.lm_layers * layer_weights(config) + classifier


def dit_weights(config: ModelConfig) -> int:
    """Numbers that one evaluation of the diffusion transformer reads."""
    return config.dit_layers * layer_weights(config) + 2 * config.dim * config.latent_channels


def rows(decoding: DecodingConfig) -> int:
    """Rows of the language model per song: with guidance two, the song's and the null's."""
    return 1 if decoding.guidance == 1 and decoding.guidance_mode != "global" else 2


def lm_flops_per_patch(config: ModelConfig, decoding: DecodingConfig, position: int) -> int:
    """Operations of the language model for one patch of one song whose cache holds `position` positions."""
    attention = 4 * config.lm_layers * config.dim * position
    return rows(decoding) * config.steps * (2 * lm_weights(config) + attention)


def dit_flops_per_patch(config: ModelConfig, decoding: DecodingConfig) -> int:
    """Operations of the diffusion transformer for one patch of one song."""
    null = decoding.guidance_mode == "global" or (decoding.guidance_mode == "h" and decoding.latent_guidance != 1)
    return (2 if null else 1) * decoding.steps * _dit_flops(config)


def _dit_flops(config: ModelConfig) -> int:
    """Operations of one evaluation; of the last layer, only keys and values are computed for all tokens."""
    tokens = config.dit_tokens
    skipped = (tokens - config.patch) * (layer_weights(config) - 2 * config.dim**2)
    attention = 2 * config.dit_layers * config.dim * tokens**2
    return 2 * (tokens * dit_weights(config) - skipped + attention)


def flops_per_patch(config: ModelConfig, decoding: DecodingConfig, position: int) -> int:
    """Operations of both transformers for one patch of one song whose cache holds `position` positions."""
    return lm_flops_per_patch(config, decoding, position) + dit_flops_per_patch(config, decoding)


def bytes_per_token(config: ModelConfig, songs: int, position: int, itemsize: int, rows: int = 2) -> int:
    """Bytes that one step of the language model has to read for `songs` songs at once.

    Args:
        config: sizes.
        songs: decoded together; they share the weights and have caches of their own.
        position: positions in each cache.
        itemsize: bytes per number.
        rows: per song.
    """
    cache = 2 * config.lm_layers * config.dim * position * rows * songs
    return itemsize * (lm_weights(config) + cache)


def cache_bytes(config: SongBloomConfig, decoding: DecodingConfig, itemsize: int) -> int:
    """Bytes of one song's cache at its longest (a CUDA device rounds its positions up to a whole bucket)."""
    model = config.model
    patches = decoding.patches(config.autoencoder.frame_rate, model.patch)
    positions = model.prefix + patches * model.steps
    return 2 * model.lm_layers * model.dim * positions * rows(decoding) * itemsize


CHUNK_PATCHES = 6
"""Patches decoded to audio at once by default (3.84 s); more costs memory, fewer costs time for the context."""


def autoencoder_weights(config: AutoencoderConfig) -> int:
    """Numbers in both directions: per stride three units of 7 and 1 taps, and the convolution that changes the rate."""
    widths = [config.channels * multiple for multiple in (1, *config.multiples)]
    levels = zip(pairwise(widths), config.strides, strict=True)
    return 2 * sum(24 * narrow**2 + 2 * stride * narrow * wide for (narrow, wide), stride in levels)


def decoding_need(config: SongBloomConfig, decoding: DecodingConfig, itemsize: int) -> MemoryNeed:
    """What decoding one song at a time needs of the memory.

    The autoencoder's work is counted in activations at the audio's own rate, of which a CPU held up to 16 while it
    decoded a piece and 6 while it encoded (torch 2.13, measured). Its weights are always in float32.

    Args:
        config: sizes.
        decoding: settings; the cache is as long as the longest song.
        itemsize: bytes per number of the transformers.
    """
    model, autoencoder = config.model, config.autoencoder
    resident = itemsize * (lm_weights(model) + dit_weights(model)) + 4 * autoencoder_weights(autoencoder)
    piece = CHUNK_PATCHES * model.patch + 2 * autoencoder.context
    activations = max(16 * piece, 6 * model.prompt_frames) * 4 * autoencoder.channels * autoencoder.hop
    return MemoryNeed(resident, cache_bytes(config, decoding, itemsize) + activations)


def least_seconds_per_patch(
    config: ModelConfig,
    decoding: DecodingConfig,
    *,
    songs: int,
    position: int,
    itemsize: int,
    flops_per_second: float,
    bytes_per_second: float,
) -> float:
    """The roofline: seconds one patch of `songs` songs takes where nothing but arithmetic or memory traffic counts.

    Every language-model step and every solver step takes the longer of the two, as they depend on each other.
    """
    lm_flops = songs * lm_flops_per_patch(config, decoding, position) / config.steps
    lm_bytes = bytes_per_token(config, songs, position, itemsize)
    lm = config.steps * max(lm_flops / flops_per_second, lm_bytes / bytes_per_second)
    dit_flops = songs * dit_flops_per_patch(config, decoding) / decoding.steps
    dit_bytes = itemsize * dit_weights(config)
    dit = decoding.steps * max(dit_flops / flops_per_second, dit_bytes / bytes_per_second)
    return lm + dit


def training_flops(config: ModelConfig, songs: int, frames: int) -> int:
    """Operations of one training step: forward once, and twice as much for the gradients of inputs and of weights.

    Layers that are computed again for gradients are not counted: they could be kept.

    Args:
        config: sizes.
        songs: of the batch.
        frames: of each song, a multiple of the patch.
    """
    patches = frames // config.patch
    positions = config.prefix + 1 + patches * config.steps
    layers = 2 * config.lm_layers * layer_weights(config) * positions
    attention = 2 * config.lm_layers * config.dim * positions**2  # causal: half of the square
    classifier = 2 * (lm_weights(config) - config.lm_layers * layer_weights(config)) * (frames + 1)
    encoder = 2 * patches * (config.patch * config.latent_channels + config.dim) * config.dim
    return 3 * songs * (layers + attention + classifier + encoder + patches * _dit_flops(config))
