"""What is known of stored files without reading them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, NamedTuple

from songbench.domain.hashing import bytes_digest
from songbench.resources.stamped_index import stamp_of


class FileFacts(NamedTuple):
    """What the file system says of a stored file, without reading it.

    Attributes:
        size: in bytes.
        stamp: a number that is another one when the file was written or replaced since; None where the file system
            does not say enough for that, or the file is so young that another change might leave the same traces.
    """

    size: int
    stamp: int | None


def local_facts(status: os.stat_result, now_ns: int) -> FileFacts:
    """What the file system says of a local file.

    Args:
        status: of the file.
        now_ns: from before that was asked for.
    """
    return FileFacts(status.st_size, stamp_of(status, now_ns))


def remote_facts(entry: Mapping[str, Any]) -> FileFacts:
    """What an object store says; its entity tag follows from the content."""
    size = int(entry["size"] or 0)
    tag = next((str(entry[name]) for name in ("ETag", "etag", "md5Hash", "content_md5") if entry.get(name)), None)
    return FileFacts(size, None if tag is None else int(bytes_digest(f"{size} {tag}".encode())[:15], 16))
