"""How Mandarin reads what is written in figures: every legitimate reading, the usual one first.

Numbers are spelled out by the text front end of PaddleSpeech as misaki ships it. Which readings count is listed in
docs/words.md; the tests hold the list.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from itertools import product

from songbench.domain.numbers_english import NUMBER, Readings

_CURRENCIES = {
    "¥": ("元", "块", "块钱", "圆", "日元", ""),
    "$": ("美元", "美金", "块", "元", "块钱", "刀", ""),
    "€": ("欧元", "欧", ""),
    "£": ("英镑", "镑", ""),
    "₩": ("韩元", "韩币", ""),
    "₹": ("卢比", ""),
}
_SCALES = {"k": "千", "w": "万"}
_MOST_FIGURES = 16

EXPRESSION = re.compile(
    r"(?P<time>(?<![\d:.])(?P<hour>\d{1,2}):(?P<minute>[0-5]\d)(?![\d:]))"
    rf"|(?P<money>(?P<currency>[$£€¥₹₩])\s?(?P<amount>{NUMBER})(?P<scale>[kw百千万亿]?))"
    rf"|(?P<money_after>(?P<amount_after>{NUMBER})\s?(?P<currency_after>[$£€¥₹₩])(?!\s?[\d.]))"
    rf"|(?P<percent>(?P<share>{NUMBER})\s?(?P<of>[%‰]))"
    r"|(?P<fraction>(?<![\d/.,])(?:(?P<units>\d{1,9})\s)?(?P<above>\d{1,9})/(?P<below>\d{1,9})(?![\d/]))"
    rf"|(?P<scaled>(?P<factor>{NUMBER})(?P<letter>[kw])(?![^\W_]))"
    rf"|(?P<degrees>(?:(?<![\w)])(?P<cold>[-\u2212])\s?)?(?P<heat>{NUMBER})\s?°\s?(?P<unit>c?)(?![a-z]))"
    rf"|(?P<signed>(?<![\w)])[-\u2212](?P<below_zero>{NUMBER}))"
    rf"|(?P<number>{NUMBER})"
)
"""One expression in figures; `readings_of` reads a match."""


def readings_of(match: re.Match[str]) -> Readings:
    """The ways to say a match of `EXPRESSION`; every character is a word."""
    name = next(name for name in _READERS if match[name] is not None)
    return _unique(_READERS[name](match))


@lru_cache(maxsize=4096)
def number_readings(numeral: str) -> Readings:
    """The ways to say a plain number.

    Args:
        numeral: as `numbers_english.NUMBER` matches it.
    """
    return _unique(_number(numeral))


def _unique(readings: Iterable[str]) -> Readings:
    return tuple(dict.fromkeys(map(tuple, readings)))


def _number(numeral: str) -> Iterator[str]:
    figures = numeral.replace(",", "")
    if "." in figures:
        integer, part = figures.split(".")
        for before, after in product(_cardinals(integer or "0"), _digits(part)):
            yield f"{before}点{after}"
        return
    plain = len(figures) <= _MOST_FIGURES and (figures == "0" or not figures.startswith("0"))
    # Four figures without a comma are a year or a code more often than a quantity; so are long ones.
    code = not plain or len(figures) > 6 or (len(figures) == 4 and figures[1:] != "000")
    if code and "," not in numeral:
        yield from _digits(figures)
    if plain:
        yield from _cardinals(figures)
    if "," not in numeral:
        yield from _digits(figures)


def _cardinals(figures: str) -> list[str]:
    """How many: 二百零五; with 两 for 二 before 百, 千, 万 and 亿, and short as in 一百五 for 150."""
    from misaki.zh_normalization.num import verbalize_cardinal  # type: ignore[import-untyped]

    if len(figures) > _MOST_FIGURES:
        return _digits(figures)
    usual: str = verbalize_cardinal(str(int(figures))) or "零"
    ways = [usual]
    if usual == "二":
        ways.append("两")
    if "二" in usual:
        ways += [
            re.sub(r"^二(?=[百千万亿])", "两", usual),
            re.sub(r"二(?=[百千万亿])", "两", usual),
            re.sub(r"二(?=[千万亿])", "两", usual),
        ]
    # 一百五十 is also 一百五, 两千三百 also 两千三.
    ways += [
        match[1]
        for way in ways
        if (
            match := re.fullmatch(
                r"(.*(?:百[一二三四五六七八九]|千[一二三四五六七八九]|万[一二三四五六七八九]))[十百千]", way
            )
        )
    ]
    if usual.startswith("十"):
        ways.append(f"一{usual}")
    return list(dict.fromkeys(ways))


def _digits(figures: str) -> list[str]:
    from misaki.zh_normalization.num import verbalize_digit

    usual: str = verbalize_digit(figures)
    return [usual, usual.replace("一", "幺")] if len(figures) > 2 and "一" in usual else [usual]


def _time(match: re.Match[str]) -> Iterator[str]:
    hour, minute = match["hour"], int(match["minute"])
    for name in reversed(_cardinals(hour)) if hour.lstrip("0") == "2" else _cardinals(hour):
        if minute == 0:
            yield from (f"{name}点", f"{name}点整", f"{name}点钟", f"{name}点零分")
            continue
        for spelled in _cardinals(str(minute)):
            lead = ("零", "") if minute < 10 else ("",)
            yield from (
                f"{name}{point}{zero}{spelled}{unit}" for zero in lead for point in "点时" for unit in ("", "分")
            )
        if minute == 30:
            yield f"{name}点半"
        if minute in (15, 45):
            yield f"{name}点{'一' if minute == 15 else '三'}刻"


def _money(match: re.Match[str]) -> Iterator[str]:
    amount, scale = match["amount"] or match["amount_after"], match["scale"] or ""
    names = [f"{''.join(number)}{_SCALES.get(scale, scale)}" for number in _quantity(amount)]
    units = _CURRENCIES[match["currency"] or match["currency_after"]]
    yield from (f"{name}{unit}" for unit in units for name in names)
    if pair := re.fullmatch(r"(\d{1,12})\.(\d)(\d?)", amount.replace(",", "")):
        integer, dime, cent = pair.groups()
        for name in _cardinals(integer):
            for unit, tenth in (("块", "毛"), ("块", ""), ("元", "角")):
                rest = f"{_digits(dime)[0]}{tenth}" + (_digits(cent)[0] if cent.strip("0") else "")
                yield f"{name}{unit}{rest if dime != '0' or cent.strip('0') else ''}"


def _quantity(numeral: str) -> Readings:
    figures = numeral.replace(",", "")
    return _unique([*(_cardinals(figures) if figures.isdigit() else ()), *_number(numeral)])


def _percent(match: re.Match[str]) -> Iterator[str]:
    for number in _quantity(match["share"]):
        yield f"{'百' if match['of'] == '%' else '千'}分之{''.join(number)}"
    if match["share"] == "100" and match["of"] == "%":
        yield "百分之百"
        yield "百分百"


def _fraction(match: re.Match[str]) -> Iterator[str]:
    above, below = (_quantity(match[name])[:3] for name in ("above", "below"))
    units = (
        [f"{''.join(number)}{joint}" for number in _quantity(match["units"]) for joint in ("又", "")]
        if match["units"]
        else [""]
    )
    proper = [f"{unit}{''.join(low)}分之{''.join(high)}" for unit in units for low in below for high in above]
    plain = [
        f"{''.join(high)}{joint}{''.join(low)}" for high in above for joint in ("", "比", "除以", "杠") for low in below
    ]
    smaller = int(match["above"]) < int(match["below"])
    yield from [*proper, *plain] if smaller else [*plain, *proper]
    if (match["above"], match["below"]) == ("1", "2"):
        yield from (f"{unit}{half}" for unit in units for half in ("一半", "半"))


def _scaled(match: re.Match[str]) -> Iterator[str]:
    yield from (f"{''.join(number)}{_SCALES[match['letter']]}" for number in _quantity(match["factor"]))


def _degrees(match: re.Match[str]) -> Iterator[str]:
    signs = ("零下", "负", "") if match["cold"] else ("",)
    for number, sign in product(_quantity(match["heat"]), signs):
        yield f"{sign}{''.join(number)}度"
        if match["unit"]:
            yield f"{sign}{''.join(number)}摄氏度"
            yield f"摄氏{sign}{''.join(number)}度"


def _signed(match: re.Match[str]) -> Iterator[str]:
    numbers = ["".join(number) for number in number_readings(match["below_zero"])]
    yield from (f"{sign}{number}" for sign in ("", "负", "零下") for number in numbers)


def _plain(match: re.Match[str]) -> Iterator[str]:
    yield from map("".join, number_readings(match["number"]))


_READERS: dict[str, Callable[[re.Match[str]], Iterator[str]]] = {
    "time": _time,
    "money": _money,
    "money_after": _money,
    "percent": _percent,
    "fraction": _fraction,
    "scaled": _scaled,
    "degrees": _degrees,
    "signed": _signed,
    "number": _plain,
}
