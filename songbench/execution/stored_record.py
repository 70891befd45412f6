"""What a stored record looks like as bytes, and whether bytes are the record that was stored."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from songbench.domain.errors import DamageError
from songbench.domain.hashing import Json, content_key
from songbench.execution.store_layout import Kind, record_place

_DIGEST = "digest"


def record_digest(kind: Kind, key: str, record: Mapping[str, Json]) -> str:
    """What a record says, as one number: also of where it lies, so that two records cannot change places."""
    return content_key("record", kind, key, dict(record))


def record_to_bytes(kind: Kind, key: str, record: Mapping[str, Json]) -> bytes:
    """A record as it is stored, with the digest of what it says."""
    plain = json.loads(json.dumps(record, allow_nan=False))  # as it will be read: tuples as lists, keys as text
    signed = {**plain, _DIGEST: record_digest(kind, key, plain)}
    return json.dumps(signed, sort_keys=True, ensure_ascii=False, indent=1, allow_nan=False).encode()


def record_from_bytes(kind: Kind, key: str, data: bytes | None, expected: str | None) -> tuple[dict[str, Any], str]:
    """What the bytes of a record say, and the digest of that.

    Args:
        kind: of record.
        key: of the record.
        data: its bytes; None where it is gone.
        expected: the digest of a record that was found whole a moment ago; None: it is hashed.

    Raises:
        DamageError: when it is gone, cut, or not what was stored.
    """
    place = record_place(kind, key)
    if data is None:
        raise DamageError(place, "is gone")
    try:
        value = json.loads(data.decode())
        recorded = value.pop(_DIGEST)
        digest = expected or record_digest(kind, key, value)
    except (ValueError, RecursionError, AttributeError, KeyError, TypeError):
        raise DamageError(place, "is empty" if not data.strip() else "is cut or unreadable") from None
    if recorded != digest:
        raise DamageError(place, "was altered")
    return value, digest
