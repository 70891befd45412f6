"""Beats and downbeats by Beat This! (Foscarin, Schlüter and Widmer, ISMIR 2024, arXiv 2407.21658), by its package.

The package's own spectrogram, network, pieces and peaks do the work, as in its ``Audio2Beats(dbn=False)``: mono at
22.05 kHz by soxr, 50 frames a second, pieces of 30 s that overlap by 0.24 s, beats where a logit above 0 is the largest
within 60 ms, each downbeat moved to the nearest beat. No tempo and no metre is assumed, so beats need not be steady.

What is done otherwise:

- The checkpoint, a pickle of PyTorch Lightning, is read without running what it holds, and every tensor has to fit. The
  package falls back to a download, read without that care, where a file is missing; nothing is downloaded here.
- Files are decoded by libsndfile, by the package through torchaudio (ffmpeg). For wav and flac the samples are the
  same; of an mp3 the two decoders differ in rounding and may differ in the silence at its ends.
- Audio below 1 s or -60 dBFS is not analysed: it has no beats.
"""

from __future__ import annotations

import inspect
import pickle
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from metrics.features import models
from metrics.features.inference import exact, random_state_kept
from metrics.features.onsets import unheard
from metrics.features.strict_loading import load_strictly
from songbench.domain.audio import Audio, AudioSource
from songbench.domain.errors import InputError, SongbenchError
from songbench.domain.hashing import Json
from songbench.domain.song import Failure
from songbench.plugin import Feature
from songbench.resources.cpu_imports import mend_cpu_imports
from songbench.resources.tensors import tensors_of
from songbench.resources.weights import UrlSource, WeightFile, Weights

if TYPE_CHECKING:
    from metrics.features.onsets import Moments

BEAT_THIS = Weights(
    name="beat-this",
    version="final0",
    summary="Beat This! (arXiv 2407.21658), the main model: beats and downbeats of any music.",
    licence="MIT",
    files=(WeightFile("final0.ckpt", "8c328b45f59d8dd3dff219253ff6a8d6482be57d0133a29140e2febbf8eb8331", 81_058_141),),
    sources=(UrlSource("https://cloud.cp.jku.at/public.php/dav/files/7ik4RrBKTS273gp", "the authors' own server"),),
)

RATE = 22_050
PIECE, BORDER = 1500, 6
"""Frames of a piece, and those at each of its ends that do not count: the package's own."""

_PREFIX = "model."
_SETTINGS = "hyper_parameters"


@dataclass(frozen=True)
class BeatThisBeats:
    """Beats and downbeats of a piece of audio (an `Extractor`).

    Feature:
        ``times``: seconds, shape (n,), ascending: all beats, on a grid of 10 ms.
        ``downbeats``: seconds, shape (m,), ascending: those of them that begin a bar.
        ``seconds`` (data): of the audio.
        ``unheard`` (data): why there are no times, "silent" or "shorter than 1 s"; only where that is so.

    Attributes:
        weights: the checkpoint.
    """

    weights: Weights = BEAT_THIS

    @property
    def name(self) -> str:
        """Its name among features."""
        return "beats"

    @property
    def identity(self) -> Mapping[str, Json]:
        """Our version, weights and the package's version."""
        return {
            "version": "1",
            "method": "beat-this",
            "weights": models.identity_of(self.weights),
            "engine": {"beat_this": version("beat_this")},
        }

    def extract(self, sources: Sequence[AudioSource]) -> Iterator[Feature | Failure]:
        """One feature per source, one after the other; a `Failure` for one whose audio cannot be decoded.

        Raises:
            UnavailableError: the weights are not here.
            SongbenchError: the checkpoint is not one of Beat This!
        """
        file = models.require(self.weights) / self.weights.files[0].name
        for source in sources:
            try:
                audio = source.load()
            except SongbenchError as error:
                yield Failure("feature", f"beats: {error}")
                continue
            data: dict[str, Json] = {"seconds": audio.seconds}
            if reason := unheard(audio):
                yield Feature({"times": np.zeros(0), "downbeats": np.zeros(0)}, {**data, "unheard": reason})
                continue
            network = models.resident(("beat-this", str(file)), lambda: load_beat_this(file), file)
            beats, downbeats = _beats(network, audio)
            yield Feature({"times": beats, "downbeats": downbeats}, data)


def _beats(network: Any, audio: Audio) -> tuple[Moments, Moments]:
    """Beats and downbeats in seconds, shapes (n,) and (m,)."""
    mend_cpu_imports()
    import soxr
    import torch
    from beat_this.inference import split_predict_aggregate
    from beat_this.model.postprocessor import Postprocessor
    from beat_this.preprocessing import LogMelSpect

    samples = audio.mono().samples[0].astype(np.float64)
    if audio.rate != RATE:
        samples = soxr.resample(samples, audio.rate, RATE)
    with exact():
        spectrogram = LogMelSpect(device=models.device())(
            torch.tensor(samples, dtype=torch.float32).to(models.device())
        )
        logits = split_predict_aggregate(spectrogram, PIECE, BORDER, "keep_first", network)
        beats, downbeats = Postprocessor("minimal")(logits["beat"].float(), logits["downbeat"].float())
    return np.asarray(beats, np.float64), np.asarray(downbeats, np.float64)


def load_beat_this(file: Path) -> Any:
    """The network of a checkpoint, large or small, on this worker's device.

    Args:
        file: of PyTorch Lightning: the tensors under ``state_dict``, each named ``model.…``, and the sizes of the
            network among ``hyper_parameters``.

    Raises:
        SongbenchError: when it is no such file, or its tensors do not fit the network of its sizes.
    """
    mend_cpu_imports()
    import torch

    try:
        checkpoint = torch.load(file, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError) as error:
        reason = next(iter(str(error).splitlines()), "") or type(error).__name__
        raise InputError(f"This is no checkpoint of Beat This!: {reason}", file=str(file)) from error
    settings = checkpoint.get(_SETTINGS) if isinstance(checkpoint, Mapping) else None
    if not isinstance(settings, Mapping):
        raise InputError(f"This is no checkpoint of Beat This!: it has no {_SETTINGS}.", file=str(file))
    from beat_this.model.beat_tracker import BeatThis

    sizes = {name: settings[name] for name in inspect.signature(BeatThis).parameters if name in settings}
    with random_state_kept():
        network = BeatThis(**sizes)
    state = {name.removeprefix(_PREFIX): tensor for name, tensor in tensors_of(checkpoint, file).items()}
    load_strictly(network, state, checkpoint="The checkpoint of Beat This!")
    return network.to(models.device()).eval()
