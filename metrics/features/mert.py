"""Frame embeddings of MERT-v1-95M, the model most FAD figures of song generators rest on, as sums per song.

A song of 4 minutes has 18,000 frames of 768 numbers. They are not kept: what a Fréchet distance needs of them are their
number, sum and outer products, kept in float64, and for kernel distances the mean of each second (as kadtk pools them).

The model takes the mono mean at 24 kHz, the whole song at once, as it does in fadtk, which also stops after 6 minutes.
The signal is brought to zero mean and unit variance first (that is part of the model), so that its level means nothing;
the analysis copy at one loudness, which distances between sets take, changes rounding only.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from metrics.features import models
from metrics.features.analysis_copy import LOUDNESS, at_loudness
from metrics.features.inference import exact
from songbench.domain.audio import Audio, AudioSource
from songbench.domain.errors import InputError, SongbenchError
from songbench.domain.hashing import Json
from songbench.domain.song import Failure
from songbench.plugin import Availability, Feature
from songbench.resources.tensors import refuse_non_finite
from songbench.resources.weights import HubSource, WeightFile, Weights
from songbench.resources.weights import availability as weights_availability

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from metrics.features.mert_network import Mert

RATE = 24_000
FRAMES_PER_SECOND = 75
LAYERS = 12
LIMIT_SECONDS = 360
"""As much of a song as fadtk gives MERT; attention grows with the square of the length."""

MERT_95M = Weights(
    name="mert-v1-95m",
    version="1",
    summary="MERT-v1-95M, a self-supervised music encoder of 95 million parameters (Li et al. 2023).",
    licence="CC BY-NC 4.0",
    files=(
        WeightFile("pytorch_model.bin", about=377_600_000),
        WeightFile("config.json", about=2_000),
        WeightFile("preprocessor_config.json", about=300),
    ),
    sources=(HubSource("m-a-p/MERT-v1-95M", "12af15fef9d0ac838c3f475bfbbf26d2060dd4f5"),),
    restricted=True,
)


@dataclass(frozen=True)
class MertEmbedding:
    """The frames of one of MERT's hidden states, summed up (an `Extractor`).

    Feature:
        ``frames``: an integer, how many frames there are, 75 per second.
        ``total``: float64, shape (768,), the sum of the frames.
        ``outer``: float64, shape (768 * 769 / 2,), the upper triangle, row by row, of the sum of their outer products.
        ``seconds``: float32, shape (n_seconds, 768), the mean of each 75 frames; the last of what is left.
        ``cut`` (data): whether the song went on after the 6 minutes that are embedded.
        ``silent`` (data): whether no sample that was embedded is above -80 dB of full scale.

    Attributes:
        layer: which hidden state: 1 to 12, what that layer gives; 0, what enters the first.
        loudness: of the analysis copy, in LUFS; None: the audio as it is.
    """

    layer: int = LAYERS
    loudness: float | None = LOUDNESS

    def __post_init__(self) -> None:
        """Refuse layers that the model does not have."""
        if isinstance(self.layer, bool) or self.layer not in range(LAYERS + 1):
            raise InputError(
                f"MERT-v1-95M has no layer {self.layer}.", field="layer", allowed=map(str, range(LAYERS + 1))
            )

    @property
    def name(self) -> str:
        """Its name among features."""
        return "mert-v1-95m"

    @property
    def identity(self) -> Mapping[str, Json]:
        """Weights, layer and what is heard."""
        return {
            "version": "1",
            "weights": models.identity_of(MERT_95M),
            "layer": self.layer,
            "loudness": self.loudness,
            "limit_seconds": LIMIT_SECONDS,
        }

    def availability(self) -> Availability:
        """Whether the weights are here."""
        return weights_availability(MERT_95M)

    def extract(self, sources: Sequence[AudioSource]) -> Iterator[Feature | Failure]:
        """One feature per source; a `Failure` for audio that cannot be decoded or is shorter than a frame (17 ms).

        Songs go through the model one by one: a single one is thousands of frames long and fills any device.

        Raises:
            UnavailableError: the weights are not here.
            SongbenchError: they are not those of MERT-v1-95M.
        """
        folder = models.require(MERT_95M)
        for source in sources:
            try:
                audio = source.load()
            except InputError as error:
                yield Failure("feature", f"{self.name}: {error}")
                continue
            network = resident_mert(folder, self.layer)
            samples = model_input(audio, self.loudness)
            if samples.size < network.config.window:
                yield Failure("feature", f"{self.name}: the audio is shorter than one frame ({audio.seconds:.3f} s)")
                continue
            with exact():
                frames = network(samples).cpu().numpy()
            yield summed_up(frames, cut=audio.seconds > LIMIT_SECONDS, samples=samples)


def model_input(audio: Audio, loudness: float | None) -> npt.NDArray[np.float32]:
    """What MERT hears of a song: mono at 24 kHz, at most 6 minutes, shape (n,)."""
    # a second more, so that the filter of the resampler does not see the cut
    mono = audio.cut(0, LIMIT_SECONDS + 1).mono().at(RATE)
    return at_loudness(mono, loudness).samples[0, : LIMIT_SECONDS * RATE]


def summed_up(frames: npt.NDArray[np.float32], *, cut: bool, samples: npt.NDArray[np.float32]) -> Feature:
    """The sums of frames of shape (n, width)."""
    import numpy as np

    from metrics.functional.frechet_distance import Moments

    moments = Moments.of(frames)
    starts = np.arange(0, len(frames), FRAMES_PER_SECOND)
    sizes = np.diff(np.append(starts, len(frames)))
    seconds = np.add.reduceat(frames, starts, axis=0, dtype=np.float64) / sizes[:, None]
    return Feature(
        {
            "frames": np.array(moments.n),
            "total": moments.total,
            "outer": moments.outer,
            "seconds": seconds.astype(np.float32),
        },
        {"cut": cut, "silent": bool(np.abs(samples).max() < 1e-4)},
    )


def resident_mert(folder: Path, layer: int) -> Mert:
    """The model up to a layer, on this worker's device, loaded once for all metrics that ask for it."""
    return models.resident(("mert", str(folder), layer), lambda: load_mert(folder, layer), folder)


def load_mert(folder: Path, layer: int) -> Mert:
    """Load the published checkpoint.

    Args:
        folder: with ``pytorch_model.bin``, ``config.json`` and ``preprocessor_config.json``.
        layer: the hidden state that is wanted; later layers are not kept.

    Raises:
        SongbenchError: when the files are of a model that works otherwise, or tensors are missing or left over.
    """
    from metrics.features.mert_network import Mert, MertConfig
    from metrics.features.strict_loading import read_tensors

    preparation = json.loads((folder / "preprocessor_config.json").read_text(encoding="utf-8"))
    for key, value in {"do_normalize": True, "sampling_rate": RATE}.items():
        if preparation.get(key) != value:
            raise SongbenchError(f"This MERT has {key} = {preparation.get(key)!r}; only {value!r} is supported.")
    config = MertConfig.of(json.loads((folder / "config.json").read_text(encoding="utf-8")))
    state = read_tensors(folder / "pytorch_model.bin")
    refuse_non_finite(state, "The checkpoint of MERT")
    return Mert(config, state, layer, models.device())
