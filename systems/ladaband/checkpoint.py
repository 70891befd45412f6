"""Loading checkpoints of the predictor, checking them, and saving them in the released layout.

The released file is a Lightning checkpoint, a dictionary whose ``state_dict`` holds the predictor below ``model.``
beside the frozen models it was trained with (``clamp3.``, ``codec_model.`` and so on), which are passed over. The same
tensors are read from safetensors, with or without ``model.``. Nothing in a file is executed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
import yaml
from safetensors import safe_open
from safetensors.torch import save_file

from songbench.domain.errors import InputError
from songbench.resources.files import whole_path
from songbench.resources.tensors import is_finite
from systems.checkpoints.filling import set_tensor, without_storage
from systems.checkpoints.stored_tensors import StoredTensor, tensors_in
from systems.ladaband.config import PRESETS, PredictorConfig
from systems.ladaband.predictor import MaskPredictor

CURE = (
    "Fetch it again or name another. If it holds Python objects and you trust it, save its state dict alone as"
    " safetensors and name that file."
)

_PREFIX = "model."
_SIBLINGS = ("clamp3.", "codec_model.", "codec_vae.", "codec_stft.")
_HEADS = ("to_logits.", "rtd_head.")
_METADATA = "ladaband_predictor"


def load_predictor(
    file: Path, config: PredictorConfig | None = None, dtype: torch.dtype | None = None
) -> MaskPredictor:
    """The predictor of a checkpoint, on the CPU, in evaluation mode.

    Args:
        file: a Lightning checkpoint or safetensors, see this module's text.
        config: the sizes; None: as the file says, see `predictor_config`.
        dtype: of the transformer and the embeddings; None: as stored. The heads are always float32, as bfloat16 would
            make many tokens equally likely.

    Raises:
        InputError: the file cannot be read, its sizes cannot be told, or its tensors are not those of this model
            (missing, unknown, of other shapes, not finite), naming them and the cure.
    """
    tensors = _predictor_tensors(file)
    model = _matching_model(file, tensors, config)
    for name in model.state_dict():
        tensor = tensors[name].read()
        if not is_finite(tensor):
            raise InputError(
                f"The checkpoint holds numbers that are none (NaN or infinity), in {name}.",
                file=str(file),
                cure="Take an earlier checkpoint of that training, or fetch it again.",
            )
        set_tensor(model, name, tensor.to(torch.float32 if name.startswith(_HEADS) else dtype or tensor.dtype))
    model.lm.embed_tokens.weight.requires_grad_(False)
    return model.eval()


def check_predictor(file: Path, config: PredictorConfig | None = None) -> PredictorConfig:
    """Check everything that can be checked without reading the weights themselves; returns the sizes.

    Raises:
        InputError: as for `load_predictor`.
    """
    return _matching_model(file, _predictor_tensors(file), config).config


def predictor_config(file: Path) -> PredictorConfig:
    """The sizes of a checkpoint.

    They are those that the file itself or a YAML file of its name beside it states (the layout of ``infer_1B.yaml``),
    else those that its tensors have. Tensors do not tell how wide a head is; it is then that of the preset of the same
    width.

    Raises:
        InputError: the file cannot be read, or its sizes cannot be told.
    """
    return _config_of(file, _predictor_tensors(file))


def save_predictor(model: MaskPredictor, file: Path) -> None:
    """Write a predictor as safetensors, under the released names, with its sizes.

    Args:
        model: on any device.
        file: ends in ``.safetensors``; its folder is made if it is not there.

    Raises:
        InputError: the name has another ending.
    """
    if file.suffix != ".safetensors":
        raise InputError("Predictors are saved as safetensors.", file=str(file), cure="End its name in .safetensors.")
    tensors = {f"{_PREFIX}{name}": tensor.cpu().contiguous().clone() for name, tensor in model.state_dict().items()}
    with whole_path(file) as scratch:
        save_file(tensors, scratch, metadata={_METADATA: json.dumps(model.config.to_mapping())})


def _predictor_tensors(file: Path) -> dict[str, StoredTensor]:
    """The predictor's tensors of a file, without ``model.`` before their names."""
    tensors = tensors_in(file, CURE)
    below = {name.removeprefix(_PREFIX): part for name, part in tensors.items() if name.startswith(_PREFIX)}
    return below or {name: part for name, part in tensors.items() if not name.startswith(_SIBLINGS)}


