"""Bytes that say what data are, for digests by which it is told whether something was made from the same before."""

from __future__ import annotations

import io
import pickle
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from functools import cache
from itertools import chain
from types import MappingProxyType
from typing import Any


class DataError(ValueError):
    """Data that cannot be written out."""


def add_data(update: Callable[[Any], object], data: object) -> None:
    """Hand the bytes of data to a digest.

    Args:
        update: of the digest.
        data: dataclasses, named tuples, mappings, sequences, sets, numbers, texts, and what else pickle writes by
            value. Equal ones of the same kinds give the same bytes, others give others.

    Raises:
        DataError: something in it cannot be written out.
    """
    try:
        _Columns(_Writer(_Sink(update)).dump).write([data])
    except (pickle.PicklingError, TypeError, AttributeError, ValueError, RecursionError) as error:
        raise DataError(str(error)) from error


class _Columns:
    """Writes values out kind by kind and field by field, the same field of many objects together.

    A run of 30,000 songs has millions of small objects of few kinds: what is done for each of them by itself takes ten
    times as long.

    Args:
        dump: writes a list of plain values.
    """

    def __init__(self, dump: Callable[[list[Any]], object]) -> None:
        self._dump = dump

    def write(self, values: list[Any]) -> None:
        """Write so that equal values, and these alone, are the same bytes."""
        kinds = list(dict.fromkeys(map(type, values)))
        if _PLAIN.issuperset(kinds):
            self._dump(values)
            return
        self._dump([len(values), *(kind.__qualname__ for kind in kinds)])
        if len(kinds) == 1:
            self._write_kind(kinds[0], values)
            return
        numbers = {kind: number for number, kind in enumerate(kinds)}
        self._dump([numbers[type(value)] for value in values])
        for kind in kinds:
            self._write_kind(kind, [value for value in values if type(value) is kind])

    def _write_kind(self, kind: type, values: list[Any]) -> None:
        if kind in (tuple, list):
            self._dump(list(map(len, values)))
            self.write(list(chain.from_iterable(values)))
        elif kind in (dict, MappingProxyType):
            self._dump(list(map(len, values)))
            self.write(list(chain.from_iterable(values)))
            self.write(list(chain.from_iterable([value.values() for value in values])))
        elif kind in (set, frozenset):
            self._dump(list(map(len, values)))
            self.write([part for value in values for part in sorted(value, key=repr)])
        elif names := _field_names(kind):
            for name in names:
                self.write([getattr(value, name) for value in values])
        else:
            self._dump(values)


_PLAIN = frozenset((str, int, float, bool, bytes, type(None)))
"""Kinds of values that are written as they are."""


class _Sink(io.RawIOBase):
    """Hands on what is written to it."""

    def __init__(self, update: Callable[[Any], object]) -> None:
        self._update = update

    def write(self, data: Any) -> int:
        self._update(data)
        return len(data)


class _Writer(pickle.Pickler):
    """Writes values out in full: equal ones alike, whether or not they are one object in several places."""

    def __init__(self, sink: _Sink) -> None:
        super().__init__(sink, protocol=5)
        self.fast = True  # nothing is written as a reference to what was written before

    def reducer_override(self, value: Any) -> Any:
        """Objects by their fields alone, without what they remember of their own calculations."""
        names = _field_names(type(value))  # type: ignore[arg-type]  # a type is hashable
        if names is not None:
            return tuple, ((type(value).__qualname__, *(getattr(value, name) for name in names)),)
        return (dict, (dict(value),)) if isinstance(value, MappingProxyType) else NotImplemented


@cache
def _field_names(kind: type) -> tuple[str, ...] | None:
    """Of a dataclass or a named tuple; None of others."""
    if is_dataclass(kind):
        return tuple(field.name for field in fields(kind))
    return getattr(kind, "_fields", None) if issubclass(kind, tuple) else None
