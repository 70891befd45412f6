"""Names of files from texts that people wrote, such as tags and names: safe on every file system, no two the same."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable, Mapping

from songbench.domain.hashing import bytes_digest

_LONGEST = 80
"""Bytes of a name, as endings and folders come on top of it."""
_UNSAFE = re.compile(r"[^\w.-]+", re.ASCII)
_RESERVED = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d)(?:\..*)?", re.IGNORECASE)
_LONGEST_READABLE = 100


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


def readable_names(texts: Iterable[str], *, reserved: Collection[str] = ()) -> dict[str, str]:
    """A file name for each text, no two of them equal, not even where a file system ignores case.

    A text of letters, digits, ``_``, ``-`` and ``.`` is its own name. Where another text has the same letters in
    another case, or signs had to be left out, ``~`` and a part of the text's sha256 follow, which no plain name holds.

    Args:
        texts: what is to have a name.
        reserved: names in small letters that are not to be used.
    """
    plain = {text: _UNSAFE.sub("-", text).strip(".-")[:_LONGEST_READABLE] for text in texts}
    uses = Counter(text.casefold() for text, name in plain.items() if name == text)
    return {
        text: name
        if name == text
        and uses[name.casefold()] == 1
        and name.casefold() not in reserved
        and not _RESERVED.fullmatch(name)
        else _marked(text)
        for text, name in plain.items()
    }


def _marked(text: str) -> str:
    return f"{_UNSAFE.sub('-', text).strip('.-')[:_LONGEST_READABLE]}~{bytes_digest(text.encode())[:12]}"
