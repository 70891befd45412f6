"""An accompaniment for a vocal: analysis, form, arrangement, sound, in the vocal's length."""

import time
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from songbench.domain.audio import Audio
from systems.rulebased.band import RATE, render
from systems.rulebased.mix import mix_song
from systems.rulebased_band.analysis import VocalAnalysis, analyse
from systems.rulebased_band.features import listen
from systems.rulebased_band.score import write_score

STEMS = ("drums", "bass", "other")

_RING_OUT_SECONDS, _FADE_SECONDS = 1.5, 0.4

Stereo = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False, kw_only=True)
class BandPerformance:
    """A band's part and what it rests on.

    Attributes:
        mix: float32 (2, n) at 48 kHz, as long as the vocal.
        stems: `drums`, `bass`, `other`, each like the mix; their sum in this order is the mix.
        midi: the score with the sung notes, a standard MIDI file whose beginning is the vocal's.
        analysis: what was found in the vocal.
        stages: seconds of computing by stage.
    """

    mix: Stereo
    stems: Mapping[str, Stereo]
    midi: bytes
    analysis: VocalAnalysis
    stages: Mapping[str, float]


def accompany(vocal: Audio, genre: str, arrangement: str, seed: int, usual: float | None = None) -> BandPerformance:
    """Listens to a vocal and plays to it.

    Args:
        vocal: any rate, channels and length.
        genre: one of `systems.rulebased.style.GENRES`.
        arrangement: one of `systems.rulebased.style.ARRANGEMENTS`; what cannot be followed is played sparsely.
        seed: everything random follows from it, the genre and what was found in the vocal; 0 or more.
        usual: tempo near which the beat is looked for, beats per minute; None: the genre's.

    Returns:
        The accompaniment; the same arguments give the same samples in every process.
    """
    started = time.perf_counter()
    analysis = analyse(listen(vocal), genre, usual)
    analysed = time.perf_counter()
    samples = round(vocal.samples.shape[1] * RATE / vocal.rate)
    score = write_score(analysis, genre, "sparse" if analysis.features.silent else arrangement, seed)
    band = render(score.tracks, analysis.grid.bpm, samples)
    played = time.perf_counter()

    fade = _RING_OUT_SECONDS if score.rings_out else _FADE_SECONDS
    mix, stems = mix_song(np.zeros(samples, np.float32), band, score.stretches, (), fade)
    return BandPerformance(
        mix=mix,
        stems={name: stems[name] for name in STEMS},
        midi=score.midi,
        analysis=analysis,
        stages={"analysis": analysed - started, "band": played - analysed, "mix": time.perf_counter() - played},
    )


def warm_up() -> None:
    """Imports everything an accompaniment needs, so that the first one is timed like the others."""
    import pyloudnorm
    import pyworld
    import scipy.ndimage
    import scipy.signal
    import soxr
    import tinysoundfont

    del pyloudnorm, pyworld, scipy, soxr, tinysoundfont
