"""Real-time factor: compute seconds per second of audio, and peak memory, from the record of the generation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from songbench.domain.errors import SongbenchError
from songbench.domain.score import NotApplicable, Scores
from songbench.domain.song import Failure, Song
from songbench.plugin import READY, Availability, Features, Field, MetricCard, Verdict

_CARD = MetricCard(
    name="rtf",
    backend="",
    version="1",
    tracks=("song", "v2a"),
    fields=(
        Field(
            "rtf",
            unit="",
            direction="lower",
            low=0,
            high=None,
            decimals=3,
            description="Compute seconds of all songs over audio seconds of all songs.",
        ),
        Field(
            "peak_gib",
            unit="GiB",
            direction="lower",
            low=0,
            high=None,
            decimals=2,
            description="Peak memory by the time a song was made; mean over the songs.",
        ),
    ),
    summary="End-to-end compute time over audio time, from the generation record: 0.5 is twice as fast as listening.",
    limits=(
        "Warm-up and loading of the model are excluded. Numbers are comparable on one device only (named in each"
        " score's detail) and while nothing else ran on it: songbench fills a CPU with one single-threaded worker per"
        " core, so say --workers 1 for a number to quote. Memory is device memory on an accelerator, resident memory on"
        " a CPU; where the system does not measure it, it is the peak of its process up to then, earlier songs too."
        " Some projects print the inverse, audio over compute."
    ),
    citation="RTF as in SongBloom (arXiv 2506.07634, section 5.3): generation time over audio duration",
)


class Rtf:
    """A `SongMetric` that only reads the generation record."""

    @property
    def card(self) -> MetricCard:
        """What it is."""
        return _CARD

    def availability(self) -> Availability:
        """Always ready."""
        return READY

    def score(self, songs: Sequence[Song], features: Features) -> Iterator[Verdict]:
        """One verdict per song, in order; ``rtf`` is weighted by audio seconds."""
        for song in songs:
            yield _score(song)


def _score(song: Song) -> Verdict:
    record = song.record
    if record.seconds is None:
        return NotApplicable("not generated here, so its compute time is unknown")
    if record.loading_included:
        return NotApplicable("its compute time includes the loading of the model")
    try:
        seconds = song.audio.seconds
    except SongbenchError as error:
        return Failure("score", str(error))
    if seconds == 0:
        return NotApplicable("the song has no audio")
    values = {"rtf": record.seconds / seconds}
    missing = {}
    if record.peak_gib is None:
        missing["peak_gib"] = "the system does not measure its memory"
    else:
        values["peak_gib"] = record.peak_gib
    return Scores(
        values=values,
        weights={"rtf": seconds},
        detail={"device": record.device, "compute_seconds": record.seconds, "audio_seconds": seconds},
        missing=missing,
    )
