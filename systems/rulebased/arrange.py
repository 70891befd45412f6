"""Who plays what in which section: an arrangement that grows, fills between sections, a ring-out at the end."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from systems.rulebased.dynamics import FULL
from systems.rulebased.figures import bass_line, comp, varied, voicing
from systems.rulebased.genres import (
    CLOSED,
    CRASH,
    KICK,
    OPEN,
    PEDAL,
    RIDE,
    SHAKER,
    SNARE,
    TAMBOURINE,
    TOMS,
    Genre,
    Instrument,
)
from systems.rulebased.harmony import Harmony, PlacedChord
from systems.rulebased.melody import set_melody
from systems.rulebased.plan import BAR, PlacedSection
from systems.rulebased.rhythm import Onset
from systems.rulebased.score import DRUM_BANK, InstrumentTrack, Tone, swung

_BASS_LEVEL = 84
_HIT_LEVELS = {"x": 92, "o": 60}
_CYMBAL_GAIN = {RIDE: 1.35, PEDAL: 1.35, CLOSED: 1.25, OPEN: 1.1}
"""Cymbals are sampled softly in the SoundFont; velocity makes up for it."""
_PEAK = 0.88
"""Intensity from which everything is added that the kit has."""
_SECOND_VERSE = 0.42
_LATE_BEATS = 0.012
"""Standard deviation of a player's timing."""
_DETUNED_CENTS = 6.0

_LEAD_RHYTHMS = (
    ((0.0, 1.0), (1.0, 1.5), (1.5, 2.5), (2.5, 3.0), (3.0, 4.0), (4.0, 5.5), (5.5, 6.0), (6.0, 7.5)),
    ((0.0, 1.5), (1.5, 2.0), (2.0, 3.5), (4.0, 4.5), (4.5, 5.0), (5.0, 6.0), (6.0, 7.5)),
    ((0.5, 1.0), (1.0, 1.5), (1.5, 2.0), (2.0, 3.5), (4.5, 5.0), (5.0, 5.5), (5.5, 6.0), (6.0, 7.5)),
)


def arrange(
    sections: Sequence[PlacedSection],
    harmony: Harmony,
    genre: Genre,
    arrangement: str,
    levels: Sequence[float],
    seed: int,
) -> tuple[InstrumentTrack, ...]:
    """Writes the accompaniment.

    Args:
        sections: the placed sections.
        harmony: their chords.
        genre: patterns and instruments.
        arrangement: one of `style.ARRANGEMENTS`.
        levels: intensity of each section, 0-1.
        seed: small differences of loudness and time, choice of fills and variations.

    Returns:
        Drums, bass, accompanying instruments and the lead of instrumental sections; tracks without tones are left out.
    """
    writer = _Writer(sections, harmony, genre, arrangement, levels, seed)
    tracks = [
        InstrumentTrack(
            name="drums", stem="drums", program=genre.kit.preset, bank=DRUM_BANK, pan=0.0, tones=tuple(writer.drums())
        ),
        InstrumentTrack(
            name="bass", stem="bass", program=genre.bass.program, bank=0, pan=0.0, tones=tuple(writer.bass())
        ),
        *(
            track
            for instrument in genre.instruments
            for track in _recorded(instrument, tuple(writer.accompany(instrument)))
        ),
        InstrumentTrack(
            name="lead", stem="other", program=genre.lead.program, bank=0, pan=0.1, tones=tuple(writer.lead())
        ),
    ]
    return tuple(_played(track, genre.swing, seed + rank) for rank, track in enumerate(tracks) if track.tones)


def _recorded(instrument: Instrument, tones: tuple[Tone, ...]) -> Iterator[InstrumentTrack]:
    """What an instrument plays, once or, a little out of tune with each other, on both sides."""
    first = InstrumentTrack(
        name=instrument.name, stem="other", program=instrument.program, bank=0, pan=instrument.pan, tones=tones
    )
    if not instrument.double:
        yield first
        return
    yield replace(first, cents=-_DETUNED_CENTS)
    yield replace(first, name=f"{instrument.name} double", pan=-instrument.pan, cents=_DETUNED_CENTS)


