"""The sections of a song found by signal analysis: boundaries by novelty, names by rules. No model, no weights.

It stands in for trained analysers (All-In-One, SongFormer) wherever those cannot be had, and it errs more than they do;
see `metrics.features.vocal_activity` and `metrics.features.section_labels` for what its decisions rest on and
`metrics.ser` for how its error is shown next to every number made from it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby, pairwise
from typing import TYPE_CHECKING

from songbench.contracts.feature import Feature
from songbench.domain.audio import Audio, AudioSource
from songbench.domain.errors import InputError
from songbench.domain.hashing import Json
from songbench.domain.song import Failure

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from metrics.features.section_labels import Segment

    Array = npt.NDArray[np.float64]

BLOCK = 0.5
SHORTEST = 5.0
SILENCE_DBFS = -60.0

_RATE = 22_050
_FFT, _HOP = 4096, 1024
_KERNEL = 12.0
_THRESHOLD = 0.05
_SMOOTHING = 9


class StructureAnalyser:
    """Sections of a song.

    The song is described every half second by its pitch classes, timbre (MFCC), level and share of voice. Boundaries
    lie where singing or silence begins or ends for at least 5 s, and at peaks of Foote's novelty in between.

    Feature:
        ``segments`` (data): label, start and end in seconds of each section, from 0 to the end of the audio; labels are
        the tags of lyrics (`songbench.domain.lyrics.TAGS`).
        ``novelty``: shape (n + 1,), the novelty of a boundary at every half second.
        ``voice``: shape (n,), the share of voice in each half second in dB.
    """

    name = "structure"

    @property
    def identity(self) -> Mapping[str, Json]:
        """Version and main parameters."""
        return {"version": "1", "method": "novelty", "block": BLOCK, "kernel": _KERNEL, "shortest": SHORTEST}

    def extract(self, sources: Sequence[AudioSource]) -> Iterator[Feature | Failure]:
        """One feature per source; a `Failure` for one whose audio cannot be decoded."""
        for source in sources:
            try:
                yield analyse(source.load())
            except InputError as error:
                yield Failure("feature", str(error))


def analyse(audio: Audio) -> Feature:
    """The feature of one piece of audio; below 10 s it is one section, called verse for want of anything to compare."""
    import numpy as np

    from metrics.features.novelty import novelty, self_similarity
    from metrics.features.section_labels import label_segments
    from metrics.features.vocal_activity import vocal_share

    count = max(1, int(audio.seconds / BLOCK))
    silent = _levels(audio, count) < SILENCE_DBFS
    if silent.all() or audio.seconds < 2 * SHORTEST:
        label = "silence" if silent.all() else "verse"
        return Feature(data={"segments": [[label, 0.0, audio.seconds]]})
    voice = vocal_share(audio, BLOCK)
    harmony, timbre, level = _descriptors(audio, count)
    kinds = _kinds(voice, silent)
    groups = (harmony, timbre, level[:, None], _smooth(voice)[:, None])
    stacked = np.column_stack([_unit_variance(group) for group in groups])
    curve = novelty(self_similarity(stacked), round(_KERNEL / BLOCK))
    edges = _edges(kinds, curve)
    segments = [_segment(a, b, kinds, level, harmony) for a, b in pairwise(edges)]
    # The last block may end up to half a second before the audio does.
    ends = [*(segment.end for segment in segments[:-1]), audio.seconds]
    labels = label_segments(segments)
    rows: list[Json] = [[tag, seg.start, end] for tag, seg, end in zip(labels, segments, ends, strict=True)]
    return Feature({"novelty": curve, "voice": voice}, {"segments": rows})


def _levels(audio: Audio, count: int) -> Array:
    """Root mean square of each block over all channels, dB of full scale."""
    import numpy as np

    size = round(BLOCK * audio.rate)
    energy = (audio.samples.astype(np.float64) ** 2).mean(axis=0)
    blocks = [energy[i * size : (i + 1) * size].mean() for i in range(count)]
    return np.asarray(10 * np.log10(np.array(blocks) + 1e-12))


def _descriptors(audio: Audio, count: int) -> tuple[Array, Array, Array]:
    """Pitch classes (count, 12), MFCC without the level (count, 13) and level in dB (count,) of each block."""
    import librosa
    import numpy as np

    samples = audio.mono().at(_RATE).samples[0]
    magnitudes = np.abs(librosa.stft(samples, n_fft=_FFT, hop_length=_HOP))
    place = np.minimum((np.arange(magnitudes.shape[1]) * _HOP / _RATE / BLOCK).astype(int), count - 1)
    sizes = np.maximum(np.bincount(place, minlength=count), 1)

    def per_block(rows: npt.NDArray[np.floating]) -> Array:
        return np.stack([np.bincount(place, row, count) / sizes for row in rows], axis=1)

    # A fixed tuning: estimating it takes longer than all the rest and matters little within one song.
    harmony = librosa.feature.chroma_stft(S=magnitudes, sr=_RATE, tuning=0.0)
    mel = librosa.power_to_db(librosa.feature.melspectrogram(S=magnitudes**2, sr=_RATE, n_mels=64))
    timbre = librosa.feature.mfcc(S=mel, n_mfcc=14)[1:]
    level = 10 * np.log10(per_block((magnitudes**2).sum(axis=0)[None])[:, 0] + 1e-9)
    return per_block(harmony), per_block(timbre), level


def _smooth(voice: Array) -> Array:
    from scipy.ndimage import median_filter

    smooth: Array = median_filter(voice, _SMOOTHING, mode="nearest")
    return smooth


def _unit_variance(group: Array) -> Array:
    """A group of descriptors with total variance 1, so that each group weighs the same whatever its width."""
    import numpy as np

    spread = float(np.sqrt(group.var(axis=0).sum()))
    return np.asarray(group / spread) if spread > 0 else group


def _kinds(voice: Array, silent: npt.NDArray[np.bool_]) -> list[str]:
    """What each block is: ``vocal``, ``instrumental`` or ``silence``, without stretches shorter than `SHORTEST`."""
    import numpy as np

    from metrics.features.vocal_activity import border

    smooth = _smooth(voice)
    sung = smooth > border(smooth[~silent])
    sounding = np.where(sung, "vocal", "instrumental")
    return _without_short(np.where(silent, "silence", sounding).tolist(), round(SHORTEST / BLOCK))


def _without_short(kinds: list[str], least: int) -> list[str]:
    """Runs below the least length become part of the run before them (the first: of the one after), shortest first."""
    runs = [(kind, len(list(same))) for kind, same in groupby(kinds)]
    while len(runs) > 1:
        k = min(range(len(runs)), key=lambda i: runs[i][1])
        if runs[k][1] >= least:
            break
        runs[k] = (runs[k - 1 if k else 1][0], runs[k][1])
        runs = [(kind, sum(length for _, length in same)) for kind, same in groupby(runs, lambda run: run[0])]
    return [kind for kind, length in runs for _ in range(length)]


def _edges(kinds: list[str], curve: Array) -> list[int]:
    """Block numbers of all boundaries, with 0 and the end: changes of kind, and novelty peaks away from them."""
    from metrics.features.novelty import pick_boundaries

    gap = round(SHORTEST / BLOCK)
    changes = [i for i in range(1, len(kinds)) if kinds[i] != kinds[i - 1]]
    peaks = [i for i in pick_boundaries(curve, gap, _THRESHOLD) if all(abs(i - change) >= gap for change in changes)]
    return [0, *sorted([*changes, *peaks]), len(kinds)]


def _segment(start: int, end: int, kinds: list[str], level: Array, harmony: Array) -> Segment:
    import numpy as np

    from metrics.features.section_labels import Segment

    centred = harmony[start:end] - harmony.mean(axis=0)
    unit = centred / np.maximum(np.linalg.norm(centred, axis=1, keepdims=True), 1e-9)
    return Segment(start * BLOCK, end * BLOCK, kinds[start], float(level[start:end].mean()), unit)
