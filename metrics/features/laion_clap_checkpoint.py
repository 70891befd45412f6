"""LAION's CLAP checkpoints in the towers of transformers: which tensor is which.

Every tensor of a checkpoint is either used or named below as one that embeddings do not need; whatever else is found,
or missing, is an error. Sizes are read off the tensors.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from metrics.features.strict_loading import load_strictly
from songbench.domain.errors import SongbenchError
from songbench.resources.cpu_imports import mend_cpu_imports

if TYPE_CHECKING:
    from torch import Tensor, nn

HEAD_WIDTH = 64
"""Of RoBERTa's attention."""

_UNUSED = re.compile(
    r"audio_branch\.(spectrogram_extractor|logmel_extractor|tscam_conv|head)\..*"  # computed here; tagging heads
    r"|audio_branch\.layers\.\d+\.blocks\.\d+\.attn_mask"  # follows from the sizes
    r"|text_branch\.embeddings\.position_ids"  # 0, 1, 2 …
    r"|(audio|text)_transform\..*|logit_scale_[at]"  # of the training objective
)

_AUDIO_NAMES = (
    (r"^bn0\.", "batch_norm."),
    (r"\.norm1\.", ".layernorm_before."),
    (r"\.norm2\.", ".layernorm_after."),
    (r"\.attn\.relative", ".attention.self.relative"),
    (r"\.attn\.proj\.", ".attention.output.dense."),
    (r"\.mlp\.fc1\.", ".intermediate.dense."),
    (r"\.mlp\.fc2\.", ".output.dense."),
)


def read_checkpoint(path: Path) -> dict[str, Tensor]:
    """The tensors of a checkpoint by LAION's names, without those that embeddings do not need.

    Training left a NumPy scalar beside them, so besides tensors exactly that is allowed to be in the file.
    """
    import numpy as np
    import torch

    scalar: Any = np.float64(0).__reduce__()[0]  # how NumPy pickles one; versions before 2 call it otherwise
    allowed: list[Any] = [scalar, (scalar, "numpy.core.multiarray.scalar"), np.dtype, np.dtypes.Float64DType]
    with torch.serialization.safe_globals(allowed):
        content = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    state = content.get("state_dict", content)
    tensors = {name.removeprefix("module."): tensor for name, tensor in state.items()}
    return {name: tensor for name, tensor in tensors.items() if not _UNUSED.fullmatch(name)}


def audio_tower(state: Mapping[str, Tensor]) -> nn.Module:
    """HTSAT with its projection, as transformers' ``ClapAudioModelWithProjection``, in evaluation mode.

    Args:
        state: as `read_checkpoint` gives it.

    Raises:
        SongbenchError: when tensors are missing or unknown, naming them.
    """
    mend_cpu_imports()
    from transformers import ClapAudioConfig, ClapAudioModelWithProjection

    _refuse_unknown(state)
    audio_state = {
        name.removeprefix("audio_branch."): tensor for name, tensor in state.items() if name.startswith("audio_branch.")
    }
    blocks = [
        re.match(r"layers\.(\d+)\.blocks\.(\d+)\.attn\.relative_position_bias_table", name) for name in audio_state
    ]
    depths: dict[int, int] = {}
    heads: dict[int, int] = {}
    for match in filter(None, blocks):
        layer = int(match[1])
        depths[layer] = depths.get(layer, 0) + 1
        heads[layer] = audio_state[match[0]].shape[1]
    width = _size(audio_state, "patch_embed.proj.weight", 0)
    build: Any = ClapAudioConfig
    config = build(
        patch_embeds_hidden_size=width,
        hidden_size=width * 2 ** (len(depths) - 1),
        depths=[depths[i] for i in sorted(depths)],
        num_attention_heads=[heads[i] for i in sorted(heads)],
        projection_dim=_size(state, "audio_projection.0.weight", 0),
        enable_fusion=False,
    )
    renamed = dict(_audio_names(audio_state)) | dict(_projection(state, "audio"))
    return _filled(ClapAudioModelWithProjection(config), renamed)


