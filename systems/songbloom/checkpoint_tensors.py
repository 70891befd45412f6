"""Reading the tensors of weights files, in every layout that SongBloom's checkpoints come in.

The autoencoder is stored a second time below the prompt's conditioner in files of the first public line. Forks ship
``.safetensors``; smaller sets leave out the prefixes or the autoencoder. Training code wraps the same into
``{"model": …}`` or puts ``module.`` and ``_orig_mod.`` before the names; large files come in shards with an index.
Low-rank adapters, in a file of their own or beside the base as the fork's Lightning files have them, are merged when
a tensor is read.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from systems.checkpoints.stored_tensors import StoredTensor, tensors_in
from systems.songbloom.checkpoint_files import CURE
from systems.songbloom.lora.config import ASSUMED_ALPHA
from systems.songbloom.lora.record import LoraRecord
from systems.songbloom.lora.stored import StoredAdapter, holds_adapters, merged, separated

_SECOND_COPY = "condition_provider.conditioners.prompt_wav.tokenizer."


def stored_tensors(files: Sequence[Path], alpha: float | None = None, *, merge: bool = True) -> dict[str, StoredTensor]:
    """All tensors of the files by their plain name, with adapters merged; of several under one name the first.

    Args:
        files: a file of adapters comes before its base.
        alpha: of the adapters; None: as their file says, else what the fork assumes.
        merge: else adapters are left out.

    Raises:
        InputError: a file cannot be read, or adapters do not fit the base.
    """
    tensors: dict[str, StoredTensor] = {}
    adapters: dict[str, StoredAdapter] = {}
    for file in files:
        plain, pairs = unmerged_tensors(file, alpha)
        for name, tensor in plain.items():
            tensors.setdefault(name, tensor)
        for name, adapter in pairs.items():
            adapters.setdefault(name, adapter)
    return merged(tensors, adapters) if merge else tensors


def unmerged_tensors(
    file: Path, alpha: float | None = None
) -> tuple[dict[str, StoredTensor], dict[str, StoredAdapter]]:
    """A file's tensors by their plain name, and its adapters by the name of the linear map they belong to.

    Args:
        file: see `systems.checkpoints.stored_tensors.tensors_in`.
        alpha: as for `stored_tensors`.

    Raises:
        InputError: it cannot be read.
    """
    tensors = {_plain(name): tensor for name, tensor in tensors_in(file, CURE).items()}
    tensors = {name: tensor for name, tensor in tensors.items() if _SECOND_COPY not in name}
    if not holds_adapters(tensors):
        return tensors, {}
    record = LoraRecord.read(file)
    return separated(tensors, alpha or (record.config.alpha if record else ASSUMED_ALPHA), file)


def _plain(name: str) -> str:
    """A tensor's name without the prefixes that differ between layouts; the autoencoder's begin with ``vae.``."""
    name = re.sub(r"^(model|vae)\.(?=.)", "", name)
    return f"vae.{name}" if name.startswith(("encoder.", "decoder.")) else name


def holds_autoencoder(file: Path) -> bool:
    """Whether a weights file holds the autoencoder beside the transformers.

    Raises:
        InputError: the file cannot be read.
    """
    return any(name.startswith("vae.") for name in stored_tensors([file]))