def _matching_model(file: Path, tensors: Mapping[str, StoredTensor], config: PredictorConfig | None) -> MaskPredictor:
    """A model without numbers, once the tensors turn out to be its."""
    config = config or _config_of(file, tensors)
    config = replace(config, rtd_head=any(name.startswith("rtd_head.") for name in tensors))  # may be there or not
    with without_storage():
        model = MaskPredictor(config)
    shapes = {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}
    common = [name for name in shapes if name in tensors]
    faults = {
        "missing": [name for name in shapes if name not in tensors],
        "unexpected": [name for name in tensors if name not in shapes],
        "of another shape": [
            f"{name} {list(tensors[name].shape)} instead of {list(shapes[name])}"
            for name in common
            if tensors[name].shape != shapes[name]
        ],
        "of whole numbers": [name for name in common if not tensors[name].is_floating],
    }
    if problems := [_listing(kind, names) for kind, names in faults.items() if names]:
        raise InputError(
            f"The checkpoint is not of a predictor of these sizes: {'; '.join(problems)}.", file=str(file), cure=CURE
        )
    return model


def _listing(kind: str, names: list[str]) -> str:
    number = "1 tensor is" if len(names) == 1 else f"{len(names)} tensors are"
    return f"{number} {kind} ({', '.join(names[:3])}{', …' if len(names) > 3 else ''})"


def _config_of(file: Path, tensors: Mapping[str, StoredTensor]) -> PredictorConfig:
    try:
        if config := _stated_config(file):
            return config
    except InputError as error:
        raise error.located(file=str(file)) from None
    return _config_by_shapes(file, tensors)


def _stated_config(file: Path) -> PredictorConfig | None:
    """What a safetensors file states itself, or the YAML file beside the weights."""
    if file.suffix == ".safetensors":
        with safe_open(file, framework="pt") as opened:
            text = (opened.metadata() or {}).get(_METADATA)
        if text is not None:
            return PredictorConfig.from_mapping(_decoded(text))
    beside = file.with_suffix(".yaml")
    if not beside.is_file():
        return None
    try:
        content = yaml.safe_load(beside.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise InputError(f"It is no YAML file ({type(error).__name__}).", file=str(beside)) from None
    if not isinstance(content, dict):
        raise InputError("It holds no settings by name.", file=str(beside))
    try:
        return PredictorConfig.from_upstream(content)
    except InputError as error:
        raise error.located(file=str(beside)) from None


def _decoded(text: str) -> dict[str, Any]:
    try:
        values = json.loads(text)
    except ValueError:
        values = None
    if not isinstance(values, dict):
        raise InputError(f"Its own sizes ('{_METADATA}') cannot be read.", cure=CURE)
    return values


def _config_by_shapes(file: Path, tensors: Mapping[str, StoredTensor]) -> PredictorConfig:
    """The sizes that tensors have, with the width of a head of the preset of the same width."""
    layer = "lm.layers.0."
    names = ("voc_embed.weight", "to_logits.weight", f"{layer}mlp.gate_proj.weight")
    projections = tuple(f"{layer}self_attn.{letter}_proj.weight" for letter in "qk")
    if absent := [name for name in (*names, *projections) if name not in tensors or len(tensors[name].shape) != 2]:
        raise InputError(
            f"The checkpoint is not of a LaDA-Band predictor: {_listing('missing', absent)}.", file=str(file), cure=CURE
        )
    vocal, scores, gate = (tensors[name].shape for name in names)
    queries, keys = (tensors[name].shape[0] for name in projections)
    dim = scores[1]
    head_dim = next((preset.predictor.head_dim for preset in PRESETS.values() if preset.predictor.dim == dim), None)
    if head_dim is None or queries % head_dim or keys % head_dim:
        raise InputError(
            f"How many heads a model of width {dim} has cannot be told from its tensors.",
            file=str(file),
            cure=f"Put its configuration beside it as {file.with_suffix('.yaml').name}.",
        )
    projection = tensors.get("clamp_proj.weight")
    shape = projection.shape if projection is not None and len(projection.shape) == 2 else (dim, dim)
    return PredictorConfig(
        vocal_vocabulary=vocal[0] - 1,
        accompaniment_vocabulary=scores[0],
        dim=dim,
        layers=len({name.split(".")[2] for name in tensors if name.startswith("lm.layers.")}),
        heads=queries // head_dim,
        key_value_heads=keys // head_dim,
        head_dim=head_dim,
        feed_forward=gate[0],
        condition_dim=shape[1],
        condition_mode="add" if shape[0] == dim // 2 else "prefix",
    )
