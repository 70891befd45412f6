"""How English says a plain number: how many, as a year, figure by figure; the usual reading first.

Numbers are spelled out by inflect. Which readings count is listed in docs/words.md; the tests hold the list.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import product
from typing import TypeAlias

from songbench.domain.inflection import inflector

Readings: TypeAlias = tuple[tuple[str, ...], ...]
"""Ways to say one expression, each a tuple of words in lower case; never empty."""

NUMBER = r"(?:\d{1,3}(?:,\d{3})+(?!\d)(?:\.\d+)?|\d+\.\d+|(?<![\w.])\.\d+|\d+)"
"""A number as it is written: figures, thousands set apart by commas, a decimal part."""

MOST_FIGURES = 15
"""Longer numbers are read figure by figure only."""


@lru_cache(maxsize=4096)
def number_readings(numeral: str) -> Readings:
    """The ways to say a plain number.

    Args:
        numeral: as `NUMBER` matches it.
    """
    return unique(_number(numeral))


def quantity_readings(numeral: str) -> Readings:
    """A number that is a quantity and hardly a year: its cardinal readings come first."""
    figures = numeral.replace(",", "")
    usual = cardinals(int(figures)) if figures.isdigit() and _is_plain(figures) else []
    return unique([*usual, *_number(numeral)])


def cardinals(number: int) -> list[str]:
    """How many: ``one hundred one``, with "and", and with "a" or nothing for a leading "one"."""
    full = spelled(number)
    ways = [full.replace(" and ", " "), full]
    if match := re.match(r"one (?=hundred|thousand|million|billion)", ways[0]):
        ways += [f"{article}{way[match.end() :]}" for article in ("a ", "") for way in ways[:2]]
    return list(dict.fromkeys(ways))


def ordinals(number: int) -> list[str]:
    """Which one: ``twenty first``, ``a hundredth``; as `cardinals` with its last word changed."""
    parts = [way.rpartition(" ") for way in cardinals(number)]
    return [f"{before}{space}{inflector().ordinal(last)}" for before, space, last in parts]


def plural_of(word: str) -> str:
    """The plural of the last word of a number: nineties, sixes."""
    return {"oh": "ohs", "zero": "zeros"}.get(word) or str(inflector().plural_noun(word))


@lru_cache(maxsize=4096)
def spelled(number: int) -> str:
    """A number in words, with "and" and without punctuation."""
    words: str = inflector().number_to_words(number)
    return words.replace("-", " ").replace(",", "")


def pair(low: int) -> list[str]:
    """The last two figures of a number said in pairs: ninety nine, oh five, hundred."""
    if low == 0:
        return ["hundred"]
    return [f"oh {spelled(low)}", f"zero {spelled(low)}"] if low < 10 else [spelled(low)]


def unique(readings: Iterable[str]) -> Readings:
    """Readings by word, each once, in order."""
    return tuple(dict.fromkeys(tuple(reading.split()) for reading in readings))


def _number(numeral: str) -> Iterator[str]:
    figures = numeral.replace(",", "")
    if "." in figures:
        yield from _decimal(figures)
        return
    plain = _is_plain(figures)
    if plain and "," not in numeral:
        yield from _as_year(figures)
    if plain:
        yield from cardinals(int(figures))
    if "," not in numeral:
        yield from _figure_by_figure(figures)


def _is_plain(figures: str) -> bool:
    """Whether figures can be a quantity: no leading zero, and not too many of them."""
    return len(figures) <= MOST_FIGURES and (figures == "0" or not figures.startswith("0"))


def _decimal(figures: str) -> Iterator[str]:
    integer, part = figures.split(".")
    if not integer.strip("0"):
        integers = ["", "zero", "oh"] if not integer else ["zero", "", "oh"]
    else:
        integers = cardinals(int(integer)) if _is_plain(integer) else _digits(integer)
    parts = [*_digits(part), *(cardinals(int(part)) if len(part) == 2 and part[0] != "0" else ())]
    for reading in parts:
        yield from (f"{before} point {reading}" for before in integers)


def _as_year(figures: str) -> Iterator[str]:
    """Readings in pairs: nineteen ninety nine, seven forty seven; the usual reading only where years are usual."""
    if len(figures) not in (3, 4):
        return
    high, low = int(figures[:-2]), int(figures[-2:])
    if len(figures) == 4 and (high % 10 == 0 and low < 10):
        return
    pairs = [f"{spelled(high)} {reading}" for reading in pair(low)]
    if len(figures) == 4:
        pairs += [
            f"{spelled(high)} hundred{rest}" for rest in ([f" {spelled(low)}", f" and {spelled(low)}"] if low else [""])
        ]
        if high % 10 == 0 and low == 0:
            pairs = pairs[-1:]
    if len(figures) == 3 or not (10 < high < 20 or (high == 20 and low > 9)):
        yield from cardinals(int(figures))
    yield from pairs


def _figure_by_figure(figures: str) -> Iterator[str]:
    """One by one with "zero" or "oh", then in pairs or threes as telephone numbers are."""
    yield from _digits(figures)
    if 3 <= len(figures) <= MOST_FIGURES and re.search(r"(\d)\1", figures):
        yield from _with_doubles(figures)
    if 4 <= len(figures) <= MOST_FIGURES and len(figures) % 2 == 0:
        groups = [figures[at : at + 2] for at in range(0, len(figures), 2)]
        ways = [[spelled(int(group))] if group[0] != "0" else _digits(group) for group in groups]
        yield from (" ".join(way) for way in product(*ways) if len(figures) <= 8)
    if len(figures) == 2 and figures[0] == "0":
        yield spelled(int(figures))


def _with_doubles(figures: str) -> Iterator[str]:
    """Figures that follow themselves as "double oh" and "triple five"."""
    for zero in ("oh", "zero"):
        names = []
        for run in re.finditer(r"(\d)\1{0,2}", figures):
            name = zero if run[1] == "0" else spelled(int(run[1]))
            names.append(("", "double ", "triple ")[len(run[0]) - 1] + name)
        yield " ".join(names)


def _digits(figures: str) -> list[str]:
    names = [spelled(int(figure)) for figure in figures]
    return list(dict.fromkeys([" ".join(names), " ".join("oh" if name == "zero" else name for name in names)]))
