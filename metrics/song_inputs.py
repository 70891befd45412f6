"""Which audio of a song a model is given: the mix, the system's own vocal stem, or vocals taken out of the mix."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

from metrics.features.demucs_stems import DemucsStems, stem_of
from metrics.features.separation import VocalSeparation, vocals_of
from songbench.domain.audio import AudioSource
from songbench.domain.score import NotApplicable
from songbench.domain.song import Failure, Song
from songbench.plugin import Features

Input: TypeAlias = Callable[[Sequence[Song], Features], list[AudioSource | NotApplicable | Failure]]
"""Gives the audio of each song, in order."""


def mixes(songs: Sequence[Song], features: Features) -> list[AudioSource | NotApplicable | Failure]:
    """The complete songs."""
    return [song.source for song in songs]


def vocal_stems(songs: Sequence[Song], features: Features) -> list[AudioSource | NotApplicable | Failure]:
    """The vocal stems that the system itself gives; not applicable to songs without one."""
    return [song.stems.get("vocals", NotApplicable("the system gives no vocal stem")) for song in songs]


def separated_by_onnx(songs: Sequence[Song], features: Features) -> list[AudioSource | NotApplicable | Failure]:
    """The vocals that HTDemucs takes out of the mix, through onnxruntime: mono, 16 kHz."""
    stems = features.of(VocalSeparation(), [song.source for song in songs])
    return [vocals if isinstance(vocals, Failure) else vocals_of(vocals) for vocals in stems]


def separated_by_demucs(songs: Sequence[Song], features: Features) -> list[AudioSource | NotApplicable | Failure]:
    """The vocals that HTDemucs takes out of the mix, through the package demucs."""
    stems = features.of(DemucsStems(stems=("vocals",)), [song.source for song in songs])
    return [feature if isinstance(feature, Failure) else stem_of(feature, "vocals") for feature in stems]
