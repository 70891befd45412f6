"""The sections of a song found by signal analysis: boundaries by novelty, names by rules. No model, no weights.

It stands in for trained analysers (All-In-One, SongFormer) wherever those cannot be had, and it errs more than they do;
see `metrics.features.vocal_activity` and `metrics.features.section_labels` for what its decisions rest on and
`metrics.ser` for how its error is shown next to every number made from it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from songbench.domain.audio import Audio, AudioSource
from songbench.domain.errors import InputError
from songbench.domain.hashing import Json
from songbench.domain.song import Failure
from songbench.plugin import Feature

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from metrics.features.section_labels import Segment
    from metrics.features.vocal_activity import VocalActivity

    Array = npt.NDArray[np.float64]

BLOCK = 0.25
SILENCE_DBFS = -60.0
LEAST_SECONDS = 6.0
"""Audio below this is one section."""

_RATE = 22_050
_FFT, _HOP = 4096, 1024
_SECTION, _SECTION_LIMITS = 0.1, (2.0, 5.0)
_GAP, _GAP_LIMITS = 0.18, (3.5, 8.0)
_KERNEL, _KERNEL_LIMITS = 0.24, (4.0, 10.0)
_THRESHOLD = 0.07
_LEAST_SPREADS = (0.3, 10.0, 1.0, 1.0, 1.0)
"""Standard deviations of pitch classes, MFCC, level, voice's level (dB) and pitch (semitones) that count as change.

Noise has at most a third of the first two, songs of the rule-based system more than all.
"""


class StructureAnalyser:
    """Sections of a song.

    The song is described every quarter of a second by its pitch classes, timbre (MFCC), level and the voice's level and
    pitch. Boundaries lie where singing or silence begins or ends, and at peaks of Foote's novelty in between. Short
    songs have short sections, so the scales follow the song's length: an instrumental or sung stretch lasts at least
    0.1 of it (2-5 s; half of that at the start and the end), boundaries found by novelty are 0.18 of it apart (3.5-8
    s), and novelty compares 0.24 of it (4-10 s) before and after.

    Feature:
        ``segments`` (data): label, start and end in seconds of each section, from 0 to the end of the audio; labels are
        the tags of lyrics (`songbench.domain.tags.TAGS`).
        ``novelty``: shape (n + 1,), the novelty of a boundary at every quarter of a second.
        ``voice``: shape (n,), the level of the voice in each in dB, see `metrics.features.vocal_activity`.
    """

    name = "structure"

    @property
    def identity(self) -> Mapping[str, Json]:
        """Version and main parameters."""
        scales = {"section": _SECTION, "gap": _GAP, "kernel": _KERNEL}
        return {"version": "2", "method": "novelty", "block": BLOCK, "scales": scales}

    def extract(self, sources: Sequence[AudioSource]) -> Iterator[Feature | Failure]:
        """One feature per source; a `Failure` for one whose audio cannot be decoded."""
        for source in sources:
            try:
                yield analyse(source.load())
            except InputError as error:
                yield Failure("feature", str(error))


def analyse(audio: Audio) -> Feature:
    """The feature of one piece of audio; below `LEAST_SECONDS` it is one section, called inst."""
    from metrics.features.section_labels import label_segments
    from metrics.features.vocal_activity import sung

    count = max(1, int(audio.seconds / BLOCK))
    silent = _levels(audio, count) < SILENCE_DBFS
    if silent.all() or audio.seconds < LEAST_SECONDS:
        label = "silence" if silent.all() else "inst"
        return Feature(data={"segments": [[label, 0.0, audio.seconds]]})
    moments = _describe(audio, count)
    shortest = _blocks(count, _SECTION, _SECTION_LIMITS)
    singing = sung(moments.voice, shortest)
    kinds = _kinds(singing, silent, shortest // 2)
    curve = _novelty(moments, singing)
    segments = [_segment(a, b, kinds, moments) for a, b in pairwise(_edges(kinds, curve))]
    # The last block may end up to a quarter of a second before the audio does.
    ends = [*(segment.end for segment in segments[:-1]), audio.seconds]
    labels = label_segments(segments)
    rows: list[Json] = [[tag, seg.start, end] for tag, seg, end in zip(labels, segments, ends, strict=True)]
    return Feature({"novelty": curve, "voice": moments.voice.level}, {"segments": rows})


def _blocks(count: int, share: float, limits: tuple[float, float]) -> int:
    """A share of the song's length in blocks, between limits in seconds."""
    low, high = limits
    return round(min(high, max(low, share * count * BLOCK)) / BLOCK)


def _levels(audio: Audio, count: int) -> Array:
    """Root mean square of each block over all channels, dB of full scale, shape (count,)."""
    import numpy as np

    size = round(BLOCK * audio.rate)
    energy = (audio.samples.astype(np.float64) ** 2).mean(axis=0)
    blocks = [energy[i * size : (i + 1) * size].mean() for i in range(count)]
    return np.asarray(10 * np.log10(np.array(blocks) + 1e-12))


