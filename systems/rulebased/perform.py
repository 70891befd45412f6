"""A song from lyrics: every part of the system in order."""

import time
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from songbench.domain.errors import InputError
from songbench.domain.lyrics import Lyrics
from songbench.domain.song import TimedSection, TimedWord
from systems.rulebased.arrange import arrange
from systems.rulebased.band import RATE, render
from systems.rulebased.dynamics import Stretch, intensities
from systems.rulebased.espeak import RATE as VOICE_RATE
from systems.rulebased.expression import breath, phrase_velocities
from systems.rulebased.genres import GENRE_TABLE, Genre
from systems.rulebased.harmony import Harmony, choose_key, harmonise
from systems.rulebased.melody import MelodyNote, set_melody
from systems.rulebased.midi import write_midi
from systems.rulebased.mix import mix_song
from systems.rulebased.phrasing import LyricLine, lyric_line
from systems.rulebased.pitch import Note
from systems.rulebased.plan import Part, PlacedSection, Plan, make_plan
from systems.rulebased.rhythm import Onset, set_rhythm
from systems.rulebased.score import InstrumentTrack, swung
from systems.rulebased.style import ARRANGEMENTS, GENRES, SINGERS, Style
from systems.rulebased.syllables import SyllableLine
from systems.rulebased.voice import SungLine, sing_line

_RING_OUT_SECONDS = 1.5
_LEAST_BREATH_SECONDS = 0.3
"""Silence between two lines, before the consonants of the second."""


@dataclass(frozen=True)
class TimedChord:
    """A chord symbol and when it sounds, in seconds."""

    name: str
    start: float
    end: float


@dataclass(frozen=True, eq=False, kw_only=True)
class Performance:
    """A finished song and everything known about it.

    Attributes:
        mix: float32 (2, n) at `rate`.
        stems: `vocals`, `drums`, `bass`, `other`, each like the mix; their sum in this order is the mix.
        rate: samples per second, 48000.
        words: sung words in order, one per character for Mandarin.
        sections: where each section lies.
        melody: sung notes in order.
        midi: the score, a standard MIDI file.
        key: such as `A minor`.
        bpm: beats per minute.
        chords: in order.
        stages: seconds of computing by stage.
        notes: what a reader should know, such as a wanted duration that could not be kept.
    """

    mix: npt.NDArray[np.float32]
    stems: Mapping[str, npt.NDArray[np.float32]]
    rate: int
    words: tuple[TimedWord, ...]
    sections: tuple[TimedSection, ...]
    melody: tuple[Note, ...]
    midi: bytes
    key: str
    bpm: float
    chords: tuple[TimedChord, ...]
    stages: Mapping[str, float]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Recipe:
    """How a song is to be made.

    Attributes:
        style: what was read from the style text.
        singer: `female` or `male`.
        arrangement: one of `ARRANGEMENTS`.
        seed: everything random follows from it and the words; 0 or more.
    """

    style: Style
    singer: str
    arrangement: str
    seed: int

    def __post_init__(self) -> None:
        """Refuse names that no rule knows."""
        for field, name, allowed in (
            ("genre", self.style.genre, GENRES),
            ("voice", self.singer, SINGERS),
            ("arrangement", self.arrangement, ARRANGEMENTS),
        ):
            if name not in allowed:
                raise InputError(f"Unknown {field} '{name}'.", field=field, value=name, allowed=allowed)
        if self.seed < 0:
            raise InputError(f"The seed {self.seed} is negative.", field="seed", cure="Use 0 or more.")

    @property
    def genre(self) -> Genre:
        """The patterns of the style's genre."""
        return GENRE_TABLE[self.style.genre]


