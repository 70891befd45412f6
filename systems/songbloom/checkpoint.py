"""Checkpoints: the names and shapes of the released files, loading them and saving in the same layout.

A released ``.pt`` is a flat state dict with two children, ``model.`` and ``vae.vae.``; files of the first public line
hold the autoencoder a second time below the prompt's conditioner. Forks ship the same as ``.safetensors``, and
smaller sets leave out the prefixes or the autoencoder (which then lies in a file of its own). All of these are read.
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

import torch
import yaml
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from songbench.domain.errors import InputError
from systems.songbloom.config import SongBloomConfig, companion, read_config
from systems.songbloom.model import SongBloom

SUFFIXES = (".safetensors", ".pt", ".ckpt", ".pth")
"""What a checkpoint's file name can end in."""

_SECOND_COPY = "condition_provider.conditioners.prompt_wav.tokenizer."
_CURE = "Fetch it again ('songbench setup songbloom' for the released ones), or name another checkpoint."

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
    """
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


def load_model(config: SongBloomConfig, *files: Path, dtype: torch.dtype | None = None) -> SongBloom:
    """Build a model and fill it from checkpoint files, memory-mapped, so that nothing is held twice.

    Args:
        config: the sizes.
        files: checkpoints in any of the layouts this module's text names; a tensor is taken from the first that has it.
        dtype: of the transformers; None: as stored. The autoencoder is always float32.

    Raises:
        InputError: a file cannot be read, or its tensors are not those of this model (missing, unknown, other shapes).
    """
    model = _empty_model(config)
    stored = _stored(files)
    for name, origin in _matched(model, stored, files).items():
        parts = [stored[one].read() for one in origin.names]
        tensor = _unnormed(*parts) if origin.weight_norm else torch.cat(parts) if len(parts) > 1 else parts[0]
        _put(model, name, tensor.to(torch.float32 if name.startswith("autoencoder.") else dtype or tensor.dtype))
    return model


def check_model(config: SongBloomConfig, *files: Path) -> None:
    """Check that files hold exactly the tensors of a model; reads names and shapes only.

    Raises:
        InputError: as for `load_model`.
    """
    _matched(_empty_model(config), _stored(files), files)


def _empty_model(config: SongBloomConfig) -> SongBloom:
    with torch.device("meta"):
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
        expected = [tuple(part.shape) for part in _released_parts(wanted, origin)]
        misshapen += [
            f"{one} {list(shape)} instead of {list(right)}"
            for one, shape, right in zip(origin.names, shapes, expected, strict=True)
            if shape != right
        ]
    used = {one for origin in matched.values() for one in origin.names}
    unknown = [one for one in stored if one not in used]
    for names, problem in (
        (missing, "are missing"),
        (misshapen, "have other shapes"),
        (unknown, "have no place in it"),
    ):
        if names:
            raise InputError(
                "The checkpoint is not of the model that the YAML file beside it describes:"
                f" {len(names)} tensors {problem}, such as {', '.join(names[:3])}.",
                file=", ".join(map(str, files)),
                cure=_CURE,
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
    """A tensor in a file: its shape, and how to read it."""

    shape: tuple[int, ...]
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
            opened = safe_open(file, framework="pt")
            names = opened.keys()
            return {
                name: _Stored(tuple(opened.get_slice(name).get_shape()), partial(opened.get_tensor, name))
                for name in names
            }
        state: Mapping[str, object] = _torch_file(file)
    except (SafetensorError, RuntimeError, pickle.UnpicklingError, EOFError, ValueError, OSError) as error:
        raise _unreadable(file, error) from error
    tensors = state.get("state_dict", state)
    if not isinstance(tensors, Mapping) or not all(isinstance(one, Tensor) for one in tensors.values()):
        raise InputError("It holds something other than named tensors.", file=str(file), cure=_CURE)
    return {name: _Stored(tuple(tensor.shape), partial(_itself, tensor)) for name, tensor in tensors.items()}


def _itself(tensor: Tensor) -> Tensor:
    return tensor


def _torch_file(file: Path) -> dict[str, object]:
    try:
        state = torch.load(file, map_location="cpu", mmap=True, weights_only=True)
    except RuntimeError as error:
        if "mmap" not in str(error):
            raise
        state = torch.load(file, map_location="cpu", weights_only=True)  # the format before torch 1.6
    if not isinstance(state, dict):
        raise ValueError("it holds no state dict")
    return state


def _unreadable(file: Path, error: Exception) -> InputError:
    if not file.is_file():
        return InputError("There is no such checkpoint.", file=str(file), cure=_CURE)
    size = file.stat().st_size
    reason = str(error).strip().splitlines()[0][:200] if str(error).strip() else type(error).__name__
    return InputError(
        f"The checkpoint ({size / 1e6:.1f} MB) is damaged, cut short or not a checkpoint: {reason}.",
        file=str(file),
        cure=_CURE,
    )


@dataclass(frozen=True)
class CheckpointFiles:
    """The files that make up a checkpoint on this machine.

    Attributes:
        weights: the transformers, and mostly the autoencoder.
        config: the YAML file.
        folders: where the files that the YAML names may lie.
    """

    weights: Path
    config: Path
    folders: tuple[Path, ...] = ()

    @classmethod
    def find(cls, path: Path, *folders: Path) -> CheckpointFiles:
        """The checkpoint a user means by a folder, a weights file or a YAML file.

        Raises:
            InputError: nothing is there, or a folder holds several.
        """
        if path.is_dir():
            found = sorted(
                one for one in path.iterdir() if one.suffix in SUFFIXES and one.with_suffix(".yaml").is_file()
            )
            if len(found) != 1:
                there = ", ".join(one.name for one in found) or "none"
                raise InputError(
                    f"A checkpoint is a weights file with a YAML file of the same name; in this folder: {there}.",
                    file=str(path),
                    cure="Name the weights file itself." if found else _CURE,
                )
            path = found[0]
        if path.suffix in (".yaml", ".yml"):
            beside = [path.with_suffix(suffix) for suffix in SUFFIXES]
            path = next((one for one in beside if one.is_file()), beside[0])
        if not path.is_file():
            raise InputError("There is no such checkpoint.", file=str(path), cure=_CURE)
        config = path.with_suffix(".yaml")
        if not config.is_file():
            raise InputError(
                "The checkpoint's YAML file is missing, so its sizes are unknown.",
                file=str(config),
                cure="Put it beside the weights under the same name.",
            )
        return cls(path, config, folders)

    def read_config(self) -> SongBloomConfig:
        """The sizes and settings.

        Raises:
            InputError: see `systems.songbloom.config.read_config`.
        """
        return read_config(self.config, self.folders)

    def check(self) -> SongBloomConfig:
        """Check everything that can be checked without reading the weights themselves.

        Raises:
            InputError: see `check_model`.
        """
        config = self.read_config()
        check_model(config, self.weights, *self._autoencoder())
        return config

    def load(self, dtype: torch.dtype | None = None) -> SongBloom:
        """The model, on the CPU.

        Raises:
            InputError: see `load_model`.
        """
        return load_model(self.read_config(), self.weights, *self._autoencoder(), dtype=dtype)

    def _autoencoder(self) -> tuple[Path, ...]:
        decoded = yaml.safe_load(self.config.read_text(encoding="utf-8"))
        named = str((decoded.get("vae") or {}).get("vae_ckpt") or "")
        path = companion(named.removesuffix("}"), (self.config.parent, *self.folders)) if named else None
        return (path,) if path and path.is_file() else ()


def save_checkpoint(model: SongBloom, folder: Path) -> CheckpointFiles:
    """Write a model in the released layout: weights, YAML, vocabulary and the autoencoder's JSON.

    Args:
        model: not yet prepared for decoding.
        folder: made if it is not there.

    Returns:
        The files, ready to be loaded.
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