def _played(track: InstrumentTrack, swing: float, seed: int) -> InstrumentTrack:
    """Swing, and times and velocities that vary a little from note to note."""
    rng = np.random.default_rng([seed, 53])
    tones = []
    for tone in track.tones:
        velocity = int(np.clip(round(tone.velocity + rng.normal(0, 3.5)), 1, 127))
        late = float(np.clip(rng.normal(0, _LATE_BEATS), -2 * _LATE_BEATS, 2 * _LATE_BEATS))
        start = max(0.0, swung(tone.start, swing) + late)
        end = max(start + 0.05, swung(tone.end, swing))
        tones.append(replace(tone, start=start, end=end, velocity=velocity))
    return replace(track, tones=tuple(tones))


class _Writer:
    """Writes the tracks of one song."""

    def __init__(
        self,
        sections: Sequence[PlacedSection],
        harmony: Harmony,
        genre: Genre,
        arrangement: str,
        levels: Sequence[float],
        seed: int,
    ) -> None:
        self.sections, self.harmony, self.genre = sections, harmony, genre
        self.arrangement, self.levels, self.seed = arrangement, levels, seed
        self.final = harmony.chords[-1] if harmony.chords else None
        passed: Counter[str] = Counter()
        self.repeats: list[int] = []
        for section in sections:
            self.repeats.append(passed[section.tag])
            passed[section.tag] += 1

    def rng(self, part: int, section: int) -> np.random.Generator:
        """The chance in what a part, named by a number, plays in a section."""
        return np.random.default_rng([self.seed, part, section])

    def chords(self, section: PlacedSection) -> tuple[PlacedChord, ...]:
        """The chords of a section, the song's final one left out."""
        return tuple(placed for placed in self.harmony.between(section.start, section.end) if placed != self.final)

    def drums(self) -> Iterator[Tone]:
        for index, section in enumerate(self.sections):
            fill = self.fill_beats(index)
            if section.rules.drums:
                yield from self.beat(index, fill)
            if fill:
                yield from self.fill(section.end - fill, fill, index)
        if self.final and self.arrangement != "sparse":
            yield from (Tone(key, self.final.start, self.final.start + 1, 92) for key in (KICK, CRASH))

    def beat(self, index: int, fill: float) -> Iterator[Tone]:
        section, level, rng = self.sections[index], self.levels[index], self.rng(59, index)
        full = level >= FULL
        hits = dict(self.genre.kit.full if full else self.genre.kit.soft)
        if level >= _PEAK:
            hits[TAMBOURINE] = "o.x.o.x.o.x.o.x."
        elif not full and level >= _SECOND_VERSE and SHAKER not in hits:
            hits[SHAKER] = "o.o.o.o.o.o.o.o."
        gain = 0.68 + 0.36 * level
        for number, placed_chord in enumerate(self.chords(section)):
            end = min(placed_chord.end, section.end - fill)
            changed = number % 2 == 1 and rng.random() < 0.6
            yield from _hits(_changed(hits, rng) if changed else hits, placed_chord.start, end, gain)
            if full and number and number % 4 == 0 and level >= _PEAK:
                yield Tone(CRASH, placed_chord.start, placed_chord.start + 1, 76)
        if full:
            yield Tone(CRASH, section.start, section.start + 1, int(60 + 32 * level))

    def fill_beats(self, index: int) -> float:
        """A fill leads into a section with drums; none out of or into silence, none in a very short section."""
        section = self.sections[index]
        if index + 1 == len(self.sections) or section.rules.silent or not self.sections[index + 1].rules.drums:
            return 0.0
        if self.arrangement == "sparse" or section.beats < 4:
            return 0.0
        return 2.0 if self.levels[index + 1] >= FULL and section.beats >= 8 else 1.0

    def fill(self, start: float, beats: float, index: int) -> Iterator[Tone]:
        rng = self.rng(71, index)
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
        for index, section in enumerate(self.sections):
            if not section.rules.bass:
                continue
            chords, rng = self.chords(section), self.rng(73, index)
            figure = self.genre.bass.full if self.levels[index] >= FULL else self.genre.bass.soft
            for placed_chord, after in zip(chords, [*chords[1:], chords[0]] if chords else [], strict=True):
                tones = bass_line(figure, placed_chord, after.chord, _BASS_LEVEL)
                yield from varied(tones, rng) if self.repeats[index] else tones
        if self.final:
            yield from bass_line("long", self.final, self.final.chord, _BASS_LEVEL)

    def accompany(self, instrument: Instrument) -> Iterator[Tone]:
        pitches: tuple[int, ...] = ()
        for index, section in enumerate(self.sections):
            level = self.levels[index]
            if not instrument.least <= level <= instrument.most:
                continue
            rng = np.random.default_rng([self.seed, 79, index, sum(instrument.name.encode())])
            centre = instrument.centre + (0, 4, -2)[self.repeats[index] % 3]
            pitches = ()
            for placed_chord in self.chords(section):
                pitches = voicing(placed_chord.chord, centre, pitches)
                velocity = min(127, int(instrument.level * (0.84 + 0.2 * level)))
                tones = comp(instrument.figure, placed_chord, pitches, velocity)
                yield from varied(tones, rng)
        if self.final and (instrument.least < FULL or self.arrangement != "sparse"):
            pitches = voicing(self.final.chord, instrument.centre, pitches)
            yield from comp("rolled", self.final, pitches, instrument.level)

    def lead(self) -> Iterator[Tone]:
        """Instrumental sections play the chorus tune, one phrase per two bars."""
        for index, section in enumerate(self.sections):
            if not section.rules.lead or section.slots:
                continue
            rhythm = _LEAD_RHYTHMS[int(self.rng(83, 0).integers(len(_LEAD_RHYTHMS)))]
            phrases = list(_lead_phrases(section, rhythm, self.final.start if self.final else section.end))
            if phrases:
                velocity = int(self.genre.lead.velocity * (0.8 + 0.25 * self.levels[index]))
                for notes in set_melody(section, phrases, self.harmony, "female", self.seed, closing=False):
                    yield from (
                        Tone(note.pitch + 12, note.start, note.end - 0.05, min(127, velocity)) for note in notes
                    )


