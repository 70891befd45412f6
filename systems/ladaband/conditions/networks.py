"""Published checkpoints in transformers' own networks, loaded whole or not at all; no code of a checkpoint is run.

CLaMP 3 is a BERT that sees vectors, an XLM-RoBERTa and a projection behind each. Its third encoder, for sheet music, is
not built. MERT, which makes the vectors, is in `systems.music_encoders.mert`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from torch import nn

from songbench.domain.errors import SongbenchError
from songbench.resources.cpu_imports import mend_cpu_imports
from systems.checkpoints.strict_loading import fill_strictly, random_state_kept

_CLAMP3_FILE = "clamp3_saas.pth"
_HEAD_WIDTH = 64


def load_clamp3(folder: Path, text: Path) -> nn.ModuleDict:
    """CLaMP 3: ``text_model``, ``text_proj``, ``audio_model`` and ``audio_proj``.

    Args:
        folder: with the published checkpoint, which also holds the state of its training.
        text: with sizes and tokenizer of XLM-RoBERTa base.

    Raises:
        SongbenchError: when tensors are missing, unknown, of another shape or not finite.
    """
    mend_cpu_imports()
    from transformers import BertConfig, BertModel, XLMRobertaConfig, XLMRobertaModel

    content = torch.load(folder / _CLAMP3_FILE, map_location="cpu", weights_only=True, mmap=True)
    state = content["model"]
    positions, projection = "audio_model.embeddings.position_embeddings.weight", "audio_proj.weight"
    if absent := [name for name in (positions, projection) if name not in state]:
        raise SongbenchError(f"The checkpoint of CLaMP 3 does not fit its model: missing: {', '.join(absent)}.")
    joint, width = state[projection].shape
    audio = BertConfig(
        vocab_size=1,
        hidden_size=width,
        num_hidden_layers=len({name.split(".")[3] for name in state if name.startswith("audio_model.encoder.layer.")}),
        num_attention_heads=width // _HEAD_WIDTH,
        intermediate_size=4 * width,
        max_position_embeddings=len(state[positions]),
    )
    words = XLMRobertaConfig(**json.loads((text / "config.json").read_text(encoding="utf-8")))
    with random_state_kept():
        model = nn.ModuleDict(
            {
                "audio_model": BertModel(audio),
                "audio_proj": nn.Linear(width, joint),
                "text_model": XLMRobertaModel(words),
                "text_proj": nn.Linear(words.hidden_size, joint),
            }
        )
    pooler_and_positions = tuple(
        f"{kind}_model.{name}" for kind in ("audio", "text") for name in ("pooler.", "embeddings.position_ids")
    )
    sheet_music = ("symbolic_model.", "symbolic_proj.")
    fill_strictly(model, state, "The checkpoint of CLaMP 3", unused=(*pooler_and_positions, *sheet_music))
    return model.eval().requires_grad_(False)


def load_tokenizer(folder: Path) -> Any:
    """XLM-RoBERTa's tokenizer, from its files alone."""
    mend_cpu_imports()
    from transformers import XLMRobertaTokenizerFast

    return XLMRobertaTokenizerFast.from_pretrained(str(folder), local_files_only=True)
