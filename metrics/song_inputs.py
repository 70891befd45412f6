"""Which audio of a song a model is given: all of it, its vocals, or an accompaniment with the vocal it was made for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias

from metrics.features.demucs_stems import DemucsStems, stem_of
from metrics.features.separation import VocalSeparation, vocals_of
from songbench.domain.audio import AudioSource
from songbench.domain.score import NotApplicable
from songbench.domain.song import Failure, Song
from songbench.domain.vocal_mix import VocalMix
from songbench.plugin import Extractor, Feature, Features

ACCOMPANIMENT_ALONE = (
    "Of an accompaniment (track v2a) it says whether the style is right, not whether it fits the vocal, which it never"
    " hears: another song's band in the same style loses nothing."
)
"""For the limits of metrics that judge an accompaniment as they judge a song."""

Input: TypeAlias = Callable[[Sequence[Song], Features], list[AudioSource | NotApplicable | Failure]]
"""Gives the audio of each song, in order."""


def features_of_inputs(
    extractor: Extractor, inputs: Sequence[AudioSource | NotApplicable | Failure], features: Features
) -> Iterator[Feature | NotApplicable | Failure]:
    """The feature of each input, in order, asked for all at once; what is no audio stays what it is."""
    sources = [source for source in inputs if not isinstance(source, NotApplicable | Failure)]
    answers = iter(features.of(extractor, sources) if sources else ())
    for source in inputs:
        yield source if isinstance(source, NotApplicable | Failure) else next(answers)


def mixes(songs: Sequence[Song], features: Features) -> list[AudioSource | NotApplicable | Failure]:
    """The complete songs; in track ``v2a`` the accompaniments without the vocals."""
    return [song.source for song in songs]


def with_vocals(songs: Sequence[Song], features: Features) -> list[AudioSource | NotApplicable | Failure]:
    """The accompaniments of track ``v2a``, each mixed with its vocal; not applicable without a vocal."""
    return [
        NotApplicable("the prompt has no vocal to mix with")
        if song.request.vocal is None
        else VocalMix(song.request.vocal, song.source)
        for song in songs
    ]


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
