"""Lyric lines as the voice reads them: words for English, toned pinyin for Mandarin.

The words are those that `per` asks for: one normal form of text, numbers written out in their usual reading
(`songbench.domain.spoken`).
"""

import re
import unicodedata
from dataclasses import dataclass

from songbench.domain.english import is_dictionary_word
from songbench.domain.errors import InputError, UnavailableError
from songbench.domain.language import UNDETERMINED, spoken_language
from songbench.domain.spoken import SpokenWord, spoken_words
from songbench.domain.text import HAN, normal_text

LANGUAGES = ("en", "zh", "mixed")
"""Languages this system sings; in `mixed` songs, and where nobody knows, every line is read by its letters."""

_HAN = re.compile(f"[{HAN}]")
_NUMERAL = re.compile("[ivxlcdm]{2,}")
_LETTER = re.compile(r"[^\W\d_]")


@dataclass(frozen=True)
class SpokenLine:
    """A line ready for the voice.

    Attributes:
        words: the words, numbers written out (one character each for Mandarin).
        text: what espeak-ng is given.
        starts: 0-based character of `text` at which each word starts.
        language: `en` or `zh`.
    """

    words: tuple[str, ...]
    text: str
    starts: tuple[int, ...]
    language: str


def spoken_line(line: str, language: str) -> SpokenLine | None:
    """Splits a line into words and spells it for espeak-ng; None when nothing in it can be sung.

    Raises:
        InputError: the language is none of `LANGUAGES`, or the line has letters that are neither Latin nor Chinese.
    """
    if spoken_language(language) not in (*LANGUAGES, UNDETERMINED):
        raise InputError(f"rulebased cannot sing the language '{language}'.", field="language", allowed=LANGUAGES)
    text = normal_text(line)
    _check_script(text)
    mandarin = _HAN.search(text) or (spoken_language(language) == "zh" and not _LETTER.search(text))
    readers = ("en",) if not mandarin else ("zh", "en") if _LETTER.search(_HAN.sub("", text)) else ("zh",)
    words = tuple(word for entry in spoken_words(text, readers) for word in _readings(entry))
    if not words:
        return None
    spellings = _pinyin(words) if mandarin else words
    starts, at = [], 0
    for spelling in spellings:
        starts.append(at)
        at += len(spelling) + 1
    return SpokenLine(words, " ".join(spellings), tuple(starts), "zh" if mandarin else "en")


def _readings(entry: SpokenWord) -> tuple[str, ...]:
    """The words of an entry; a plain word keeps its capitals, by which espeak-ng tells "US" from "us".

    Single letters are capitals, as "a" would be an article, and so are those of "vi" and the like, which espeak-ng
    takes for Roman numerals.
    """
    plain = entry.text.casefold()
    if entry.usual == (plain,):
        spelled = _NUMERAL.fullmatch(plain) and (set(plain) <= set("ivx") or not is_dictionary_word(plain))
        return tuple(plain.upper()) if spelled else (entry.text,)
    return tuple(word.upper() if len(word) == 1 else word for word in entry.usual)


def _check_script(text: str) -> None:
    for letter in text:
        if letter.isalpha() and not unicodedata.name(letter, "").startswith(("LATIN", "CJK")):
            raise InputError(
                f"rulebased cannot read '{letter}' ({unicodedata.name(letter, 'unknown letter').lower()}).",
                cure="It sings English and Chinese: write Latin or Chinese letters.",
            )


def _pinyin(words: tuple[str, ...]) -> tuple[str, ...]:
    """Toned pinyin of each character, read in the context of its neighbours; Latin words stay as they are."""
    try:
        from pypinyin import Style, lazy_pinyin
    except ImportError as error:
        raise UnavailableError("Mandarin lyrics need pypinyin. Run: pip install pypinyin") from error
    spelled: list[str] = []
    run: list[str] = []
    for word in (*words, ""):
        if word and _HAN.match(word):
            run.append(word)
            continue
        if run:
            readings = lazy_pinyin("".join(run), Style.TONE3, neutral_tone_with_five=True, tone_sandhi=True)
            spelled += [_known_to_espeak(reading) for reading in readings]
            run = []
        if word:
            spelled.append(word.lower())
    return tuple(spelled)


def _known_to_espeak(pinyin: str) -> str:
    """The nearest syllable the pinyin voice of espeak-ng 1.52 knows: -iong and bare nasals are not in its tables."""
    syllable, tone = pinyin.rstrip("12345"), pinyin[-1]
    if syllable in ("jiong", "qiong", "xiong"):
        return f"{syllable[0]}un{tone}"
    return f"en{tone}" if syllable in ("m", "n", "ng", "hm", "hng") else pinyin
