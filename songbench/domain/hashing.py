"""Content keys: the same content always has the same key, any change makes another."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from json.encoder import encode_basestring
from pathlib import Path
from typing import TypeAlias

Json: TypeAlias = "bool | int | float | str | Sequence[Json] | Mapping[str, Json] | None"
"""Anything JSON can hold; the only currency between processes and files."""


_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def canonical_json(value: Json) -> str:
    """JSON with sorted keys, no spaces and full float precision, so that equal values give equal text.

    Raises:
        ValueError: for NaN or infinity, which JSON cannot hold and which no key should depend on.
    """
    return _ENCODER.encode(value)


def content_key(*parts: Json) -> str:
    """The sha256 (64 hex digits) of the canonical JSON of `parts`."""
    return hashlib.sha256(canonical_json(list(parts)).encode()).hexdigest()


class KeyPrefix:
    """Content keys whose first parts are the same, which are encoded and hashed once for all of them.

    Args:
        parts: at least one; what all keys begin with.
    """

    def __init__(self, *parts: Json) -> None:
        self._hash = hashlib.sha256(canonical_json(list(parts))[:-1].encode())

    def key(self, *parts: Json) -> str:
        """The same as `content_key` of the first parts and these."""
        digest = self._hash.copy()
        # A text is what nearly all keys end with; the encoder's front door would take half of the time.
        first = parts[0] if len(parts) == 1 else None
        texts = encode_basestring(first) if isinstance(first, str) else _ENCODER.encode(parts)[1:-1]
        digest.update(f",{texts}]".encode() if parts else b"]")
        return digest.hexdigest()

    def keys(self, texts: Iterable[str]) -> Iterator[str]:
        """What `key` gives for each of some texts, in half the time."""
        copy = self._hash.copy
        for text in texts:
            digest = copy()
            digest.update(f",{encode_basestring(text)}]".encode())
            yield digest.hexdigest()


def bytes_digest(data: bytes) -> str:
    """The sha256 (64 hex digits) of `data`."""
    return hashlib.sha256(data).hexdigest()


def file_digest(path: str | Path) -> str:
    """The sha256 (64 hex digits) of a file; read again only when its size or time of change differs."""
    state = _state(path)
    if state not in _digests:
        with open(path, "rb") as handle:
            _digests[state] = hashlib.file_digest(handle, "sha256").hexdigest()
    return _digests[state]


def note_file_digest(path: str | Path, digest: str) -> None:
    """Give `file_digest` the digest of a file as it is now, where that is known from elsewhere."""
    _digests[_state(path)] = digest


def _state(path: str | Path) -> tuple[str, int, int]:
    facts = Path(path).stat()
    return str(path), facts.st_size, facts.st_mtime_ns


_digests: dict[tuple[str, int, int], str] = {}
"""By path, size and time of change; a suite may bring tens of thousands of files, and each takes 300 bytes here."""


def derived_seed(*parts: Json) -> int:
    """A seed in [0, 2**31) that depends on all of `parts` and on nothing else."""
    return int(content_key("seed", *parts)[:12], 16) % 2**31
