"""How English reads what is written in figures: every legitimate reading, the usual one first.

Percent, money, times, ordinals, fractions and so on, around the plain numbers of `songbench.domain.numbers_english`.
Which readings count is listed in docs/words.md; the tests hold the list.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import product

from songbench.domain.numbers_english import (
    NUMBER,
    Readings,
    cardinals,
    number_readings,
    ordinals,
    pair,
    plural_of,
    quantity_readings,
    spelled,
    unique,
)

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
    return unique(_READERS[name](match))


def _time(match: re.Match[str]) -> Iterator[str]:
    hour, minute, half = int(match["hour"]), int(match["minute"]), match["half"]
    after = f" {half} m" if half else ""
    name, following = spelled(hour), spelled(hour % 12 + 1)
    minutes = {0: ["", "o'clock", "hundred"]}.get(minute, [*pair(minute)] if minute else [])
    yield from (f"{name} {reading}{after}" for reading in minutes)
    past = {15: ["a quarter", "quarter"], 30: ["half"]}.get(minute, [f"{spelled(minute)}"] if minute else [])
    to_come = {45: ["a quarter", "quarter"]}.get(minute, [f"{spelled(60 - minute)}"] if minute > 30 else [])
    yield from (f"{part} past {name}{after}" for part in past)
    yield from (f"{part} to {following}{after}" for part in to_come)


def _oclock(match: re.Match[str]) -> Iterator[str]:
    yield f"{spelled(int(match['whole_hour']))} {match['part']} m"
    yield f"{spelled(int(match['whole_hour']))} o'clock {match['part']} m"


def _money(match: re.Match[str]) -> Iterator[str]:
    singular, plural, coins = _CURRENCIES[match["currency"] or match["currency_after"]]
    numeral, scale = match["amount"] or match["amount_after"], match["scale"]
    amount = numeral.replace(",", "")
    if scale:
        scales = [_SCALES.get(scale, scale), *([scale] if scale in _SCALES else [])]
        bare = [f"{' '.join(number)} {word}" for word in scales for number in number_readings(numeral)]
        if float(amount) == 1:
            bare += [f"{article} {word}" for word in scales for article in ("a", "")]
    elif re.fullmatch(r"\d{1,12}\.\d\d", amount):
        integer, rest = (int(part) for part in amount.split("."))
        for way in cardinals(integer):
            unit = singular if integer == 1 else plural
            yield from (
                f"{way} {unit}{joint}{spelled(rest)}{coin}" for joint in (" ", " and ") for coin in ("", f" {coins}")
            )
            yield f"{way} {pair(rest)[0] if rest else unit}"
        if integer == 0:
            yield from (f"{way} {coins if rest != 1 else coins.removesuffix('s')}" for way in cardinals(rest))
        bare = [" ".join(number) for number in number_readings(amount)]
    else:
        bare = [" ".join(number) for number in quantity_readings(numeral)]
        if amount == "1":
            bare.append("a")
    units = (singular,) if amount == "1" and not scale else (plural, singular)
    yield from (f"{way} {unit}" for unit in units for way in bare)
    yield from bare[: len(bare) if amount != "1" else 1]


def _percent(match: re.Match[str]) -> Iterator[str]:
    numbers = [" ".join(number) for number in quantity_readings(match["share"])]
    units = ("percent",) if match["of"] == "%" else ("per mille", "per thousand")
    yield from (f"{number} {unit}" for unit in units for number in numbers)


def _fraction(match: re.Match[str]) -> Iterator[str]:
    above, below = int(match["above"]), int(match["below"])
    names = _fraction_names(above, below) if below > 1 else []
    units = [" ".join(number) for number in number_readings(match["units"])] if match["units"] else []
    if names and units:
        yield from (f"{unit} and {name}" for unit in units for name in names)
        yield from (f"{unit} {name}" for unit in units for name in names)
    elif names and above < below <= 10:
        yield from names
    numbers = [[" ".join(number) for number in number_readings(match[name])[:3]] for name in ("above", "below")]
    for first, second in product(*numbers):
        lead = f"{units[0]} " if units else ""
        yield from (f"{lead}{first} {joint}{second}" for joint in ("", "over ", "slash ", "out of ", "to "))
    if names:
        yield from names


def _fraction_names(above: int, below: int) -> list[str]:
    parts = {2: ["half"], 4: ["quarter", "fourth"]}.get(below, ordinals(below)[:1])
    if above == 1:
        return [f"{article}{part}" for part in parts for article in ("one ", "a ", "")]
    plurals = {"half": "halves"}
    return [f"{spelled(above)} {plurals.get(part, f'{part}s')}" for part in parts]


def _ordinals(match: re.Match[str]) -> Iterator[str]:
    yield from ordinals(int(match["place"].replace(",", "")))


def _plurals(match: re.Match[str]) -> Iterator[str]:
    for reading in number_readings(match["many"]):
        *before, last = reading
        yield " ".join([*before, plural_of(last)])
    if re.fullmatch(r"[1-9]0", match["many"]):
        yield f"nineteen {plural_of(spelled(int(match['many'])))}"


def _scaled(match: re.Match[str]) -> Iterator[str]:
    factors = [" ".join(number) for number in number_readings(match["factor"])]
    words = (_SCALES[match["letter"]], *(" ".join(match["letter"]),))
    yield from (f"{factor} {word}" for word in words for factor in factors)
    if match["factor"] == "1":
        yield f"a {words[0]}"


def _degrees(match: re.Match[str]) -> Iterator[str]:
    scales = {"c": ["celsius", "c", "centigrade", ""], "f": ["fahrenheit", "f", ""]}.get(match["unit"] or "", [""])
    signs = ("minus", "negative", "") if match["cold"] else ("",)
    ways = [f"{sign} {' '.join(number)}" for sign in signs for number in quantity_readings(match["heat"])]
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