def perform(lyrics: Lyrics, language: str, recipe: Recipe, seconds: float | None = None) -> Performance:
    """Composes, plays and sings a song.

    Args:
        lyrics: the sections.
        language: `en`, `zh` or `mixed`.
        recipe: style, singer, seed.
        seconds: wanted duration; None: what the words need at ease.

    Returns:
        The song; the same arguments give the same samples in every process.

    Raises:
        InputError: the language is not supported, the duration is not positive, or a vocal section holds no word.
        UnavailableError: a package the voice or the band needs is missing.
    """
    if seconds is not None and not seconds > 0:
        raise InputError(f"A song cannot last {seconds} seconds.", field="seconds", cure="Ask for a positive duration.")
    recipe = replace(recipe, seed=_song_seed(lyrics, recipe))
    clock = _Clock()
    parts = _parts(lyrics, language, recipe.singer)
    clock.stage("speech")
    plan = make_plan(parts, seconds, *_tempo_range(recipe))
    composition = _compose(plan, recipe)
    clock.stage("composition")
    sung = _sing(plan, composition, recipe.seed)
    total = _total_samples(plan, sung)
    vocals = _place(sung, total, recipe.seed)
    clock.stage("singing")
    band = render(composition.tracks, plan.bpm, total)
    clock.stage("band")
    sections = _sections(plan, total)
    silences = [(plan.seconds(s.start), plan.seconds(s.end)) for s in plan.sections if s.rules.silent]
    stretches = [Stretch(s.start, s.end, level) for s, level in zip(sections, composition.levels, strict=True)]
    fade = _RING_OUT_SECONDS if plan.sections[-1].rules.rings_out else 0.4
    mix, stems = mix_song(vocals, band, stretches, silences, fade)
    clock.stage("mix")
    return Performance(
        mix=mix,
        stems=stems,
        rate=RATE,
        words=_words(plan, sung),
        sections=sections,
        melody=tuple(note for line in composition.notes(plan) for note in line),
        midi=_midi(plan, composition),
        key=composition.harmony.key.name,
        bpm=plan.bpm,
        chords=tuple(
            TimedChord(c.chord.name, plan.seconds(c.start), plan.seconds(c.end)) for c in composition.harmony.chords
        ),
        stages=clock.stages,
        notes=_notes(total / RATE, seconds),
    )


def warm_up() -> None:
    """Imports everything a performance needs, so that the first song is timed like the others."""
    import pyloudnorm
    import pyworld
    import scipy.ndimage
    import scipy.signal
    import soxr
    import tinysoundfont

    del pyloudnorm, pyworld, scipy, soxr, tinysoundfont


def _notes(lasts: float, target_seconds: float | None) -> tuple[str, ...]:
    if target_seconds is None or abs(lasts - target_seconds) <= 1.0:
        return ()
    return (
        f"lasts {lasts:.1f} s instead of {target_seconds:.1f} s: sections and words do not fit the wanted duration",
    )


def _song_seed(lyrics: Lyrics, recipe: Recipe) -> int:
    """Words and genre take part in the seed, so that one seed does not give a whole suite the same key and tune."""
    words = "\n".join([recipe.style.genre, *(line for section in lyrics.sections for line in section.lines)])
    return int(np.random.SeedSequence([recipe.seed, zlib.crc32(words.encode())]).generate_state(1)[0])


class _Clock:
    """Seconds by stage."""

    def __init__(self) -> None:
        self.stages: dict[str, float] = {}
        self._last = time.perf_counter()

    def stage(self, name: str) -> None:
        now = time.perf_counter()
        self.stages[name] = now - self._last
        self._last = now


@dataclass(frozen=True)
class _Composition:
    """Intensity of each section, harmony, the sung notes of each phrase (in beats) and the accompaniment."""

    levels: tuple[float, ...]
    harmony: Harmony
    melody: tuple[tuple[MelodyNote, ...], ...]
    tracks: tuple[InstrumentTrack, ...]

    def notes(self, plan: Plan) -> list[list[Note]]:
        return [
            [
                Note(
                    pitch=note.pitch,
                    start=plan.seconds(note.start),
                    end=plan.seconds(note.end),
                    velocity=note.velocity,
                    tone=syllable.tone,
                )
                for note, syllable in zip(notes, phrase.syllables, strict=True)
            ]
            for notes, phrase in zip(self.melody, _phrases(plan), strict=True)
        ]


