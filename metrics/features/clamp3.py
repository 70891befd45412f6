"""CLaMP 3's vectors of recordings and texts, from MERT's frames on.

As in the authors' scripts: the mean of the channels at 24 kHz, resampled as torchaudio does, is brought to zero mean
and unit variance over the whole song and cut into 5 s, a rest of less than 1 s is dropped, and each piece becomes the
mean over MERT-v1-95M's 13 hidden states and its frames. Nothing of a long song is left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from metrics.features import models
from metrics.features.clamp3_encoder import CLAMP3, Clamp3, load_clamp3
from metrics.features.mert import LAYERS, MERT_95M, RATE, resident_mert
from metrics.features.resampling import like_torchaudio
from metrics.features.xlm_roberta import XLM_ROBERTA
from songbench.domain.audio import AudioSource
from songbench.domain.errors import SongbenchError
from songbench.domain.hashing import Json
from songbench.domain.song import Failure
from songbench.plugin import Feature
from songbench.resources.weights import Weights

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Wave = npt.NDArray[np.float32]
    Vector = npt.NDArray[np.float32]

PIECE = 5 * RATE
"""Samples that become one frame."""

SHORTEST = RATE
"""Samples of a last piece that is kept."""


@dataclass(frozen=True)
class Clamp3Vectors:
    """CLaMP 3's vector of a piece of audio (an `Extractor`).

    ``Feature.arrays["vectors"]``: float32, shape (1, 768), of length 1. For audio shorter than 1 s there is no array,
    and ``Feature.data["unheard"]`` says why; ``Feature.data["silent"]`` says whether no sample is above -80 dB of full
    scale.

    Attributes:
        weights: CLaMP 3's.
        mert: those of the audio encoder.
        text: sizes and tokenizer of the text encoder.
    """

    weights: Weights = CLAMP3
    mert: Weights = MERT_95M
    text: Weights = XLM_ROBERTA

    @property
    def name(self) -> str:
        """Its name among features."""
        return "clamp3"

    @property
    def needs(self) -> tuple[Weights, ...]:
        """All weights it reads."""
        return (self.weights, self.mert, self.text)

    @property
    def identity(self) -> Mapping[str, Json]:
        """Weights and pieces."""
        return {
            "version": "1",
            "weights": [models.identity_of(weights) for weights in (self.weights, self.mert)],
            "piece": [PIECE, SHORTEST],
        }

    def extract(self, sources: Sequence[AudioSource]) -> Iterator[Feature | Failure]:
        """One feature per source: MERT hears all of them before CLaMP 3 takes its place in memory.

        Raises:
            UnavailableError: weights are not here.
            SongbenchError: a checkpoint does not fit.
        """
        import numpy as np

        inputs = [self._frames(source) for source in sources]
        for states in inputs:
            if isinstance(states, Feature | Failure):
                yield states
            else:
                frames, silent = states
                yield Feature({"vectors": _unit(self._encoders().audio(frames))[np.newaxis]}, {"silent": silent})

    def texts(self, texts: Sequence[str]) -> list[Vector]:
        """The vector of each text, shape (768,), of length 1.

        Raises:
            UnavailableError: weights are not here.
            SongbenchError: a checkpoint does not fit.
        """
        return [_unit(self._encoders().text(text)) for text in texts]

    def _frames(self, source: AudioSource) -> tuple[npt.NDArray[np.float32], bool] | Feature | Failure:
        """MERT's mean state of each 5 s, shape (n, 768), and whether the audio is silent; or why there is none."""
        import numpy as np

        from metrics.features.mert_network import standardised

        try:
            wave = like_torchaudio(source.load(), RATE)
        except SongbenchError as error:
            return Failure("feature", f"clamp3: {error}")
        if wave.size < SHORTEST:
            return Feature(data={"unheard": "shorter than 1 s"})
        folder = models.require(self.mert)
        mert = resident_mert(folder, LAYERS)
        parts = [mert.mean_state(piece).cpu().numpy() for piece in pieces(standardised(wave))]
        return np.stack(parts), bool(np.abs(wave).max() < 1e-4)

    def _encoders(self) -> Clamp3:
        folders = models.require(self.weights), models.require(self.text)
        return models.resident(("clamp3", *folders), lambda: load_clamp3(*folders, models.device()), *folders)


def pieces(wave: Wave) -> Iterator[Wave]:
    """Pieces of 5 s; a last one of less than 1 s is dropped.

    Args:
        wave: mono at 24 kHz, shape (n,), at least 1 s.
    """
    for start in range(0, wave.size, PIECE):
        if wave.size - start >= SHORTEST:
            yield wave[start : start + PIECE]


def _unit(vector: Vector) -> Vector:
    """A vector of shape (d,), brought to length 1."""
    import numpy as np

    unit: Vector = vector / np.linalg.norm(vector)
    return unit