def text_tower(state: Mapping[str, Tensor]) -> nn.Module:
    """RoBERTa with its projection, as transformers' ``ClapTextModelWithProjection``, in evaluation mode.

    Args:
        state: as `read_checkpoint` gives it.

    Raises:
        SongbenchError: when tensors are missing or unknown, naming them.
    """
    mend_cpu_imports()
    from transformers import ClapTextConfig, ClapTextModelWithProjection

    _refuse_unknown(state)
    words = "text_branch.embeddings.word_embeddings.weight"
    width = _size(state, words, 1)
    layers = {match[1] for name in state if (match := re.match(r"text_branch\.encoder\.layer\.(\d+)\.", name))}
    build: Any = ClapTextConfig
    config = build(
        vocab_size=_size(state, words, 0),
        hidden_size=width,
        num_hidden_layers=len(layers),
        num_attention_heads=width // HEAD_WIDTH,
        intermediate_size=_size(state, "text_branch.encoder.layer.0.intermediate.dense.weight", 0),
        max_position_embeddings=_size(state, "text_branch.embeddings.position_embeddings.weight", 0),
        type_vocab_size=_size(state, "text_branch.embeddings.token_type_embeddings.weight", 0),
        layer_norm_eps=1e-5,  # RoBERTa's; the class has another default
        projection_dim=_size(state, "text_projection.0.weight", 0),
    )
    renamed = {
        name.replace("text_branch.", "text_model.", 1): tensor
        for name, tensor in state.items()
        if name.startswith("text_branch.")
    }
    return _filled(ClapTextModelWithProjection(config), renamed | dict(_projection(state, "text")))


def _audio_names(audio_state: Mapping[str, Tensor]) -> Iterator[tuple[str, Tensor]]:
    """Tensors under the names of transformers; a stacked weight (3 d, …) is cut into query, key and value (d, …)."""
    for name, tensor in audio_state.items():
        new = name
        for pattern, replacement in _AUDIO_NAMES:
            new = re.sub(pattern, replacement, new)
        if ".attn.qkv." in new:
            for part, piece in zip(("query", "key", "value"), tensor.chunk(3), strict=True):
                yield f"audio_model.audio_encoder.{new.replace('.attn.qkv.', f'.attention.self.{part}.')}", piece
        else:
            yield f"audio_model.audio_encoder.{new}", tensor


def _projection(state: Mapping[str, Tensor], side: str) -> Iterator[tuple[str, Tensor]]:
    """The two layers of the projection of ``audio`` or ``text``, under the names of transformers."""
    for name, tensor in state.items():
        if match := re.fullmatch(rf"{side}_projection\.([02])\.(weight|bias)", name):
            yield f"{side}_projection.linear{1 if match[1] == '0' else 2}.{match[2]}", tensor


def _size(state: Mapping[str, Tensor], name: str, axis: int) -> int:
    """The length of one axis of a tensor."""
    if name not in state:
        raise SongbenchError(f"The checkpoint of LAION-CLAP has no tensor '{name}'.")
    return int(state[name].shape[axis])


def _refuse_unknown(state: Mapping[str, Tensor]) -> None:
    prefixes = ("audio_branch.", "text_branch.", "audio_projection.", "text_projection.")
    if unknown := [name for name in state if not name.startswith(prefixes)]:
        raise SongbenchError(f"The checkpoint of LAION-CLAP has unknown tensors: {', '.join(sorted(unknown))}.")


def _filled(model: nn.Module, state: Mapping[str, Tensor]) -> nn.Module:
    """The model with these tensors, all of them and no others but positions, which are counted."""
    counted = ("text_model.embeddings.position_ids", "text_model.embeddings.token_type_ids")
    load_strictly(model, state, checkpoint="The checkpoint of LAION-CLAP", unused=counted)
    return model.eval().requires_grad_(False)
