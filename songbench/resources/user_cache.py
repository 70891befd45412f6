"""Answers that take long to find and never change, as small files in the user's cache folder.

Each lies under the digest of everything that decides it, after the digest of its own content: a file that is cut or
altered is as none. Whoever removes the folder loses time only.
"""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from pathlib import Path

from songbench.resources.files import write_atomically

MOST_FILES = 1000
"""Of one kind, kept at once; the oldest half makes way for more."""
_DIGEST_BYTES = hashlib.sha256().digest_size


def cached(kind: str, key: str) -> bytes | None:
    """The content that was kept, if it is there and whole.

    Args:
        kind: the name of a folder, such as ``settings``.
        key: the digest of what decides the content.
    """
    try:
        data = (_folder(kind) / key).read_bytes()
    except OSError:
        return None
    content = data[_DIGEST_BYTES:]
    return content if data[:_DIGEST_BYTES] == hashlib.sha256(content).digest() else None


def keep(kind: str, key: str, content: bytes) -> None:
    """Keep content for the next process. Where that cannot be done it is found again next time."""
    folder = _folder(kind)
    with suppress(OSError):
        write_atomically(folder / key, hashlib.sha256(content).digest() + content)
        with os.scandir(folder) as entries:
            ages = sorted((entry.stat().st_mtime_ns, entry.path) for entry in entries)
        for _, path in ages[: MOST_FILES // 2] if len(ages) > MOST_FILES else ():
            Path(path).unlink(missing_ok=True)


def _folder(kind: str) -> Path:
    import platformdirs

    return Path(platformdirs.user_cache_dir("songbench")) / kind
