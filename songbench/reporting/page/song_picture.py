"""What the page shows of a song's sound, from decoding it once; kept in the store by the audio's content."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from songbench.contracts.feature import Feature
from songbench.domain.audio import Audio, AudioSource
from songbench.domain.errors import SongbenchError
from songbench.domain.gated_loudness import gated_loudness
from songbench.domain.hashing import Json
from songbench.domain.song import Failure
from songbench.execution.features import StoredFeatures
from songbench.execution.store import Store
from songbench.reporting.page.spectrogram import thumbnail
from songbench.reporting.page.waveform import STRETCHES, Outline, outline

_FILTER_RATE = 16_000
"""Samples per second below which the filters of the loudness do not fit."""


@dataclass(frozen=True, kw_only=True)
class SongPicture:
    """A song at a glance.

    Attributes:
        seconds: how long it is.
        outline: of its waveform.
        spectrogram: a WebP image.
        loudness: in LUFS (ITU-R BS.1770-4); None where that cannot be said: silence, less than 0.4 s, more than two
            channels.
    """

    seconds: float
    outline: Outline
    spectrogram: bytes
    loudness: float | None


class SongPictures:
    """An `Extractor` of what `SongPicture` holds; several songs at a time, as decoding leaves Python free."""

    name = "song picture"
    identity: Mapping[str, Json] = {"version": "3"}

    def extract(self, sources: Sequence[AudioSource]) -> Iterator[Feature | Failure]:
        """One feature per source; a `Failure` where the audio cannot be read."""
        with ThreadPoolExecutor(max_workers=min(4, os.cpu_count() or 1)) as pool:
            yield from pool.map(_feature, sources)


def song_pictures(store: Store, sources: Iterable[AudioSource]) -> dict[str, SongPicture | Failure]:
    """The pictures of songs, by the digest of their audio; what is stored is not computed again.

    Args:
        store: keeps them.
        sources: of the songs.
    """
    distinct = {source.digest: source for source in sources}
    features = StoredFeatures(store).of(SongPictures(), list(distinct.values()))
    return {
        digest: feature if isinstance(feature, Failure) else _picture(feature)
        for digest, feature in zip(distinct, features, strict=True)
    }


def _feature(source: AudioSource) -> Feature | Failure:
    import numpy as np

    try:
        audio = source.load()
    except SongbenchError as error:
        return Failure("feature", str(error))
    lines = outline(audio)
    # one array, as reading each takes longer than all of its bytes
    picture = np.concatenate([lines.peaks, lines.levels, np.frombuffer(thumbnail(audio), "uint8")])
    return Feature(
        arrays={"picture": picture},
        data={"seconds": audio.seconds, "loudness": _loudness(audio)},
    )


def _picture(feature: Feature) -> SongPicture:
    seconds, loudness = feature.data["seconds"], feature.data["loudness"]
    assert isinstance(seconds, int | float) and (loudness is None or isinstance(loudness, int | float))
    picture = feature.arrays["picture"].astype("uint8")
    return SongPicture(
        seconds=float(seconds),
        outline=Outline(picture[:STRETCHES], picture[STRETCHES : 2 * STRETCHES]),
        spectrogram=picture[2 * STRETCHES :].tobytes(),
        loudness=loudness,
    )


def _loudness(audio: Audio) -> float | None:
    channels, count = audio.samples.shape
    if channels > 2 or count <= 0.4 * audio.rate or not audio.samples.any():
        return None
    audio = audio if audio.rate >= _FILTER_RATE else audio.at(3 * _FILTER_RATE)
    loudness = gated_loudness(audio.samples, audio.rate)
    return None if loudness is None else round(loudness, 2)
