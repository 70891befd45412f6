"""The sounds by which a session checks rater and device: volume page, headphone check, and traps.

A trap is ordinary music over which a voice says which answer to give. The voice is that of espeak-ng, the library
inside the package ``espeakng_loader``.

Sounds are float32 of shape (2, n), full scale ±1, unless said otherwise.
"""

from __future__ import annotations

import _ctypes
import ctypes
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from itertools import permutations
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import RootModel

from listening_test.preparation.sound import Sound, factor, faded, loudness
from listening_test.protocol import Protocol, Scale
from listening_test.protocol.model import localized
from songbench.domain.checking import Schema
from songbench.domain.errors import InputError, UnavailableError
from songbench.domain.tables import read_table

NOISE_SECONDS = 5.0
EXCERPT_SECONDS = 10.0
"""Of a song, after the noise."""
PAUSE_SECONDS = 0.3

TONE_HZ = 200.0
TONE_SECONDS = 1.0
TONE_RAMP_SECONDS = 0.1
TONE_GAP_SECONDS = 0.5
QUIETER_DB = -6.0
"""Woods, Siegel, Traer, McDermott, "Headphone screening to facilitate web-based auditory experiments", Attention,
Perception & Psychophysics 79, 2017: three tones, one of them softer, another in antiphase between the channels. Over
loudspeakers the antiphase tone cancels and seems the softest; over headphones it does not."""

MUSIC_FIRST_SECONDS = 1.5
"""Music alone before the voice, so that a trap begins like every other page."""
DUCKED_DB = -20.0
RAMP_SECONDS = 0.25
REST_SECONDS = 0.8
"""Between the two times that the instruction is said, where there is room for two."""
SPEEDS = (135, 160, 190, 220)
"""Words a minute, the slowest that fits into the excerpt; faster ones are not understood at once."""
SPEECH_RATE = 22_050
"""Of the samples of the voice, in Hz."""
VOICES = {"en": "en-us", "zh": "cmn-latn-pinyin"}
"""Mandarin is given as pinyin with tones, so that its reading does not hang on espeak-ng's own dictionary."""
_SYNCHRONOUS, _NO_EXIT, _UTF8 = 2, 0x8000, 1
_PARAM_RATE = 1
_lock = threading.Lock()
_Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)
_PAUSES = str.maketrans({"，": ",", "。": ".", "“": " ", "”": " ", "、": ",", "：": ","})


def tones(quiet: int, antiphase: int, rate: int) -> Sound:
    """One trial of the headphone check.

    Args:
        quiet: which of the three is 6 dB softer, 1 to 3: the right answer.
        antiphase: which other has its right channel inverted.
        rate: in Hz.
    """
    time = np.arange(round(TONE_SECONDS * rate)) / rate
    tone = 0.5 * np.sin(2 * np.pi * TONE_HZ * time)
    stereo = faded(np.stack([tone, tone]).astype(np.float32), rate, TONE_RAMP_SECONDS)
    gap = np.zeros((2, round(TONE_GAP_SECONDS * rate)), np.float32)
    parts: list[Sound] = []
    for place in (1, 2, 3):
        tone_part = stereo * np.float32(factor(QUIETER_DB) if place == quiet else 1.0)
        if place == antiphase:
            tone_part = tone_part * np.array([[1], [-1]], np.float32)
        parts += [gap, tone_part] if parts else [tone_part]
    return np.concatenate(parts, axis=1)


def tone_orders(count: int, draw: Random) -> list[tuple[int, int]]:
    """For each trial the place of the quiet tone and of the one in antiphase: all six orders before one comes again."""
    orders: list[tuple[int, int]] = []
    while len(orders) < count:
        every_order = [(quiet, antiphase) for quiet, antiphase, _ in permutations((1, 2, 3))]
        draw.shuffle(every_order)
        orders += every_order
    return orders[:count]


def pink_noise(seconds: float, rate: int, seed: int) -> Sound:
    """Noise of equal power per octave from 40 Hz to 12 kHz, about as music spreads its own; channels half alike."""
    numbers = np.random.default_rng(seed)
    count = round(seconds * rate)
    frequencies = np.fft.rfftfreq(count, 1 / rate)
    shape = np.where((frequencies > 40) & (frequencies < min(12_000, rate / 2)), 1, 0) / np.sqrt(frequencies + 1)
    white = numbers.standard_normal((3, count))
    pink = np.fft.irfft(np.fft.rfft(white) * shape, count)
    mixed = pink[:2] + pink[2]
    return np.asarray(0.1 * mixed / mixed.std(), dtype=np.float32)


