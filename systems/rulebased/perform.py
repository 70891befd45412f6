"""A song from lyrics: every part of the system in order."""

import time
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from songbench.domain.errors import InputError
from songbench.domain.lyrics import Lyrics
from songbench.domain.song import TimedSection, TimedWord
from systems.rulebased.arrange import arrange
from systems.rulebased.band import RATE, render
from systems.rulebased.espeak import RATE as VOICE_RATE
from systems.rulebased.genres import GENRE_TABLE, Genre
from systems.rulebased.harmony import Harmony, choose_key, harmonise
from systems.rulebased.melody import MelodyNote, set_melody
from systems.rulebased.midi import write_midi
from systems.rulebased.mix import mix_song
from systems.rulebased.pitch import Note
from systems.rulebased.plan import Part, PlacedSection, Plan, make_plan
from systems.rulebased.rhythm import Onset, set_rhythm
from systems.rulebased.score import InstrumentTrack, swung
from systems.rulebased.style import ARRANGEMENTS, GENRES, SINGERS, Style
from systems.rulebased.syllables import SyllableLine, syllable_line
from systems.rulebased.text import spoken_line
from systems.rulebased.voice import SungLine, sing_line

_RING_OUT_SECONDS = 1.5


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
    vocals = _place(sung, total)
    clock.stage("singing")
    band = render(composition.tracks, plan.bpm, total)
    clock.stage("band")
    silences = [(plan.seconds(s.start), plan.seconds(s.end)) for s in plan.sections if s.rules.silent]
    mix, stems = mix_song(vocals, band, silences, _RING_OUT_SECONDS if plan.sections[-1].rules.rings_out else 0.4)
    clock.stage("mix")
    return Performance(
        mix=mix,
        stems=stems,
        rate=RATE,
        words=_words(plan, sung),
        sections=_sections(plan, total),
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
    """Harmony, the sung notes of each line (in beats) and the accompaniment."""

    harmony: Harmony
    melody: tuple[tuple[MelodyNote, ...], ...]
    tracks: tuple[InstrumentTrack, ...]

    def notes(self, plan: Plan) -> list[list[Note]]:
        return [[Note(n.pitch, plan.seconds(n.start), plan.seconds(n.end)) for n in line] for line in self.melody]


def _parts(lyrics: Lyrics, language: str, singer: str) -> list[Part]:
    parts = []
    for section in lyrics.sections:
        lines = [_syllables(line, language, singer) for line in section.lines]
        sung = tuple(line for line in lines if line is not None)
        if section.vocal and not sung:
            raise InputError(
                f"[{section.tag}] holds nothing that can be sung: '{' / '.join(section.lines)}'.",
                cure="Write words, or use [inst] for an instrumental part.",
            )
        parts.append(Part(section.tag, sung, section.seconds or 0.0))
    return parts


def _syllables(line: str, language: str, singer: str) -> SyllableLine | None:
    spoken = spoken_line(line, language)
    return syllable_line(spoken, singer) if spoken else None


def _tempo_range(recipe: Recipe) -> tuple[float, float, float]:
    """Slowest, usual and fastest tempo: the genre's, moved by pace and seed, or close to the one asked for."""
    slow, usual, fast = recipe.genre.tempo
    if recipe.style.bpm is not None:
        return recipe.style.bpm * 0.98, recipe.style.bpm, recipe.style.bpm * 1.02
    usual *= np.random.default_rng([recipe.seed, 5]).uniform(0.95, 1.05)
    if recipe.style.pace > 0:
        return usual, (usual + fast) / 2, fast
    return (slow, (usual + slow) / 2, usual) if recipe.style.pace < 0 else (slow, usual, fast)


def _compose(plan: Plan, recipe: Recipe) -> _Composition:
    key = choose_key(recipe.genre, recipe.style.mode, np.random.default_rng([recipe.seed, 3]))
    harmony = harmonise(plan.sections, recipe.genre, key, recipe.seed)
    melody: list[tuple[MelodyNote, ...]] = []
    vocal = [section for section in plan.sections if section.slots]
    for section, rhythms in zip(vocal, _rhythms(plan, recipe), strict=True):
        closing = section is vocal[-1] or section.rules.rests
        melody += set_melody(section, rhythms, harmony, recipe.singer, recipe.seed, closing)
    tracks = arrange(plan.sections, harmony, recipe.genre, recipe.arrangement, recipe.seed)
    return _Composition(harmony, tuple(_swing(line, recipe.genre.swing) for line in melody), tracks)


def _swing(line: Sequence[MelodyNote], share: float) -> tuple[MelodyNote, ...]:
    return tuple(MelodyNote(note.pitch, swung(note.start, share), swung(note.end, share)) for note in line)


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
            free = lines[-1][-1].end + 0.15 * plan.bpm / 60.0
        rhythms.append(lines)
    return rhythms


def _follows_silence(plan: Plan, section: PlacedSection) -> bool:
    index = plan.sections.index(section)
    return index == 0 or plan.sections[index - 1].rules.silent


def _sing(plan: Plan, composition: _Composition, seed: int) -> list[tuple[SyllableLine, SungLine]]:
    lines = [slot.line for section in plan.sections for slot in section.slots]
    sung = []
    for index, (line, notes) in enumerate(zip(lines, composition.notes(plan), strict=True)):
        sung.append((line, sing_line(line, notes, np.random.default_rng([seed, 7, index]))))
    return sung


def _total_samples(plan: Plan, sung: Sequence[tuple[SyllableLine, SungLine]]) -> int:
    """The plan's length, or longer when singing does not fit into it."""
    ends = [line.start + len(line.samples) / VOICE_RATE for _, line in sung]
    return round(RATE * max([plan.seconds(plan.beats), *ends]))


def _place(sung: Sequence[tuple[SyllableLine, SungLine]], total: int) -> npt.NDArray[np.float32]:
    """All lines at their times, (total,) at `RATE`."""
    import soxr

    buffer = np.zeros(-(-total * VOICE_RATE // RATE) + 1, np.float32)
    for _, line in sung:
        first = max(0, round(line.start * VOICE_RATE))
        samples = line.samples[: len(buffer) - first]
        buffer[first : first + len(samples)] += samples
    vocals = soxr.resample(buffer, VOICE_RATE, RATE)[:total]
    return np.pad(vocals, (0, total - len(vocals))).astype(np.float32)


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
    lines = [slot.line for section in plan.sections for slot in section.slots]
    labelled = []
    for line, notes in zip(lines, composition.melody, strict=True):
        labels = {first: text for text, first, _ in line.words()}
        labelled += [(note, labels.get(index, "")) for index, note in enumerate(notes)]
    return write_midi(plan, composition.harmony, labelled, composition.tracks)