def _parts(lyrics: Lyrics, language: str, singer: str) -> list[Part]:
    parts = []
    for section in lyrics.sections:
        lines = [lyric_line(line, language, singer) for line in section.lines]
        sung = tuple(line for line in lines if line is not None)
        if section.vocal and not sung:
            raise InputError(
                f"[{section.tag}] holds nothing that can be sung: '{' / '.join(section.lines)}'.",
                cure="Write words, or use [inst] for an instrumental part.",
            )
        parts.append(Part(section.tag, sung, section.seconds or 0.0))
    return parts


def _tempo_range(recipe: Recipe) -> tuple[float, float, float]:
    """Slowest, usual and fastest tempo: the genre's, moved by pace and seed, or close to the one asked for."""
    slow, usual, fast = recipe.genre.tempo
    if recipe.style.bpm is not None:
        return recipe.style.bpm * 0.98, recipe.style.bpm, recipe.style.bpm * 1.02
    usual *= np.random.default_rng([recipe.seed, 5]).uniform(0.95, 1.05)
    if recipe.style.pace > 0:
        return usual, (usual + fast) / 2, fast
    return (slow, (usual + slow) / 2, usual) if recipe.style.pace < 0 else (slow, usual, fast)


def _phrases(plan: Plan) -> list[SyllableLine]:
    """What is sung on one breath each, in order."""
    return [phrase for section in plan.sections for slot in section.slots for phrase in slot.line.phrases]


def _compose(plan: Plan, recipe: Recipe) -> _Composition:
    key = choose_key(recipe.genre, recipe.style.mode, np.random.default_rng([recipe.seed, 3]))
    levels = intensities(plan.sections, recipe.arrangement)
    vocal = [index for index, section in enumerate(plan.sections) if section.slots]
    rhythms = dict(zip(vocal, _rhythms(plan, recipe), strict=True))
    closing = [index for index in vocal if index == vocal[-1] or plan.sections[index].rules.rests]
    cadences = [rhythms[index][-1][-1].start for index in closing]
    harmony = harmonise(plan.sections, recipe.genre, key, recipe.seed, cadences)
    melody: list[tuple[MelodyNote, ...]] = []
    for index in vocal:
        section = plan.sections[index]
        lines = set_melody(section, rhythms[index], harmony, recipe.singer, recipe.seed, index in closing)
        for number, (slot, notes) in enumerate(zip(section.slots, lines, strict=True)):
            rng = np.random.default_rng([recipe.seed, 13, index, number])
            melody += _phrased(slot.line, notes, levels[index], rng)
    tracks = arrange(plan.sections, harmony, recipe.genre, recipe.arrangement, levels, recipe.seed)
    return _Composition(levels, harmony, tuple(_swing(notes, recipe.genre.swing) for notes in melody), tracks)


def _phrased(
    line: LyricLine, notes: Sequence[MelodyNote], level: float, rng: np.random.Generator
) -> Iterator[tuple[MelodyNote, ...]]:
    """The notes of each phrase of a line, with the velocities of a singer."""
    first = 0
    for phrase in line.phrases:
        part = notes[first : first + len(phrase.syllables)]
        first += len(phrase.syllables)
        stresses = [syllable.stress for syllable in phrase.syllables]
        velocities = phrase_velocities(stresses, [n.start for n in part], [n.pitch for n in part], level, rng)
        yield tuple(replace(note, velocity=velocity) for note, velocity in zip(part, velocities, strict=True))


def _swing(line: Sequence[MelodyNote], share: float) -> tuple[MelodyNote, ...]:
    return tuple(replace(note, start=swung(note.start, share), end=swung(note.end, share)) for note in line)


