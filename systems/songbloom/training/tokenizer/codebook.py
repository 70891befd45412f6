"""A codebook: vectors, of which the nearest to a frame's features is its token."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from songbench.domain.audio import Audio
from songbench.domain.errors import InputError
from songbench.domain.hashing import bytes_digest, content_key
from songbench.resources.files import whole_path
from systems.songbloom.training.tokenizer.contract import SketchFeatures
from systems.songbloom.training.tokenizer.features import KINDS, features_named

FORMAT = "songbench sketch codebook 1"
WEIGHT = "codebook.weight"
"""The one tensor of a file, (codes, width)."""

_FRAMES_AT_ONCE = 1024


def nearest_rows(vectors: Tensor, codebook: Tensor) -> tuple[Tensor, Tensor]:
    """The nearest row of a codebook by Euclidean distance; of equally near ones the first.

    Args:
        vectors: (frames, width).
        codebook: (codes, width), on the same device.

    Returns:
        Rows, int64, (frames,), and the squared distances to them, (frames,).
    """
    norms = codebook.square().sum(dim=1)
    rows, distances = [], []
    for part in vectors.split(_FRAMES_AT_ONCE):
        nearest = (norms - 2 * part @ codebook.T).min(dim=1)
        rows.append(nearest.indices)
        distances.append((nearest.values + part.square().sum(dim=1)).clamp(min=0))
    return torch.cat(rows), torch.cat(distances)


@dataclass(frozen=True, eq=False)
class CodebookTokenizer:
    """Features and a codebook (a `systems.songbloom.training.tokenizer.contract.SketchTokenizer`).

    Attributes:
        features: what the codebook was trained on.
        codebook: float32, (codes, width).
        device: where distances are computed.
    """

    features: SketchFeatures
    codebook: Tensor
    device: str = "cpu"

    def __post_init__(self) -> None:
        """Refuse a codebook of other features, or of none."""
        if self.codebook.ndim != 2 or len(self.codebook) < 1 or self.codebook.shape[1] != self.features.width:
            raise InputError(
                f"A codebook of shape {tuple(self.codebook.shape)} does not fit the features '{self.features.name}',"
                f" which have {self.features.width} numbers a frame."
            )
        if not bool(torch.isfinite(self.codebook).all()):
            raise InputError("The codebook holds numbers that are none (NaN or infinity).")

    @property
    def name(self) -> str:
        """Features and number of codes."""
        return f"{self.features.name}, {self.vocabulary} codes"

    @cached_property
    def digest(self) -> str:
        """Of the features' identity and the codebook's numbers."""
        return content_key("sketch tokenizer", self.features.identity, bytes_digest(self.codebook.numpy().tobytes()))

    @property
    def vocabulary(self) -> int:
        """Number of codes."""
        return len(self.codebook)

    @cached_property
    def _device_codebook(self) -> Tensor:
        return self.codebook.to(self.device)

    def tokens(self, audio: Audio, frames: int) -> Tensor:
        """See `systems.songbloom.training.tokenizer.contract.SketchTokenizer.tokens`."""
        return nearest_rows(self.features.vectors(audio, frames).to(self.device), self._device_codebook)[0].cpu()

    def save(self, path: Path, facts: Mapping[str, str] | None = None) -> None:
        """Write the codebook atomically; `load_tokenizer` reads it.

        Args:
            path: ends in ``.safetensors``.
            facts: how it was trained, for people.
        """
        metadata = {"format": FORMAT, "features": self.features.name, **(facts or {})}
        with whole_path(path) as scratch:
            save_file({WEIGHT: self.codebook.contiguous()}, scratch, metadata)


def load_tokenizer(path: Path, features: str | None = None, device: str = "cpu") -> CodebookTokenizer:
    """The tokenizer of a codebook file.

    Args:
        path: a safetensors file with the tensor ``codebook.weight``.
        features: their name, for files of other projects, which do not say it.
        device: where features and distances are computed.

    Raises:
        InputError: the file cannot be read or does not fit the features; nothing says what they are.
        UnavailableError: the weights of the features' model are not here.
    """
    cure = "'songbench train tokenizer' makes such files."
    if not path.is_file():
        raise InputError("There is no such codebook.", file=str(path), cure=cure)
    try:
        with safe_open(path, framework="pt") as file:
            metadata, names = file.metadata() or {}, list(file.keys())
            if names != [WEIGHT]:
                raise InputError(f"The file holds {', '.join(names[:4])}, not '{WEIGHT}' alone.", cure=cure)
            codebook = file.get_tensor(WEIGHT).float()
    except (SafetensorError, OSError) as error:
        raise InputError(f"The codebook cannot be read ({error}).", file=str(path), cure=cure) from None
    except InputError as error:
        raise error.located(file=str(path)) from None
    recorded = metadata.get("features")
    if features and recorded and features != recorded:
        raise InputError(f"The codebook is of the features '{recorded}', not '{features}'.", file=str(path))
    if not (name := features or recorded):
        raise InputError(
            "The file does not say which features its codebook is of.",
            file=str(path),
            cure=f"Name them with --features ({', '.join(KINDS)}).",
        )
    try:
        return CodebookTokenizer(features_named(name, device), codebook, device)
    except InputError as error:
        raise error.located(file=str(path)) from None
