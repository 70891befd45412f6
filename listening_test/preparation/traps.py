"""Traps: ordinary music over which a voice says which answer to give."""

from __future__ import annotations

from functools import lru_cache
from random import Random

import numpy as np
import numpy.typing as npt

from listening_test.preparation.sound import Sound, factor, loudness
from listening_test.preparation.speech import RATE, speak
from listening_test.protocol import Protocol, Scale
from listening_test.protocol.model import localized
from songbench.domain.errors import InputError

MUSIC_FIRST_SECONDS = 1.5
"""Music alone before the voice, so that a trap begins like every other page."""
DUCKED_DB = -20.0
RAMP_SECONDS = 0.25
REST_SECONDS = 0.8
"""Between the two times that the instruction is said, where there is room for two."""
SPEEDS = (135, 160, 190, 220)
"""Words a minute, the slowest that fits into the excerpt; faster ones are not understood at once."""

_OPENING = {"en": "This is a check.", "zh": "这是一项检查。"}
_DIGITS = dict(zip("0123456789", "零一二三四五六七八九", strict=True))


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


def instruction(protocol: Protocol, scales: tuple[Scale, ...], answer: str, language: str) -> str:
    """What the voice says, with the answer as it is labelled on the page."""
    if protocol.continuous:
        asked = {"en": f"Please set this one to {answer}.", "zh": f"请把这一首设为{_chinese(answer)}。"}
    elif protocol.form == "preference":
        place = {"A": ("first", "一"), "B": ("second", "二")}[answer]
        asked = {
            "en": f"Please choose song {answer}, the {place[0]} one, for every question.",
            "zh": f"每个问题都请选择第{place[1]}首歌，{answer}。",
        }
    else:
        asked = {
            "en": f"Please choose number {_named(scales, answer, 'en')}, for every question.",
            "zh": f"每个问题都请选择{_named(scales, answer, 'zh')}。",
        }
    return f"{_OPENING[language]} {asked[language]}"


def _named(scales: tuple[Scale, ...], answer: str, language: str) -> str:
    """Number and label, as either may be hard to hear; no label where the questions label the point differently."""
    labels = {localized(scale.points[int(answer)], language) for scale in scales}
    label = next(iter(labels)) if len(labels) == 1 else ""
    if language == "zh":
        return f"{_chinese(answer)}分" + (f"，“{label}”" if label else "")
    return answer.replace("-", "minus ") + (f", '{label}'" if label else "")


def _chinese(answer: str) -> str:
    """A number of a scale in characters; those that scales have: up to 10, and 100."""
    whole = {"10": "十", "100": "一百"}.get(answer)
    return whole or "".join(_DIGITS.get(sign, "负") for sign in answer)


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
    """The instruction at the slowest speed that leaves half a second of music."""
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
    import soxr

    said = np.trim_zeros(speak(text, language, speed))
    return np.asarray(soxr.resample(said, RATE, rate), dtype=np.float32)


def _ducking(places: list[int], voice: int, length: int, rate: int) -> npt.NDArray[np.float32]:
    """The music's gain over time: down while the voice speaks, with ramps before and after."""
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
    found: list[str] = []
    while len(found) < count:
        found += draw.sample(answers, len(answers))
    return found[:count]
