"""Text to phonemes and words, to compare what was sung with what was asked for.

English is read by espeak-ng 1.52 (through phonemizer 3.4; library and data come inside the package
``espeakng-loader``, so nothing has to be installed in the system): American, stress marks dropped, one token per
phone, so that diphthongs and affricates (``aɪ``, ``tʃ``) are one token each. Mandarin is read by pypinyin 0.51 as
initial and final, tone dropped. Which reader takes a piece of text is seen from its script, so mixed lyrics need no
special care.

Every word (every character in Mandarin) is read by itself, never in context. Equal words then always have equal
phonemes: a wrong word cannot change how its neighbours are read, nor can the places where a recogniser happens to
break its lines. It also makes simplified and traditional writing agree, as the phrase dictionaries of pypinyin know
mostly simplified phrases, while Whisper writes traditional characters even for lyrics that were given simplified.

What is left out, on both sides alike: punctuation, section tags, brackets. Words in brackets (backing vocals) are
kept: they were asked for and can be sung. Numbers are read out in English (``42`` → forty two), digit by digit in a
line with Chinese characters. Words in other scripts are dropped.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from songbench.contracts.cards import READY, Availability, unavailable
from songbench.domain.errors import UnavailableError

Tokens = tuple[str, ...]
"""The phonemes, or the words, of one line."""

_HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]")
_LATIN = r"a-zà-öø-ɏ"
_WORD = re.compile(rf"[\u3400-\u4dbf\u4e00-\u9fff]|[{_LATIN}]+(?:'[{_LATIN}]+)*'?|\d+")
_DIGITS = str.maketrans("0123456789", "零一二三四五六七八九")
# Two traditional characters that lyrics use and that pypinyin alone reads otherwise than their simplified forms.
_VARIANTS = str.maketrans("著乾", "着干")

_lock = threading.Lock()  # espeak-ng keeps its state in globals


def availability() -> Availability:
    """Whether the reader of English is here; nothing is loaded."""
    try:
        import espeakng_loader

        library, data = Path(espeakng_loader.get_library_path()), Path(espeakng_loader.get_data_path())
    except (ImportError, RuntimeError) as error:
        return unavailable(
            f"espeak-ng is not here ({error})", "pip install --force-reinstall espeakng-loader phonemizer"
        )
    if library.is_file() and (data / "en_dict").is_file():
        return READY
    return unavailable(
        f"espeak-ng is incomplete: {library} or {data / 'en_dict'} is missing",
        "pip install --force-reinstall espeakng-loader",
    )


def words_of(line: str) -> Tokens:
    """The words of a line in lower case; one token per Chinese character.

    Args:
        line: any text; section tags must have been taken off.

    Returns:
        Words without punctuation. Digits in a line with Chinese characters are given as characters.
    """
    text = line.casefold().replace("’", "'").replace("&", " and ")
    text = re.sub(r"(?<=\d),(?=\d{3})", "", text)
    return tuple(_WORD.findall(text.translate(_DIGITS) if _HAN.search(text) else text))


def units_of(line: str) -> Tokens:
    """What a word error rate counts: English words, and for Mandarin syllables (pinyin without tone).

    Syllables rather than characters, as a recogniser's choice between simplified and traditional writing, or between
    homophones, says nothing about the singing.
    """
    return tuple("".join(_pinyin(word)) if _HAN.match(word) else word for word in words_of(line))


def phonemes_of(lines: Sequence[str]) -> list[Tokens]:
    """The phonemes of each line.

    Args:
        lines: lines of lyrics or of a transcript, English, Mandarin or both.

    Returns:
        One tuple per line, in order; empty for a line without words. English tokens are IPA phones, Mandarin tokens
        pinyin initials and finals; a syllable that begins with a vowel has no initial.

    Raises:
        UnavailableError: espeak-ng is not installed or does not start, and there is English to read.
    """
    split = [words_of(line) for line in lines]
    english = _read_english(word for words in split for word in words if not _HAN.match(word))
    return [
        tuple(token for word in words for token in (_pinyin(word) if _HAN.match(word) else english[word]))
        for words in split
    ]


@lru_cache(maxsize=8192)
def _pinyin(character: str) -> Tokens:
    from pypinyin import Style, lazy_pinyin

    one = character.translate(_VARIANTS)
    initial, final = (lazy_pinyin(one, style=style, strict=True)[0] for style in (Style.INITIALS, Style.FINALS))
    # 嗯 and its like have neither: the whole syllable is one token.
    return tuple(part for part in (initial, final) if part) or (lazy_pinyin(one)[0],)


def _read_english(words: Iterable[str]) -> dict[str, Tokens]:
    wanted = sorted(set(words))
    if not wanted:
        return {}
    from phonemizer.separator import Separator

    # A separator no word can hold, so that a number read as several words stays one entry.
    separator = Separator(phone=" ", word=" | ", syllable="")
    with _lock:
        spoken = _espeak().phonemize(wanted, separator=separator, strip=True)
    return {
        word: tuple(token for token in text.split() if token != "|") for word, text in zip(wanted, spoken, strict=True)
    }


@lru_cache(maxsize=1)
def _espeak() -> Any:
    found = availability()
    if not found.ready:
        raise UnavailableError(f"English cannot be read: {found.reason}. Cure: {found.cure}")
    import logging

    import espeakng_loader
    from phonemizer.backend import EspeakBackend
    from phonemizer.backend.espeak.wrapper import EspeakWrapper

    EspeakWrapper.set_library(espeakng_loader.get_library_path())
    EspeakWrapper.set_data_path(espeakng_loader.get_data_path())
    quiet = logging.getLogger("songbench.espeak")
    quiet.setLevel(logging.ERROR)
    try:
        return EspeakBackend("en-us", with_stress=False, language_switch="remove-flags", logger=quiet)
    except RuntimeError as error:
        raise UnavailableError(
            f"espeak-ng does not start ({error}). Its data path must be shorter than 160 characters:"
            f" {espeakng_loader.get_data_path()}"
        ) from error
