"""CLaMP 3's encoders (Wu et al. 2025, arXiv 2502.10362): frames of MERT, and texts, as vectors of one space.

Audio goes through a BERT that sees vectors instead of words, text through an XLM-RoBERTa; each mean of the outputs goes
through a projection. Inputs of more than 128 vectors or tokens are cut into segments, of which the last one is the last
128 of the input; the vectors of the segments are averaged, weighted by how much of the input each adds. The third
encoder of the checkpoint, for sheet music, is not built.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from metrics.features.inference import exact, random_state_kept
from metrics.features.strict_loading import load_strictly
from metrics.features.xlm_roberta import UNUSED, build_text_model, load_tokenizer
from songbench.domain.errors import SongbenchError
from songbench.resources.cpu_imports import mend_cpu_imports
from songbench.resources.weights import HubSource, WeightFile, Weights

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import torch
    from torch import Tensor

    Vector = npt.NDArray[np.float32]

_FILE = (
    "weights_clamp3_saas_h_size_768_t_model_FacebookAI_xlm-roberta-base_t_length_128_a_size_768_a_layers_12"
    "_a_length_128_s_size_768_s_layers_12_p_size_64_p_length_512.pth"
)

CLAMP3 = Weights(
    name="clamp3-saas",
    version="1",
    summary="CLaMP 3, the version for audio (SAAS): vectors of music and of texts in many languages in one space.",
    licence="MIT",
    files=(
        WeightFile(
            "clamp3_saas.pth", "5033f868e3977be3945ee416b5a1718d5589a173c7ba8982231d8c94a6441d80", 2_571_027_658
        ),
    ),
    sources=(HubSource("sander-wood/clamp3", "791815a04a3a2bd9ab64cf590ba8307930c179e6", {"clamp3_saas.pth": _FILE}),),
)

MOST = 128
"""Vectors or tokens that an encoder sees at once."""

_HEAD_WIDTH = 64
_SHEET_MUSIC = ("symbolic_model.", "symbolic_proj.")


class Clamp3:
    """The two encoders.

    Args:
        state: the tensors of the checkpoint; the sizes of the audio encoder follow from them.
        text: folder with sizes and tokenizer of XLM-RoBERTa base.
        device: where to compute.

    Raises:
        SongbenchError: when tensors are missing, unknown or of another shape, naming them.
    """

    def __init__(self, state: Mapping[str, Tensor], text: Path, device: torch.device) -> None:
        self._device = device
        self._tokenizer = load_tokenizer(text)
        self._model = _model(state, text).to(device)

    def audio(self, frames: npt.NDArray[np.float32]) -> Vector:
        """The vector of a recording.

        Args:
            frames: MERT's mean of each 5 s, shape (n, 768), n > 0.

        Returns:
            Shape (768,), not of length 1.
        """
        import torch

        edge = torch.zeros(1, frames.shape[1])
        padded = torch.cat([edge, torch.from_numpy(frames), edge]).to(self._device)
        return self._vector(padded, lambda part: self._model["audio_model"](inputs_embeds=part), "audio")

    def text(self, text: str) -> Vector:
        """The vector of a text, shape (768,), not of length 1. Lines are joined as sentences, each counting once."""
        lines = list(dict.fromkeys(line for line in text.split("\n") if line))
        tokens = self._tokenizer(self._tokenizer.sep_token.join(lines), return_tensors="pt").input_ids[0]
        return self._vector(tokens.to(self._device), self._model["text_model"], "text")

    def _vector(self, inputs: Tensor, encoder: Callable[[Tensor], Any], kind: str) -> Vector:
        """The vector of a piece of audio or a text, shape (768,); inputs: states (n, width) or tokens (n,)."""
        projection = self._model[f"{kind}_proj"]
        with exact():
            parts = [
                weight * projection(encoder(inputs[start:end][None]).last_hidden_state[0].mean(dim=0))
                for start, end, weight in segments(len(inputs))
            ]
            vector: Vector = (sum(parts) / len(inputs)).cpu().numpy()
        return vector


def segments(count: int) -> Iterator[tuple[int, int, int]]:
    """First, one past the last, and weight of each segment of an input; the weights add up to `count`."""
    for start in range(0, count, MOST):
        end = min(start + MOST, count)
        yield max(0, end - MOST), end, end - start


def load_clamp3(folder: Path, text: Path, device: torch.device) -> Clamp3:
    """The encoders of a folder with the published checkpoint, which also holds the state of its training.

    Raises:
        SongbenchError: when it does not fit.
    """
    import torch

    content = torch.load(folder / CLAMP3.files[0].name, map_location="cpu", weights_only=True, mmap=True)
    return Clamp3(content["model"], text, device)


def _model(state: Mapping[str, Tensor], text: Path) -> Any:
    mend_cpu_imports()
    import torch
    from transformers import BertConfig, BertModel

    positions, projection = "audio_model.embeddings.position_embeddings.weight", "audio_proj.weight"
    if missing := [name for name in (positions, projection) if name not in state]:
        raise SongbenchError(f"The checkpoint of CLaMP 3 does not fit its model: missing: {', '.join(missing)}.")
    joint, width = state[projection].shape
    layers = {name.split(".")[3] for name in state if name.startswith("audio_model.encoder.layer.")}
    config = BertConfig(
        vocab_size=1,
        hidden_size=width,
        num_hidden_layers=len(layers),
        num_attention_heads=width // _HEAD_WIDTH,
        intermediate_size=4 * width,
        max_position_embeddings=len(state[positions]),
    )
    with random_state_kept():
        text_model: Any = build_text_model(text)
        parts: dict[str, Any] = {
            "audio_model": BertModel(config),
            "audio_proj": torch.nn.Linear(width, joint),
            "text_model": text_model,
            "text_proj": torch.nn.Linear(text_model.config.hidden_size, joint),
        }
    model = torch.nn.ModuleDict(parts)
    unused = [f"{kind}_model.{name}" for kind in ("audio", "text") for name in UNUSED]
    load_strictly(model, state, checkpoint="The checkpoint of CLaMP 3", unused=(*unused, *_SHEET_MUSIC))
    return model.eval()
