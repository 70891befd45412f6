"""Loading MuQ's released files; its package is not needed."""

from __future__ import annotations

import json
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file

from songbench.domain.errors import SongbenchError
from songbench.resources.tensors import tensors_of
from systems.checkpoints.strict_loading import fill_strictly, random_state_kept
from systems.music_encoders.muq import MuqEncoder
from systems.music_encoders.muq_sizes import MuqSizes

_PREFIX = "model."
UNUSED_TENSORS = (
    "linear.",
    "cls_token",
    "mask_emb",
    "rvq.",
    "quantizer_",
    "recon_proj.",
    "preprocessor_melspec_2048.",
    "conformer.pos_conv_embed.",
    "conformer.embed_positions.",
)
"""Heads and targets of training, and what is computed here."""


def read_muq_sizes(folder: Path) -> MuqSizes:
    """The sizes of the MuQ whose ``config.json`` is in a folder.

    Raises:
        SongbenchError: it is of a model that works otherwise.
    """
    return MuqSizes.of(json.loads((folder / "config.json").read_text(encoding="utf-8")))


def load_muq(folder: Path, layer: int) -> MuqEncoder:
    """MuQ up to one of its hidden states, from ``config.json`` and ``model.safetensors``.

    Args:
        folder: with both files.
        layer: 0, what enters the conformer, to the number of its layers.

    Raises:
        SongbenchError: when the files are of a model that works otherwise or cannot be read, or tensors are missing,
            unknown, of another shape or not finite.
    """
    sizes = read_muq_sizes(folder)
    try:
        state = tensors_of(load_file(folder / "model.safetensors"))
    except SafetensorError as error:
        raise SongbenchError(f"The checkpoint of MuQ cannot be read ({error}).") from None
    later = tuple(f"conformer.layers.{number}." for number in range(layer, sizes.layers))
    if layer < sizes.layers:
        later += ("conformer.layer_norm.",)
    with random_state_kept():
        encoder = MuqEncoder(sizes, layer)
    tensors = {name.removeprefix(_PREFIX): tensor for name, tensor in state.items() if name.startswith(_PREFIX)}
    fill_strictly(encoder, tensors, "The checkpoint of MuQ", unused=(*UNUSED_TENSORS, *later))
    return encoder.eval().requires_grad_(False)
