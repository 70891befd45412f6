"""The written accompaniment, its beats counted from the beginning of the vocal."""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from systems.rulebased.arrange import arrange
from systems.rulebased.dynamics import Stretch, intensities
from systems.rulebased.genres import GENRE_TABLE
from systems.rulebased.harmony import Harmony, PlacedChord
from systems.rulebased.melody import MelodyNote
from systems.rulebased.midi import write_midi
from systems.rulebased.plan import BAR, Plan
from systems.rulebased.score import DRUM_BANK, InstrumentTrack, Tone
from systems.rulebased_band.analysis import VocalAnalysis
from systems.rulebased_band.chords import Bar
from systems.rulebased_band.form import shape

_LEAST_FINAL_BEATS = 2
_LEAST_TONE_BEATS = 0.1


@dataclass(frozen=True, kw_only=True)
class BandScore:
    """What the band plays.

    Attributes:
        tracks: instruments; beat 0 is the vocal's beginning, wherever it lies in its bar.
        stretches: the sections in seconds of the vocal and their intensity.
        rings_out: whether the last chord may ring on.
        midi: the same as a standard MIDI file, with the sung notes.
    """

    tracks: tuple[InstrumentTrack, ...]
    stretches: tuple[Stretch, ...]
    rings_out: bool
    midi: bytes


def write_score(analysis: VocalAnalysis, genre: str, arrangement: str, seed: int) -> BandScore:
    """Arranges what was found in a vocal.

    The arrangement is written from a bar line at or before the vocal's beginning on, then moved, so that the vocal may
    begin anywhere in a bar; what would sound before the vocal is left out.

    Args:
        analysis: of the vocal.
        genre: one of `systems.rulebased.style.GENRES`.
        arrangement: one of `systems.rulebased.style.ARRANGEMENTS`.
        seed: 0 or more.
    """
    grid = analysis.grid
    bars, lead = _whole_bars(analysis.bars)
    late = lead + float(grid.position(0.0))
    sections = shape(bars, analysis.features, grid.later(-lead))
    chords = tuple(PlacedChord(bar.chord, bar.start, bar.start + bar.beats) for bar in bars)
    table = GENRE_TABLE[genre]
    scale = analysis.key.pentatonic if table.scale == "pentatonic" else analysis.key.pitch_classes
    harmony = Harmony(analysis.key, chords, scale)
    levels = intensities(sections, arrangement)
    song_seed = _song_seed(seed, genre, analysis)
    arranged = arrange(sections, harmony, table, arrangement, levels, song_seed)
    tracks = tuple(_moved(track, late, analysis.cents) for track in arranged)
    stretches = tuple(
        Stretch(
            max(0.0, grid.seconds(section.start - lead)),
            min(analysis.features.seconds, grid.seconds(section.end - lead)),
            level,
        )
        for section, level in zip(sections, levels, strict=True)
    )
    return BandScore(
        tracks=tracks,
        stretches=stretches,
        rings_out=sections[-1].rules.rings_out,
        midi=_midi(analysis, harmony, tracks, late),
    )


def _whole_bars(bars: Sequence[Bar]) -> tuple[tuple[Bar, ...], int]:
    """The bars with the first one whole and no scrap at the end, and how many beats were put before the first beat."""
    lead = (BAR - bars[0].beats) % BAR if len(bars) > 1 else 0
    complete = [
        replace(bar, start=bar.start + lead if index else 0, beats=bar.beats if index else bar.beats + lead)
        for index, bar in enumerate(bars)
    ]
    if len(complete) > 1 and complete[-1].beats < _LEAST_FINAL_BEATS:
        scrap = complete.pop()
        complete[-1] = replace(complete[-1], beats=complete[-1].beats + scrap.beats)
    return tuple(complete), lead


def _song_seed(seed: int, genre: str, analysis: VocalAnalysis) -> int:
    """What was found takes part in the seed, so that one seed does not give a whole suite the same fills."""
    facts = f"{genre} {analysis.key.name} {analysis.grid.bpm:.3f} {analysis.grid.first:.3f}"
    return int(np.random.SeedSequence([seed, zlib.crc32(facts.encode())]).generate_state(1)[0])


def _moved(track: InstrumentTrack, beats: float, cents: float) -> InstrumentTrack:
    """A track some beats earlier, without what then lies before the beginning, in the singer's tuning."""
    tones: list[Tone] = []
    for tone in track.tones:
        start, end = tone.start - beats, tone.end - beats
        if start >= 0 or (track.bank != DRUM_BANK and end >= _LEAST_TONE_BEATS):
            tones.append(replace(tone, start=max(0.0, start), end=end))
    return replace(track, tones=tuple(tones), cents=track.cents + (0.0 if track.bank == DRUM_BANK else cents))


def _midi(
    analysis: VocalAnalysis,
    harmony: Harmony,
    tracks: Sequence[InstrumentTrack],
    late: float,
) -> bytes:
    """The tracks, the chords as texts, moved like them, and the sung notes without words."""
    start = float(analysis.grid.position(0.0))
    melody = [
        MelodyNote(
            round(note.pitch),
            float(analysis.grid.position(note.start)) - start,
            float(analysis.grid.position(note.end)) - start,
        )
        for note in analysis.notes
    ]
    moved = Harmony(
        harmony.key,
        tuple(replace(placed, start=placed.start - late, end=placed.end - late) for placed in harmony.chords),
        harmony.scale,
    )
    return write_midi(Plan(analysis.grid.bpm, ()), moved, [(note, "") for note in melody], tracks)
