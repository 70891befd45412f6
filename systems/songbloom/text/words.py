"""Lyrics to symbols, word by word: what is kept as it is, and which language reads what.

Exactly as in SongBloom's training, quirks included, so that the same text gives the same symbols:

- A word that is spelled like a phone stays as it is. So the English words ``a``, ``I``, ``by`` and ``my`` become
  symbols of those names, which are Japanese phones, while ``A`` is read as a word.
- Each word is read by itself; no reading depends on its neighbours across a space.
- Digits belong to English wherever they stand: 在2024年 has "twenty twenty four" in the middle.
"""

from __future__ import annotations

import re
from functools import lru_cache

from systems.songbloom.text.english import pronounce_english
from systems.songbloom.text.mandarin import pronounce_mandarin
from systems.songbloom.text.vocabulary import MARKS, PHONES, STRUCTURE_TAGS

HAN = "\u4e00-\u9fa5"
"""The Chinese characters that are read as Mandarin, as a range of a regular expression."""

_KEPT = PHONES | {"", *STRUCTURE_TAGS}
_REPLACED = {
    **dict.fromkeys("：；，·、/", ","),
    **dict.fromkeys("。\n$", "."),
    **dict.fromkeys(("...", "~", "～"), "…"),
    "！": "!",
    "？": "?",
    "—": "-",
}
_REPLACE = re.compile("|".join(map(re.escape, _REPLACED)))
_MARKS = "".join(map(re.escape, sorted(MARKS)))
_PIECE = re.compile(f"(?P<mark>[{_MARKS}])|(?P<han>[{HAN}]+)|(?P<other>[^{_MARKS}{HAN}]+)")


def phonemes_of_lyrics(line: str) -> str:
    """The symbols of a line of lyrics in SongBloom's form, separated by single spaces.

    Args:
        line: any text; structure tags must stand between spaces to be seen as such. Nothing is refused here, and
            what has no sound is left out; see `systems.songbloom.text.line.encode` for lyrics a user gave.

    Returns:
        Symbols of `PHONES` and `STRUCTURE_TAGS`. A word without any sound leaves an empty symbol, so two spaces in a
        row.

    Raises:
        UnavailableError: there is English and its data are not set up.
        InputError: a Chinese character has no reading, or a number is too long to be read out.
    """
    return " ".join(word if word in _KEPT else " ".join(pronounce(word)) for word in line.split(" "))


@lru_cache(maxsize=8192)
def pronounce(text: str) -> tuple[str, ...]:
    """The phones of a text, all of `PHONES`; every word is read, also one that is spelled like a phone.

    Raises:
        UnavailableError, InputError: as `phonemes_of_lyrics`.
    """
    phones: list[str] = []
    for piece in _PIECE.finditer(_REPLACE.sub(lambda match: _REPLACED[match[0]], text)):
        if piece["mark"]:
            phones.append(piece["mark"])
        elif piece["han"]:
            phones += pronounce_mandarin(piece["han"])
        else:
            phones += pronounce_english(piece["other"])
    return tuple(phones)
