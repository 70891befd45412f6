"""Audiobox aesthetics: what a model of listeners' ratings says of enjoyment, usefulness, complexity and quality.

In track ``v2a`` two metrics: of the accompaniment alone, and of the mix of vocal and accompaniment.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from metrics.card_variants import at_loudness, of_mixes
from metrics.features.audiobox import AUDIOBOX, AXES, BATCH, AudioboxRatings
from metrics.features.packages import installed
from metrics.song_inputs import ACCOMPANIMENT_ALONE, Input, features_of_inputs, mixes, with_vocals
from songbench.domain.score import Scores
from songbench.domain.song import Song
from songbench.plugin import (
    Availability,
    BatchSize,
    Feature,
    Features,
    Field,
    Loudness,
    MetricCard,
    ModelFamily,
    Procedure,
    Verdict,
)
from songbench.resources import weights

if TYPE_CHECKING:
    from songbench.plugin import Direction

_PROCEDURE = Procedure(
    model="facebook/audiobox-aesthetics (package audiobox-aesthetics 0.0.4)",
    revision="9b1dd8e5df9af7216e836a98974fe3b82c56ded6",
    layer="learned mean of WavLM's 13 states, a small network per rating",
    rate="16 kHz mono, resampled as torchaudio does",
    window="10 s, hop 10 s, the last one filled up with zeros that are masked",
    pooling="mean over windows, weighted by how much of each is audio",
    formula="rating = output · std + mean of the training ratings",
)


def _rating(name: str, direction: Direction, description: str) -> Field:
    return Field(name, unit="", direction=direction, low=None, high=None, decimals=2, description=description)


_LIMITS = (
    "Hears nothing above 8 kHz and 10 s at once, so neither form nor words. Moves with level (a third party found"
    " +0.1 of PQ for -6 dB). Saturated: good systems are 0.1 to 0.2 apart, so read the size of a difference, not"
    " only its rank. PC is not a quality. A silent song is rated as the model hears silence."
)

AESTHETICS = MetricCard(
    name="aesthetics",
    backend="audiobox",
    version="1",
    fields=(
        _rating("CE", "higher", "Content enjoyment, about 1 to 10."),
        _rating("CU", "higher", "Content usefulness for making other content, about 1 to 10."),
        _rating("PC", "none", "Production complexity, about 1 to 10: neither more nor less is better."),
        _rating("PQ", "higher", "Production quality, about 1 to 10."),
    ),
    summary="Enjoyment, usefulness, complexity and quality as Audiobox Aesthetics rates them.",
    limits=f"{_LIMITS} {ACCOMPANIMENT_ALONE}",
    citation="Tjandra et al., Meta Audiobox Aesthetics, arXiv 2502.05139",
    licence="CC BY 4.0 (weights and code)",
    needs=(AUDIOBOX.name,),
    reference=True,
    tracks=("song", "v2a"),
    hears=("sound",),
    mono=True,
    procedure=_PROCEDURE,
    models=(ModelFamily("audiobox-aesthetics"),),
    verified=(
        "Against audiobox-aesthetics 0.0.4 itself on one random checkpoint of small size: songs of 0.3 to 31 s at 8 to"
        " 48 kHz, mono and stereo, agree within 1e-5. Not run with the released weights."
    ),
)


MIX_AESTHETICS = of_mixes(
    AESTHETICS,
    backend="audiobox-mix",
    summary="Audiobox's ratings of the accompaniment together with the vocal it was made for.",
    limits=_LIMITS,
)


@dataclass(frozen=True)
class AudioboxAesthetics:
    """A `SongMetric`: the ratings of a song's windows, averaged by how much of each is audio.

    Attributes:
        card: what it is.
        ratings: of windows.
        input: which audio of a song is rated.
    """

    card: MetricCard = AESTHETICS
    ratings: AudioboxRatings = field(default_factory=AudioboxRatings)
    input: Input = mixes

    def availability(self) -> Availability:
        """Whether package and weights are here."""
        package = installed("audiobox_aesthetics", "aesthetics")
        return weights.availability(self.ratings.weights) if package.ready else package

    def score(self, songs: Sequence[Song], features: Features) -> Iterator[Verdict]:
        """One verdict per song, in order; ratings of all that can be decoded; a mix without a vocal has none."""
        for ratings in features_of_inputs(self.ratings, self.input(songs, features), features):
            yield _scores(ratings) if isinstance(ratings, Feature) else ratings


def _scores(feature: Feature) -> Scores:
    import numpy as np

    means = np.average(feature.arrays["ratings"].astype(np.float64), axis=0, weights=feature.arrays["lengths"])
    return Scores(
        values=dict(zip(AXES, means.tolist(), strict=True)), detail={"windows": len(feature.arrays["lengths"])}
    )


def aesthetics_audiobox(loudness: Loudness | None = None, batch: BatchSize = BATCH) -> AudioboxAesthetics:
    """The entry point ``aesthetics@audiobox``.

    Args:
        loudness: LUFS to which songs are brought before they are rated; None: as they are, as the package does.
        batch: windows that go through the model together.
    """
    return AudioboxAesthetics(at_loudness(AESTHETICS, loudness), AudioboxRatings(loudness, batch))


def aesthetics_mix(loudness: Loudness | None = None, batch: BatchSize = BATCH) -> AudioboxAesthetics:
    """The entry point ``aesthetics@audiobox-mix``.

    Args:
        loudness: LUFS to which mixes are brought before they are rated; None: as the rule of mixing leaves them.
        batch: windows that go through the model together.
    """
    return AudioboxAesthetics(at_loudness(MIX_AESTHETICS, loudness), AudioboxRatings(loudness, batch), with_vocals)