def sound_check(excerpt: Sound | None, rate: int, seed: int) -> Sound:
    """Noise, then a song, equally loud: what the volume is set by.

    Args:
        excerpt: of a song, or None for noise alone.
        rate: in Hz.
        seed: of the noise.
    """
    noise = faded(pink_noise(NOISE_SECONDS, rate, seed), rate)
    level = -np.inf if excerpt is None else loudness(excerpt, rate)
    if excerpt is None or not np.isfinite(level):
        return noise
    pause = np.zeros((2, round(PAUSE_SECONDS * rate)), np.float32)
    equal = faded(excerpt, rate) * np.float32(factor(loudness(noise, rate) - level))
    return np.concatenate([noise, pause, equal], axis=1)


def trap_answers(protocol: Protocol, scales: tuple[Scale, ...]) -> tuple[str, ...]:
    """The answers a trap can ask for: such as every question of the page has, never the middle one.

    Raises:
        InputError: when the questions share no such answer.
    """
    if protocol.continuous:
        return "0", "100"
    if protocol.form == "preference":
        return "A", "B"
    shared = set.intersection(*(set(scale.points) for scale in scales))
    middles = {(min(scale.points) + max(scale.points)) / 2 for scale in scales}
    answers = tuple(str(point) for point in sorted(shared) if point not in middles)
    if not answers:
        raise InputError(
            "The scales have no answer in common that a trap could ask for.", field="checks.traps", cure="Set it to 0."
        )
    return answers


class _TrapTexts(Schema):
    """What the voice says in one language; see trap_texts.yaml."""

    opening: str
    continuous: str
    preference: str
    points: str
    point: str
    labelled_point: str
    places: dict[str, str]
    numbers: dict[str, str]

    def number(self, answer: str) -> str:
        """A number of a scale as it is said: as a whole where the table has it, otherwise sign by sign."""
        return self.numbers.get(answer) or "".join(self.numbers.get(sign, sign) for sign in answer)


_TRAP_TEXTS = read_table("listening_test.preparation", "trap_texts.yaml", RootModel[dict[str, _TrapTexts]]).root


def instruction(protocol: Protocol, scales: tuple[Scale, ...], answer: str, language: str) -> str:
    """What the voice says, with the answer as it is labelled on the page."""
    texts = _TRAP_TEXTS[language]
    if protocol.continuous:
        request = texts.continuous.format(number=texts.number(answer))
    elif protocol.form == "preference":
        request = texts.preference.format(answer=answer, place=texts.places[answer])
    else:
        request = texts.points.format(point=_point_name(scales, answer, language))
    return f"{texts.opening} {request}"


def _point_name(scales: tuple[Scale, ...], answer: str, language: str) -> str:
    """Number and label, as either may be hard to hear; no label where the questions label the point differently."""
    texts, labels = _TRAP_TEXTS[language], {localized(scale.points[int(answer)], language) for scale in scales}
    label = next(iter(labels)) if len(labels) == 1 else ""
    return (texts.labelled_point if label else texts.point).format(number=texts.number(answer), label=label)


def spoken_over(music: Sound, rate: int, text: str, language: str) -> Sound:
    """The music with a voice over it, as long as before.

    The music plays alone, then 20 dB lower while the voice speaks at the music's own loudness; twice where there is
    room. Everything is brought to the test's loudness afterwards, like any stimulus.

    Raises:
        InputError: when the music is too short for the instruction.
    """
    length = music.shape[1]
    voice = _fitting(text, language, rate, length)
    start = min(round(MUSIC_FIRST_SECONDS * rate), length - len(voice))
    places = [start]
    second = start + len(voice) + round(REST_SECONDS * rate)
    if second + len(voice) <= length:
        places.append(second)
    level = loudness(music, rate)
    spoken = np.repeat(voice[None], 2, axis=0)
    if np.isfinite(level):
        spoken = spoken * np.float32(factor(level - loudness(spoken, rate)))
    mixed = music * _ducking(places, len(voice), length, rate)
    for place in places:
        mixed[:, place : place + len(voice)] += spoken
    return np.asarray(mixed, dtype=np.float32)


def _fitting(text: str, language: str, rate: int, length: int) -> npt.NDArray[np.float32]:
    """The instruction at the slowest speed that leaves half a second of music. Mono, shape (n,)."""
    for speed in SPEEDS:
        voice = _voice(text, language, rate, speed)
        if len(voice) + rate // 2 <= length:
            return voice
    raise InputError(
        f"An excerpt of {length / rate:.1f} s is too short for a trap, whose instruction takes "
        f"{len(voice) / rate:.1f} s.",
        field="checks.traps",
        cure="Set it to 0, or play longer excerpts.",
    )