def _changed(hits: Mapping[int, str], rng: np.random.Generator) -> dict[int, str]:
    """A bar's patterns with a ghost note or a kick more, and the hi-hat opened at times."""
    changed = dict(hits)
    for key, places in ((KICK, (7, 10, 14)), (SNARE, (7, 9, 15))):
        if key in changed and rng.random() < 0.6:
            place = places[int(rng.integers(len(places)))]
            changed[key] = _with(changed[key], place)
    if CLOSED in changed and OPEN not in changed and rng.random() < 0.3:
        changed[OPEN] = "." * 14 + "o."
    return changed


def _with(pattern: str, place: int) -> str:
    return pattern if pattern[place] != "." else f"{pattern[:place]}o{pattern[place + 1 :]}"


def _hits(hits: Mapping[int, str], start: float, end: float, gain: float) -> Iterator[Tone]:
    for key, pattern in hits.items():
        for index, mark in enumerate(pattern):
            at = start + index / 4
            if mark != "." and at < end - 1e-6:
                level = int(_HIT_LEVELS[mark] * gain * _CYMBAL_GAIN.get(key, 1.0))
                yield Tone(key, at, at + 0.24, max(1, min(127, level)))


def _lead_phrases(section: PlacedSection, rhythm: Sequence[tuple[float, float]], limit: float) -> Iterator[list[Onset]]:
    start, end = section.start, min(section.end, limit)
    while start < end - 1.0:
        onsets = [Onset(start + a, min(end, start + b)) for a, b in rhythm if start + a < end - 0.5]
        if onsets:
            yield onsets
        start += 2 * BAR
