"""Mandarin to SongBloom's symbols: words, readings in context, tone sandhi, initial and final of every syllable.

The rules are those of the speech front end SongBloom was trained with, itself after PaddleSpeech's (Apache-2.0,
https://github.com/PaddlePaddle/PaddleSpeech); the table of traditional characters is PaddleSpeech's as misaki ships it.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from songbench.domain.errors import InputError
from systems.songbloom.text.pinyin_symbols import finals_of, initials_of, symbols_of_syllable
from systems.songbloom.text.segmentation import tagged_words
from systems.songbloom.text.tone_sandhi import with_sandhi
from systems.songbloom.text.word_merging import merged_words

# pypinyin gives these two neither initial nor final.
_READ_AS = str.maketrans("嗯呣", "恩母")


def pronounce_mandarin(text: str) -> list[str]:
    """The symbols of a run of Chinese characters, two per character.

    Args:
        text: characters U+4E00 to U+9FA5 only, simplified or traditional.

    Raises:
        InputError: a character has no Mandarin reading (about a dozen of 20,902, such as Japanese units of measure).
    """
    simplified = text.translate(_simplified()).translate(_READ_AS)
    symbols: list[str] = []
    for word, tag in merged_words(tagged_words(simplified)):
        initials, finals = initials_of(word), finals_of(word)
        _check_readings(word, finals)
        for initial, final in zip(initials, with_sandhi(word, tag, finals), strict=True):
            symbols += symbols_of_syllable(initial, final)
    return symbols


def _check_readings(word: str, finals: list[str]) -> None:
    # pypinyin gives what it cannot read back unread, several characters in one piece.
    if len(finals) == len(word) and all(map(_has_tone, finals)):
        return
    unread = [char for char in word if not all(map(_has_tone, finals_of(char)))]
    raise InputError(
        f"'{''.join(unread) or word}' has no Mandarin reading that SongBloom knows.",
        cure="Write another character that sounds as it should.",
    )


def _has_tone(final: str) -> bool:
    return final[-1:].isdigit()


@cache
def _simplified() -> Mapping[int, str]:
    from misaki.zh_normalization.char_convert import t2s_dict  # type: ignore[import-untyped]

    return str.maketrans(t2s_dict)
