"""Checkpoints: the names and shapes of the released files, loading them and saving in the same layout.

A released ``.pt`` is a flat state dict with two children, ``model.`` and ``vae.vae.``; files of the first public line
hold the autoencoder a second time below the prompt's conditioner. Forks ship the same as ``.safetensors``, and
smaller sets leave out the prefixes or the autoencoder (which then lies in a file of its own). Training code wraps the
same into ``{"model": …}`` or puts ``module.`` and ``_orig_mod.`` before the names; large files come in shards with an
index. All of these are read.
Every tensor of the model must come from the file and every tensor of the file must have a place in the model.
"""

from __future__ import annotations

import json
import pickle
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
import yaml
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from songbench.domain.errors import InputError
from songbench.resources.tensors import INDEX, is_finite, plain_names, shards_of, tensors_of
from systems.songbloom.checkpoint_files import CURE, CheckpointFiles
from systems.songbloom.config import SongBloomConfig
from systems.songbloom.layers import PackedLinear
from systems.songbloom.model import SongBloom

_SECOND_COPY = "condition_provider.conditioners.prompt_wav.tokenizer."

_RENAMED = (
    (r"^conditioning\.symbols\.weight$", ("condition_provider.conditioners.lyrics.output_proj.weight",)),
    (
        r"^conditioning\.sentences\.weight$",
        ("condition_provider.conditioners.lyrics.sentence_idx_in_structure_emb.weight",),
    ),
    (r"^conditioning\.blank$", ("condition_provider.conditioners.lyrics.blank_emb",)),
    (r"^conditioning\.prompt\.weight$", ("condition_provider.conditioners.prompt_wav.output_proj.weight",)),
    (r"^sketch_embedding\.weight$", ("skeleton_emb.weight",)),
    (r"^sketch_lm\.bos$", ("bos_token",)),
    (r"^sketch_lm\.norm\.weight$", ("ar_transformer.norm.weight",)),
    (r"^sketch_lm\.classifier\.(.+)$", (r"skeleton_classifier.\1",)),
    (
        r"^sketch_lm\.layers\.(\d+)\.attention\.qkv\.weight$",
        tuple(rf"ar_transformer.layers.\1.self_attn.{one}_proj.weight" for one in "qkv"),
    ),
    (r"^sketch_lm\.layers\.(\d+)\.attention\.out\.weight$", (r"ar_transformer.layers.\1.self_attn.o_proj.weight",)),
    (
        r"^sketch_lm\.layers\.(\d+)\.feed_forward\.gate_up\.weight$",
        tuple(rf"ar_transformer.layers.\1.mlp.{one}_proj.weight" for one in ("gate", "up")),
    ),
    (r"^sketch_lm\.layers\.(\d+)\.feed_forward\.down\.weight$", (r"ar_transformer.layers.\1.mlp.down_proj.weight",)),
    (r"^sketch_lm\.layers\.(\d+)\.attention_norm\.weight$", (r"ar_transformer.layers.\1.input_layernorm.weight",)),
    (
        r"^sketch_lm\.layers\.(\d+)\.feed_forward_norm\.weight$",
        (r"ar_transformer.layers.\1.post_attention_layernorm.weight",),
    ),
    (r"^acoustic_encoder\.inner\.(.+)$", (r"block_conv.1.\1",)),
    (r"^acoustic_encoder\.outer\.(.+)$", (r"block_conv.3.\1",)),
    (r"^acoustic_dit\.(project_in|project_out)\.(.+)$", (r"\1.\2",)),
    (r"^acoustic_dit\.time_frequencies$", ("timestep_features.weight",)),
    (r"^acoustic_dit\.time_inner\.weight$", ("to_timestep_embed.0.weight",)),
    (r"^acoustic_dit\.time_outer\.(.+)$", (r"to_timestep_embed.2.\1",)),
    (r"^acoustic_dit\.layers\.(\d+)\.attention_norm\.(.+)$", (r"nar_dit.layers.\1.pre_norm.\2",)),
    (r"^acoustic_dit\.layers\.(\d+)\.feed_forward_norm\.(.+)$", (r"nar_dit.layers.\1.ff_norm.\2",)),
    (r"^acoustic_dit\.layers\.(\d+)\.attention\.qkv\.weight$", (r"nar_dit.layers.\1.self_attn.to_qkv.weight",)),
    (r"^acoustic_dit\.layers\.(\d+)\.attention\.out\.weight$", (r"nar_dit.layers.\1.self_attn.to_out.weight",)),
    (
        r"^acoustic_dit\.layers\.(\d+)\.feed_forward\.gate_up\.weight$",
        tuple(rf"nar_dit.layers.\1.ff.ff.0.{one}_proj.weight" for one in ("gate", "up")),
    ),
    (r"^acoustic_dit\.layers\.(\d+)\.feed_forward\.down\.weight$", (r"nar_dit.layers.\1.ff.ff.2.weight",)),
)
_RULES = tuple((re.compile(pattern), released) for pattern, released in _RENAMED)


