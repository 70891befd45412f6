"""One spelling for syllables that people spell at will: ``oooh`` and ``ooh``, ``woah`` and ``whoa``.

Only spellings of one sound are put together: "oh" and "ooh" stay two words, as they are sung differently. The list is
the one of docs/words.md.
"""

from __future__ import annotations

import re

from songbench.domain.english import is_dictionary_word

_SOUNDS = {
    "oh": r"oh+",
    "ooh": r"o{2,}h*",
    "ah": r"ah+|a{2,}h*",
    "uh": r"uh+|u{2,}h*",
    "eh": r"eh+",
    "whoa": r"wh?o+a+h*|who+h+|woh+",
    "woo": r"wh?o{2,}",
    "yeah": r"y+e+a+h+|y+e+a|y+eh+",
    "hey": r"he+y{2,}|he{2,}y+",
    "hmm": r"h*m{2,}|hm+",
    "shh": r"s+h+",
    "okay": r"ok|o+k+a+y+|okey",
    "brr": r"br{2,}",
    "la": r"la{2,}h?|lah",
    "na": r"na{2,}",
    "ha": r"ha{2,}|hah",
    "ay": r"ay{2,}",
}
_SPELLINGS = re.compile("|".join(f"(?P<{sound}>{pattern})" for sound, pattern in _SOUNDS.items()))
_STRETCH = re.compile(r"([^\W\d_])\1{2,}")


def usual_spelling(word: str) -> str:
    """The spelling a word is compared and sung in.

    Args:
        word: in lower case, without punctuation around it.

    Returns:
        The word itself unless it is one of the vocables of the list, or has a letter three times or more in a row:
        that letter is kept twice where this gives an English word (``freeee``), and once otherwise (``loooove``).
        Words of one letter alone, such as ``xxx``, stay.
    """
    if match := _SPELLINGS.fullmatch(word):
        return str(match.lastgroup)
    if len(set(word)) < 2 or not _STRETCH.search(word):
        return word
    doubled = _STRETCH.sub(r"\1\1", word)
    short = doubled if is_dictionary_word(doubled) else _STRETCH.sub(r"\1", word)
    match = _SPELLINGS.fullmatch(short)
    return str(match.lastgroup) if match else short
