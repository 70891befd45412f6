"""MPEG audio (mp3) frame by frame: how long a file is by its frames, against what its own header says.

Sources: ISO/IEC 11172-3 and 13818-3 (frame headers); the header frames of Xing and LAME, and Fraunhofer's VBRI.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

_KBITS = {
    # (MPEG 1 or not, layer): by the four bits of the header
    (True, 1): (0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (True, 2): (0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (True, 3): (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (False, 1): (0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (False, 2): (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (False, 3): (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_RATES = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}
_FRESH_START = 4


@dataclass(frozen=True, kw_only=True)
class _Frame:
    """A frame's header: its length in bytes, its samples per channel, and what must not change inside a song."""

    length: int
    samples: int
    rate: int
    channels: int
    layer: int
    side: int

    @property
    def form(self) -> tuple[int, int, int]:
        return self.rate, self.channels, self.layer


@dataclass(frozen=True, kw_only=True)
class MpegFacts:
    """What the frames of an mp3 file say.

    Attributes:
        seconds: of all whole frames; header frames do not count.
        declared: seconds by the first header frame, or None where there is none.
        torn: whether the last frame is not all there.
        forms: the (rate, channels, layer) that occur, in order, each once; more than one: files were joined.
        headers: header frames; more than one: files were joined.
        constant: whether all frames have one bit rate.
        first: where the first frame begins, header frames included.
        header_bytes: the length of a header frame there; 0: there is none.
        frames: whole frames without header frames.
    """

    seconds: float
    declared: float | None
    torn: bool
    forms: tuple[tuple[int, int, int], ...]
    headers: int
    constant: bool
    first: int
    header_bytes: int
    frames: int


def mpeg_facts(data: bytes) -> MpegFacts | None:
    """Walk the frames of an mp3 file; None where there are none.

    Args:
        data: the whole file.
    """
    end = _without_tags(data)
    at = first = _next_frame(data, after_id3(data, 0), end)
    if at is None or first is None:
        return None
    seconds, frames, torn = 0.0, 0, False
    forms: dict[tuple[int, int, int], None] = {}
    lengths: set[int] = set()
    declared: float | None = None
    headers = header_bytes = 0
    while at is not None and at < end:
        frame = _frame(data, at)
        if frame is None:
            at = _next_frame(data, after_id3(data, at) if data[at : at + 3] == b"ID3" else at + 1, end)
            continue
        if at + frame.length > end:
            torn = end - at >= _FRESH_START
            break
        count = _header_count(data, at, frame)
        if count is not None:
            headers += 1
            if at == first:
                header_bytes = frame.length
                declared = count * frame.samples / frame.rate if count else None
        else:
            seconds += frame.samples / frame.rate
            frames += 1
            lengths.add(frame.length)
        forms[frame.form] = None
        at += frame.length
    return MpegFacts(
        seconds=seconds,
        declared=declared,
        torn=torn,
        forms=tuple(forms),
        headers=headers,
        constant=not lengths or max(lengths) - min(lengths) <= 4,  # padding
        first=first,
        header_bytes=header_bytes,
        frames=frames,
    )


def with_true_length(data: bytes, facts: MpegFacts) -> bytes:
    """The same sound behind a header frame that states its real number of frames, so that a decoder reads all of it.

    Without one, decoders guess the length from the rate of the first frame.
    """
    begin = facts.first + facts.header_bytes
    frame = _frame(data, begin)
    assert frame is not None
    word = struct.unpack(">I", data[begin : begin + 4])[0]
    head = (word & ~0xF200) | 9 << 12 | 0x10000  # a rate with room for the header; no padding, no checksum
    size = _frame(struct.pack(">I", head), 0)
    assert size is not None
    body = struct.pack(">I", head) + bytes(frame.side) + b"Xing"
    body += struct.pack(">III", 3, facts.frames, size.length + len(data) - begin)
    return body.ljust(size.length, b"\0") + data[begin:]


def _frame(data: bytes, at: int) -> _Frame | None:
    if at + 4 > len(data) or data[at] != 0xFF or data[at + 1] & 0xE0 != 0xE0:
        return None
    word = struct.unpack(">I", data[at : at + 4])[0]
    version, layer, bits, rate_bits = word >> 19 & 3, 4 - (word >> 17 & 3), word >> 12 & 15, word >> 10 & 3
    if version == 1 or layer == 4 or bits in (0, 15) or rate_bits == 3:
        return None
    newest = version == 3
    bit_rate, rate, padding = _KBITS[newest, layer][bits] * 1000, _RATES[version][rate_bits], word >> 9 & 1
    samples = 384 if layer == 1 else 576 if layer == 3 and not newest else 1152
    length = (12 * bit_rate // rate + padding) * 4 if layer == 1 else samples // 8 * bit_rate // rate + padding
    channels = 1 if word >> 6 & 3 == 3 else 2
    side = (17 if channels == 1 else 32) if newest else (9 if channels == 1 else 17)
    return _Frame(length=length, samples=samples, rate=rate, channels=channels, layer=layer, side=side)


def _header_count(data: bytes, at: int, frame: _Frame) -> int | None:
    """The number of frames by a header frame (0: it does not say); None for a frame of sound."""
    place = at + 4 + frame.side
    if data[place : place + 4] in (b"Xing", b"Info"):
        flags = struct.unpack(">I", data[place + 4 : place + 8].rjust(4, b"\0"))[0]
        return int(struct.unpack(">I", data[place + 8 : place + 12])[0]) if flags & 1 else 0
    if data[at + 36 : at + 40] == b"VBRI":
        return int(struct.unpack(">I", data[at + 50 : at + 54])[0])
    return None


def _next_frame(data: bytes, at: int, end: int) -> int | None:
    """Where the next frame begins that another one of the same form follows."""
    while (at := data.find(b"\xff", at, end)) >= 0:
        frame = _frame(data, at)
        if frame:
            following = _frame(data, at + frame.length)
            if following and following.form == frame.form:
                return at
        at += 1
    return None


def after_id3(data: bytes, at: int) -> int:
    """Where an ID3v2 tag at this place ends; the same place where there is none."""
    while data[at : at + 3] == b"ID3" and at + 10 <= len(data):
        size = 0
        for byte in data[at + 6 : at + 10]:
            size = size << 7 | byte & 0x7F
        at += 10 + size + (10 if data[at + 5] & 0x10 else 0)
    return at


def _without_tags(data: bytes) -> int:
    """Where the sound ends: before ID3v1, APE and lyrics tags."""
    end = len(data)
    while True:
        if data[end - 128 : end - 125] == b"TAG":
            end -= 128
        elif data[end - 32 : end - 24] == b"APETAGEX":
            size, _, flags = struct.unpack("<III", data[end - 20 : end - 8])
            end -= size + (32 if flags >> 31 else 0)
        elif data[end - 9 : end] == b"LYRICS200" and data[end - 15 : end - 9].isdigit():
            end -= 15 + int(data[end - 15 : end - 9])
        else:
            return max(end, 0)