@dataclass(frozen=True)
class _Origin:
    """Where a tensor comes from: released tensors joined along the first axis, or the two parts of a weight norm."""

    names: tuple[str, ...]
    weight_norm: bool = False


def _origin(name: str, ndim: int) -> _Origin:
    if name.startswith("autoencoder."):
        path = re.sub(r"(?<!layers)\.(\d+)(?=\.)", r".layers.\1", name.removeprefix("autoencoder."))
        # Substitutions do not overlap, so a level and the unit right below it need a second pass.
        path = "vae." + re.sub(r"(?<!layers)\.(\d+)(?=\.)", r".layers.\1", path)
        if ndim == 3:
            stem = path.removesuffix("weight")
            return _Origin((f"{stem}weight_g", f"{stem}weight_v"), weight_norm=True)
        return _Origin((path,))
    for pattern, released in _RULES:
        if found := pattern.match(name):
            return _Origin(tuple(found.expand(one) for one in released))
    raise KeyError(name)


def released_state_dict(model: SongBloom) -> dict[str, Tensor]:
    """The model's weights under the names of the released checkpoints (``model.…``, ``vae.vae.…``).

    Weight norms, which are folded in here, are written as the norm and the weight itself. Works on the meta device.

    Raises:
        InputError: the model was prepared for decoding on a CPU, which packs its weights.
    """
    if any(isinstance(part, PackedLinear) for part in model.modules()):
        raise InputError(
            "This model was prepared for decoding, so its weights are packed.", cure="Load it again to save it."
        )
    state = {}
    for name, tensor in model.state_dict().items():
        origin = _origin(name, tensor.ndim)
        for released, part in zip(origin.names, _released_parts(tensor, origin), strict=True):
            state[f"vae.{released}" if released.startswith("vae.") else f"model.{released}"] = part
    return state


def _released_parts(tensor: Tensor, origin: _Origin) -> tuple[Tensor, ...]:
    """One of our tensors as the released ones it is made of."""
    if origin.weight_norm:
        return tensor.flatten(1).norm(dim=1)[:, None, None], tensor
    return tensor.chunk(len(origin.names))


