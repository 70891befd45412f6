"""Small bands and singers of known notes, and requests of the track ``v2a`` for them."""

import numpy as np

from songbench.domain.audio import Audio, MemoryAudio
from songbench.domain.lyrics import parse_lyrics
from songbench.domain.prompt import Prompt
from songbench.domain.score import Scores
from songbench.domain.song import Request, memory_song

RATE = 22_050
SECONDS = 16.0
BEAT = 0.5
CHORDS = ((0, 4, 7), (9, 0, 4), (5, 9, 0), (7, 11, 2))
"""Pitch classes from C of a chord a bar: C, A minor, F, G."""
PROMPT = Prompt(id="p", lyrics=parse_lyrics("[verse]\nla la"), track="v2a")


def tone(midi, seconds, rate=RATE):
    """Four harmonics, struck and dying away."""
    time = np.arange(round(seconds * rate)) / rate
    hz = 440 * 2 ** ((midi - 69) / 12)
    partials = sum(np.sin(2 * np.pi * hz * k * time) / k for k in range(1, 5))
    return 0.1 * partials * np.minimum(1, time / 0.003) * np.exp(-3 * time)


def performance(notes, seconds=SECONDS, rate=RATE):
    """Audio of notes: (moment, MIDI number, duration)."""
    wave = np.zeros(round(seconds * rate))
    for moment, midi, length in notes:
        at = round(moment * rate)
        sound = tone(midi, length, rate)[: len(wave) - at]
        wave[at : at + len(sound)] += sound
    return Audio(wave.astype(np.float32)[None], rate)


def band(transpose=0, late=0.0, beat=BEAT, seconds=SECONDS, rate=RATE):
    """Chords on each beat, changing every four, and a bass."""
    notes = []
    for number in range(int((seconds - late) / beat)):
        chord = CHORDS[number // 4 % 4]
        moment = late + number * beat
        notes += [(moment, 60 + note + transpose, beat) for note in chord] + [(moment, 36 + chord[0] + transpose, beat)]
    return performance(notes, seconds, rate)


def melody(transpose=0, seconds=SECONDS, rate=RATE):
    """A chord tone on every second beat, steady like a sung vowel."""
    wave = np.zeros(round(seconds * rate))
    for number in range(0, int(seconds / BEAT), 2):
        chord, start = CHORDS[number // 4 % 4], round(number * BEAT * rate)
        time = np.arange(round(0.8 * rate)) / rate
        hz = 440 * 2 ** ((60 + chord[number // 2 % 2] + transpose - 69) / 12)
        sound = 0.1 * sum(np.sin(2 * np.pi * hz * k * time) / k for k in range(1, 9))
        sound *= np.minimum(1, np.minimum(time, 0.8 - time) / 0.02)
        wave[start : start + len(sound)] += sound[: len(wave) - start]
    return Audio(wave.astype(np.float32)[None], rate)


def silence(seconds=SECONDS, rate=RATE):
    return Audio(np.zeros((1, round(seconds * rate)), np.float32), rate)


def answer(accompaniment, vocal=None, truth=None):
    """A song of the track: an accompaniment for a vocal, with the true one or without."""
    sources = [None if audio is None else MemoryAudio(audio) for audio in (vocal, truth)]
    return memory_song(Request(prompt=PROMPT, take=0, seed=0, vocal=sources[0], reference=sources[1]), accompaniment)


class Extracted:
    """Features that are extracted when they are asked for, each once."""

    def __init__(self):
        self.features = {}

    def of(self, extractor, sources):
        keys = [(extractor.name, str(extractor.identity), source.digest) for source in sources]
        for key, source in zip(keys, sources, strict=True):
            if key not in self.features:
                self.features[key] = next(iter(extractor.extract([source])))
        return [self.features[key] for key in keys]


FEATURES = Extracted()


def verdict_of(metric, *parts):
    """What a metric says of one accompaniment; `parts` as in `answer`."""
    (verdict,) = metric.score([answer(*parts)], FEATURES)
    return verdict


def values_of(metric, *parts):
    """Its values; every field of the card has one or a reason."""
    verdict = verdict_of(metric, *parts)
    assert isinstance(verdict, Scores), verdict
    fields = {field.name: field for field in metric.card.fields}
    assert {*verdict.values, *verdict.missing} == set(fields)
    assert not {*verdict.values} & {*verdict.missing}
    for name, value in verdict.values.items():
        low, high = fields[name].low, fields[name].high
        assert (low is None or low <= value) and (high is None or value <= high), name
    return verdict.values
