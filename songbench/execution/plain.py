"""What plug-ins hand over, as plain Python: numbers, text and JSON that can be stored, or a refusal that says why."""

from __future__ import annotations

import json
import math
import numbers
import reprlib
from typing import Any

from songbench.domain.hashing import Json

_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = 60


class ContractError(Exception):
    """A plug-in gave something else than its contract says; the message begins with a verb, its subject the plug-in."""


def short_repr(value: object) -> str:
    """A short form of anything, for messages, that survives a broken ``__repr__``."""
    try:
        return _SHORT.repr(value)
    except Exception:
        return f"<{type(value).__name__}>"


def number(value: object, subject: str) -> float:
    """A finite number; NumPy's own scalars become Python's.

    Args:
        value: anything.
        subject: what it is given for, e.g. ``the value 'per'``.

    Raises:
        ContractError: for text, truth values, arrays, NaN and infinity.
    """
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise ContractError(f"gave {short_repr(value)} ({type(value).__name__}) for {subject}; a number is expected")
    try:
        plain = float(value)
    except OverflowError:
        plain = math.inf
    if not math.isfinite(plain):
        raise ContractError(f"gave {short_repr(value)} for {subject}; what has no value is NotApplicable or a Failure")
    return int(value) if isinstance(value, numbers.Integral) else plain


def text(value: object, subject: str, *, empty: bool = False) -> str:
    """A string that UTF-8 can hold.

    Raises:
        ContractError: for anything else, and for the empty string unless it is allowed.
    """
    if not isinstance(value, str):
        raise ContractError(f"gave {short_repr(value)} ({type(value).__name__}) for {subject}; text is expected")
    if not value.strip() and not empty:
        raise ContractError(f"gave no text for {subject}")
    return value.encode("utf-8", "replace").decode()


def json_value(value: object, subject: str) -> Any:
    """The value as JSON would give it back: tuples as lists, NumPy's scalars as numbers.

    Raises:
        ContractError: for what JSON cannot hold: NaN, infinity, bytes, arrays, other objects, lone surrogates, circles.
    """
    try:
        encoded = json.dumps(value, allow_nan=False, ensure_ascii=False, default=_scalar)
        encoded.encode()
        return json.loads(encoded)
    except (TypeError, ValueError, RecursionError) as error:
        raise ContractError(f"gave a {subject} that JSON cannot hold: {error}") from None


def _scalar(value: object) -> Json:
    if isinstance(value, numbers.Integral):
        return int(value)
    if isinstance(value, numbers.Real):
        return float(value)
    raise TypeError(f"{short_repr(value)} ({type(value).__name__})")
