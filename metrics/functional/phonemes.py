"""Words to phonemes, to compare what was sung with what was asked for.

English is read by espeak-ng 1.52 (through phonemizer 3.4; library and data come inside the package
``espeakng-loader``, so nothing has to be installed in the system): American, stress marks dropped, one token per
phone, so that diphthongs and affricates (``aɪ``, ``tʃ``) are one token each. Mandarin is read by pypinyin 0.51 as
initial and final, tone dropped. Which reader takes a word is seen from its script, so mixed lyrics need no special
care.

Every word (every character in Mandarin) is read by itself, never in context. Equal words then always have equal
phonemes: a wrong word cannot change how its neighbours are read, nor can the places where a recogniser happens to
break its lines. It also makes simplified and traditional writing agree, as the phrase dictionaries of pypinyin know
mostly simplified phrases, while Whisper writes traditional characters even for lyrics that were given simplified.

Text becomes words in `songbench.domain.spoken`, the same way for lyrics and transcripts.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from songbench.domain.errors import UnavailableError
from songbench.domain.text import HAN, LATIN

if TYPE_CHECKING:
    from songbench.plugin import Availability

Tokens = tuple[str, ...]
"""The phonemes of one word or line."""

_HAN = re.compile(f"[{HAN}]")
_LATIN = re.compile(f"[{LATIN}]")
# Two traditional characters that lyrics use and that pypinyin alone reads otherwise than their simplified forms.
_VARIANTS = str.maketrans("著乾", "着干")

# What espeak-ng would spell letter by letter.
_SOUNDS = {"shh": ("ʃ",), "brr": ("b", "ɹ")}
# espeak-ng reads "vi" as "roman six"; a numeral is one of several readings, see `songbench.domain.spoken`.
_NUMERAL = re.compile(r"[ivxlcdm]{2,}")
_SPOKEN_NUMERAL = ("ɹ", "oʊ", "m", "ə", "n")

_lock = threading.Lock()  # espeak-ng keeps its state in globals


def availability() -> Availability:
    """Whether the reader of English is here; nothing is loaded."""
    # Here, as comparing texts (`metrics.functional.per`) needs nothing of plug-ins and their card checks.
    from songbench.plugin import READY, unavailable

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


def sounds_of(words: Iterable[str]) -> dict[str, Tokens]:
    """The phonemes of words.

    Args:
        words: in lower case, as `songbench.domain.spoken` gives them; single Chinese characters for Mandarin.

    Returns:
        The phonemes of each. English tokens are IPA phones, Mandarin tokens pinyin initials and finals; a syllable that
        begins with a vowel has no initial. In other scripts each letter is a token, which agrees with no lyrics.

    Raises:
        UnavailableError: espeak-ng is not installed or does not start, and there is English to read.
    """
    distinct = set(words)
    english = _read_english(word for word in distinct if _LATIN.match(word))
    return {word: english.get(word) or (_pinyin(word) if _HAN.match(word) else tuple(word)) for word in distinct}


def unit_of(word: str) -> str:
    """What a word error rate counts: English words, and for Mandarin syllables (pinyin without tone).

    Syllables rather than characters, as a recogniser's choice between simplified and traditional writing, or between
    homophones, says nothing about the singing.
    """
    return "".join(_pinyin(word)) if _HAN.match(word) else word


@lru_cache(maxsize=8192)
def _pinyin(character: str) -> Tokens:
    from pypinyin import Style, lazy_pinyin

    simplified = character.translate(_VARIANTS)
    initial, final = (lazy_pinyin(simplified, style=style, strict=True)[0] for style in (Style.INITIALS, Style.FINALS))
    # 嗯 and its like have neither: the whole syllable is one token.
    return tuple(part for part in (initial, final) if part) or (lazy_pinyin(simplified)[0],)


def _read_english(words: Iterable[str]) -> dict[str, Tokens]:
    distinct = set(words)
    spelled = {word: tuple(word) for word in distinct if _NUMERAL.fullmatch(word)}
    sounds = _spoken({*distinct, *(letter for letters in spelled.values() for letter in letters)})
    for word, letters in spelled.items():
        if sounds[word][:5] == _SPOKEN_NUMERAL:
            sounds[word] = tuple(token for letter in letters for token in sounds[letter])
    return {word: _SOUNDS.get(word, sounds[word]) for word in distinct}


_espeak_sounds: dict[str, Tokens] = {}


def _spoken(words: set[str]) -> dict[str, Tokens]:
    """What espeak-ng makes of each word; asked once per process."""
    with _lock:
        unknown = sorted(words - _espeak_sounds.keys())
        if unknown:
            from phonemizer.separator import Separator

            # A separator no word can hold, so that a word read as several stays one entry.
            separator = Separator(phone=" ", word=" | ", syllable="")
            spoken = _espeak().phonemize(unknown, separator=separator, strip=True)
            for word, text in zip(unknown, spoken, strict=True):
                _espeak_sounds[word] = tuple(token for token in text.split() if token != "|")
        return {word: _espeak_sounds[word] for word in words}


@lru_cache(maxsize=1)
def _espeak() -> Any:
    state = availability()
    if not state.ready:
        raise UnavailableError(f"English cannot be read: {state.reason}. Cure: {state.cure}")
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