def _released_shapes(shape: torch.Size, origin: _Origin) -> list[tuple[int, ...]]:
    """The shapes of `_released_parts`."""
    if origin.weight_norm:
        return [(shape[0], 1, 1), tuple(shape)]
    return [(shape[0] // len(origin.names), *shape[1:])] * len(origin.names)


def load_model(config: SongBloomConfig, *files: Path, dtype: torch.dtype | None = None) -> SongBloom:
    """Build a model and fill it from checkpoint files, memory-mapped, so that nothing is held twice.

    Args:
        config: the sizes.
        files: checkpoints in any of the layouts this module's text names; a tensor is taken from the first that has it.
        dtype: of the transformers; None: as stored. The autoencoder is always float32.

    Raises:
        InputError: a file cannot be read, or its tensors are not those of this model (missing, unknown, other shapes,
            not finite).
    """
    model = _empty_model(config)
    stored = _stored(files)
    for name, origin in _matched(model, stored, files).items():
        parts = [_finite(one, stored[one].read(), files) for one in origin.names]
        tensor = _unnormed(*parts) if origin.weight_norm else torch.cat(parts) if len(parts) > 1 else parts[0]
        _put(model, name, tensor.to(torch.float32 if name.startswith("autoencoder.") else dtype or tensor.dtype))
    return model


def _finite(name: str, tensor: Tensor, files: Sequence[Path]) -> Tensor:
    if not is_finite(tensor):
        raise InputError(
            f"The checkpoint holds numbers that are none (NaN or infinity), in {name}.",
            file=", ".join(map(str, files)),
            cure="Take an earlier checkpoint of that training, or fetch it again.",
        )
    return tensor


def check_model(config: SongBloomConfig, *files: Path) -> None:
    """Check that files hold exactly the tensors of a model; reads names and shapes only.

    Raises:
        InputError: as for `load_model`.
    """
    _matched(_empty_model(config), _stored(files), files)


def holds_autoencoder(file: Path) -> bool:
    """Whether a weights file holds the autoencoder beside the transformers.

    Raises:
        InputError: the file cannot be read.
    """
    return any(name.startswith("vae.") for name in _stored([file]))


class _Uninitialised(TorchFunctionMode):
    """Leaves tensors as they are made.

    Random numbers without storage would be useless, and for those of embeddings torch loads its compiler, for a second.
    """

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if getattr(func, "__module__", None) == "torch.nn.init":
            return kwargs["tensor"] if "tensor" in kwargs else args[0]
        return func(*args, **kwargs)


def _empty_model(config: SongBloomConfig) -> SongBloom:
    with torch.device("meta"), _Uninitialised():
        return SongBloom(config)


def _matched(model: SongBloom, stored: Mapping[str, _Stored], files: Sequence[Path]) -> dict[str, _Origin]:
    """Where each of the model's tensors comes from, once all of them are there and none is left over."""
    matched, missing, misshapen = dict[str, _Origin](), list[str](), list[str]()
    for name, wanted in model.state_dict().items():
        origin = matched[name] = _origin(name, wanted.ndim)
        if absent := [one for one in origin.names if one not in stored]:
            missing += absent
            continue
        shapes = [stored[one].shape for one in origin.names]
        expected = _released_shapes(wanted.shape, origin)
        misshapen += [
            f"{one} {list(shape)} instead of {list(right)}"
            for one, shape, right in zip(origin.names, shapes, expected, strict=True)
            if shape != right
        ]
    used = {one for origin in matched.values() for one in origin.names}
    unknown = [one for one in stored if one not in used]
    whole = [name for name, tensor in stored.items() if not tensor.floating]
    for names, problem in (
        (missing, "missing"),
        (misshapen, "of another shape"),
        (unknown, "without a place in it"),
        (whole, "of whole numbers"),
    ):
        if names:
            number = "1 tensor is" if len(names) == 1 else f"{len(names)} tensors are"
            raise InputError(
                "The checkpoint is not of the model that the YAML file beside it describes:"
                f" {number} {problem}: {', '.join(names[:3])}{', …' if len(names) > 3 else ''}.",
                file=", ".join(map(str, files)),
                cure=CURE,
            )
    return matched


def _unnormed(norm: Tensor, direction: Tensor) -> Tensor:
    """The weight of a weight norm over all axes but the first (also for transposed convolutions)."""
    weight: Tensor = direction * (norm.float() / direction.float().flatten(1).norm(dim=1)[:, None, None])
    return weight


def _put(model: nn.Module, name: str, tensor: Tensor) -> None:
    path, _, leaf = name.rpartition(".")
    owner = model.get_submodule(path)
    if leaf in owner._parameters:
        owner._parameters[leaf] = nn.Parameter(tensor)
    else:
        owner._buffers[leaf] = tensor


@dataclass(frozen=True)
class _Stored:
    """A tensor in a file: its shape, whether it holds floating-point numbers, and how to read it."""

    shape: tuple[int, ...]
    floating: bool
    read: Callable[[], Tensor]


def _stored(files: Sequence[Path]) -> dict[str, _Stored]:
    """All tensors of the files by their plain name."""
    found: dict[str, _Stored] = {}
    for file in files:
        for name, tensor in _tensors(file).items():
            plain = _plain(name)
            if _SECOND_COPY not in plain:
                found.setdefault(plain, tensor)
    return found


def _plain(name: str) -> str:
    """A tensor's name without the prefixes that differ between layouts; the autoencoder's begin with ``vae.``."""
    name = re.sub(r"^(model|vae)\.(?=.)", "", name)
    return f"vae.{name}" if name.startswith(("encoder.", "decoder.")) else name


def _tensors(file: Path) -> dict[str, _Stored]:
    try:
        if file.suffix == ".safetensors":
            return _safetensors(file)
        if file.name.endswith(INDEX):
            return {name: tensor for shard in shards_of(file) for name, tensor in _tensors(shard).items()}
        state = _torch_file(file)
    except InputError:
        raise
    except Exception as error:  # bytes that are not a checkpoint make torch's reader fail in every way there is
        raise _unreadable(file, error) from error
    return {
        name: _Stored(tuple(tensor.shape), tensor.is_floating_point(), partial(_itself, tensor))
        for name, tensor in tensors_of(state, file).items()
    }


def _safetensors(file: Path) -> dict[str, _Stored]:
    opened = safe_open(file, framework="pt")
    found = {}
    for name, plain in plain_names(opened.keys(), file).items():
        part = opened.get_slice(name)
        floating = part.get_dtype().startswith(("F", "BF"))
        found[plain] = _Stored(tuple(part.get_shape()), floating, partial(opened.get_tensor, name))
    return found


def _itself(tensor: Tensor) -> Tensor:
    return tensor


def _torch_file(file: Path) -> object:
    try:
        return torch.load(file, map_location="cpu", mmap=True, weights_only=True)
    except RuntimeError as error:
        if "mmap" not in str(error):
            raise
        return torch.load(file, map_location="cpu", weights_only=True)  # the format before torch 1.6


def _unreadable(file: Path, error: Exception) -> InputError:
    if not file.is_file():
        return InputError("There is no such checkpoint.", file=str(file), cure=CURE)
    size = file.stat().st_size
    told = str(error).strip().splitlines()
    if isinstance(error, pickle.UnpicklingError) and "Unsupported global" in str(error):
        reason = "it holds Python objects that could run code, which is never done here"
    elif isinstance(error, SafetensorError | RuntimeError | OSError) and told:
        reason = told[0][:200].rstrip(".")
    else:
        reason = f"it cannot be decoded ({type(error).__name__})"
    return InputError(
        f"The checkpoint ({size / 1e6:.1f} MB) is damaged, cut short or not a checkpoint: {reason}.",
        file=str(file),
        cure=CURE,
    )


def save_checkpoint(model: SongBloom, folder: Path) -> CheckpointFiles:
    """Write a model in the released layout: weights, YAML, vocabulary and the autoencoder's JSON.

    Args:
        model: not yet prepared for decoding.
        folder: made if it is not there.

    Returns:
        The files, ready to be loaded.

    Raises:
        InputError: it was prepared for decoding on a CPU.
    """
    config = model.config
    folder.mkdir(parents=True, exist_ok=True)
    weights = folder / f"{config.name}.safetensors"
    temporary = weights.with_suffix(".partial")
    save_file({name: tensor.contiguous().clone() for name, tensor in released_state_dict(model).items()}, temporary)
    temporary.rename(weights)
    (folder / "vocab_g2p.yaml").write_text(
        yaml.safe_dump(list(config.model.vocabulary.symbols), allow_unicode=True), encoding="utf-8"
    )
    (folder / "autoencoder.json").write_text(json.dumps(config.autoencoder.to_upstream(), indent=1) + "\n")
    settings = config.to_upstream(vocabulary="vocab_g2p.yaml", autoencoder="autoencoder.json")
    written = weights.with_suffix(".yaml")
    written.write_text(yaml.safe_dump(settings, sort_keys=False), encoding="utf-8")
    return CheckpointFiles(weights, written)
