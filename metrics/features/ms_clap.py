"""Embeddings of 7 s windows by MS-CLAP 2023 (Elizalde et al. 2023, arXiv 2309.05767), as the package fadtk makes them.

They are fadtk's own, from its environment: what it calls ``clap-2023``.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from metrics.fadtk_environment import FADTK, SCRIPT
from metrics.features import models
from metrics.features.analysis_copy import LOUDNESS, at_loudness
from songbench.domain.audio import AudioSource, MemoryAudio
from songbench.domain.errors import SongbenchError, UnavailableError
from songbench.domain.hashing import Json
from songbench.domain.song import Failure
from songbench.plugin import Availability, Feature
from songbench.resources import needs
from songbench.resources.environments import IsolatedWorker, IsolationError, identity_of, read_array, write_wav
from songbench.resources.weights import HubSource, WeightFile, Weights

MODEL = "clap-2023"
"""As fadtk calls it."""

DIMENSIONS = 1024
WINDOW_SECONDS = 7

MS_CLAP = Weights(
    name="ms-clap-2023",
    version="1",
    summary="MS-CLAP 2023 (HTSAT and GPT-2): CLAP_weights_2023.pth.",
    licence="MIT (of MS-CLAP's code; see the page of its weights)",
    files=(WeightFile("CLAP_weights_2023.pth", about=690_000_000),),
    sources=(HubSource("microsoft/msclap", "main"),),
)

TIMEOUT_SECONDS = 3600.0
"""For one song: a window per second, each embedded alone."""


@dataclass(frozen=True)
class MsClapWindows:
    """MS-CLAP's embeddings of windows of 7 s, one per second (an `Extractor`).

    ``Feature.arrays["vectors"]``: float16 as fadtk keeps them, shape (n_windows, 1024), in time order, not brought to
    length 1. The last windows of a song are filled up with zeros.

    Attributes:
        loudness: of the analysis copy, in LUFS; None: the audio as it is. fadtk hears 16 bits, so what is beyond full
            scale afterwards is clipped.
        weights: of the model.
    """

    loudness: float | None = LOUDNESS
    weights: Weights = MS_CLAP

    @property
    def name(self) -> str:
        """Its name among features."""
        return MODEL

    @property
    def identity(self) -> Mapping[str, Json]:
        """Weights, environment and what is heard."""
        return {
            "version": "1",
            "weights": models.identity_of(self.weights),
            "environment": identity_of(FADTK),
            "loudness": self.loudness,
        }

    def availability(self) -> Availability:
        """Whether environment and weights are here; of several that are missing, the first is named."""
        requirements: tuple[needs.Need, ...] = (FADTK, self.weights)
        states = [needs.availability(requirement) for requirement in requirements]
        return next((state for state in states if not state.ready), states[0])

    def extract(self, sources: Sequence[AudioSource]) -> Iterator[Feature | Failure]:
        """One feature per source; a `Failure` for audio that cannot be decoded or embedded.

        Raises:
            UnavailableError: environment or weights are not here.
        """
        for source in sources:
            with tempfile.TemporaryDirectory(prefix="songbench-ms-clap-") as folder:
                try:
                    audio = at_loudness(source.load(), self.loudness)
                    file = write_wav(MemoryAudio(audio), Path(folder) / "song.wav")
                    windows: Any = self._worker.call("embed", file=str(file))
                except IsolationError as error:
                    yield error.failure("feature")
                    continue
                except UnavailableError:
                    raise
                except SongbenchError as error:
                    yield Failure("feature", f"{MODEL}: {error}")
                    continue
                vectors = read_array(Path(folder) / "embeddings" / MODEL / "song.npy")
                if vectors.shape != (windows, DIMENSIONS):
                    yield Failure("feature", f"{MODEL}: embeddings of shape {vectors.shape}")
                    continue
                yield Feature({"vectors": vectors}, {"packages": dict(self._worker.packages)})

    @cached_property
    def _worker(self) -> IsolatedWorker:
        settings: dict[str, Json] = {"model": MODEL, "weights": [str(models.require(self.weights))]}
        return IsolatedWorker(FADTK, SCRIPT, settings, timeout_s=TIMEOUT_SECONDS)
