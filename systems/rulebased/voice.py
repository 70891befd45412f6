"""Singing: speech is taken apart by the WORLD vocoder, bent to notes and put together again.

Vowels are stretched in their middle, so their transitions keep a natural speed; consonants keep near-natural
lengths and lie before the beat, so that a vowel starts on it. Analysis and synthesis: Morise et al. 2016, "WORLD",
by `pyworld-prebuilt` 0.3.6 (DIO, StoneMask, CheapTrick, D4C).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from systems.rulebased.espeak import RATE, Phoneme, Utterance
from systems.rulebased.expression import gain_curve
from systems.rulebased.pitch import Note, pitch_curve
from systems.rulebased.syllables import SyllableLine

FRAME_SECONDS = 0.005
"""Hop of all frame-wise curves."""

_FFT_SIZE = 1024
_EDGE_SECONDS = 0.045
_RELEASE_SECONDS = 0.06
_SPEECH_F0 = 100.0
_NOISE_GAIN = 10 ** (-3 / 10)

Array = npt.NDArray[np.float64]
Float32 = npt.NDArray[np.float32]


@dataclass(frozen=True)
class SungLine:
    """A sung line.

    Attributes:
        samples: float32 (n,) at espeak.RATE.
        start: song time of the first sample in seconds; before the first note by its consonants.
        syllable_spans: (start, end) song seconds of each syllable, its leading consonants included.
    """

    samples: npt.NDArray[np.float32]
    start: float
    syllable_spans: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class _Frames:
    """WORLD parameters of an utterance: voicing (n,), log envelope and aperiodicity (n, bins), float32 to be kept."""

    voiced: npt.NDArray[np.bool_]
    log_envelope: Float32
    aperiodicity: npt.NDArray[np.float32]


@lru_cache(maxsize=32)
def _analyse(line: SyllableLine) -> _Frames:
    import pyworld

    samples = line.utterance.samples.astype(np.float64)
    period = FRAME_SECONDS * 1000.0
    f0, times = pyworld.dio(samples, RATE, f0_floor=71.0, f0_ceil=200.0, frame_period=period)
    f0 = _voiced_by_phonemes(pyworld.stonemask(samples, f0, times, RATE), line.utterance)
    envelope = pyworld.cheaptrick(samples, f0, times, RATE, fft_size=_FFT_SIZE)
    aperiodicity = pyworld.d4c(samples, f0, times, RATE, threshold=0.0, fft_size=_FFT_SIZE)
    return _Frames(f0 > 0, np.log(np.maximum(envelope, 1e-12)).astype(np.float32), aperiodicity.astype(np.float32))


def _voiced_by_phonemes(f0: Array, utterance: Utterance) -> Array:
    """Corrects the estimate, (frames,) in Hz, by what is known: vowels are voiced, voiceless consonants are not.

    The speech lies on one pitch, so that a missing value is that pitch.
    """
    pitch = float(np.median(f0[f0 > 0])) if (f0 > 0).any() else _SPEECH_F0
    corrected = f0.copy()
    for phoneme in utterance.phonemes:
        first, last = (round(sample / RATE / FRAME_SECONDS) for sample in (phoneme.start, phoneme.end))
        if phoneme.is_vowel:
            inside = corrected[first + 2 : last - 1]
            inside[inside == 0] = pitch
        elif phoneme.is_voiceless:
            corrected[first + 1 : last] = 0.0
    return corrected


def sing_line(line: SyllableLine, notes: Sequence[Note], rng: np.random.Generator) -> SungLine:
    """Sings one phrase.

    Args:
        line: the words, spoken.
        notes: one per syllable, in time order, not overlapping.
        rng: source of what is never twice the same in a pitch; advanced.
    """
    import pyworld

    anchors = _anchors(line, notes)
    start = anchors[0][1]
    total = int(np.ceil((anchors[-1][1] + _RELEASE_SECONDS - start) / FRAME_SECONDS))
    song_times: Array = start + FRAME_SECONDS * np.arange(total, dtype=np.float64)
    source_times = np.interp(song_times, [target for _, target in anchors], [source for source, _ in anchors])
    frames = _analyse(line)
    voiced, envelope, aperiodicity = _warp(frames, source_times)
    envelope[~voiced] *= np.float32(_NOISE_GAIN)
    f0 = np.where(voiced, pitch_curve(notes, song_times, rng), 0.0)
    samples = pyworld.synthesize(
        f0, envelope.astype(np.float64), aperiodicity.astype(np.float64), RATE, FRAME_SECONDS * 1000.0
    )
    samples = samples[: int(total * FRAME_SECONDS * RATE)]
    return SungLine(_shaped(samples, gain_curve(notes, song_times)), start, _spans(line, anchors, notes))


def _warp(frames: _Frames, source_times: Array) -> tuple[npt.NDArray[np.bool_], Float32, Float32]:
    """Frames at fractional source times, linear between neighbours (log envelope, so formants do not thin out)."""
    position = np.clip(source_times / FRAME_SECONDS, 0, len(frames.voiced) - 1.001)
    low = position.astype(np.int64)
    mix = (position - low)[:, None].astype(np.float32)
    envelope = np.exp(frames.log_envelope[low] * (1 - mix) + frames.log_envelope[low + 1] * mix)
    aperiodicity = frames.aperiodicity[low] * (1 - mix) + frames.aperiodicity[low + 1] * mix
    return frames.voiced[np.rint(position).astype(np.int64)], envelope, np.clip(aperiodicity, 1e-6, 1.0)


def _anchors(line: SyllableLine, notes: Sequence[Note]) -> list[tuple[float, float]]:
    """Pairs (speech seconds, song seconds), increasing in both: the piecewise linear clock of the line."""
    first = line.before[0].start if line.before else line.syllables[0].nucleus.start
    anchors = [(first / RATE, notes[0].start - min(line.before_seconds, 0.35))]
    anchors += _consonants(line.before, anchors[0][1], notes[0].start)
    for index, (syllable, note) in enumerate(zip(line.syllables, notes, strict=True)):
        end = notes[index + 1].start if index + 1 < len(notes) else note.end
        room = max(0.05, end - note.start)
        consonants = min(syllable.after_seconds, max(0.45 * room, room - 0.16))
        anchors += _vowel(syllable.nucleus, note.start, end - consonants)
        anchors += _consonants(syllable.after, end - consonants, end)
    return _strictly_increasing(anchors)


def _consonants(phonemes: Sequence[Phoneme], start: float, end: float) -> list[tuple[float, float]]:
    """Consonants share their room in proportion to their natural lengths; pauses inside a line shrink."""
    lengths = [min(p.end - p.start, RATE * 3 // 100) if p.is_pause else p.end - p.start for p in phonemes]
    total = max(1, sum(lengths))
    passed, anchors = 0, []
    for phoneme, length in zip(phonemes, lengths, strict=True):
        anchors.append((phoneme.start / RATE, start + (end - start) * passed / total))
        passed += length
        anchors.append((phoneme.end / RATE - 1e-4, start + (end - start) * passed / total))
    return anchors


def _vowel(vowel: Phoneme, start: float, end: float) -> list[tuple[float, float]]:
    """A stretched vowel keeps its edges; a diphthong rests on its first half and glides late."""
    first, last = vowel.start / RATE, vowel.end / RATE
    natural, room = last - first, end - start
    if room <= natural * 1.15:
        return [(first, start), (last, end)]
    glides = sum(letter in "aAeEiIoOuUV@0" for letter in vowel.name) > 1
    head = min(_EDGE_SECONDS, 0.3 * natural)
    tail = 0.55 * natural if glides else min(_EDGE_SECONDS, 0.3 * natural)
    tail_room = min(1.2 * tail, 0.5 * room)
    return [(first, start), (first + head, start + head), (last - tail, end - tail_room), (last, end)]


def _strictly_increasing(anchors: list[tuple[float, float]]) -> list[tuple[float, float]]:
    increasing = anchors[:1]
    for source, target in anchors[1:]:
        if source > increasing[-1][0] and target > increasing[-1][1]:
            increasing.append((source, target))
    return increasing


def _spans(
    line: SyllableLine, anchors: list[tuple[float, float]], notes: Sequence[Note]
) -> tuple[tuple[float, float], ...]:
    sources, targets = [source for source, _ in anchors], [target for _, target in anchors]
    starts = [anchors[0][1]]
    for syllable, following in zip(line.syllables, line.syllables[1:], strict=False):
        pauses = [
            p for p in syllable.after if p.position >= following.nucleus.position and following.word != syllable.word
        ]
        edge = pauses[0].start if pauses else (syllable.after[-1].start if syllable.after else following.nucleus.start)
        starts.append(float(np.interp(edge / RATE, sources, targets)))
    ends = [*starts[1:], notes[-1].end]
    return tuple(zip(starts, ends, strict=True))


def _shaped(samples: Array, gains: Array) -> Float32:
    """Loudness of a phrase: no click at the start, its dynamics, then silence.

    Args:
        samples: the phrase, (n,).
        gains: a factor per frame, (frames,).
    """
    times = np.arange(len(samples)) / RATE
    gain = np.interp(times, FRAME_SECONDS * np.arange(len(gains)), gains) * np.minimum(1.0, times / 0.003)
    fade = min(len(samples), int(_RELEASE_SECONDS * RATE))
    gain[len(samples) - fade :] *= 0.5 * (1 + np.cos(np.linspace(0, np.pi, fade)))
    return np.asarray(samples * gain, dtype=np.float32)
