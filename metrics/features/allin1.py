"""The sections of a song by All-In-One (Kim & Nam, WASPAA 2023), the analyser behind published section error rates.

It is the ensemble ``harmonix-all``: eight networks trained on eight parts of the Harmonix set, whose logits are
averaged. They take the spectrograms of four stems from Demucs (`metrics.features.allin1_spectrogram`), 100 frames a
second, and tell 10 labels. Everything here but the separation runs without the authors' package, which needs compiled
libraries of 2023; its numbers are the same (``tests/metrics/golden``).

What is set otherwise than upstream, and why:

- Demucs makes no random shift, as in `metrics.features.demucs_stems`; upstream's sections vary from run to run.
- A song below -60 dBFS throughout is not analysed: it is one section called silence.
- Where the network finds no boundary at all, which stops upstream, the song is one section.

A song is analysed as a whole, as its frames see each other over minutes; memory grows with its length alone: for 20
minutes, stems of 1.7 GB and then 1 GB in the network.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from metrics.features import models
from metrics.features.allin1_sections import Sections, sections
from metrics.features.allin1_spectrogram import HOP, RATE, Array, spectrogram
from metrics.features.demucs_stems import DemucsStems, stem_of
from metrics.features.inference import exact
from metrics.features.windows import sounding_windows
from songbench.domain.audio import Audio, AudioSource
from songbench.domain.errors import InputError, SongbenchError
from songbench.domain.hashing import Json, content_key
from songbench.domain.song import Failure
from songbench.plugin import Feature, Features
from songbench.resources.weights import HubSource, WeightFile, Weights

if TYPE_CHECKING:
    from metrics.features.allin1_network import AllInOneNetwork

ALLIN1 = Weights(
    name="allin1",
    version="harmonix-all",
    summary="All-In-One (arXiv 2307.16425), eight folds: sections of a song from its stems.",
    licence="MIT",
    files=(
        WeightFile(
            "harmonix-fold0-0vra4ys2.pth", "0db596dfb0995f41d62f6267d76a9d54c046f1649bd35e1dbeca0c5f9a7b8acd", 1_400_571
        ),
        *(
            WeightFile(f"harmonix-fold{name}.pth", about=1_400_571)
            for name in (
                *("1-3ozjhtsj", "2-gmgo0nsy", "3-i92b7m8p", "4-1bql5qo0", "5-x4z5zeef", "6-x7t226rq", "7-qwwskhg6"),
            )
        ),
    ),
    sources=(HubSource("taejunkim/allinone", "379e5fd010b3fdd0ee8381ff8cbcfa51d70b5c19"),),
)

FRAME_RATE = RATE / HOP
"""Frames per second, 100."""

_NEAR, _WIDE = 48, 1200
"""Frames; half of a window of 4 x 24 + 1, and 12 s."""

_TOGETHER = 8
"""Songs whose spectrograms (8 MB a minute) are held at once, so that Demucs need not be loaded again for each."""


@dataclass(frozen=True)
class AllInOne:
    """Sections of songs that were taken apart into stems (an `Extractor`); its sources come from `stems_of`.

    Feature:
        ``segments`` (data): label (one of `metrics.features.allin1_network.LABELS`, or ``silence`` for a song that is
        silent throughout), start and end in seconds of each section, from 0 to the last frame of 10 ms.

    Attributes:
        weights: the checkpoints of the ensemble.
    """

    weights: Weights = ALLIN1

    @property
    def name(self) -> str:
        """Its name among features."""
        return "structure"

    @property
    def identity(self) -> Mapping[str, Json]:
        """Version and weights; the stems are part of what identifies a source."""
        return {"version": "1", "method": "allin1", "weights": models.identity_of(self.weights)}

    def extract(self, sources: Sequence[AudioSource]) -> Iterator[Feature | Failure]:
        """One feature per source; a `Failure` for one whose audio or stems cannot be had.

        Raises:
            UnavailableError: the weights are not here.
            SongbenchError: a checkpoint is not one of All-In-One.
        """
        folder = models.require(self.weights)
        for start in range(0, len(sources), _TOGETHER):
            inputs = [_spectrograms(source) for source in sources[start : start + _TOGETHER]]
            folds = models.resident(("allin1", str(folder)), lambda: load(folder, self.weights), folder)
            for spectrograms in inputs:
                yield (
                    spectrograms
                    if isinstance(spectrograms, Failure | Feature)
                    else _feature(find_sections(folds, spectrograms))
                )


def _spectrograms(source: AudioSource) -> Array | Feature | Failure:
    """A song's spectrograms, shape (4, T, 81); its feature already where it is silent."""
    try:
        audio = source.load()
    except SongbenchError as error:
        return Failure("feature", f"structure: {error}")
    stems = audio.samples.reshape(4, -1, audio.samples.shape[1])
    if not sounding_windows(stems.sum(axis=0).mean(axis=0), audio.rate):
        return _feature([("silence", 0.0, audio.seconds)])
    return np.stack([spectrogram(stem) for stem in stems])


