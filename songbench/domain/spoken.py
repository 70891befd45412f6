"""Text as it is said: words, and for what is written in figures or signs every way to say it.

"100%" can be "one hundred percent" or "a hundred percent", 2008 in Mandarin 二零零八 or 两千零八. Nothing in the text
says which, so all are kept: whoever sings takes the first, and whoever compares takes those of both sides that agree
best (`metrics.functional.readings`). So figures and words are the same lyrics, in either direction.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from songbench.domain import figures_english, figures_mandarin
from songbench.domain.numbers_english import Readings, number_readings, ordinals
from songbench.domain.text import HAN, LATIN, normal_text
from songbench.domain.vocables import usual_spelling

_FIGURES = {"en": figures_english, "zh": figures_mandarin}
_HAN = re.compile(f"[{HAN}]")
_TOKEN = re.compile(
    rf"(?P<han>[{HAN}])|(?P<initials>(?<![^\W_])[a-z](?:\.[a-z])+(?![^\W_])\.?)|(?P<word>[{LATIN}]+(?:'[{LATIN}]+)*)"
    r"|(?P<foreign>[^\W\d_]+)|(?P<times>×)|(?P<sign>[&@+=])|(?P<dash>[-:\u2010-\u2015\u2212~～])"
)
_ROMAN = re.compile(r"X{1,3}(?:IX|IV|VI{0,3}|I{1,3})|IX|IV|VI{1,3}|I{2,3}")
_ROMAN_VALUES = {"I": 1, "V": 5, "X": 10}
_SIGNS = {
    "en": {"&": ("and",), "@": ("at", ""), "+": ("", "plus", "and"), "=": ("", "equals", "is")},
    "zh": {"&": ("and", "", "和"), "@": ("", "at"), "+": ("", "加"), "=": ("", "等于")},
}
_RANGES = {"en": ("to",), "zh": ("到", "至", "比")}
_TIMES = {"en": ("x", "by", "times"), "zh": ("x", "乘", "乘以", "倍")}
_ACCENTS = re.compile(r"[\u0300-\u036f]+")
_TWO_WORDS = re.compile(r"\bper\s+cent\b", re.IGNORECASE)


@dataclass(frozen=True)
class SpokenWord:
    """One word, or one expression in figures or signs.

    Attributes:
        text: as it stands in the text.
        readings: the ways to say it, the usual one first; each a tuple of words, in Mandarin of characters. A sign that
            may be left unsaid has an empty one.
    """

    text: str
    readings: Readings

    @property
    def usual(self) -> tuple[str, ...]:
        """The reading a singer takes."""
        return self.readings[0]


@lru_cache(maxsize=8192)
def spoken_words(text: str, languages: tuple[str, ...] = ("en", "zh")) -> tuple[SpokenWord, ...]:
    """The words of a text, without punctuation; line breaks count as spaces.

    Args:
        text: any text; brackets are taken off and their words kept, section tags must have been taken off. Words in
            other letters than Latin and Chinese are words too, which nothing here reads.
        languages: in which of ``en`` and ``zh`` numbers may be said. With both, the language of the letters beside them
            comes first, or that which is named first where there are none.
    """
    plain = " ".join(normal_text(text).split())
    plain = _ACCENTS.sub("", _TWO_WORDS.sub("percent", plain))
    # Few letters change their number in lower case (ß is ss); then the text is taken as if it had been written so.
    lower = plain.casefold()
    return tuple(_tokens(plain if len(lower) == len(plain) else lower, lower, languages))


def _tokens(plain: str, text: str, languages: tuple[str, ...]) -> Iterator[SpokenWord]:
    """The words of a text in lower case; `plain` is the same with its capitals."""
    end = 0
    for start, stop, readings in [*_expressions(text, languages), (len(text), len(text), ())]:
        between = list(_words(plain, text, (end, start), languages))
        if end and readings and len(between) == 1 and between[0].text == "-":
            yield SpokenWord("-", ((), *_sayings(_RANGES, languages)))
        else:
            yield from (token for token in between if token.text != "-")
        if readings:
            yield SpokenWord(plain[start:stop], readings)
        end = stop


def _expressions(text: str, languages: Sequence[str]) -> Iterator[tuple[int, int, Readings]]:
    """What is written in figures, in order: the longest match of any language, with the readings of all of them."""
    matches: dict[tuple[int, int], dict[str, re.Match[str]]] = {}
    for language in languages:
        for match in _FIGURES[language].EXPRESSION.finditer(text):
            matches.setdefault(match.span(), {})[language] = match
    end = 0
    for start, stop in sorted(matches, key=lambda span: (span[0], -span[1])):
        if start < end:
            continue
        by_language = matches[start, stop]
        # What touches the figures says most: 100块, then the word before, then the word after.
        beside = (
            text[stop : stop + 1],
            text[max(0, start - 1) : start],
            text[:start].rstrip()[-1:],
            text[stop:].lstrip()[:1],
        )
        nearest = next((letter for letter in beside if letter.isalpha()), "")
        order = sorted(
            by_language, key=lambda language: bool(nearest) and (language == "zh") != bool(_HAN.match(nearest))
        )
        readings = [reading for language in order for reading in _FIGURES[language].readings_of(by_language[language])]
        yield start, stop, tuple(dict.fromkeys(readings))
        end = stop


def _words(plain: str, text: str, span: tuple[int, int], languages: tuple[str, ...]) -> Iterator[SpokenWord]:
    before = ""
    for match in _TOKEN.finditer(text, *span):
        token, lower = plain[match.start() : match.end()], match[0]
        if match["times"] or (lower == "x" and text[: match.start()][-1:].isdigit()):
            yield SpokenWord(token, _sayings(_TIMES, languages))
        elif match["dash"]:
            yield SpokenWord("-", ((),))
        elif match["sign"]:
            yield SpokenWord(token, _sayings({language: _SIGNS[language][lower] for language in languages}, languages))
        elif match["initials"]:
            letters = lower.replace(".", "")
            yield SpokenWord(token, (tuple(letters), (letters,)))
        elif match["han"]:
            character = {"〇": "零", "々": before or "々"}.get(lower, lower)
            yield SpokenWord(token, ((character,),))
        elif _ROMAN.fullmatch(token):
            yield SpokenWord(token, tuple(dict.fromkeys(((lower,), *_numeral_readings(token)))))
        else:
            yield SpokenWord(token, ((usual_spelling(lower),),))
        before = lower if match["han"] else ""


def _sayings(words: Mapping[str, Sequence[str]], languages: Sequence[str]) -> Readings:
    """What is said for a sign: English words, Chinese words by character, or nothing."""
    says = [word for language in languages for word in words[language]]
    return tuple(dict.fromkeys(tuple(word) if _HAN.match(word) else tuple(word.split()) for word in says))


def _numeral_readings(numeral: str) -> Readings:
    """VIII in capitals may be the letters, a number or an ordinal: "eight", "the eighth"."""
    values = [_ROMAN_VALUES[letter] for letter in numeral]
    number = sum(-value if value < max(values[place:]) else value for place, value in enumerate(values))
    ordinal = tuple(ordinals(number)[0].split())
    return (tuple(numeral.casefold()), *number_readings(str(number))[:1], ordinal, ("the", *ordinal))
