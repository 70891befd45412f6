"""A whole plug-in in functions: a system that hums, a metric of one song, a feature and a metric of a set."""

from collections.abc import Mapping, Sequence

import numpy as np

from songbench.domain.audio import Audio, AudioSource
from songbench.domain.score import NotApplicable
from songbench.domain.song import Request, Song
from songbench.plugin import Feature, Field, extractor, metric, set_metric, system


@metric("brightness@centroid", version="1", fields=[Field("brightness", unit="Hz", low=0, decimals=0)], hears={"sound"})
def brightness(song: Song) -> float | NotApplicable:
    """The power-weighted mean frequency of the mix."""
    audio = song.audio.mono()
    power = np.abs(np.fft.rfft(audio.samples[0])) ** 2
    if not power.any():
        return NotApplicable("the song is silent")
    frequencies = np.fft.rfftfreq(audio.samples.shape[1], 1 / audio.rate)
    return frequencies @ power / power.sum()


@system("hum", version="1", licence="CC0-1.0", languages=(), conditions=(), vocals=False, sample_rate=48_000)
def hum(request: Request, *, hertz: float = 110.0) -> Audio:
    """Hums one note for the wanted time, with a little noise from the request's seed."""
    times = np.arange(round((request.prompt.seconds or 30.0) * 48_000)) / 48_000
    noise = np.random.default_rng(request.seed).standard_normal(len(times))
    samples = 0.2 * np.sin(2 * np.pi * hertz * times) + 0.001 * noise
    return Audio(np.stack([samples, samples]).astype("float32"), 48_000)


@extractor("mean power", version="1")
def mean_power(source: AudioSource) -> Mapping[str, float]:
    """What several metrics could use of a piece of audio: it is computed once and stored."""
    return {"power": float(np.mean(source.load().samples ** 2))}


@set_metric("power_gap", version="1", fields=[Field("power_gap", unit="dB", direction="lower")], extractor=mean_power)
def power_gap(songs: Sequence[Feature], reference: Sequence[Feature]) -> float | NotApplicable:
    """How far the power of all songs together is from that of the reference songs."""
    powers = [sum(song.data["power"] for song in side) / len(side) if side else 0.0 for side in (songs, reference)]
    return abs(10 * np.log10(powers[0] / powers[1])) if all(powers) else NotApplicable("one side is silent or empty")
