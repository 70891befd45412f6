"""A document as plain values of JSON, so that what was shown once can be shown again without being made again."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields, is_dataclass
from typing import Any

from songbench.reporting.document.blocks import (
    AudioPlayer,
    Block,
    Figure,
    Fragment,
    Heading,
    Leaf,
    Listing,
    NumberCell,
    Table,
    TableColumn,
    TableRow,
    Text,
    leaves,
)

_KINDS: dict[str, Any] = {
    kind.__name__: kind
    for kind in (AudioPlayer, Figure, Fragment, Heading, Listing, NumberCell, Table, TableColumn, TableRow, Text)
}
_KIND = "kind"


def document_to_json(blocks: Iterable[Block]) -> list[Any]:
    """The blocks below each other (`leaves`)."""
    return [_plain(block) for block in leaves(blocks)]


def document_from_json(plain: Any) -> list[Leaf]:
    """The blocks of `document_to_json`.

    Raises:
        ValueError: it is no document.
    """
    try:
        return [_value(block) for block in plain]
    except (TypeError, LookupError, AttributeError) as error:
        raise ValueError(f"no document: {str(plain)[:80]}") from error


def _plain(value: Any) -> Any:
    """Tuples as lists, and what has fields as a mapping of them with the name of its kind."""
    if is_dataclass(value):
        names = [field.name for field in fields(value)]
    elif isinstance(value, Fragment):
        names = list(value._fields)
    else:
        return [_plain(part) for part in value] if isinstance(value, tuple) else value
    return {_KIND: type(value).__name__, **{name: _plain(getattr(value, name)) for name in names}}


def _value(plain: Any) -> Any:
    if isinstance(plain, dict):
        return _KINDS[plain[_KIND]](**{name: _value(part) for name, part in plain.items() if name != _KIND})
    return tuple(_value(part) for part in plain) if isinstance(plain, list) else plain
