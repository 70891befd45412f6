"""Lyric lines as the voice reads them: words for English, toned pinyin for Mandarin."""

import re
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
        InputError: the song's language is not one of `LANGUAGES`.
    """
    if language not in LANGUAGES:
        raise InputError(f"rulebased cannot sing the language '{language}'.", field="language", allowed=LANGUAGES)
    words = tuple(_TOKEN.findall(line))
    if not words:
        return None
    read_as = "zh" if _HAN.search(line) or (language == "zh" and not re.search(r"[^\W\d_]", line)) else "en"
    spellings = _pinyin(words) if read_as == "zh" else tuple(word.replace("\u2019", "'") for word in words)
    starts, at = [], 0
    for spelling in spellings:
        starts.append(at)
        at += len(spelling) + 1
    return SpokenLine(words, " ".join(spellings), tuple(starts), read_as)


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
            spelled += lazy_pinyin("".join(run), style=Style.TONE3, neutral_tone_with_five=True, v_to_u=False)
            run = []
        if word:
            spelled.append(word.lower())
    return tuple(spelled)
