"""Names of files from texts that people wrote, such as tags: safe on every file system, and no two the same."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Mapping

from songbench.domain.hashing import bytes_digest

_LONGEST = 80
"""Bytes of a name, as endings and folders come on top of it."""


def safe_names(texts: Mapping[str, str], reserved: Collection[str] = ()) -> dict[str, str]:
    """A name for each text: its letters, digits and hyphens, ``-`` for everything between.

    Texts whose names would be the same, also to file systems that do not tell capitals apart, get a digest as well,
    and so does a name that is cut or reserved.

    Args:
        texts: by a key of each, which the digest is of.
        reserved: names that something else has.

    Returns:
        The names, by the same keys; the same for the same texts.

    >>> safe_names({"R&B": "R&B", "r/b": "r/b", "摇滚": "摇滚"})
    {'R&B': 'R-B-4d1fb209', 'r/b': 'r-b-d4436606', '摇滚': '摇滚'}
    """
    names = {key: _name(text) for key, text in texts.items()}
    uses = Counter(_folded(name) for name in names.values())
    uses.update(map(_folded, reserved))
    return {
        key: name if uses[_folded(name)] == 1 and len(name.encode()) <= _LONGEST else _with_digest(name, key)
        for key, name in names.items()
    }


def _name(text: str) -> str:
    return re.sub(r"[^\w]+|_+", "-", unicodedata.normalize("NFC", text)).strip("-") or "-"


def _folded(name: str) -> str:
    return unicodedata.normalize("NFKC", name).casefold()


def _with_digest(name: str, key: str) -> str:
    while len(name.encode()) > _LONGEST:
        name = name[:-1]
    return f"{name}-{bytes_digest(key.encode())[:8]}"