@dataclass(frozen=True, eq=False)
class _Moments:
    """A song by blocks: pitch classes (n, 12), MFCC without the level (n, 13), level in dB (n,), voice."""

    harmony: Array
    timbre: Array
    level: Array
    voice: VocalActivity


def _describe(audio: Audio, count: int) -> _Moments:
    import librosa
    import numpy as np

    from metrics.features.vocal_activity import find_voice

    samples = audio.mono().at(_RATE).samples[0]
    magnitudes = np.abs(librosa.stft(samples, n_fft=_FFT, hop_length=_HOP))
    place = np.minimum((np.arange(magnitudes.shape[1]) * _HOP / _RATE / BLOCK).astype(int), count - 1)
    sizes = np.maximum(np.bincount(place, minlength=count), 1)

    def per_block(rows: npt.NDArray[np.floating]) -> Array:
        """Means of rows of shape (rows, frames) in each block, shape (count, rows)."""
        return np.stack([np.bincount(place, row, count) / sizes for row in rows], axis=1)

    # A fixed tuning: estimating it takes longer than all the rest and matters little within one song.
    harmony = librosa.feature.chroma_stft(S=magnitudes, sr=_RATE, tuning=0.0)
    mel = librosa.power_to_db(librosa.feature.melspectrogram(S=magnitudes**2, sr=_RATE, n_mels=64))
    timbre = librosa.feature.mfcc(S=mel, n_mfcc=14)[1:]
    level = 10 * np.log10(per_block((magnitudes**2).sum(axis=0)[None])[:, 0] + 1e-9)
    return _Moments(per_block(harmony), per_block(timbre), level, find_voice(audio, BLOCK))


def _novelty(moments: _Moments, sung: npt.NDArray[np.bool_]) -> Array:
    """The novelty of a boundary before each block and after the last, shape (n + 1,)."""
    import numpy as np
    from scipy.ndimage import median_filter

    from metrics.features.novelty import novelty, self_similarity

    count = len(sung)
    calm = _blocks(count, _GAP, _GAP_LIMITS)
    pitch = moments.voice.pitch
    sung_pitch = np.where(sung, pitch, np.median(pitch[sung]) if sung.any() else 0.0)
    voice = [median_filter(trace, calm, mode="nearest") for trace in (moments.voice.level, sung_pitch)]
    groups = [moments.harmony, moments.timbre, *(trace[:, None] for trace in (moments.level, *voice))]
    stacked = np.column_stack([_even(group, least) for group, least in zip(groups, _LEAST_SPREADS, strict=True)])
    return novelty(self_similarity(stacked), _blocks(count, _KERNEL, _KERNEL_LIMITS))


def _even(group: Array, least: float) -> Array:
    """A group of descriptors (n, d) with total variance 1, so that each group weighs the same whatever its width.

    One that varies less than `least` is left out: what is left of it is noise.
    """
    import numpy as np

    spread = float(np.sqrt(group.var(axis=0).sum()))
    return np.asarray(group / spread) if spread >= least else np.zeros_like(group)


def _kinds(sung: npt.NDArray[np.bool_], silent: npt.NDArray[np.bool_], shortest: int) -> list[str]:
    """What each block is: ``vocal``, ``instrumental`` or ``silence``; a silence has at least `shortest` blocks.

    Args:
        sung: whether somebody sings in each block, shape (n,).
        silent: whether it is silent, shape (n,).
        shortest: blocks.
    """
    import numpy as np
    from scipy.ndimage import binary_opening

    kinds = np.where(sung, "vocal", "instrumental")
    kinds[binary_opening(silent, np.ones(shortest))] = "silence"
    return [str(kind) for kind in kinds]


def _edges(kinds: list[str], curve: Array) -> list[int]:
    """Block numbers of all boundaries, with 0 and the end: changes of kind, and novelty peaks away from them.

    Args:
        kinds: of the n blocks.
        curve: the novelty, shape (n + 1,).
    """
    from metrics.features.novelty import pick_boundaries

    gap = _blocks(len(kinds), _GAP, _GAP_LIMITS)
    changes = [i for i in range(1, len(kinds)) if kinds[i] != kinds[i - 1]]
    free = curve.copy()
    for change in changes:
        free[max(0, change - gap + 1) : change + gap] = 0
    return [0, *sorted([*changes, *pick_boundaries(free, gap, _THRESHOLD)]), len(kinds)]


def _segment(start: int, end: int, kinds: list[str], moments: _Moments) -> Segment:
    import numpy as np

    from metrics.features.section_labels import Segment

    part = slice(start, end)
    centred = moments.harmony[part] - moments.harmony.mean(axis=0)
    unit = centred / np.maximum(np.linalg.norm(centred, axis=1, keepdims=True), 1e-9)
    # Between words the pitch is that of something else: the louder half of the voice tells.
    louder = moments.voice.level[part] >= np.median(moments.voice.level[part])
    pitch = float(np.median(moments.voice.pitch[part][louder]))
    return Segment(
        start=start * BLOCK,
        end=end * BLOCK,
        kind=kinds[start],
        level=float(moments.level[part].mean()),
        pitch=pitch,
        harmony=unit,
    )
