"""Who plays what in which section: quiet and full sections, fills between them, a ring-out at the end."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from systems.rulebased.figures import bass_line, comp, voicing
from systems.rulebased.genres import CLOSED, CRASH, KICK, OPEN, PEDAL, RIDE, SNARE, TOMS, Genre, Instrument
from systems.rulebased.harmony import Harmony, PlacedChord
from systems.rulebased.melody import set_melody
from systems.rulebased.plan import PlacedSection
from systems.rulebased.rhythm import Onset
from systems.rulebased.score import DRUM_BANK, InstrumentTrack, Tone, swung

_BASS_LEVEL = 84
_HIT_LEVELS = {"x": 92, "o": 60}
_CYMBAL_GAIN = {RIDE: 1.35, PEDAL: 1.35, CLOSED: 1.25, OPEN: 1.1}
"""Cymbals are sampled softly in the SoundFont; velocity makes up for it."""

_LEAD_RHYTHM = ((0.0, 1.0), (1.0, 1.5), (1.5, 2.5), (2.5, 3.0), (3.0, 4.0), (4.0, 5.5), (5.5, 6.0), (6.0, 7.5))


def arrange(
    sections: Sequence[PlacedSection], harmony: Harmony, genre: Genre, arrangement: str, seed: int
) -> tuple[InstrumentTrack, ...]:
    """Writes the accompaniment.

    Args:
        sections: the placed sections.
        harmony: their chords.
        genre: patterns and instruments.
        arrangement: one of `style.ARRANGEMENTS`.
        seed: small differences of loudness, choice of fills.

    Returns:
        Drums, bass, accompanying instruments and the lead of instrumental sections; tracks without tones are left out.
    """
    writer = _Writer(sections, harmony, genre, arrangement, seed)
    tracks = [
        InstrumentTrack(
            name="drums", stem="drums", program=genre.kit.preset, bank=DRUM_BANK, pan=0.0, tones=tuple(writer.drums())
        ),
        InstrumentTrack(
            name="bass", stem="bass", program=genre.bass.program, bank=0, pan=0.0, tones=tuple(writer.bass())
        ),
        *(
            InstrumentTrack(
                name=i.name, stem="other", program=i.program, bank=0, pan=i.pan, tones=tuple(writer.accompany(i))
            )
            for i in genre.instruments
        ),
        InstrumentTrack(
            name="lead", stem="other", program=genre.lead.program, bank=0, pan=0.1, tones=tuple(writer.lead())
        ),
    ]
    return tuple(_played(track, genre.swing, seed + rank) for rank, track in enumerate(tracks) if track.tones)


def _played(track: InstrumentTrack, swing: float, seed: int) -> InstrumentTrack:
    """Swing, and velocities that vary a little from note to note."""
    rng = np.random.default_rng([seed, 53])
    tones = []
    for tone in track.tones:
        velocity = int(np.clip(round(tone.velocity + rng.normal(0, 3.5)), 1, 127))
        tones.append(replace(tone, start=swung(tone.start, swing), end=swung(tone.end, swing), velocity=velocity))
    return replace(track, tones=tuple(tones))


class _Writer:
    """Writes the tracks of one song."""

    def __init__(
        self, sections: Sequence[PlacedSection], harmony: Harmony, genre: Genre, arrangement: str, seed: int
    ) -> None:
        self.sections, self.harmony, self.genre = sections, harmony, genre
        self.arrangement, self.seed = arrangement, seed
        self.final = harmony.chords[-1] if harmony.chords else None

    def is_full(self, section: PlacedSection) -> bool:
        return self.arrangement in section.rules.full

    def chords(self, section: PlacedSection) -> tuple[PlacedChord, ...]:
        """The chords of a section, the song's final one left out."""
        return tuple(placed for placed in self.harmony.between(section.start, section.end) if placed != self.final)

    def drums(self) -> Iterator[Tone]:
        for index, section in enumerate(self.sections):
            following = self.sections[index + 1] if index + 1 < len(self.sections) else None
            fill = self.fill_beats(section, following)
            if section.rules.drums:
                yield from self.beat(section, fill)
            if fill:
                yield from self.fill(section.end - fill, fill, index)
        if self.final and self.arrangement != "sparse":
            yield from (Tone(key, self.final.start, self.final.start + 1, 88) for key in (KICK, CRASH))

    def beat(self, section: PlacedSection, fill: float) -> Iterator[Tone]:
        full = self.is_full(section)
        hits = self.genre.kit.full if full else self.genre.kit.soft
        for placed_chord in self.chords(section):
            end = min(placed_chord.end, section.end - fill)
            yield from _hits(hits, placed_chord.start, end, 1.0 if full else 0.82)
        if full:
            yield Tone(CRASH, section.start, section.start + 1, 84)

    def fill_beats(self, section: PlacedSection, following: PlacedSection | None) -> float:
        """A fill leads into a section with drums; none out of or into silence, none in a very short section."""
        if following is None or section.rules.silent or not following.rules.drums:
            return 0.0
        if self.arrangement == "sparse" or section.beats < 4:
            return 0.0
        return 2.0 if self.is_full(following) and section.beats >= 8 else 1.0

    def fill(self, start: float, beats: float, index: int) -> Iterator[Tone]:
        rng = np.random.default_rng([self.seed, 71, index])
        count = int(beats * 4)
        keys = [SNARE, SNARE, *TOMS]
        for step in range(count):
            if step % 4 == 0 or rng.random() < 0.72:
                key = keys[min(len(keys) - 1, int(step / count * len(keys)))]
                gain = self.genre.kit.tom_gain if key in TOMS else 1.0
                level = int((58 + 40 * step / count) * gain)
                yield Tone(key, start + step / 4, start + step / 4 + 0.2, level)
        yield Tone(KICK, start, start + 0.25, 80)

    def bass(self) -> Iterator[Tone]:
        for section in self.sections:
            if not section.rules.bass:
                continue
            chords = self.chords(section)
            for placed_chord, after in zip(chords, [*chords[1:], chords[0]] if chords else [], strict=True):
                figure = self.genre.bass.full if self.is_full(section) else self.genre.bass.soft
                yield from bass_line(figure, placed_chord, after.chord, _BASS_LEVEL)
        if self.final:
            yield from bass_line("long", self.final, self.final.chord, _BASS_LEVEL)

    def accompany(self, instrument: Instrument) -> Iterator[Tone]:
        pitches: tuple[int, ...] = ()
        for section in self.sections:
            plays = instrument.full if self.is_full(section) else instrument.soft
            for placed_chord in self.chords(section) if plays else ():
                pitches = voicing(placed_chord.chord, instrument.centre, pitches)
                level = instrument.level if self.is_full(section) else int(instrument.level * 0.9)
                yield from comp(instrument.figure, placed_chord, pitches, level)
        if self.final and (instrument.soft or self.arrangement != "sparse"):
            yield from comp(
                "sustain", self.final, voicing(self.final.chord, instrument.centre, pitches), instrument.level
            )

    def lead(self) -> Iterator[Tone]:
        """Instrumental sections play the chorus tune, one phrase per two bars."""
        for section in self.sections:
            if not section.rules.lead:
                continue
            phrases = list(_lead_phrases(section, self.final.start if self.final else section.end))
            if phrases:
                for notes in set_melody(section, phrases, self.harmony, "female", self.seed, closing=False):
                    yield from (
                        Tone(note.pitch + 12, note.start, note.end - 0.05, self.genre.lead.velocity) for note in notes
                    )


def _hits(hits: Mapping[int, str], start: float, end: float, gain: float) -> Iterator[Tone]:
    for key, pattern in hits.items():
        for index, mark in enumerate(pattern):
            at = start + index / 4
            if mark != "." and at < end - 1e-6:
                level = int(_HIT_LEVELS[mark] * gain * _CYMBAL_GAIN.get(key, 1.0))
                yield Tone(key, at, at + 0.24, min(127, level))


def _lead_phrases(section: PlacedSection, limit: float) -> Iterator[list[Onset]]:
    start, end = section.start, min(section.end, limit)
    while start < end - 1.0:
        onsets = [Onset(start + a, min(end, start + b)) for a, b in _LEAD_RHYTHM if start + a < end - 0.5]
        yield onsets
        start += 8
