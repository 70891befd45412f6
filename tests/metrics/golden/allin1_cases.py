"""Checkpoints and inputs from seeds, the same wherever they are made: for the test and for ``make_allin1.py``.

Only numpy is needed here, as the authors' package runs in another environment than songbench.
"""

import math
import zlib

import numpy as np

FOLDS = 2
"""How many checkpoints the ensemble of the golden numbers has (the released one has eight)."""

CASES = {"short": (1, 700), "long": (2, 10_900)}
"""Seed and number of frames; `short` is filled up with zeros inside the network."""

POSTPROCESSED = {"sections of a song": (3, 9000), "sections of two seconds": (4, 200)}
"""Seed and number of frames of made-up logits."""

STEMS = {"bass": 1.4, "drums": 0.5, "other": 0.05, "vocals": 0.0004}
"""Level of each stem in the audio of the spectrogram's case: one beyond full scale, one of few quantisation steps."""

CONFIG = {
    "model": "allin1",
    "depth": 11,
    "dim_embed": 24,
    "num_heads": 2,
    "kernel_size": 5,
    "dim_input": 81,
    "dilation_factor": 2,
    "dilation_max": 3200,
    "mlp_ratio": 4,
    "layer_norm_eps": 1e-05,
    "act_conv": "elu",
    "act_transformer": "gelu",
    "qkv_bias": True,
    "double_attention": True,
    "instrument_attention": True,
    "sample_rate": 44100,
    "hop_size": 441,
    "fps": 100,
    "min_hops_per_beat": 24,
    "drop_conv": 0.2,
    "drop_path": 0.1,
    "drop_hidden": 0.2,
    "drop_attention": 0.2,
    "drop_last": 0,
    "threshold_beat": 0.19,
    "best_threshold_beat": 0.19,
    "best_threshold_downbeat": 0.22,
    "data": {"name": "harmonix", "demixed": True, "num_instruments": 4, "num_labels": 10},
}
"""As far as the network depends on it, that of the released checkpoints."""


def shapes() -> dict[str, tuple[int, ...]]:
    """Name and shape of every tensor of a checkpoint."""
    sizes: dict[str, tuple[int, ...]] = {}

    def linear(name: str, inputs: int, outputs: int) -> None:
        sizes[f"{name}.weight"], sizes[f"{name}.bias"] = (outputs, inputs), (outputs,)

    def norm(name: str, width: int) -> None:
        sizes[f"{name}.weight"], sizes[f"{name}.bias"] = (width,), (width,)

    def attention(name: str, bias: tuple[int, ...]) -> None:
        sizes[f"{name}.self.rpb"] = (2, *bias)
        for part in ("query", "key", "value"):
            linear(f"{name}.self.{part}", 24, 24)
        linear(f"{name}.output.dense", 24, 24)

    for name, shape in {"conv0": (12, 1, 3, 3), "conv1": (24, 12, 1, 12), "conv2": (24, 24, 3, 3)}.items():
        sizes[f"embeddings.{name}.weight"], sizes[f"embeddings.{name}.bias"] = shape, shape[:1]
    norm("embeddings.norm", 24)
    for i in range(11):
        time, inst = (f"encoder.layers.{i}.{part}layer" for part in ("time", "inst"))
        for name, width, bias in ((time, 48, (9,)), (inst, 24, (9, 9))):
            norm(f"{name}.layernorm_before", 24)
            norm(f"{name}.layernorm_after", width)
            linear(f"{name}.intermediate.dense", width, 4 * width)
            linear(f"{name}.output.dense", 4 * width, 24)
            attention(f"{name}.attention", bias)
        attention(f"{time}.attention2", (9,))
    norm("norm", 24)
    for name, outputs in {"beat": 1, "downbeat": 1, "section": 1, "function": 10}.items():
        linear(f"{name}_classifier.classifier", 96, outputs)
    return sizes


def state(fold: int) -> dict[str, np.ndarray]:
    """The tensors of one fold, lively enough that the logits move."""
    tensors = {}
    for name, shape in shapes().items():
        noise = np.random.default_rng([fold, zlib.crc32(name.encode())]).standard_normal(shape)
        if "norm" in name:
            noise = 0.2 * noise + name.endswith("weight")
        elif name.endswith("rpb"):
            noise *= 0.7
        elif name.endswith("weight"):
            noise *= (4.0 if "function" in name else 1.3) / math.sqrt(math.prod(shape[1:]))
        else:
            noise *= 0.2
        tensors[name] = noise.astype(np.float32)
    return tensors


def spectrograms(seed: int, frames: int) -> np.ndarray:
    """Four made-up spectrograms with slow changes, shape (4, frames, 81)."""
    rng = np.random.default_rng(seed)
    parts = [np.repeat(rng.random((4, -(-frames // step), 81)), step, axis=1)[:, :frames] for step in (3, 90, 1500)]
    return (0.4 * sum(parts)).astype(np.float32)


def logits(seed: int, frames: int) -> tuple[np.ndarray, np.ndarray]:
    """Made-up logits that wander as real ones do: of a boundary, shape (frames,), and of ten labels, (10, frames)."""
    rng = np.random.default_rng(seed)

    def wandering(step: int) -> np.ndarray:
        knots = rng.standard_normal(frames // step + 2)
        return np.interp(np.arange(frames) / step, np.arange(knots.size), knots)

    boundary = 2 * wandering(40) + wandering(500) + 0.2 * rng.standard_normal(frames) - 3
    return boundary.astype(np.float32), np.stack([2 * wandering(900) for _ in range(10)]).astype(np.float32)


def stem(name: str, seconds: float = 0.37) -> np.ndarray:
    """Made-up stereo audio of a stem at 44.1 kHz, shape (2, n): tones and noise that differ between the channels."""
    count = round(seconds * 44_100)
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    time = np.arange(count) / 44_100
    tones = sum(np.sin(2 * np.pi * rng.uniform(30, 9000) * time + rng.uniform(0, 6)) for _ in range(5)) / 5
    return (STEMS[name] * (tones + 0.3 * rng.standard_normal((2, count)))).astype(np.float32)
