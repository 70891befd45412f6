"""Damage to the form of a finished song, cut at the borders of its sections, and copies of the prompt."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from songbench.domain.audio import Audio
from songbench.domain.song import TimedSection

_FADE_SECONDS = 0.01


def shuffled(sections: Sequence[TimedSection], strength: int, seed: int) -> list[int]:
    """An order of the sections in which 1 to 4 pairs with different tags have changed places.

    Stronger orders go on from the weaker ones, each exchange at places not exchanged before while there are such, so
    that no exchange undoes another.
    """
    rng = np.random.default_rng(seed)
    order = list(range(len(sections)))
    exchanged: set[int] = set()
    for _ in range(strength):
        pairs = [
            (i, j)
            for i in range(len(order))
            for j in range(i + 1, len(order))
            if sections[order[i]].tag != sections[order[j]].tag
        ]
        fresh = [pair for pair in pairs if not exchanged.intersection(pair)] or [
            p for p in pairs if not exchanged.issuperset(p)
        ]
        if not fresh:
            break
        i, j = fresh[int(rng.integers(len(fresh)))]
        order[i], order[j] = order[j], order[i]
        exchanged |= {i, j}
    return order


def dropped(sections: Sequence[TimedSection], strength: int, seed: int) -> list[int]:
    """What is left when a quarter to all but one of the sections are cut out, in order."""
    order = np.random.default_rng(seed).permutation(len(sections))
    count = max(1, round((len(sections) - 1) * strength / 4)) if len(sections) > 1 else 0
    return sorted(int(i) for i in order[count:])


def rearranged(audio: Audio, sections: Sequence[TimedSection], order: Sequence[int]) -> Audio:
    """The song made of these sections in this order; edges are faded over 10 ms.

    What lies before the first section belongs to it, and what follows one to that one.
    """
    n = audio.samples.shape[1]
    edges = [0, *(min(n, round(section.start * audio.rate)) for section in sections[1:]), n]
    pieces = [_faded(audio.samples[:, edges[i] : edges[i + 1]], audio.rate) for i in order]
    return Audio(np.ascontiguousarray(np.concatenate(pieces, axis=1)), audio.rate)


def retimed(sections: Sequence[TimedSection], order: Sequence[int], seconds: float) -> tuple[TimedSection, ...]:
    """Where the sections lie after `rearranged`."""
    edges = [0.0, *(section.start for section in sections[1:]), seconds]
    timed, at = [], 0.0
    for i in order:
        length = edges[i + 1] - edges[i]
        timed.append(TimedSection(sections[i].tag, at, at + length))
        at += length
    return tuple(timed)


def prompt_copied(audio: Audio, prompt: Audio, strength: int) -> Audio:
    """A quarter to all of the song, from its start, replaced by the prompt, repeated."""
    clip = prompt.at(audio.rate).samples
    clip = clip if clip.shape[0] == audio.samples.shape[0] else np.repeat(clip[:1], audio.samples.shape[0], axis=0)
    length = audio.samples.shape[1] * strength // 4
    copied = np.tile(clip, (1, -(-length // clip.shape[1])))[:, :length]
    joined = [_faded(copied, audio.rate), _faded(audio.samples[:, length:], audio.rate)]
    return Audio(np.ascontiguousarray(np.concatenate(joined, axis=1)), audio.rate)


def _faded(piece: npt.NDArray[np.float32], rate: int) -> npt.NDArray[np.float32]:
    """A piece, (channels, n), with a ramp at either end; the shape stays."""
    width = min(round(_FADE_SECONDS * rate), piece.shape[1] // 2)
    piece = piece.copy()
    if width:
        ramp = np.linspace(0, 1, width, dtype=np.float32)
        piece[:, :width] *= ramp
        piece[:, -width:] *= ramp[::-1]
    return piece
