"""How English reads what is written in figures: every legitimate reading, the usual one first.

Numbers are spelled out by inflect. Which readings count is listed in docs/words.md; the tests hold the list.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from itertools import product
from typing import Any

Readings = tuple[tuple[str, ...], ...]
"""Ways to say one expression, each a tuple of words in lower case; never empty."""

NUMBER = r"(?:\d{1,3}(?:,\d{3})+(?!\d)(?:\.\d+)?|\d+\.\d+|(?<![\w.])\.\d+|\d+)"
"""A number as it is written: figures, thousands set apart by commas, a decimal part."""

_CURRENCIES = {
    "$": ("dollar", "dollars", "cents"),
    "£": ("pound", "pounds", "pence"),
    "€": ("euro", "euros", "cents"),
    "¥": ("yuan", "yuan", "fen"),
    "₹": ("rupee", "rupees", "paise"),
    "₩": ("won", "won", "jeon"),
}
_SCALES = {"k": "thousand", "m": "million", "bn": "billion", "b": "billion"}
_SCALE_WORD = r"(?:hundred|thousand|million|billion|grand|bn|[kmb])"
_MOST_FIGURES = 15  # longer numbers are read figure by figure only

_HALF_DAY = r"(?:\s*(?P<half>[ap])(?:\.\s?m\.|m\b))"
EXPRESSION = re.compile(
    rf"(?P<time>(?<![\d:.])(?P<hour>\d{{1,2}}):(?P<minute>[0-5]\d)(?![\d:]){_HALF_DAY}?)"
    rf"|(?P<oclock>(?<![\d:.,])(?P<whole_hour>\d{{1,2}}){_HALF_DAY.replace('half', 'part')})"
    rf"|(?P<money>(?P<currency>[$£€¥₹₩])\s?(?P<amount>{NUMBER})(?:\s?(?P<scale>{_SCALE_WORD})(?![^\W_]))?)"
    rf"|(?P<money_after>(?P<amount_after>{NUMBER})\s?(?P<currency_after>[$£€¥₹₩])(?!\s?[\d.]))"
    rf"|(?P<percent>(?P<share>{NUMBER})\s?(?P<of>[%‰]))"
    r"|(?P<fraction>(?<![\d/.,])(?:(?P<units>\d{1,9})\s)?(?P<above>\d{1,9})/(?P<below>\d{1,9})(?![\d/]))"
    r"|(?P<ordinal>(?P<place>\d{1,3}(?:,\d{3}){1,3}|\d{1,12})(?:st|nd|rd|th)(?![^\W_]))"
    r"|(?P<plural>(?P<many>\d{1,3}(?:,\d{3}){1,3}|\d{1,12})'?s(?![^\W_]))"
    rf"|(?P<scaled>(?P<factor>{NUMBER})(?P<letter>k|m|bn)(?![^\W_]))"
    rf"|(?P<degrees>(?:(?<![\w)])(?P<cold>[-\u2212])\s?)?(?P<heat>{NUMBER})\s?°(?:\s?(?P<unit>[cf])(?![^\W_]))?)"
    rf"|(?P<counted>(?:(?P<sign>\#)|(?<![^\W_])no(?P<dot>\.?)\s?)(?P<rank>\d+)(?![\d.,]*\d))"
    rf"|(?P<cents>(?P<coins>\d+)\s?¢)"
    rf"|(?P<signed>(?<![\w)])[-\u2212](?P<below_zero>{NUMBER}))"
    rf"|(?P<number>{NUMBER})"
)
"""One expression in figures, in text in lower case; `readings_of` reads a match."""


def readings_of(match: re.Match[str]) -> Readings:
    """The ways to say a match of `EXPRESSION`."""
    name = next(name for name in _READERS if match[name] is not None)
    return _unique(_READERS[name](match))


@lru_cache(maxsize=4096)
def number_readings(written: str) -> Readings:
    """The ways to say a plain number.

    Args:
        written: as `NUMBER` matches it.
    """
    return _unique(_number(written))


def ordinal_words(number: int) -> tuple[str, ...]:
    """The words of an ordinal: ``twenty first``."""
    *before, last = cardinals(number)[0].split()
    return (*before, _ordinal_word(last))


def _unique(readings: Iterable[str]) -> Readings:
    return tuple(dict.fromkeys(tuple(reading.split()) for reading in readings))


def _number(written: str) -> Iterator[str]:
    figures = written.replace(",", "")
    if "." in figures:
        yield from _decimal(figures)
        return
    plain = _is_plain(figures)
    if plain and "," not in written:
        yield from _as_year(figures)
    if plain:
        yield from cardinals(int(figures))
    if "," not in written:
        yield from _figure_by_figure(figures)


def _is_plain(figures: str) -> bool:
    """Whether figures can be a quantity: no leading zero, and not too many of them."""
    return len(figures) <= _MOST_FIGURES and (figures == "0" or not figures.startswith("0"))


def _decimal(figures: str) -> Iterator[str]:
    whole, part = figures.split(".")
    if not whole.strip("0"):
        wholes = ["", "zero", "oh"] if not whole else ["zero", "", "oh"]
    else:
        wholes = cardinals(int(whole)) if _is_plain(whole) else _digits(whole)
    parts = [*_digits(part), *(cardinals(int(part)) if len(part) == 2 and part[0] != "0" else ())]
    for reading in parts:
        yield from (f"{before} point {reading}" for before in wholes)


def cardinals(number: int) -> list[str]:
    """How many: ``one hundred one``, with "and", and with "a" or nothing for a leading "one"."""
    spelled = _spelled(number)
    ways = [spelled.replace(" and ", " "), spelled]
    if match := re.match(r"one (?=hundred|thousand|million|billion)", ways[0]):
        ways += [f"{article}{way[match.end() :]}" for article in ("a ", "") for way in ways[:2]]
    return list(dict.fromkeys(ways))


def _as_year(figures: str) -> Iterator[str]:
    """Readings in pairs: nineteen ninety nine, seven forty seven; the usual reading only where years are usual."""
    if len(figures) not in (3, 4):
        return
    high, low = int(figures[:-2]), int(figures[-2:])
    if len(figures) == 4 and (high % 10 == 0 and low < 10):
        return
    pairs = [f"{_spelled(high)} {reading}" for reading in _pair(low)]
    if len(figures) == 4:
        pairs += [
            f"{_spelled(high)} hundred{rest}"
            for rest in ([f" {_spelled(low)}", f" and {_spelled(low)}"] if low else [""])
        ]
        if high % 10 == 0 and low == 0:
            pairs = pairs[-1:]
    if len(figures) == 3 or not (10 < high < 20 or (high == 20 and low > 9)):
        yield from cardinals(int(figures))
    yield from pairs


def _pair(low: int) -> list[str]:
    if low == 0:
        return ["hundred"]
    return [f"oh {_spelled(low)}", f"zero {_spelled(low)}"] if low < 10 else [_spelled(low)]


def _figure_by_figure(figures: str) -> Iterator[str]:
    """One by one with "zero" or "oh", then in pairs or threes as telephone numbers are."""
    yield from _digits(figures)
    if 3 <= len(figures) <= _MOST_FIGURES and re.search(r"(\d)\1", figures):
        yield from _with_doubles(figures)
    if 4 <= len(figures) <= _MOST_FIGURES and len(figures) % 2 == 0:
        groups = [figures[at : at + 2] for at in range(0, len(figures), 2)]
        ways = [[_spelled(int(group))] if group[0] != "0" else _digits(group) for group in groups]
        yield from (" ".join(way) for way in product(*ways) if len(figures) <= 8)
    if len(figures) == 2 and figures[0] == "0":
        yield _spelled(int(figures))


def _with_doubles(figures: str) -> Iterator[str]:
    """Figures that follow themselves as "double oh" and "triple five"."""
    for zero in ("oh", "zero"):
        said = []
        for run in re.finditer(r"(\d)\1{0,2}", figures):
            name = zero if run[1] == "0" else _spelled(int(run[1]))
            said.append(("", "double ", "triple ")[len(run[0]) - 1] + name)
        yield " ".join(said)


def _digits(figures: str) -> list[str]:
    names = [_spelled(int(figure)) for figure in figures]
    return list(dict.fromkeys([" ".join(names), " ".join("oh" if name == "zero" else name for name in names)]))


def _time(match: re.Match[str]) -> Iterator[str]:
    hour, minute, half = int(match["hour"]), int(match["minute"]), match["half"]
    after = f" {half} m" if half else ""
    name, following = _spelled(hour), _spelled(hour % 12 + 1)
    minutes = {0: ["", "o'clock", "hundred"]}.get(minute, [*_pair(minute)] if minute else [])
    yield from (f"{name} {reading}{after}" for reading in minutes)
    past = {15: ["a quarter", "quarter"], 30: ["half"]}.get(minute, [f"{_spelled(minute)}"] if minute else [])
    to_come = {45: ["a quarter", "quarter"]}.get(minute, [f"{_spelled(60 - minute)}"] if minute > 30 else [])
    yield from (f"{part} past {name}{after}" for part in past)
    yield from (f"{part} to {following}{after}" for part in to_come)


def _oclock(match: re.Match[str]) -> Iterator[str]:
    yield f"{_spelled(int(match['whole_hour']))} {match['part']} m"
    yield f"{_spelled(int(match['whole_hour']))} o'clock {match['part']} m"


def _money(match: re.Match[str]) -> Iterator[str]:
    singular, plural, coins = _CURRENCIES[match["currency"] or match["currency_after"]]
    written, scale = match["amount"] or match["amount_after"], match["scale"]
    amount = written.replace(",", "")
    if scale:
        scales = [_SCALES.get(scale, scale), *([scale] if scale in _SCALES else [])]
        bare = [f"{' '.join(number)} {word}" for word in scales for number in number_readings(written)]
        if float(amount) == 1:
            bare += [f"{article} {word}" for word in scales for article in ("a", "")]
    elif re.fullmatch(r"\d{1,12}\.\d\d", amount):
        whole, rest = (int(part) for part in amount.split("."))
        for way in cardinals(whole):
            unit = singular if whole == 1 else plural
            yield from (
                f"{way} {unit}{joint}{_spelled(rest)}{coin}" for joint in (" ", " and ") for coin in ("", f" {coins}")
            )
            yield f"{way} {_pair(rest)[0] if rest else unit}"
        if whole == 0:
            yield from (f"{way} {coins if rest != 1 else coins.removesuffix('s')}" for way in cardinals(rest))
        bare = [" ".join(number) for number in number_readings(amount)]
    else:
        bare = [" ".join(number) for number in _plain_first(written)]
        if amount == "1":
            bare.append("a")
    units = (singular,) if amount == "1" and not scale else (plural, singular)
    yield from (f"{way} {unit}" for unit in units for way in bare)
    yield from bare[: len(bare) if amount != "1" else 1]


def _percent(match: re.Match[str]) -> Iterator[str]:
    numbers = [" ".join(number) for number in _plain_first(match["share"])]
    units = ("percent",) if match["of"] == "%" else ("per mille", "per thousand")
    yield from (f"{number} {unit}" for unit in units for number in numbers)


def _plain_first(written: str) -> Readings:
    """A number that is a quantity and hardly a year: its cardinal readings come first."""
    figures = written.replace(",", "")
    usual = cardinals(int(figures)) if figures.isdigit() and _is_plain(figures) else []
    return _unique([*usual, *_number(written)])


def _fraction(match: re.Match[str]) -> Iterator[str]:
    above, below = int(match["above"]), int(match["below"])
    names = _fraction_names(above, below) if below > 1 else []
    units = [" ".join(number) for number in number_readings(match["units"])] if match["units"] else []
    if names and units:
        yield from (f"{unit} and {name}" for unit in units for name in names)
        yield from (f"{unit} {name}" for unit in units for name in names)
    elif names and above < below <= 10:
        yield from names
    both = [[" ".join(number) for number in number_readings(match[name])[:3]] for name in ("above", "below")]
    for first, second in product(*both):
        lead = f"{units[0]} " if units else ""
        yield from (f"{lead}{first} {joint}{second}" for joint in ("", "over ", "slash ", "out of ", "to "))
    if names:
        yield from names


def _fraction_names(above: int, below: int) -> list[str]:
    parts = {2: ["half"], 4: ["quarter", "fourth"]}.get(below, [" ".join(ordinal_words(below))])
    if above == 1:
        return [f"{article}{part}" for part in parts for article in ("one ", "a ", "")]
    plurals = {"half": "halves"}
    return [f"{_spelled(above)} {plurals.get(part, f'{part}s')}" for part in parts]


def _ordinals(match: re.Match[str]) -> Iterator[str]:
    for way in cardinals(int(match["place"].replace(",", ""))):
        *before, last = way.split()
        yield " ".join([*before, _ordinal_word(last)])


def _plurals(match: re.Match[str]) -> Iterator[str]:
    for reading in number_readings(match["many"]):
        *before, last = reading
        yield " ".join([*before, _plural(last)])
    if re.fullmatch(r"[1-9]0", match["many"]):
        yield f"nineteen {_plural(_spelled(int(match['many'])))}"


def _scaled(match: re.Match[str]) -> Iterator[str]:
    factors = [" ".join(number) for number in number_readings(match["factor"])]
    words = (_SCALES[match["letter"]], *(" ".join(match["letter"]),))
    yield from (f"{factor} {word}" for word in words for factor in factors)
    if match["factor"] == "1":
        yield f"a {words[0]}"


def _degrees(match: re.Match[str]) -> Iterator[str]:
    scales = {"c": ["celsius", "c", "centigrade", ""], "f": ["fahrenheit", "f", ""]}.get(match["unit"] or "", [""])
    signs = ("minus", "negative", "") if match["cold"] else ("",)
    ways = [f"{sign} {' '.join(number)}" for sign in signs for number in _plain_first(match["heat"])]
    yield from (f"{way} {word} {scale}" for way in ways for scale in scales for word in ("degrees", "degree", ""))


def _counted(match: re.Match[str]) -> Iterator[str]:
    heads = ("number", "hashtag", "") if match["sign"] else ("number", "no") if match["dot"] else ("no", "number")
    yield from (f"{head} {' '.join(rank)}" for head in heads for rank in number_readings(match["rank"]))


def _cents(match: re.Match[str]) -> Iterator[str]:
    for number in number_readings(match["coins"]):
        yield f"{' '.join(number)} {'cent' if match['coins'] == '1' else 'cents'}"
        yield f"{' '.join(number)} {'cents' if match['coins'] == '1' else 'cent'}"


def _signed(match: re.Match[str]) -> Iterator[str]:
    numbers = [" ".join(number) for number in number_readings(match["below_zero"])]
    # A dash before a number is more often a dash.
    yield from (f"{sign} {number}" for sign in ("", "minus", "negative") for number in numbers)


def _plain(match: re.Match[str]) -> Iterator[str]:
    yield from map(" ".join, number_readings(match["number"]))


_READERS: dict[str, Callable[[re.Match[str]], Iterator[str]]] = {
    "time": _time,
    "oclock": _oclock,
    "money": _money,
    "money_after": _money,
    "percent": _percent,
    "fraction": _fraction,
    "ordinal": _ordinals,
    "plural": _plurals,
    "scaled": _scaled,
    "degrees": _degrees,
    "counted": _counted,
    "cents": _cents,
    "signed": _signed,
    "number": _plain,
}


@lru_cache(maxsize=4096)
def _spelled(number: int) -> str:
    spelled: str = _inflect().number_to_words(number)
    return spelled.replace("-", " ").replace(",", "")


def _ordinal_word(word: str) -> str:
    return str(_inflect().ordinal(word))


def _plural(word: str) -> str:
    return {"oh": "ohs", "zero": "zeros"}.get(word) or str(_inflect().plural_noun(word))


@lru_cache(maxsize=1)
def _inflect() -> Any:
    import inflect

    return inflect.engine()
