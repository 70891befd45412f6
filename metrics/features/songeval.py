"""SongEval's ratings of whole songs: MuQ up to its sixth layer, then the head.

The authors' tool takes the mean of the channels at 24 kHz, the whole song at once. So does this one, however long the
song is (`metrics.features.muq` says how memory stays bounded). Ratings are not rounded.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING

from metrics.features import models
from metrics.features.analysis_copy import at_loudness
from metrics.features.inference import exact
from metrics.features.muq import MUQ, RATE, SHORTEST_SAMPLES, hidden_state, load_muq
from metrics.features.resampling import like_librosa
from metrics.features.songeval_head import load_head
from metrics.features.strict_loading import read_tensors
from songbench.domain.audio import AudioSource
from songbench.domain.errors import SongbenchError
from songbench.domain.hashing import Json
from songbench.domain.song import Failure
from songbench.plugin import Feature
from songbench.resources.weights import UrlSource, WeightFile, Weights

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import torch

COMMIT = "f8113118221285eabcbc2882093b0956b9661446"
"""Of the authors' repository, ASLP-lab/SongEval."""

SONGEVAL = Weights(
    name="songeval",
    version="1",
    summary="SongEval's head: five ratings of a song from the frames of MuQ.",
    licence="CC BY-NC-SA 4.0 by the README, Apache-2.0 by the LICENSE file of the same repository; taken as the former",
    files=(WeightFile("model.safetensors", about=100_794_000),),
    sources=(UrlSource(f"https://raw.githubusercontent.com/ASLP-lab/SongEval/{COMMIT}/ckpt"),),
    restricted=True,
)

LAYER = 6
"""The layer whose output is the head's input."""


@dataclass(frozen=True)
class SongEvalRatings:
    """Ratings of a song (an `Extractor`).

    ``Feature.arrays["ratings"]``: float32, shape (5,), each in (1, 5), in the order of
    `metrics.features.songeval_head.AXES`. For audio shorter than 0.1 s there is no array, and
    ``Feature.data["unheard"]`` says why.

    Attributes:
        loudness: LUFS to which the audio is brought first; None: as it is.
        head: weights of the head.
        muq: weights of MuQ.
    """

    loudness: float | None = None
    head: Weights = SONGEVAL
    muq: Weights = MUQ

    @property
    def name(self) -> str:
        """Its name among features."""
        return "songeval"

    @property
    def identity(self) -> Mapping[str, Json]:
        """Weights, engine version and every setting."""
        return {
            "version": "1",
            "weights": [models.identity_of(self.muq), models.identity_of(self.head)],
            "layer": LAYER,
            "loudness": self.loudness,
            "engine": {"muq": version("muq")},
        }

    def extract(self, sources: Sequence[AudioSource]) -> Iterator[Feature | Failure]:
        """Rate each source, one after the other, as lengths differ.

        Raises:
            UnavailableError: weights are not here.
            SongbenchError: a checkpoint does not fit.
        """
        for source in sources:
            try:
                wave = like_librosa(at_loudness(source.load(), self.loudness), RATE)
            except SongbenchError as error:
                yield Failure("feature", f"songeval: {error}")
                continue
            if wave.size < SHORTEST_SAMPLES:
                yield Feature(data={"unheard": "shorter than 0.1 s"})
                continue
            yield self._rate(wave)

    def _rate(self, wave: npt.NDArray[np.float32]) -> Feature | Failure:
        """The ratings, shape (5,), of mono samples at 24 kHz, shape (n,)."""
        import torch

        muq, head = self._models()
        try:
            with exact():
                ratings = head(hidden_state(muq, torch.from_numpy(wave).to(models.device())))
        except (RuntimeError, MemoryError) as error:  # one song too long for this device must not end the others
            first = next(iter(str(error).splitlines()), "")
            return Failure("feature", f"songeval: {type(error).__name__} at {wave.size / RATE:.0f} s: {first}")
        return Feature({"ratings": ratings.cpu().numpy()})

    def _models(self) -> tuple[torch.nn.Module, torch.nn.Module]:
        folders = models.require(self.muq), models.require(self.head)

        def build() -> tuple[torch.nn.Module, torch.nn.Module]:
            muq = load_muq(folders[0], layers=LAYER)
            head = load_head(read_tensors(folders[1] / self.head.files[0].name))
            return muq.to(models.device()), head.to(models.device())

        return models.resident(("songeval", *folders), build, *folders)
