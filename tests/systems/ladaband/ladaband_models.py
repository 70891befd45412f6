"""Models for the tests around LaDA-Band: the golden one, and small random ones whose answers are far apart."""

from dataclasses import replace

import torch
from safetensors.torch import load_file

from systems.ladaband.config import PRESETS, PredictorConfig
from systems.ladaband.predictor import MaskPredictor

TINY = replace(
    PRESETS["tiny"].predictor,
    vocal_vocabulary=60,
    accompaniment_vocabulary=50,
    dim=32,
    heads=4,
    head_dim=8,
    feed_forward=48,
)


def golden_predictor(golden, mode: str = "prefix") -> MaskPredictor:
    """With the weights of the golden numbers; in mode ``add`` with its own projection."""
    config = replace(PredictorConfig.from_upstream(golden.config["config"]), condition_mode=mode)
    tensors = load_file(golden.folder / "model.safetensors")
    projection = {
        name.removeprefix("add_variant."): part for name, part in tensors.items() if name.startswith("add_variant.")
    }
    state = {name: part for name, part in tensors.items() if not name.startswith("add_variant.")}
    model = MaskPredictor(config)
    model.load_state_dict({**state, **projection} if mode == "add" else state)
    return model.eval().requires_grad_(False)


def random_predictor(config: PredictorConfig = TINY, seed: int = 0) -> MaskPredictor:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = MaskPredictor(config)
        for parameter in model.parameters():
            if parameter.ndim > 1:
                parameter.data.normal_(std=parameter.shape[-1] ** -0.5)
        model.to_logits.weight.data.mul_(3)
    return model.eval().requires_grad_(False)
