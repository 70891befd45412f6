"""A plug-in for tests: a system and metrics that are fast, misbehave on request and log what they compute."""

import os
import time

import numpy as np

from songbench.contracts.cards import READY, FieldCard, MetricCard, SystemCard, unavailable
from songbench.contracts.feature import Feature
from songbench.domain.audio import Audio
from songbench.domain.score import NotApplicable, Scores
from songbench.domain.song import Failure, GenerationRecord, memory_song

RATE = 8000


def log(what):
    """Append one line at once; several processes write to the same file."""
    if path := os.environ.get("PROBE_LOG"):
        with open(path, "a", encoding="utf-8") as handle:
            handle.write(f"{time.time_ns()} {what}\n")


class Probe:
    """Sine songs. `misbehave` maps prompt ids to raise, fail, exit, hang, nothing or clip."""

    def __init__(self, variant="probe", seconds_each=0.0, misbehave=None, gain=0.1):
        self.card = SystemCard(variant, "1", "A probe.", "CC0-1.0", languages=())
        self.parameters = {"gain": gain}
        self.seconds_each, self.misbehave, self.gain = seconds_each, misbehave or {}, gain

    def availability(self):
        return READY

    def generate(self, requests):
        for request in requests:
            log(f"song {self.card.name} {request.prompt.id} {request.take}")
            how = self.misbehave.get(request.prompt.id)
            if how == "raise":
                raise RuntimeError(f"cannot sing {request.prompt.id}")
            if how == "fail":
                yield Failure("generate", "out of tune", request=request)
                continue
            if how == "exit":
                os._exit(7)
            if how == "hang":
                time.sleep(600)
            if how == "nothing":
                continue
            time.sleep(self.seconds_each)
            rng = np.random.default_rng(request.seed)
            time_axis = np.arange(round((request.prompt.seconds or 1.0) * RATE)) / RATE
            gain = 1.5 if how == "clip" else self.gain
            tone = gain * np.sin(2 * np.pi * rng.uniform(200, 800) * time_axis)
            samples = np.stack([tone, tone]).astype("float32")
            yield memory_song(request, Audio(samples, RATE), GenerationRecord(seconds=0.5, peak_gib=0.25))


class LevelExtractor:
    name = "probe level"
    identity = {"version": "1"}

    def extract(self, sources):
        for source in sources:
            log(f"feature {source.digest[:12]}")
            time.sleep(float(os.environ.get("PROBE_FEATURE_S", "0")))
            samples = source.load().samples
            yield Feature(
                {"rms": np.sqrt(np.mean(samples**2, keepdims=True)).reshape(1)}, {"seconds": samples.shape[1] / RATE}
            )


class Level:
    card = MetricCard(
        "level", "probe", "1", (FieldCard("level", "", "higher", 0.0, 1.0, 3, "RMS."),), "RMS level.", "None.", "None."
    )

    def __init__(self, silent_on=None, raise_on=None):
        self.silent_on, self.raise_on = silent_on, raise_on

    def availability(self):
        return READY

    def score(self, songs, features):
        for song, feature in zip(songs, features.of(LevelExtractor(), [song.source for song in songs]), strict=True):
            if song.prompt.id == self.raise_on:
                raise ValueError("cannot judge this one")
            if song.prompt.id == self.silent_on:
                yield NotApplicable("it is not for this metric")
            else:
                yield Scores({"level": float(feature.arrays["rms"][0])})


class Spread:
    card = MetricCard(
        "spread",
        "probe",
        "1",
        (FieldCard("spread", "", "lower", 0.0, None, 4, "Std."),),
        "Spread of levels.",
        "None.",
        "None.",
    )
    extractors = (LevelExtractor(),)

    def availability(self):
        return READY

    def score_set(self, songs, reference, features):
        levels = [f.arrays["rms"][0] for f in features.of(LevelExtractor(), [song.source for song in songs])]
        if len(songs) < 2:
            return NotApplicable("one song has no spread")
        ids = [song.prompt.id for song in songs]
        without = {
            p: {"spread": float(np.std([x for x, i in zip(levels, ids, strict=True) if i != p]))} for p in set(ids)
        }
        return Scores({"spread": float(np.std(levels))}, n=len(songs), leave_one_out=without)


class Missing:
    card = MetricCard("missing", "probe", "1", (FieldCard("missing"),), "Never there.")

    def availability(self):
        return unavailable("its model is not here", "songbench setup nothing")

    def score(self, songs, features):
        raise AssertionError("must never be asked")


def greet(name: str = "world"):
    """Say hello."""
    print(f"hello {name}")
