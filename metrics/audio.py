"""Facts of the sound itself: is it as long as asked for, how loud, clipped, silent, wide, full-range?

Computed straight from the mix and not through a stored feature, as nothing else needs it and it is cheap: about 1 s
of one core for a stereo song of 150 s.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from songbench.domain.audio import Audio, check_audio
from songbench.domain.errors import SongbenchError
from songbench.domain.score import NotApplicable, Scores
from songbench.domain.song import Failure, Song
from songbench.plugin import READY, Availability, Features, Field, MetricCard, Verdict

_CARD = MetricCard(
    name="audio",
    backend="",
    version="2",
    tracks=("song", "v2a"),
    fields=(
        Field(
            "duration_error",
            unit="s",
            direction="lower",
            low=0,
            high=None,
            decimals=1,
            description="How far the duration is from the one asked for.",
        ),
        Field(
            "lufs",
            unit="LUFS",
            direction="none",
            low=-70,
            high=40,
            decimals=1,
            description="Integrated loudness (ITU-R BS.1770-4).",
            hears=("level",),
        ),
        Field(
            "silence",
            unit="%",
            direction="none",
            low=0,
            high=100,
            decimals=1,
            description="50 ms frames below -60 dBFS; lyrics may ask for silence.",
        ),
        Field(
            "true_peak",
            unit="dBTP",
            direction="none",
            low=None,
            high=None,
            decimals=2,
            description="Largest amplitude, oversampled four times.",
            headline=False,
        ),
        Field(
            "clipping",
            unit="%",
            direction="lower",
            low=0,
            high=100,
            decimals=3,
            description="Samples in runs of 3 or more at full scale.",
            headline=False,
        ),
        Field(
            "stereo_width",
            unit="",
            direction="none",
            low=0,
            high=1,
            decimals=3,
            description="Side energy over all: 0 mono, 0.5 unrelated, 1 opposite phase.",
            headline=False,
            hears=("stereo",),
        ),
        Field(
            "bandwidth",
            unit="kHz",
            direction="none",
            low=0,
            high=None,
            decimals=1,
            description="Highest 100 Hz band within 80 dB of the loudest one.",
            headline=False,
        ),
    ),
    summary="Signal facts of the mix: duration, loudness, peaks, clipping, silence, stereo width, bandwidth.",
    limits=(
        "Descriptive, not quality: loud is not good and narrow is not bad. Clipping that was turned down afterwards is"
        " not seen. A field without a value, such as the loudness of silence, says why."
    ),
    citation="ITU-R BS.1770-4 (loudness by pyloudnorm 0.2, true peak by fourfold oversampling)",
)


class AudioFacts:
    """A `SongMetric` that needs no model."""

    @property
    def card(self) -> MetricCard:
        """What it is."""
        return _CARD

    def availability(self) -> Availability:
        """Always ready."""
        return READY

    def score(self, songs: Sequence[Song], features: Features) -> Iterator[Verdict]:
        """One verdict per song, in order."""
        for song in songs:
            try:
                audio = song.audio
                if audio.samples.size:
                    check_audio(audio)
            except SongbenchError as error:
                yield Failure("score", str(error))
                continue
            yield facts(audio, song.request.seconds)


def facts(audio: Audio, wanted_seconds: float | None) -> Scores | NotApplicable:
    """All fields that have a value.

    Args:
        audio: the mix.
        wanted_seconds: the duration asked for, or None when the system could decide.

    Returns:
        The scores, with the reason for each field that has no value; `NotApplicable` for audio without samples.
    """
    from metrics.features import loudness

    samples, rate = audio.samples, audio.rate
    if samples.size == 0:
        return NotApplicable("the song has no audio")
    width = loudness.bandwidth(samples, rate)
    measured = {
        "duration_error": None if wanted_seconds is None else abs(audio.seconds - wanted_seconds),
        "lufs": loudness.integrated_loudness(samples, rate),
        "silence": 100 * loudness.silent_share(samples, rate),
        "true_peak": loudness.true_peak(samples),
        "clipping": 100 * loudness.clipped_share(samples),
        "stereo_width": loudness.stereo_width(samples),
        "bandwidth": None if width is None else width / 1000,
    }
    missing = {name: _WHY_MISSING[name] for name, value in measured.items() if value is None}
    return Scores(
        values={name: value for name, value in measured.items() if value is not None},
        detail={
            "seconds": audio.seconds,
            "wanted_seconds": wanted_seconds,
            "rate": rate,
            "channels": samples.shape[0],
        },
        missing=missing,
    )


_WHY_MISSING = {
    "duration_error": "the prompt asks for no duration",
    "lufs": "shorter than 0.4 s, below -70 LUFS throughout, or more than six channels",
    "true_peak": "digital silence",
    "stereo_width": "digital silence",
    "bandwidth": "digital silence, or fewer than 4096 samples",
}
