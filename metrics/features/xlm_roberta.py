"""XLM-RoBERTa base, the text model inside MuQ-MuLan and CLaMP 3: its sizes and its tokenizer, from files, not a hub.

Its weights are part of those models' own checkpoints.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from metrics.features.inference import random_state_kept
from songbench.resources.cpu_imports import mend_cpu_imports
from songbench.resources.weights import HubSource, WeightFile, Weights

if TYPE_CHECKING:
    import torch

XLM_ROBERTA = Weights(
    name="xlm-roberta-base",
    version="1",
    summary="Sizes and tokenizer of XLM-RoBERTa base, the text model inside MuQ-MuLan and CLaMP 3.",
    licence="MIT",
    files=(
        WeightFile("config.json", "d66ed8cd4f2a93b358c245e50736fa389ed4f35c0bae7aad0b32abb20c62b579", about=615),
        WeightFile(
            "tokenizer.json", "a898ea75433890f6610f4e470b8ebeb0c21dce5c8dd61f892eb09eb5919d2e2c", about=9_100_000
        ),
        WeightFile("tokenizer_config.json", "994f46754c5bf4014f1aa92d34b1374319c3a6b3f702105cd5b742beaecd18ce", 25),
    ),
    sources=(HubSource("FacebookAI/xlm-roberta-base", "e73636d4f797dec63c3081bb6ed5c7b0bb3f2089"),),
)

UNUSED = ("embeddings.position_ids", "pooler.")
"""Tensors of a checkpoint that the frames do not depend on; older versions of transformers also stored positions."""


def build_text_model(folder: Path) -> torch.nn.Module:
    """The network with weights still to be loaded."""
    mend_cpu_imports()
    from transformers import XLMRobertaConfig, XLMRobertaModel

    config = XLMRobertaConfig(**json.loads((folder / "config.json").read_text(encoding="utf-8")))
    with random_state_kept():
        model: torch.nn.Module = XLMRobertaModel(config).eval()
    return model


def load_tokenizer(folder: Path) -> Any:
    """The tokenizer, from its files alone."""
    mend_cpu_imports()
    from transformers import XLMRobertaTokenizerFast

    return XLMRobertaTokenizerFast.from_pretrained(str(folder), local_files_only=True)