@lru_cache(maxsize=64)
def _voice(text: str, language: str, rate: int, speed: int) -> npt.NDArray[np.float32]:
    """A voice at a rate, without silence around it; mono, shape (n,)."""
    import soxr

    samples = np.trim_zeros(speak(text, language, speed))
    return np.asarray(soxr.resample(samples, SPEECH_RATE, rate), dtype=np.float32)


def _ducking(places: list[int], voice: int, length: int, rate: int) -> npt.NDArray[np.float32]:
    """The music's gain over time: down while the voice speaks, with ramps before and after. Shape (length,)."""
    ramp, low = round(RAMP_SECONDS * rate), factor(DUCKED_DB)
    at, gain = [0.0], [1.0]
    for number, place in enumerate(places):
        down = [max(0, place - ramp), place] if number == 0 else [place]
        at += [*down, place + voice]
        gain += [1.0, low, low] if number == 0 else [low, low]
    gains = np.interp(np.arange(length), [*at, at[-1] + ramp], [*gain, 1.0])
    return np.asarray(gains, dtype=np.float32)


def asked_in_turn(answers: tuple[str, ...], count: int, draw: Random) -> list[str]:
    """Which answer each of several traps asks for: every one comes before one comes again."""
    answers_in_turn: list[str] = []
    while len(answers_in_turn) < count:
        answers_in_turn += draw.sample(answers, len(answers))
    return answers_in_turn[:count]


def speak(text: str, language: str, words_per_minute: int = 150) -> npt.NDArray[np.float32]:
    """Speak a text: mono samples at `SPEECH_RATE`, shape (n,), within ±1. The same text always gives the same samples.

    The library keeps state between utterances that nothing resets, so each has an instance of its own: the system loads
    a copied file as another library.

    Args:
        text: in the language's own script.
        language: one of the protocol's.
        words_per_minute: 80 to 450.

    Raises:
        UnavailableError: when espeak-ng is not installed or does not start.
    """
    spelled = pinyin(text) if language == "zh" else text
    with _lock, _library() as library:
        return _spoken(library, spelled, VOICES[language], words_per_minute)


def pinyin(text: str) -> str:
    """Chinese characters as pinyin syllables with tone numbers, everything else as it is."""
    from pypinyin import Style, lazy_pinyin

    syllables = lazy_pinyin(text, style=Style.TONE3, neutral_tone_with_five=True)
    return " ".join(syllable.translate(_PAUSES) for syllable in syllables)


@contextmanager
def _library() -> Iterator[Any]:
    try:
        import espeakng_loader
    except ImportError as error:
        raise UnavailableError(
            "Traps are spoken by espeakng-loader, which is not installed. Run: pip install espeakng-loader"
        ) from error
    with TemporaryDirectory() as folder:
        library = ctypes.CDLL(str(shutil.copy(espeakng_loader.get_library_path(), folder)))
    data = espeakng_loader.get_data_path().encode()
    try:
        if library.espeak_Initialize(_SYNCHRONOUS, 0, data, _NO_EXIT) != SPEECH_RATE:
            raise UnavailableError("espeak-ng did not start. Run: pip install --force-reinstall espeakng-loader")
        yield library
    finally:
        library.espeak_Terminate()
        _ctypes.dlclose(library._handle)


def _spoken(library: Any, text: str, voice: str, words_per_minute: int) -> npt.NDArray[np.float32]:
    """Mono samples at `SPEECH_RATE`, shape (n,)."""
    chunks: list[npt.NDArray[np.int16]] = []

    def collect(wave: Any, count: int, _: Any) -> int:
        if wave and count > 0:
            chunks.append(np.ctypeslib.as_array(wave, (count,)).copy())
        return 0

    callback = _Callback(collect)  # kept in a name: the library calls it until it is done
    library.espeak_SetSynthCallback(callback)
    if library.espeak_SetVoiceByName(voice.encode()) != 0:
        raise UnavailableError(f"espeak-ng lacks the voice '{voice}'. Run: pip install -U espeakng-loader")
    library.espeak_ng_SetRandSeed(1)
    library.espeak_SetParameter(_PARAM_RATE, words_per_minute, 0)
    raw = text.encode()
    library.espeak_Synth(raw, len(raw) + 1, 0, 1, 0, _UTF8, None, None)
    return np.concatenate(chunks).astype(np.float32) / 32768.0 if chunks else np.zeros(0, np.float32)
