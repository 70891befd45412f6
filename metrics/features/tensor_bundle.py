"""Reads the variables of a TensorFlow checkpoint without TensorFlow.

A checkpoint ("tensor bundle") is two files. ``NAME.index`` is a sorted table in LevelDB's format: blocks of key-value
pairs whose keys share prefixes, an index block that says where the others lie, and a footer that says where the index
block is. Its values are protocol-buffer messages that give each variable's type, shape and place.
``NAME.data-00000-of-00001`` holds the raw little-endian numbers. Sources: ``table_format.md`` of LevelDB and
``tensor_bundle.proto`` of TensorFlow.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from songbench.domain.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

_MAGIC = 0xDB4775248B80FB57
_FOOTER_BYTES = 48
_BLOCK_TRAILER_BYTES = 5
_DT_FLOAT = 1
_HEADER_KEY = b""

_Message: TypeAlias = dict[int, list["int | bytes"]]


def read_tensor_bundle(index: Path, data: Path) -> dict[str, npt.NDArray[np.float32]]:
    """All float32 variables of a one-shard checkpoint, by name; variables of other types are left out.

    Args:
        index: the ``.index`` file.
        data: the ``.data-00000-of-00001`` file.

    Returns:
        Arrays in the shapes the checkpoint states.

    Raises:
        InputError: when a file is no such table, is compressed or cut, or states a size that does not fit its shape.
    """
    import numpy as np

    raw = data.read_bytes()
    variables = {}
    for key, value in _table(index):
        if key == _HEADER_KEY:
            continue
        entry = _message(value)
        if _number(entry, 1) != _DT_FLOAT:
            continue
        name, shape = key.decode(), _shape(entry)
        offset, size = _number(entry, 4), _number(entry, 5)
        if size != 4 * int(np.prod(shape, dtype=np.int64)) or offset + size > len(raw) or _number(entry, 3):
            raise InputError(f"The variable '{name}' of shape {shape} is not wholly in the data file.", file=str(data))
        variables[name] = np.frombuffer(raw, "<f4", size // 4, offset).reshape(shape)
    return variables


def _table(path: Path) -> Iterator[tuple[bytes, bytes]]:
    """The key-value pairs of a LevelDB table, in order."""
    raw = path.read_bytes()
    if len(raw) < _FOOTER_BYTES or int.from_bytes(raw[-8:], "little") != _MAGIC:
        raise InputError("This is not the index of a TensorFlow checkpoint.", file=str(path))
    footer = raw[-_FOOTER_BYTES:]
    _, at = _handle(footer, 0)
    where, _ = _handle(footer, at)
    try:
        for _, value in _entries(_block(raw, where)):
            yield from _entries(_block(raw, _handle(value, 0)[0]))
    except (IndexError, ValueError) as error:
        raise InputError(f"The index of the checkpoint is damaged ({error}).", file=str(path)) from None


def _block(raw: bytes, handle: tuple[int, int]) -> bytes:
    """The contents of one block, which must be stored uncompressed and complete."""
    offset, size = handle
    if offset + size + _BLOCK_TRAILER_BYTES > len(raw):
        raise ValueError("a block lies outside the file")
    if raw[offset + size] != 0:
        raise ValueError("compressed blocks are not supported")
    return raw[offset : offset + size]


def _entries(block: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Key-value pairs of a block: each key repeats `shared` bytes of the one before it."""
    restarts = int.from_bytes(block[-4:], "little")
    end, at, key = len(block) - 4 * (restarts + 1), 0, b""
    while at < end:
        shared, at = _varint(block, at)
        fresh, at = _varint(block, at)
        length, at = _varint(block, at)
        key = key[:shared] + block[at : at + fresh]
        at += fresh
        yield key, block[at : at + length]
        at += length


def _handle(raw: bytes, at: int) -> tuple[tuple[int, int], int]:
    """(offset, size) of a block, and where the next value begins."""
    offset, at = _varint(raw, at)
    size, at = _varint(raw, at)
    return (offset, size), at


def _varint(raw: bytes, at: int) -> tuple[int, int]:
    """A number of 7-bit groups, lowest first, and where the next value begins."""
    value, shift = 0, 0
    while True:
        byte = raw[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7


def _message(raw: bytes) -> _Message:
    """The fields of a protocol-buffer message by number: numbers as int, everything with a length as bytes."""
    fields: _Message = {}
    at = 0
    while at < len(raw):
        tag, at = _varint(raw, at)
        number, kind = tag >> 3, tag & 7
        value: int | bytes
        if kind == 0:
            value, at = _varint(raw, at)
        elif kind == 2:
            length, at = _varint(raw, at)
            value, at = raw[at : at + length], at + length
        elif kind in (1, 5):
            width = 8 if kind == 1 else 4
            value, at = int.from_bytes(raw[at : at + width], "little"), at + width
        else:
            raise ValueError(f"wire type {kind} is not known")
        fields.setdefault(number, []).append(value)
    return fields


def _number(message: _Message, field: int) -> int:
    """A numeric field; 0, protocol buffers' default, where it is absent."""
    value = message.get(field, [0])[-1]
    if not isinstance(value, int):
        raise ValueError(f"field {field} is not a number")
    return value


def _shape(entry: _Message) -> tuple[int, ...]:
    """The variable's shape: field 2 holds the dimensions, each with its size in field 1."""
    dimensions = [part for shape in entry.get(2, []) for part in _nested(shape).get(2, [])]
    return tuple(_number(_nested(dimension), 1) for dimension in dimensions)


def _nested(value: int | bytes) -> _Message:
    if not isinstance(value, bytes):
        raise ValueError("a nested message is missing")
    return _message(value)
