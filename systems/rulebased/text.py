"""Lyric lines as the voice reads them: words for English, toned pinyin for Mandarin."""

import re
import unicodedata
from dataclasses import dataclass

from songbench.domain.errors import InputError, UnavailableError

LANGUAGES = ("en", "zh", "mixed")
"""Languages this system sings; in `mixed` songs every line is read in the language of its letters."""

_HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]")
_TOKEN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]|[^\W\d_]+(?:['\u2019][^\W\d_]+)*['\u2019]?|\d+")


@dataclass(frozen=True)
class SpokenLine:
    """A line ready for the voice.

    Attributes:
        words: the words as written (one character each for Mandarin).
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
        InputError: the song's language is not one of `LANGUAGES`, or the line is not in Latin or Chinese script.
    """
    if language not in LANGUAGES:
        raise InputError(f"rulebased cannot sing the language '{language}'.", field="language", allowed=LANGUAGES)
    words = tuple(_TOKEN.findall(line))
    if not words:
        return None
    _check_script(words)
    read_as = "zh" if _HAN.search(line) or (language == "zh" and not re.search(r"[^\W\d_]", line)) else "en"
    spellings = _pinyin(words) if read_as == "zh" else tuple(word.replace("\u2019", "'") for word in words)
    starts, at = [], 0
    for spelling in spellings:
        starts.append(at)
        at += len(spelling) + 1
    return SpokenLine(words, " ".join(spellings), tuple(starts), read_as)


def _check_script(words: tuple[str, ...]) -> None:
    for letter in "".join(words):
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
