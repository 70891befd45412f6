"""Published checkpoints in transformers' own networks, loaded whole or not at all; no code of a checkpoint is run.

MERT-v1-95M is a HuBERT of base size (its own switches are all off in the published configuration), CLaMP 3 is a BERT
that sees vectors, an XLM-RoBERTa and a projection behind each. Its third encoder, for sheet music, is not built.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from songbench.domain.errors import SongbenchError
from songbench.resources.cpu_imports import mend_cpu_imports
from songbench.resources.tensors import refuse_non_finite, tensors_of

if TYPE_CHECKING:
    from transformers import HubertModel

MERT_RATE = 24_000
"""Samples per second that MERT was trained on."""

_CLAMP3_FILE, _MERT_FILE = "clamp3_saas.pth", "pytorch_model.bin"
_HEAD_WIDTH = 64
_NAMED = 8

_MERT_SWITCHES: Mapping[str, Any] = {
    "feature_extractor_cqt": False,
    "deepnorm": False,
    "attention_relax": -1.0,
    "do_stable_layer_norm": False,
    "feat_extract_norm": "group",
}
"""Settings under which MERT is a plain HuBERT; those that a configuration leaves out have these values."""


def load_mert(folder: Path) -> HubertModel:
    """MERT, from ``pytorch_model.bin``, ``config.json`` and ``preprocessor_config.json``.

    Raises:
        SongbenchError: when the files are of a model that works otherwise, or tensors are missing, unknown, of another
            shape or not finite.
    """
    mend_cpu_imports()
    from transformers import HubertConfig, HubertModel

    preparation = json.loads((folder / "preprocessor_config.json").read_text(encoding="utf-8"))
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    for values, expected in (
        (preparation, {"do_normalize": True, "sampling_rate": MERT_RATE}),
        (config, _MERT_SWITCHES),
    ):
        for key, value in expected.items():
            if values.get(key, value) != value:
                raise SongbenchError(f"This MERT has {key} = {values[key]!r}; only {value!r} is supported.")
    sizes = {key: value for key, value in config.items() if key not in ("auto_map", "architectures", "model_type")}
    with _random_state_kept():
        model: HubertModel = HubertModel(HubertConfig(**sizes)).eval()
    state = tensors_of(torch.load(folder / _MERT_FILE, map_location="cpu", weights_only=True, mmap=True))
    _fill(model, state, "The checkpoint of MERT", unused=("masked_spec_embed",))
    model.requires_grad_(False)
    return model


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
    with _random_state_kept():
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
    _fill(model, state, "The checkpoint of CLaMP 3", unused=(*pooler_and_positions, *sheet_music))
    return model.eval().requires_grad_(False)


def load_tokenizer(folder: Path) -> Any:
    """XLM-RoBERTa's tokenizer, from its files alone."""
    mend_cpu_imports()
    from transformers import XLMRobertaTokenizerFast

    return XLMRobertaTokenizerFast.from_pretrained(str(folder), local_files_only=True)


def _fill(model: nn.Module, state: Mapping[str, Tensor], checkpoint: str, unused: tuple[str, ...]) -> None:
    """Load tensors, all of which must fit; names that begin like `unused` may be there or not.

    Raises:
        SongbenchError: naming the tensors that are missing, unknown, of another shape or not finite.
    """
    tensors = {name: tensor for name, tensor in state.items() if not name.startswith(unused)}
    refuse_non_finite(tensors, checkpoint)
    try:
        missing, unknown = model.load_state_dict(tensors, strict=False)
    except RuntimeError as error:  # torch's word for another shape
        raise SongbenchError(f"{checkpoint} does not fit its model: {str(error).splitlines()[-1].strip()}") from None
    absent = [name for name in missing if not name.startswith(unused)]
    for kind, names in (("missing", absent), ("unknown", list(unknown))):
        if names:
            more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
            listing = ", ".join(sorted(names)[:_NAMED]) + more
            raise SongbenchError(f"{checkpoint} does not fit its model: {kind}: {listing}.")


@contextmanager
def _random_state_kept() -> Iterator[None]:
    """Put torch's random state back afterwards: building a model draws its first weights."""
    with torch.random.fork_rng(devices=[]):
        yield
