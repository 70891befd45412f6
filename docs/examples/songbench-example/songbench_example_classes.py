"""The same in classes, for what functions are too small for: models that stay loaded, batches, several backends."""

import time
from collections.abc import Iterator, Sequence

import numpy as np

from songbench.domain.audio import Audio, AudioSource
from songbench.domain.score import NotApplicable, Scores
from songbench.domain.song import Failure, GenerationRecord, Request, Song, memory_song
from songbench.plugin import READY, Availability, Feature, Features, Field, MetricCard, SystemCard, Verdict

RATE = 48_000


class Metronome:
    """Clicks at a steady tempo: not a song, but as much code as a real system needs around its model."""

    card = SystemCard(
        name="metronome",
        version="1",  # raise it whenever the same request would give other samples
        summary="Clicks at a steady tempo for the wanted time.",
        licence="CC0-1.0",
        languages=(),  # it does not look at the words
        conditions=(),
        vocals=False,
        sample_rate=RATE,
    )

    def __init__(self, bpm: float = 120.0) -> None:
        """Settings come from the command line: ``--set system.metronome.bpm=90``."""
        self.bpm = bpm
        self.parameters = {"bpm": bpm}  # everything that can change the samples

    def availability(self) -> Availability:
        """A system with weights says here what is missing and how to get it, without loading anything."""
        return READY

    def generate(self, requests: Sequence[Request]) -> Iterator[Song | Failure]:
        """Yield each song as soon as it is done; one that cannot be made is a Failure, and the others go on."""
        for request in requests:
            if not request.prompt.seconds:
                yield Failure("generate", "the prompt does not say how long the song shall be", request=request)
                continue
            begin = time.perf_counter()
            samples = self._clicks(request.prompt.seconds, request.seed)
            record = GenerationRecord(seconds=time.perf_counter() - begin, conditions=())
            yield memory_song(request, Audio(np.stack([samples, samples]), RATE), record)

    def _clicks(self, seconds: float, seed: int) -> np.ndarray:
        rng = np.random.default_rng(seed)  # everything random follows from the request's seed
        click = (rng.standard_normal(480) * np.linspace(0.5, 0.0, 480)).astype("float32")
        samples = np.zeros(round(seconds * RATE), dtype="float32")
        for start in range(0, len(samples) - len(click), round(RATE * 60 / self.bpm)):
            samples[start : start + len(click)] = click.clip(-1, 1)
        return samples


class Rolloff:
    """The frequency below which most of the power lies: a feature that several metrics could share."""

    name = "spectral rolloff"

    def __init__(self, share: float) -> None:
        """Cheap; a model would be loaded when `extract` first needs it."""
        self.share = share
        self.identity = {"version": "1", "share": share}  # everything that can change the result

    def extract(self, sources: Sequence[AudioSource]) -> Iterator[Feature | Failure]:
        """One result per source, in order."""
        for source in sources:
            audio = source.load().mono()
            power = np.cumsum(np.abs(np.fft.rfft(audio.samples[0])) ** 2)
            frequencies = np.fft.rfftfreq(audio.samples.shape[1], 1 / audio.rate)
            place = np.searchsorted(power, self.share * power[-1])
            yield Feature({"hz": frequencies[place : place + 1]}, {"silent": bool(power[-1] == 0)})


class Brightness:
    """Another backend of the same metric: its own column, ``brightness@rolloff``."""

    card = MetricCard(
        name="brightness",
        backend="rolloff",
        version="1",
        fields=(Field("brightness", unit="Hz", low=0.0, decimals=0, description="Below it lies most of the power."),),
        summary="How bright a song sounds.",
        limits="Descriptive: a bright song is not a good one.",
        citation="Any textbook on signal processing: a quantile of the power spectrum.",
        licence="CC0-1.0",
        hears=("sound",),
    )

    def __init__(self, share: float = 0.85) -> None:
        """Settings come from the command line: ``--set metric.brightness.share=0.95``."""
        self.rolloff = Rolloff(share)

    def availability(self) -> Availability:
        """Always ready."""
        return READY

    def score(self, songs: Sequence[Song], features: Features) -> Iterator[Verdict]:
        """One verdict per song, in order."""
        for feature in features.of(self.rolloff, [song.source for song in songs]):
            if isinstance(feature, Failure):
                yield feature
            elif feature.data["silent"]:
                yield NotApplicable("the song is silent")
            else:
                yield Scores(values={"brightness": float(feature.arrays["hz"][0])})
