"""What training takes in memory by the model's sizes: arithmetic, checked against what autograd keeps of small models.

Counted are weights, gradients, AdamW's two moments, and the activations that the backward pass needs. Not counted are
what kernels need while they run, what an allocator wastes, and what the process takes without a model (on CUDA about
half a gigabyte). Gradients grow while activations go, so the sum is more than what is ever held of these at once.

Shapes: T tokens, D model width, f feed-forward factor.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal

from systems.checkpoints.filling import without_storage
from systems.songbloom.config import ModelConfig, SongBloomConfig
from systems.songbloom.lora.adapters import AdaptedLinear, add_adapters
from systems.songbloom.lora.config import LoraConfig
from systems.songbloom.model import SongBloom
from systems.songbloom.training.trained import freeze_untrained

GIB = 2**30
_MATRICES = ("attention.qkv", "attention.out", "feed_forward.gate_up", "feed_forward.down")


@dataclass(frozen=True, kw_only=True)
class MemorySettings:
    """How a model is trained, as far as memory goes.

    Attributes:
        songs: of one pass on one device.
        seconds: of each.
        precision: of the passes; weights are held in float32.
        checkpointing: keep the inputs of layers only.
        average: hold an average of the trained weights, too.
        device: CUDA has a fused RMS norm and dropout masks of one byte.
    """

    songs: int = 1
    seconds: float
    precision: Literal["float32", "bfloat16"] = "bfloat16"
    checkpointing: bool = True
    average: bool = False
    device: Literal["cpu", "cuda"] = "cuda"


@dataclass(frozen=True, kw_only=True)
class TrainingMemory:
    """Bytes on one device that holds the whole model.

    Attributes:
        weights: of all parts, the autoencoder included, in float32; averages, too.
        casts: bfloat16 copies of the matrices, which float32 does without.
        gradients: of what is trained.
        optimiser: AdamW's two moments of what is trained.
        activations: what autograd keeps from the forward pass for the backward pass.
        recomputed: of the layer that is computed again, with checkpointing.
        trained: numbers that are trained.
    """

    weights: int
    casts: int
    gradients: int
    optimiser: int
    activations: int
    recomputed: int
    trained: int

    @property
    def total(self) -> int:
        """All of it."""
        return self.weights + self.casts + self.gradients + self.optimiser + self.activations + self.recomputed


def training_memory(
    config: SongBloomConfig, settings: MemorySettings, lora: LoraConfig | None = None
) -> TrainingMemory:
    """The memory of one pass and the optimiser.

    Args:
        config: sizes.
        settings: how it is trained.
        lora: train adapters on a frozen model; None: the whole model.

    Raises:
        InputError: a target of the adapters means nothing.
    """
    with without_storage():
        model = freeze_untrained(SongBloom(config))
        if lora:
            add_adapters(model, lora)
    sizes = [(parameter.numel(), parameter.requires_grad) for parameter in model.parameters()]
    trained = sum(count for count, learns in sizes if learns)
    frozen = sum(count for count, learns in sizes if not learns) + sum(buffer.numel() for buffer in model.buffers())
    lm, dit = _stack(model, "sketch_lm"), _stack(model, "acoustic_dit")
    activations, recomputed = _passes(config, settings, lm, dit, lora)
    casts = 0
    if settings.precision == "bfloat16":
        # A trained matrix is cast once a pass; a frozen one wherever it is used, so that checkpointing frees it again.
        matrices = [layer.matrices for layer in (*lm, *dit)]
        casts = 2 * (max(matrices) if lora and settings.checkpointing else sum(matrices))
    return TrainingMemory(
        weights=4 * (trained + frozen) + (4 * trained if settings.average else 0),
        casts=casts,
        gradients=4 * trained,
        optimiser=8 * trained,
        activations=activations,
        recomputed=recomputed,
        trained=trained,
    )


@dataclass(frozen=True, kw_only=True)
class _LayerSizes:
    """What is kept of one layer for each token, by what is trained in it.

    Attributes:
        matrices: numbers in its four matrices.
        inputs: of these, whose inputs are kept, as the matrix itself is trained or an adapter without dropout reads it.
        dropouts: adapters with dropout for each matrix, which keep inputs of their own and masks.
        ranks: sum of the ranks of all adapters.
        gains: whether the gains of its norms are trained.
    """

    matrices: int
    inputs: Collection[str]
    dropouts: dict[str, int]
    ranks: int
    gains: bool


def _stack(model: SongBloom, part: str) -> list[_LayerSizes]:
    layers = []
    for layer in model.get_submodule(f"{part}.layers").children():
        count, inputs, dropouts, ranks = 0, set(), {}, 0
        for name in _MATRICES:
            linear = layer.get_submodule(name)
            weight = layer.get_parameter(f"{name}.weight")
            count += weight.numel()
            adapters = list(linear) if isinstance(linear, AdaptedLinear) else []
            ranks += sum(len(adapter.down) for adapter in adapters)
            dropouts[name] = sum(adapter.dropout.p > 0 for adapter in adapters)
            if weight.requires_grad or len(adapters) > dropouts[name]:
                inputs.add(name)
        gains = any(one.requires_grad for one in layer.get_submodule("attention_norm").parameters())
        layers.append(_LayerSizes(matrices=count, inputs=inputs, dropouts=dropouts, ranks=ranks, gains=gains))
    return layers


def _passes(
    config: SongBloomConfig,
    settings: MemorySettings,
    lm: Sequence[_LayerSizes],
    dit: Sequence[_LayerSizes],
    lora: LoraConfig | None,
) -> tuple[int, int]:
    """Bytes of activations that are kept, and that are computed again."""
    sizes = config.model
    count = math.floor(settings.seconds * config.autoencoder.frame_rate / sizes.patch)
    patches = settings.songs * count
    positions = settings.songs * (sizes.prefix + 1) + patches * sizes.steps
    wide, narrow = 4, 2 if settings.precision == "bfloat16" else 4
    fused = settings.device == "cuda"
    reached = not lora or lora.train != "adapters" or any(layer.ranks for layer in lm)
    entries, insides = [], []
    for layer in lm if reached else ():
        entries.append(wide * positions * sizes.dim)
        insides.append(_layer(sizes, layer, positions, positions, wide, narrow, fused, rms=True))
    tokens = patches * sizes.dit_tokens
    for number, layer in enumerate(dit):
        # Only the noisy tokens are read after the last layer.
        later = patches * sizes.patch if number == len(dit) - 1 else tokens
        entries.append(wide * tokens * sizes.dim)
        insides.append(_layer(sizes, layer, tokens, later, wide, narrow, fused, rms=False))
    targets = settings.songs * (count * max(sizes.sketch_tokens, 1) + 1)
    ends = _ends(sizes, positions, targets, patches, narrow, reached, learns=not lora)
    if reached and not lora and not fused:
        ends += wide * positions * sizes.dim  # of the last norm, see `_layer`
    return (sum(entries) + ends, max(insides)) if settings.checkpointing else (sum(insides) + ends, 0)


def _layer(
    sizes: ModelConfig, layer: _LayerSizes, tokens: int, later: int, wide: int, narrow: int, fused: bool, rms: bool
) -> int:
    """Bytes that a layer keeps.

    Args:
        sizes: of the model.
        layer: what is trained in it.
        tokens: that keys and values are made of.
        later: tokens that go on from the attention.
        wide: bytes of a number in the residual stream.
        narrow: elsewhere.
        fused: see `MemorySettings.device`.
        rms: whether its norms are RMS norms, which unfused keep the normed input apart from the gain.
    """
    dim, hidden = sizes.dim, sizes.feed_forward_factor * sizes.dim
    norms = wide * dim * (tokens + later)
    if rms and layer.gains and not fused:
        norms += wide * dim * (tokens + later)
    projected = narrow * (5 * dim * tokens + dim * later)  # q, k, v as projected; q and k as turned; what was gathered
    gated = narrow * 3 * hidden * later  # gate and up, and the activated gate
    inner = {_MATRICES[0]: (dim, tokens), _MATRICES[1]: (dim, later), _MATRICES[2]: (dim, later)}
    inner[_MATRICES[3]] = (hidden, later)
    read = sum(narrow * width * count for name, (width, count) in inner.items() if name in layer.inputs)
    mask = 1 if fused else narrow
    dropped = sum((narrow + mask) * layer.dropouts[name] * width * count for name, (width, count) in inner.items())
    return norms + projected + gated + read + dropped + narrow * layer.ranks * later


def _ends(
    sizes: ModelConfig, positions: int, targets: int, patches: int, narrow: int, reached: bool, *, learns: bool
) -> int:
    """Bytes of what lies around the layers: the classifier, its probabilities, the encoder of patches, the output."""
    noisy = patches * sizes.patch
    result = narrow * noisy * sizes.dim if learns else 0
    if reached:
        result += 4 * targets * (sizes.end + 1)  # log probabilities
        result += 4 * positions * sizes.dim  # the last norm's input
        result += narrow * targets * sizes.dim * (3 if learns else 1)
    if learns:
        result += 2 * narrow * patches * sizes.dim
    return result
