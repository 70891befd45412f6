"""Loudness balance: how much louder the accompaniment is than the vocal while somebody sings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from metrics.song_parts import NO_VOCAL
from songbench.domain.audio import Audio
from songbench.domain.errors import InputError
from songbench.domain.score import NotApplicable, Scores
from songbench.domain.song import Failure, Song
from songbench.plugin import READY, Availability, Features, Field, MetricCard, Verdict

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

BLOCK = 0.1
"""Seconds that are sung or not as a whole."""
RANGE_DB = 30.0
"""Blocks of the vocal that lie further below its loud ones (95th percentile) are not sung."""

LOUDNESS_BALANCE = MetricCard(
    name="loudness_balance",
    backend="",
    version="1",
    fields=(
        Field(
            "loudness_balance",
            unit="LU",
            direction="none",
            low=None,
            high=None,
            decimals=1,
            description="Loudness of the accompaniment less that of the vocal, while the vocal sounds.",
        ),
    ),
    summary="How much louder the accompaniment is than the vocal while somebody sings.",
    limits=(
        "Descriptive: which balance is right is a matter of style and of the mix, and the mix that is listened to"
        " brings both to one loudness first. Gated loudness of the moments in which the vocal is within 30 dB of its"
        " loud ones; on 14 songs of the rule-based system the true accompaniments were 3.8 to 7.6 LU softer than the"
        " vocal."
    ),
    citation="ITU-R BS.1770-4 (pyloudnorm 0.2)",
    licence="Apache-2.0",
    tracks=("v2a",),
    hears=("level",),
)


class LoudnessBalance:
    """A `SongMetric` of accompaniments."""

    card = LOUDNESS_BALANCE

    def availability(self) -> Availability:
        """Always ready."""
        return READY

    def score(self, songs: Sequence[Song], features: Features) -> Iterator[Verdict]:
        """One verdict per song; not applicable where either has no loudness while the vocal sounds."""
        for song in songs:
            try:
                vocal = song.request.vocal
                yield NotApplicable(NO_VOCAL) if vocal is None else _verdict(vocal.load(), song.audio)
            except InputError as error:
                yield Failure("score", str(error))


def _verdict(vocal: Audio, accompaniment: Audio) -> Verdict:
    from metrics.features.loudness import integrated_loudness

    sounding = sung_blocks(vocal)
    loudness = {}
    for name, audio in (("vocal", vocal), ("accompaniment", accompaniment)):
        level = integrated_loudness(_part(audio, sounding), audio.rate)
        if level is None:
            return NotApplicable(f"the {name} has no loudness: silent, or less than 0.4 s, while the vocal sounds")
        loudness[name] = level
    balance = loudness["accompaniment"] - loudness["vocal"]
    return Scores(values={"loudness_balance": balance}, detail={"lufs": dict(loudness)})


def sung_blocks(vocal: Audio) -> npt.NDArray[np.bool_]:
    """Which blocks of a vocal sound, shape (blocks,): none below -60 dBFS or `RANGE_DB` below the loud ones."""
    import numpy as np

    starts = np.arange(0, vocal.samples.shape[1], max(1, round(BLOCK * vocal.rate)))
    power = (vocal.samples.astype(np.float64) ** 2).mean(axis=0)
    if not len(power):
        return np.zeros(0, bool)
    sums = np.add.reduceat(power, starts)
    level = 10 * np.log10(sums / np.diff(np.append(starts, len(power))) + 1e-12)
    return np.asarray(level >= max(-60.0, float(np.percentile(level, 95)) - RANGE_DB))


def _part(audio: Audio, sounding: npt.NDArray[np.bool_]) -> npt.NDArray[np.float32]:
    """The samples of audio in the blocks that sound, shape (channels, n)."""
    import numpy as np

    size = max(1, round(BLOCK * audio.rate))
    mask = np.repeat(sounding, size)[: audio.samples.shape[1]]
    return audio.samples[:, : len(mask)][:, mask]


def loudness_balance() -> LoudnessBalance:
    """The entry point ``loudness_balance``."""
    return LoudnessBalance()