def _feature(labelled: Sections) -> Feature:
    return Feature(data={"segments": [list(section) for section in labelled]})


def load(folder: Path, weights: Weights = ALLIN1) -> list[AllInOneNetwork]:
    """The networks of the ensemble, on this worker's device.

    Raises:
        SongbenchError: when a file is not a checkpoint of All-In-One.
    """
    import pickle

    import torch

    from metrics.features.allin1_network import AllInOneNetwork

    folds = []
    for file in weights.files:
        try:
            checkpoint = torch.load(folder / file.name, map_location="cpu", weights_only=True)
        except (pickle.UnpicklingError, RuntimeError) as error:
            raise InputError(f"This is no checkpoint of All-In-One: {error}", file=str(folder / file.name)) from error
        folds.append(AllInOneNetwork.from_checkpoint(checkpoint, file.name).to(models.device()))
    return folds


def find_sections(folds: Sequence[AllInOneNetwork], spectrograms: Array) -> Sections:
    """What the ensemble says of a song.

    Args:
        folds: the networks.
        spectrograms: of the stems, shape (4, T, 81).

    Returns:
        Label, start and end in seconds.
    """
    import torch

    from metrics.features.allin1_network import LABELS

    with exact():
        model_input = torch.from_numpy(spectrograms).to(models.device())
        boundary, labels = (
            torch.stack(logits).mean(dim=0) for logits in zip(*(f(model_input) for f in folds), strict=True)
        )
        chances = boundary.sigmoid().cpu().numpy(), labels.softmax(dim=0).cpu().numpy()
    return sections(*chances, LABELS, rate=FRAME_RATE, near=_NEAR, wide=_WIDE)


def separation() -> DemucsStems:
    """How a mix is taken apart for All-In-One."""
    return DemucsStems(stems=("bass", "drums", "other", "vocals"), rate=RATE, mono=False)


def stems_of(source: AudioSource, features: Features) -> Stems:
    """A song's stems as All-In-One hears them; the song is separated when they are loaded, unless it has been."""
    return Stems(source, features, separation())


@dataclass(frozen=True, eq=False)
class Stems:
    """The stems of a mix beside each other (an `AudioSource`): bass, drums, other and vocals, two channels each.

    Attributes:
        mix: the song.
        features: where stems are stored.
        separation: what takes the song apart.
    """

    mix: AudioSource
    features: Features
    separation: DemucsStems

    @cached_property
    def digest(self) -> str:
        """Follows from the mix and the separation, which need not run for it."""
        return content_key("stems", self.mix.digest, dict(self.separation.identity))

    def load(self) -> Audio:
        """The stems at 44.1 kHz, shape (8, n).

        Raises:
            InputError: when the song cannot be separated, with the cause.
        """
        (stems,) = self.features.of(self.separation, [self.mix])
        if isinstance(stems, Failure):
            raise InputError(stems.cause)
        names = self.separation.stems
        beside = np.empty((0, 0), np.float32)
        for place, name in enumerate(names):
            stem = stem_of(stems, name).load().samples
            if not beside.size:
                beside = np.empty((len(names) * len(stem), stem.shape[1]), np.float32)
            beside[place * len(stem) : (place + 1) * len(stem)] = stem
        return Audio(beside, self.separation.rate)
