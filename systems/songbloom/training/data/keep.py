"""Which songs are kept: comparisons of their scores, such as ``per<15 & ser<20``.

The language: ``NAME < NUMBER`` with any of ``< <= > >= == !=``, joined by ``&`` (or ``and``), ``|`` (``or``), ``!``
(``not``) and parentheses. Nothing is evaluated but this.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from songbench.domain.errors import InputError

_TOKEN = re.compile(
    r"\s*(?:(?P<number>-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)%?|(?P<name>[A-Za-z_][\w.@-]*)|(?P<sign><=|>=|==|!=|&&?|\|\|?|[<>()!]))"
)
_COMPARISONS: Mapping[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}
_MIRROR = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}
_WORDS = {"and": "&", "or": "|", "not": "!", "&&": "&", "||": "|"}
_EXAMPLE = "Write it like 'per<15 & ser<20'."

Condition = Callable[[Mapping[str, float]], bool]


@dataclass(frozen=True)
class KeepRule:
    """A rule that songs keep or break.

    Attributes:
        text: as it was written.
        names: of all scores it asks for, each once.
        condition: whether scores, which hold all names, keep it.
    """

    text: str
    names: tuple[str, ...]
    condition: Condition


def parse_rule(text: str) -> KeepRule:
    """Read a rule.

    Raises:
        InputError: it is no such rule; says where.

    >>> rule = parse_rule("per<15 & (ser <= 20 | clap > 0.3)")
    >>> rule.names
    ('per', 'ser', 'clap')
    >>> rule.condition({"per": 10.0, "ser": 25.0, "clap": 0.4})
    True
    >>> rule.condition({"per": 20.0, "ser": 5.0, "clap": 0.4})
    False
    """
    return _RuleReader(text).read()


class _RuleReader:
    def __init__(self, text: str) -> None:
        self.text = text
        self.names: list[str] = []
        self.tokens: list[tuple[str, str, int]] = []
        place = 0
        while text[place:].strip():
            match = _TOKEN.match(text, place)
            if match is None:
                at = place + len(text[place:]) - len(text[place:].lstrip())
                raise self._wrong(f"'{text[at]}' has no meaning here", at)
            kind, value = match.lastgroup or "", match[match.lastgroup or 0]
            sign = _WORDS.get(value.lower() if kind == "name" else value)
            self.tokens.append(("sign", sign, match.start(kind)) if sign else (kind, value, match.start(kind)))
            place = match.end()
        self.place = 0

    def read(self) -> KeepRule:
        if not self.tokens:
            raise self._wrong("there is no condition", 0)
        condition = self.disjunction()
        if self.place < len(self.tokens):
            raise self._wrong(f"'{self.tokens[self.place][1]}' is one too many", self.tokens[self.place][2])
        return KeepRule(self.text, tuple(dict.fromkeys(self.names)), condition)

    def disjunction(self) -> Condition:
        left = self.conjunction()
        while self.accept("|"):
            left = self._or(left, self.conjunction())
        return left

    def conjunction(self) -> Condition:
        left = self.single()
        while self.accept("&"):
            left = self._and(left, self.single())
        return left

    @staticmethod
    def _or(left: Condition, right: Condition) -> Condition:
        return lambda scores: left(scores) or right(scores)

    @staticmethod
    def _and(left: Condition, right: Condition) -> Condition:
        return lambda scores: left(scores) and right(scores)

    def single(self) -> Condition:
        if self.accept("!"):
            inner = self.single()
            return lambda scores: not inner(scores)
        if self.accept("("):
            inner = self.disjunction()
            if not self.accept(")"):
                raise self._wrong("a parenthesis is not closed", self.position())
            return inner
        return self.comparison()

    def comparison(self) -> Condition:
        first, sign, second = self.operand(), self.take("sign", "a comparison"), self.operand()
        if sign not in _COMPARISONS:
            raise self._wrong(f"'{sign}' is no comparison", self.tokens[self.place - 2][2])
        if isinstance(first, str) == isinstance(second, str):
            raise self._wrong("a comparison has a score on one side and a number on the other", self.position())
        name, number = (first, second) if isinstance(first, str) else (second, first)
        compare = _COMPARISONS[sign if isinstance(first, str) else _MIRROR[sign]]
        self.names.append(str(name))
        return lambda scores: compare(scores[str(name)], float(number))

    def operand(self) -> str | float:
        if self.place < len(self.tokens) and self.tokens[self.place][0] == "number":
            return float(self.take("number", "a number"))
        return self.take("name", "the name of a score or a number")

    def take(self, kind: str, description: str) -> str:
        if self.place >= len(self.tokens):
            raise self._wrong(f"{description} is missing", len(self.text))
        token_kind, value, at = self.tokens[self.place]
        if token_kind != kind:
            raise self._wrong(f"'{value}' stands where {description} should be", at)
        self.place += 1
        return value

    def accept(self, sign: str) -> bool:
        if self.place < len(self.tokens) and self.tokens[self.place][:2] == ("sign", sign):
            self.place += 1
            return True
        return False

    def position(self) -> int:
        return self.tokens[self.place][2] if self.place < len(self.tokens) else len(self.text)

    def _wrong(self, problem: str, at: int) -> InputError:
        return InputError(
            f"'{self.text}' cannot be read: at character {at + 1}, {problem}.", field="--keep", cure=_EXAMPLE
        )
