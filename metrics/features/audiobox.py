"""Audiobox Aesthetics (Tjandra et al. 2025, arXiv 2502.05139): four ratings of any audio, by its package.

The package takes 16 kHz mono in windows of 10 s, side by side; the last one is filled up with zeros, which the model is
told to ignore, and counts by how much of it is audio. So does this, with the package's own model and its own resampler.

What is done otherwise:

- Windows of many songs go through the model together; the package puts all windows of its batch of songs into one pass,
  so that a long song needs memory for all of them.
- Files are decoded by libsndfile, by the package through torchcodec (ffmpeg). For wav and flac the samples are the
  same; of an mp3 the two decoders differ in rounding and may differ in the silence at its ends.
- Between rates without a common divisor of use, such as 44 101 and 16 000 Hz, soxr resamples.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from metrics.features import models
from metrics.features.analysis_copy import at_loudness
from metrics.features.batches import in_batches
from metrics.features.inference import exact, random_state_kept
from metrics.features.resampling import like_torchaudio
from metrics.features.strict_loading import load_strictly, read_tensors
from songbench.domain.audio import AudioSource
from songbench.domain.errors import SongbenchError
from songbench.domain.hashing import Json
from songbench.domain.song import Failure
from songbench.plugin import Feature
from songbench.resources.cpu_imports import mend_cpu_imports
from songbench.resources.weights import HubSource, WeightFile, Weights

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Wave = npt.NDArray[np.float32]
    Ratings = npt.NDArray[np.float32]

AUDIOBOX = Weights(
    name="audiobox-aesthetics",
    version="1",
    summary="Audiobox Aesthetics: ratings of enjoyment, usefulness, complexity and quality of any audio.",
    licence="CC BY 4.0 (Meta)",
    files=(WeightFile("config.json", about=492), WeightFile("model.safetensors", about=415_472_992)),
    sources=(HubSource("facebook/audiobox-aesthetics", "9b1dd8e5df9af7216e836a98974fe3b82c56ded6"),),
)

AXES = ("CE", "CU", "PC", "PQ")
"""Content enjoyment, content usefulness, production complexity, production quality: the package's order."""

RATE = 16_000
WINDOW = 10 * RATE
"""Samples of a window."""

BATCH = 8
"""Windows that go through the model together."""


@dataclass(frozen=True)
class AudioboxRatings:
    """Ratings of the windows of a piece of audio (an `Extractor`).

    Feature:
        ``ratings``: float32, shape (windows, 4), in the order of `AXES`.
        ``lengths``: int64, shape (windows,), samples of audio in each window.

    Attributes:
        loudness: LUFS to which the audio is brought first; None: as it is.
        batch: windows that go through the model together; not part of the identity, as it does not change ratings.
        weights: the model.
    """

    loudness: float | None = None
    batch: int = BATCH
    weights: Weights = AUDIOBOX

    @property
    def name(self) -> str:
        """Its name among features."""
        return "audiobox"

    @property
    def identity(self) -> Mapping[str, Json]:
        """Weights, engine version and every setting."""
        return {
            "version": "1",
            "weights": models.identity_of(self.weights),
            "window": WINDOW,
            "loudness": self.loudness,
            "engine": {"audiobox-aesthetics": version("audiobox-aesthetics")},
        }

    def extract(self, sources: Sequence[AudioSource]) -> Iterator[Feature | Failure]:
        """One feature per source, the windows of all in common batches.

        Raises:
            UnavailableError: the weights are not here.
            SongbenchError: the checkpoint does not fit.
        """
        return in_batches(map(self._work, sources), self._rate, self.batch)

    def _work(self, source: AudioSource) -> _Audio | Failure:
        try:
            return _Audio(like_torchaudio(at_loudness(source.load(), self.loudness), RATE))
        except SongbenchError as error:
            return Failure("feature", f"audiobox: {error}")

    def _rate(self, windows: Sequence[Wave]) -> Sequence[Ratings]:
        """The ratings, shape (4,) each in the order of `AXES`, of windows of shape (n,), n <= `WINDOW`."""
        import numpy as np
        import torch

        waves = torch.zeros(len(windows), 1, WINDOW)
        mask = torch.zeros(len(windows), 1, WINDOW, dtype=torch.bool)
        for i, window in enumerate(windows):
            waves[i, 0, : window.size] = torch.from_numpy(window)
            mask[i, 0, : window.size] = True
        folder = models.require(self.weights)
        model = models.resident(("audiobox", folder), lambda: _load(folder), folder)
        with exact():
            outputs = model({"wav": waves.to(models.device()), "mask": mask.to(models.device())})
            scales = [model.target_transform[axis] for axis in AXES]
            ratings = [outputs[axis] * scale["std"] + scale["mean"] for axis, scale in zip(AXES, scales, strict=True)]
        return list(np.stack([rating.cpu().numpy() for rating in ratings], axis=1))


@dataclass
class _Audio:
    """A piece of audio on its way through the model (a `Work`)."""

    wave: Wave
    ratings: list[Ratings] = field(default_factory=list)

    def pieces(self) -> Iterator[Wave]:
        """The windows, side by side, shape (n,) each, n <= `WINDOW`."""
        for start in range(0, self.wave.size, WINDOW):
            yield self.wave[start : start + WINDOW]

    def take(self, answer: Ratings) -> None:
        """The ratings of the next window, shape (4,)."""
        self.ratings.append(answer)

    def result(self) -> Feature:
        import numpy as np

        return Feature({"ratings": np.stack(self.ratings), "lengths": np.array([one.size for one in self.pieces()])})


def _load(folder: Path) -> Any:
    mend_cpu_imports()
    from audiobox_aesthetics.model.aes import AesMultiOutput

    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    with random_state_kept():
        model = AesMultiOutput(**config)
    load_strictly(model, read_tensors(folder / "model.safetensors"), checkpoint="The checkpoint of Audiobox Aesthetics")
    return model.to(models.device()).eval()
