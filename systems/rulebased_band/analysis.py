"""Everything that is found in a vocal: beats, key, bars and chords, and what could not be found."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from songbench.domain.hashing import Json
from songbench.domain.held_pitch import LEAST_HELD, held_share
from systems.rulebased.genres import GENRE_TABLE
from systems.rulebased.plan import BAR
from systems.rulebased.theory import Key, chord_of
from systems.rulebased_band.beats import BeatGrid, find_beats
from systems.rulebased_band.chords import Bar, Tune
from systems.rulebased_band.features import FRAMES, VocalFeatures
from systems.rulebased_band.keys import rank_keys, resting_share
from systems.rulebased_band.notes import SungNote, SungNotes, transcribe

_KEYS = 4
"""How many of the likeliest keys are harmonised."""
_PROFILE_WEIGHT, _REST_WEIGHT = 20.0, 10.0
"""What a key's correlation with the notes, and its tonic at every rest, are worth beside the fit of its chords."""
_LEAST_NOTES = 4
_RESTING_KEY = Key(0, "major")


@dataclass(frozen=True, eq=False, kw_only=True)
class VocalAnalysis:
    """What the band needs to know of a vocal.

    Attributes:
        features: the curves that were measured.
        notes: the sung notes.
        grid: tempo and beats.
        key: the key.
        bars: bars and their chords, from the grid's first beat to the vocal's end, without gaps.
        cents: how far the singer's tuning is above 440 Hz.
        remarks: what could not be found and what was taken in its place.
    """

    features: VocalFeatures
    notes: tuple[SungNote, ...]
    grid: BeatGrid
    key: Key
    bars: tuple[Bar, ...]
    cents: float
    remarks: tuple[str, ...]

    @property
    def facts(self) -> Mapping[str, Json]:
        """Tempo, first bar line in seconds, key, tuning, and the chords with the seconds in which they begin."""
        lines = [bar for bar in self.bars[:2] if bar.start > 0] or [self.bars[0]]
        return {
            "bpm": self.grid.bpm,
            "first_bar_line": round(self.grid.seconds(lines[0].start), 3),
            "key": self.key.name,
            "cents": self.cents,
            "chords": " ".join(f"{max(0.0, self.grid.seconds(b.start)):.2f}:{b.chord.name}" for b in self.bars),
        }


def analyse(features: VocalFeatures, genre: str, usual: float | None = None) -> VocalAnalysis:
    """Finds beats, key, bars and chords.

    Args:
        features: of the vocal.
        genre: one of `systems.rulebased.style.GENRES`; gives the usual tempo and the progressions that are preferred.
        usual: tempo near which the beat is looked for, beats per minute; None: the genre's.

    Returns:
        The analysis. Where nothing is sung, where no beat or no pitch is found, usual values stand in their place and
        a remark says so.
    """
    table = GENRE_TABLE[genre]
    usual = usual or table.tempo[1]
    transcript = SungNotes((), np.zeros((0, 2)), 0.0) if features.silent else transcribe(features)
    grid = find_beats(transcript, features.seconds, usual, table.swing)
    remarks = ["the vocal is silent: the band plays sparsely what is usual in the genre"] if features.silent else []
    if grid is None:
        grid = _free_grid(features, usual)
        remarks.append(f"no beat was found: {usual:g} beats per minute, usual in {genre}")
    beats = max(1, int(np.ceil(round(float(grid.position(features.seconds)), 6))))
    keys = rank_keys(transcript.notes)[:_KEYS] if len(transcript.notes) >= _LEAST_NOTES else []
    if keys:
        key, bars = _harmony(keys, transcript.notes, Tune(transcript.notes, grid, beats), genre)
        share = held_share(features.pitch)
        if share is not None and share < LEAST_HELD:
            remarks.append("little of the pitch is held, as in speech: key and chords are not to be believed")
    else:
        key, bars = _RESTING_KEY, _stock_bars(genre, beats)
        remarks.append(f"no pitch was found: chords of {key.name}, as usual in {genre}")
    return VocalAnalysis(
        features=features,
        notes=transcript.notes,
        grid=grid,
        key=key,
        bars=bars,
        cents=transcript.cents,
        remarks=tuple(remarks),
    )


def _harmony(
    keys: Sequence[tuple[Key, float]], notes: Sequence[SungNote], tune: Tune, genre: str
) -> tuple[Key, tuple[Bar, ...]]:
    """The best of some keys, given with their correlations, and its bars."""
    harmonies = []
    for key, correlation in keys:
        path = tune.chords(key, genre)
        score = path.score + _PROFILE_WEIGHT * correlation + _REST_WEIGHT * resting_share(notes, key)
        harmonies.append((score, key, path.bars))
    return max(harmonies, key=lambda harmony: harmony[0])[1:]


def _free_grid(features: VocalFeatures, bpm: float) -> BeatGrid:
    """A grid without evidence: a beat falls on the first sound, or on the start of silence."""
    start = float(np.argmax(features.active)) / FRAMES
    return BeatGrid.through(start, bpm, 1.0)


def _stock_bars(genre: str, beats: int) -> tuple[Bar, ...]:
    """The first progression of a genre over and over."""
    numerals = GENRE_TABLE[genre].progressions[_RESTING_KEY.mode][0]
    return tuple(
        Bar(start, min(BAR, beats - start), chord_of(_RESTING_KEY, numerals[start // BAR % len(numerals)]))
        for start in range(0, beats, BAR)
    )
