"""inflect, which spells English numbers, without what its import does besides.

It has every function of its own checked for types by typeguard, which takes two seconds at each start of a process.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any


@cache
def inflector() -> Any:
    """The engine of inflect; the types of its arguments are not checked."""
    with _without_type_checks():
        import inflect

    return inflect.engine()


@contextmanager
def _without_type_checks() -> Iterator[None]:
    try:
        import typeguard
    except ImportError:  # not every version of inflect uses it
        yield
        return
    decorator = typeguard.typechecked
    setattr(typeguard, "typechecked", lambda function: function)  # noqa: B010
    try:
        yield
    finally:
        setattr(typeguard, "typechecked", decorator)  # noqa: B010
