"""The form of the accompaniment: introduction, quiet and full sections, interludes and ending, as the vocal goes."""

from collections.abc import Sequence
from itertools import groupby, pairwise

import numpy as np

from systems.rulebased.plan import PlacedSection
from systems.rulebased_band.beats import BeatGrid
from systems.rulebased_band.chords import Bar
from systems.rulebased_band.features import FRAMES, Array, VocalFeatures

_SUNG_SHARE = 0.15
"""Least share of a bar in which somebody sings for it to be a sung one."""
_SHORTEST_PAUSE, _SHORTEST_INTERLUDE = 2, 4
"""Bars without singing that make a section of its own, and one in which an instrument leads."""
_BLOCK = 8
"""Bars of a sung stretch that are quiet or full together."""
_SEMITONE_DB = 0.5
"""How much louder a tone sounds that is a semitone higher."""
_LEAST_CONTRAST_DB = 2.0


def shape(bars: Sequence[Bar], features: VocalFeatures, grid: BeatGrid) -> tuple[PlacedSection, ...]:
    """Divides the bars into sections.

    What comes before the first sung bar is an introduction, what comes after the last one an ending. Pauses of two
    bars are played without drums, longer ones with a lead instrument. Sung stretches are full where the voice is loud
    and high, beside the rest of the vocal, and quiet elsewhere.

    Args:
        bars: without gaps, from beat 0.
        features: of the vocal.
        grid: its beats, the first of them beat 0.

    Returns:
        Sections without gaps, by the tags of `systems.rulebased.section_rules`, in beats.
    """
    sung = _smoothed([_activity(bar, features, grid) >= _SUNG_SHARE for bar in bars])
    if not any(sung):
        return _sections(bars, ["verse"] * len(bars))
    tags: list[str] = []
    runs = [(singing, len(list(run))) for singing, run in groupby(sung)]
    for index, (singing, length) in enumerate(runs):
        if singing:
            tags += [""] * length
        elif index == 0:
            tags += ["intro"] * length
        elif index == len(runs) - 1:
            tags += ["outro"] * length
        else:
            tags += ["inst" if length >= _SHORTEST_INTERLUDE else "bridge"] * length
    return _sections(bars, _by_force(tags, bars, features, grid))


def _activity(bar: Bar, features: VocalFeatures, grid: BeatGrid) -> float:
    active = features.active[_frames(bar, grid)]
    return float(active.mean()) if len(active) else 0.0


def _frames(bar: Bar, grid: BeatGrid) -> slice:
    first, last = (round(grid.seconds(beat) * FRAMES) for beat in (bar.start, bar.start + bar.beats))
    return slice(max(0, first), max(0, last))


def _smoothed(sung: Sequence[bool]) -> list[bool]:
    """The same without pauses too short to be a section; those at either end stay."""
    smooth: list[bool] = []
    runs = [(singing, len(list(run))) for singing, run in groupby(sung)]
    for index, (singing, length) in enumerate(runs):
        inside = 0 < index < len(runs) - 1
        smooth += [singing or (inside and length < _SHORTEST_PAUSE)] * length
    return smooth


def _by_force(tags: Sequence[str], bars: Sequence[Bar], features: VocalFeatures, grid: BeatGrid) -> list[str]:
    """Names the sung bars, as yet without a tag, block by block."""
    blocks: list[range] = []
    start = 0
    for tag, run in groupby(tags):
        end = start + len(list(run))
        if not tag:
            count = max(1, round((end - start) / _BLOCK))
            edges = [start + round((end - start) / count * part) for part in range(count + 1)]
            blocks += [range(*edge) for edge in pairwise(edges)]
        start = end
    forces = np.array([_force([bars[index] for index in block], features, grid) for block in blocks])
    middle = (forces.max() + forces.min()) / 2 if np.ptp(forces) >= _LEAST_CONTRAST_DB else np.inf
    names = list(tags)
    for block, force in zip(blocks, forces, strict=True):
        for index in block:
            names[index] = "chorus" if force > middle else "verse"
    return names


def _force(bars: Sequence[Bar], features: VocalFeatures, grid: BeatGrid) -> float:
    """How loud and high the singing in some bars is, in dB."""
    first, last = _frames(bars[0], grid).start, _frames(bars[-1], grid).stop
    active: Array = features.level[first:last][features.active[first:last]]
    pitch = features.pitch[first:last][~np.isnan(features.pitch[first:last])]
    power = float(10 * np.log10(np.mean(10 ** (active / 10)))) if len(active) else 0.0
    if not len(pitch):
        return power
    return power + _SEMITONE_DB * float(np.median(pitch) - np.nanmedian(features.pitch))


def _sections(bars: Sequence[Bar], tags: Sequence[str]) -> tuple[PlacedSection, ...]:
    sections: list[PlacedSection] = []
    for tag, run in groupby(zip(tags, bars, strict=True), key=lambda entry: entry[0]):
        members = [bar for _, bar in run]
        start = members[0].start
        sections.append(PlacedSection(tag, start, members[-1].start + members[-1].beats - start))
    return tuple(sections)
