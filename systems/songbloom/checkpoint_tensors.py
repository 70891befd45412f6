"""Reading the tensors of weights files, in every layout that SongBloom's checkpoints come in.

The autoencoder is stored a second time below the prompt's conditioner in files of the first public line. Forks ship
``.safetensors``; smaller sets leave out the prefixes or the autoencoder. Training code wraps the same into
``{"model": …}`` or puts ``module.`` and ``_orig_mod.`` before the names; large files come in shards with an index.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from systems.checkpoints.stored_tensors import StoredTensor, tensors_in
from systems.songbloom.checkpoint_files import CURE

_SECOND_COPY = "condition_provider.conditioners.prompt_wav.tokenizer."


def stored_tensors(files: Sequence[Path]) -> dict[str, StoredTensor]:
    """All tensors of the files by their plain name; of several under one name the first.

    Raises:
        InputError: a file cannot be read.
    """
    tensors: dict[str, StoredTensor] = {}
    for file in files:
        for name, tensor in tensors_in(file, CURE).items():
            plain = _plain(name)
            if _SECOND_COPY not in plain:
                tensors.setdefault(plain, tensor)
    return tensors


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
