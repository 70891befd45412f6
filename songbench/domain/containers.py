"""How much sound a file says it holds, and how much is there: chunked files (WAV, AIFF, W64, CAF, AU) and Ogg pages.

libsndfile reads what is there and says nothing of the rest, so a download that stopped half-way passes as a whole song.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import BinaryIO, Literal, NamedTuple

UNKNOWN_SIZE = 0x7FFFF000
"""Programs that write into a pipe cannot know the size and state this or more (ffmpeg 2**32 - 1, sox 2**31 - 2**12)."""

_W64_CHUNK = 24


@dataclass(frozen=True, kw_only=True)
class SoundData:
    """The part of a chunked file that holds the samples.

    Attributes:
        start: its first byte.
        declared: bytes by its header; None where the writer could not know.
        present: bytes that are there.
        size_at: where a size of 0 stands although sound follows, as some recorders leave it; else None.
        more: bytes after it that are no chunks.
    """

    start: int
    declared: int | None
    present: int
    size_at: int | None = None
    more: int = 0

    @property
    def share(self) -> float:
        """How much of what the header states is there, 0 to 1."""
        return self.present / self.declared if self.declared else 1.0


class _Chunk(NamedTuple):
    name: bytes
    start: int
    size: int


def sound_data(handle: BinaryIO) -> SoundData | None:
    """Find the samples of a WAV, RF64, W64, AIFF, CAF or AU file; None in anything else or where there are none."""
    length = handle.seek(0, 2)
    handle.seek(0)
    head = handle.read(40)
    if head[:4] in (b"RIFF", b"RIFX", b"RF64", b"BW64") and head[8:12] == b"WAVE":
        return _wave(handle, length, head)
    if head[:4] == b"FORM" and head[8:12] in (b"AIFF", b"AIFC"):
        return _find_chunk(_chunks(handle, 12, length, ">4sI"), b"SSND", length)
    if head[:4] == b"riff" and len(head) == 40:
        chunks = (
            _Chunk(name[:4], start, size - _W64_CHUNK)
            for name, start, size in _chunks(handle, 40, length, "<16sQ", extra=_W64_CHUNK, pad=8)
        )
        return _find_chunk(chunks, b"data", length)
    if head[:4] == b"caff":
        return _find_chunk(_chunks(handle, 8, length, ">4sq", pad=1), b"data", length)
    if head[:4] == b".snd" and len(head) >= 12:
        start, size = struct.unpack(">II", head[4:12])
        return _of(start, size, length)
    return None


def _wave(handle: BinaryIO, length: int, head: bytes) -> SoundData | None:
    order = ">" if head[:4] == b"RIFX" else "<"
    long_size: int | None = None
    for chunk in _chunks(handle, 12, length, f"{order}4sI"):
        if chunk.name == b"ds64":
            handle.seek(chunk.start + 8)
            long_size = struct.unpack("<Q", handle.read(8).ljust(8, b"\0"))[0]
        if chunk.name != b"data":
            continue
        if long_size is not None and chunk.size == 0xFFFFFFFF:
            return _of(chunk.start, long_size, length)
        after = chunk.start + chunk.size + chunk.size % 2
        more = 0 if _all_chunks(handle, after, length, f"{order}4sI") else max(0, length - after)
        if chunk.size == 0 and more:
            return SoundData(start=chunk.start, declared=None, present=more, size_at=chunk.start - 4)
        return replace(_of(chunk.start, chunk.size, length), more=more)
    return None


def _find_chunk(chunks: Iterator[_Chunk], name: bytes, length: int) -> SoundData | None:
    chunk = next((chunk for chunk in chunks if chunk.name == name), None)
    return _of(chunk.start, chunk.size, length) if chunk else None


def _of(start: int, size: int, length: int) -> SoundData:
    present = max(0, length - start)
    unknown = size < 0 or (size > present and (UNKNOWN_SIZE <= size <= 0xFFFFFFFF or size >= 1 << 62))
    return SoundData(
        start=start, declared=None if unknown else size, present=present if unknown else min(size, present)
    )


def _chunks(handle: BinaryIO, at: int, length: int, form: str, *, extra: int = 0, pad: int = 2) -> Iterator[_Chunk]:
    """The chunks from a place on; of the last one only the header need be there.

    Args:
        handle: the file.
        at: where the first begins.
        length: of the file.
        form: name and size, for `struct`.
        extra: how many bytes of the size are those of the header itself.
        pad: chunks begin at multiples of this.
    """
    header = struct.calcsize(form)
    while 0 <= at <= length - header:
        handle.seek(at)
        name, size = struct.unpack(form, handle.read(header))
        yield _Chunk(name, at + header, size)
        step = header + size - extra
        if step < header:
            return
        at += step + -step % pad


def _all_chunks(handle: BinaryIO, at: int, length: int, form: str) -> bool:
    """Whether what follows is nothing, padding, or chunks up to the end."""
    if length - at < 8:
        return True
    for name, start, size in _chunks(handle, at, length, form):
        if not name.isascii() or not name.decode("ascii").isprintable() or name in (b"RIFF", b"RIFX"):
            return False
        if start + size > length + 1:
            return False
        if start + size >= length - 8:
            return True
    return False


class OggState(NamedTuple):
    """How an Ogg file ends.

    Attributes:
        end: ``whole``: after an end mark; ``unmarked``: after a whole page, but without an end mark; ``torn``: inside a
            page.
        songs: how many recordings follow each other.
    """

    end: Literal["whole", "unmarked", "torn"]
    songs: int


def ogg_state(data: bytes) -> OggState:
    """Walk the pages of an Ogg file (RFC 3533).

    Args:
        data: the whole file, beginning with a page.
    """
    at, songs, ended, beginning = 0, 0, False, False
    while data[at : at + 4] == b"OggS" and at + 27 <= len(data):
        flags, segments = data[at + 5], data[at + 26]
        table = data[at + 27 : at + 27 + segments]
        size = 27 + segments + sum(table)
        if at + size > len(data) or len(table) < segments:
            return OggState("torn", max(songs, 1))
        if flags & 2 and not beginning:
            songs += 1
        beginning = bool(flags & 2)
        ended = bool(flags & 4)
        at += size
    if 0 < len(data) - at < 27 and b"OggS".startswith(data[at : at + 4]):
        return OggState("torn", max(songs, 1))
    return OggState("whole" if ended else "unmarked", max(songs, 1))
