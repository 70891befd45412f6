"""``--set KEY=VALUE``: the one reading of it, for runs, listening tests and single songs.

Values follow Hydra's grammar: ``3``, ``0.5``, ``1e-3``, ``true``, ``null``, ``[a, b]``, ``{a: 1}``, ``'in quotes'``.
What that grammar has no words for, such as letters beyond ASCII, is plain text as it stands.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from songbench.domain.errors import InputError

LONGEST = 4000
"""Characters of one override; Hydra's parser is not made for more."""

_KEY = re.compile(r"[^\s.=@/~+\[\](){}'\"]+(?:\.[^\s.=@/~+\[\](){}'\"]+)*")


@dataclass(frozen=True)
class Override:
    """One setting that somebody wrote.

    Attributes:
        key: dotted, such as ``engine.workers``.
        value: decoded.
    """

    key: str
    value: Any


def read_overrides(texts: Iterable[str], example: str = "takes=2") -> list[Override]:
    """What was written with ``--set``, in order; a later one wins over an earlier one of the same key.

    Args:
        texts: each ``KEY=VALUE``; Hydra's ``+KEY`` and ``++KEY`` mean the same.
        example: a setting that exists, for messages.

    Raises:
        InputError: for anything else, with the cure.
    """
    if isinstance(texts, str):
        raise InputError("Expected a list of settings, found one text.", field="--set", cure=f'Write ["{texts[:60]}"].')
    return [_read(text, example) for text in texts]


def nested(overrides: Iterable[Override]) -> dict[str, Any]:
    """The settings as a tree: ``a.b=1`` is ``{"a": {"b": 1}}``.

    Raises:
        InputError: when one setting stands where another one needs a section.
    """
    tree: dict[str, Any] = {}
    for override in overrides:
        *sections, name = override.key.split(".")
        branch = tree
        for section in sections:
            branch = branch.setdefault(section, {})
            if not isinstance(branch, dict):
                raise InputError(
                    f"'{section}' is given a value and settings of its own.", field=override.key, cure="Keep one."
                )
        branch[name] = override.value
    return tree


def _read(text: object, example: str) -> Override:
    if not isinstance(text, str):
        raise InputError(f"Expected KEY=VALUE, found {text!r}.", field="--set", cure=f"For example {example}.")
    excerpt = text if len(text) <= 80 else f"{text[:79]}…"
    key, sign, value = text.strip().partition("=")
    key = key.strip()
    if key.startswith("~"):
        raise InputError(
            f"'{excerpt}' would remove a setting.", field="--set", cure="Set it to another value, or to null."
        )
    key = key.lstrip("+")
    if not sign or not key:
        raise InputError(
            f"'{excerpt}' is not a setting.", field="--set", cure=f"Write key=value, e.g. --set {example}."
        )
    if "@" in key:
        raise InputError(
            f"'{excerpt}' has an '@' in its key.",
            field="--set",
            cure="Settings of a metric stand under its bare name, e.g. metric.fad.layer=7.",
        )
    if not _KEY.fullmatch(key):
        raise InputError(
            f"'{excerpt}' has no key that could be a setting.",
            field="--set",
            cure=f"A key is names joined by single dots, e.g. --set {example}.",
        )
    if len(text) > LONGEST:
        raise InputError(f"'{excerpt}' is longer than {LONGEST} characters.", field=key, cure="Put it into a file.")
    return Override(key, _value(value, key))


def _value(text: str, key: str) -> Any:
    from hydra.errors import HydraException

    try:
        parsed = _parser().parse_override(f"x={text}")
        sweep, value = parsed.is_sweep_override(), parsed.value()
    except (HydraException, RecursionError, ValueError, OverflowError):
        if not text.strip() or text.strip()[0] in "[{'\"":
            raise InputError(
                f"The value {_quoted(text)} cannot be read.",
                field=key,
                cure="Close every bracket and quote, put texts with signs or letters beyond ASCII in quotes.",
            ) from None
        return text.strip()
    if sweep:
        raise InputError(
            f"{_quoted(text)} stands for several values, but a run has one.",
            field=key,
            cure="A list is written [a,b]; a text with a comma stands in quotes: \"'a,b'\".",
        )
    return _plain(value)


def _plain(value: Any) -> Any:
    """The parser's own kinds of text, list and mapping as ordinary ones."""
    if isinstance(value, Mapping):
        return {_plain(name): _plain(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    return value if isinstance(value, str | bool | int | float | None) else str(value)


def _quoted(text: str) -> str:
    return repr(text if len(text) <= 60 else f"{text[:59]}…")


@cache
def _parser() -> Any:
    from hydra.core.override_parser.overrides_parser import OverridesParser

    return OverridesParser.create()
