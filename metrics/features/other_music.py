"""Music that has nothing to do with a prompt: the chance level of similarities to audio.

Another prompt's song would be the natural thing to compare with, but a song's score must not depend on which other
songs are scored with it. So a dozen clips of 10 s are played here, each in another style, from seeds: chords, bass,
melody and drums of a SoundFont. Real songs may well be nearer to each other than to these.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from songbench.domain.audio import Audio, MemoryAudio
from songbench.domain.hashing import derived_seed

RATE = 24_000
SECONDS = 10

_DRUM_CHANNEL, _DRUM_BANK = 9, 128
_KICK, _SNARE, _HAT, _RIDE = 36, 38, 42, 51
_GAIN_DB = -6.0


@dataclass(frozen=True, kw_only=True)
class _Style:
    """How a clip is played; programs by General MIDI, counted from 0."""

    name: str
    bpm: int
    chords: int
    bass: int
    melody: int
    drums: str = ""  # a letter per eighth: k kick, s snare, h hi-hat, r ride, . nothing
    minor: bool = False


_STYLES = (
    _Style(name="piano ballad", bpm=70, chords=0, bass=32, melody=0),
    _Style(name="rock", bpm=128, chords=30, bass=34, melody=29, drums="khshkhsh"),
    _Style(name="metal", bpm=160, chords=30, bass=34, melody=30, drums="kkskkksk", minor=True),
    _Style(name="disco", bpm=118, chords=48, bass=36, melody=62, drums="khkhkhkh"),
    _Style(name="jazz", bpm=140, chords=26, bass=32, melody=66, drums="r.rrr.rr"),
    _Style(name="strings", bpm=80, chords=48, bass=43, melody=40, drums="", minor=True),
    _Style(name="folk", bpm=96, chords=25, bass=32, melody=73),
    _Style(name="techno", bpm=132, chords=81, bass=38, melody=80, drums="khkhkhkh", minor=True),
    _Style(name="reggae", bpm=76, chords=27, bass=33, melody=22, drums="h.s.h.sh"),
    _Style(name="organ and choir", bpm=90, chords=19, bass=52, melody=53, drums="", minor=True),
    _Style(name="march", bpm=112, chords=61, bass=58, melody=56, drums="kshsksss"),
    _Style(name="koto and flute", bpm=84, chords=107, bass=105, melody=77, drums="", minor=True),
)


@lru_cache(maxsize=1)
def other_music() -> tuple[MemoryAudio, ...]:
    """The clips: mono at 24 kHz, 10 s, always the same."""
    return tuple(map(_played, _STYLES))


def _played(style: _Style) -> MemoryAudio:
    from importlib.resources import files

    import numpy as np
    import tinysoundfont

    synth = tinysoundfont.Synth(gain=_GAIN_DB, samplerate=RATE)
    font = synth.sfload(str(files("pretty_midi") / "TimGM6mb.sf2"))
    for channel, program in enumerate((style.chords, style.bass, style.melody)):
        synth.program_select(channel, font, 0, program)
    synth.program_select(_DRUM_CHANNEL, font, _DRUM_BANK, 0, True)
    parts, at = [], 0
    for moment, sounding, channel, pitch in sorted(_notes(style)):
        if moment > at:
            parts.append(np.frombuffer(synth.generate(moment - at), np.float32).copy())
            at = moment
        if sounding:
            synth.noteon(channel, pitch, 96)
        else:
            synth.noteoff(channel, pitch)
    parts.append(np.frombuffer(synth.generate(SECONDS * RATE - at), np.float32).copy())
    return MemoryAudio(Audio(np.concatenate(parts).reshape(-1, 2).mean(axis=1)[None], RATE))


def _notes(style: _Style) -> list[tuple[int, bool, int, int]]:
    """Beginnings and ends of notes: sample, whether it begins, channel, pitch."""
    import numpy as np

    rng = np.random.default_rng(derived_seed("other music", style.name))
    eighth = 30 / style.bpm
    scale = [0, 2, 3, 5, 7, 8, 10] if style.minor else [0, 2, 4, 5, 7, 9, 11]
    key = int(rng.integers(48, 60))
    notes: list[tuple[int, bool, int, int]] = []

    def play(start: int, length: float, channel: int, pitch: int) -> None:
        begin, end = (round(where * eighth * RATE) for where in (start, start + length))
        if end < SECONDS * RATE:
            notes.extend([(begin, True, channel, pitch), (end, False, channel, pitch)])

    drums = {"k": _KICK, "s": _SNARE, "h": _HAT, "r": _RIDE}
    for bar in range(int(SECONDS / eighth / 8) + 1):
        root = int(rng.choice([0, 3, 4, 5]))
        for degree in (root, root + 2, root + 4):
            play(8 * bar, 7.5, 0, key + scale[degree % 7] + 12 * (degree // 7))
        for step in range(8):
            if step % 2 == 0:
                play(8 * bar + step, 1.8, 1, key - 12 + scale[root % 7])
            if rng.random() < 0.6:
                play(8 * bar + step, 0.9, 2, key + 12 + scale[int(rng.integers(7))])
            if style.drums and style.drums[step] in drums:
                play(8 * bar + step, 0.5, _DRUM_CHANNEL, drums[style.drums[step]])
    return notes