def _rhythms(plan: Plan, recipe: Recipe) -> list[list[tuple[Onset, ...]]]:
    """Onsets per line of each vocal section; a line never starts before the last one has ended."""
    rhythms, free = [], 0.0
    for section in plan.sections:
        if not section.slots:
            free = section.end if section.rules.silent else max(free, section.start)
            continue
        lines = []
        for index, slot in enumerate(section.slots):
            lead = slot.line.before_seconds * plan.bpm / 60.0
            earliest = free if index or _follows_silence(plan, section) else max(free, slot.start - lead)
            rng = np.random.default_rng([recipe.seed, 11, sum(section.tag.encode()), index % 2])
            lines.append(set_rhythm(slot, section.start, plan.bpm, earliest, rng))
            free = lines[-1][-1].end + _LEAST_BREATH_SECONDS * plan.bpm / 60.0
        rhythms.append(lines)
    return rhythms


def _follows_silence(plan: Plan, section: PlacedSection) -> bool:
    index = plan.sections.index(section)
    return index == 0 or plan.sections[index - 1].rules.silent


def _sing(plan: Plan, composition: _Composition, seed: int) -> list[tuple[SyllableLine, SungLine]]:
    sung = []
    for index, (line, notes) in enumerate(zip(_phrases(plan), composition.notes(plan), strict=True)):
        sung.append((line, sing_line(line, notes, np.random.default_rng([seed, 7, index]))))
    return sung


def _total_samples(plan: Plan, sung: Sequence[tuple[SyllableLine, SungLine]]) -> int:
    """The plan's length, or longer when singing does not fit into it."""
    ends = [line.start + len(line.samples) / VOICE_RATE for _, line in sung]
    return round(RATE * max([plan.seconds(plan.beats), *ends]))


def _place(sung: Sequence[tuple[SyllableLine, SungLine]], total: int, seed: int) -> npt.NDArray[np.float32]:
    """All phrases at their times, with the breaths before them, (total,) at `RATE`."""
    import soxr

    buffer = np.zeros(-(-total * VOICE_RATE // RATE) + 1, np.float32)
    free = 0.0
    for index, (_, phrase) in enumerate(sung):
        _add(buffer, phrase.start, phrase.samples)
        level = float(np.sqrt(np.mean(np.square(phrase.samples))))
        inhaled = breath(free, phrase.start, level, np.random.default_rng([seed, 19, index]))
        if inhaled:
            _add(buffer, *inhaled)
        free = phrase.start + len(phrase.samples) / VOICE_RATE
    vocals = soxr.resample(buffer, VOICE_RATE, RATE)[:total]
    return np.pad(vocals, (0, total - len(vocals))).astype(np.float32)


def _add(buffer: npt.NDArray[np.float32], start: float, samples: npt.NDArray[np.float32]) -> None:
    """Adds samples from a time in seconds on, as far as the buffer goes; in place."""
    first = max(0, round(start * VOICE_RATE))
    part = samples[: len(buffer) - first]
    buffer[first : first + len(part)] += part


def _words(plan: Plan, sung: Sequence[tuple[SyllableLine, SungLine]]) -> tuple[TimedWord, ...]:
    return tuple(word for line, result in sung for word in _line_words(line, result))


def _line_words(line: SyllableLine, sung: SungLine) -> list[TimedWord]:
    """Words from syllables; words that share a syllable share its time evenly."""
    timed = []
    for text, first, last in line.words():
        words = text.split(" ")
        edges = np.linspace(sung.syllable_spans[first][0], sung.syllable_spans[last - 1][1], len(words) + 1)
        timed += [
            TimedWord(word, float(start), float(end)) for word, (start, end) in zip(words, pairwise(edges), strict=True)
        ]
    return timed


def _sections(plan: Plan, total: int) -> tuple[TimedSection, ...]:
    edges = [plan.seconds(section.start) for section in plan.sections] + [total / RATE]
    return tuple(
        TimedSection(section.tag, start, end)
        for section, (start, end) in zip(plan.sections, pairwise(edges), strict=True)
    )


def _midi(plan: Plan, composition: _Composition) -> bytes:
    labelled = []
    for line, notes in zip(_phrases(plan), composition.melody, strict=True):
        labels = {first: text for text, first, _ in line.words()}
        labelled += [(note, labels.get(index, "")) for index, note in enumerate(notes)]
    return write_midi(plan, composition.harmony, labelled, composition.tracks)
