"""What keeps the data of a stimulus from saying which song it is: nothing in it repeats, and its size says its length.

Each stimulus has a dither, a gain and a silent end of its own, so that the same song twice is two files of different
bytes, lengths and outlines. Compressed files betray what is in them by their size (a low-passed song is half as large),
so each is filled up to the same number of bytes per second, that of the song that compresses worst.

What this does not do: whoever saves the sounds and measures them hears and sees what is in them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from listening_test.preparation.sound import EDGE_SECONDS, Sound

GAIN_DB = 0.04
"""A gain is drawn from ± this: a twentieth of what ears notice, and within the tolerance of the test's loudness."""
SHORTEST_TAIL, LONGEST_TAIL = 0.3, 0.8
"""Seconds of silence added at the end, drawn between the two; the beginning stays, so that versions of a song stay
aligned. From the shortest on, how long it is has no influence on the loudness by BS.1770: with the edge of the sound it
fills one block of the measurement."""
_FULL_SCALE = 32767
_SIGNATURE = b"fLaC"
_PADDING = 1
_LARGEST_BLOCK = 2**24 - 1
_HEADER = 4


@dataclass(frozen=True)
class Disguise:
    """What is drawn for one stimulus.

    Attributes:
        seed: of the dither.
        gain_db: beside the one that brings the song to the loudness of the test.
        tail: silence at the end, in seconds.
    """

    seed: tuple[int, int]
    gain_db: float
    tail: float


def disguise(name: str, seed: int, *, as_long_as: str | None = None) -> Disguise:
    """What a stimulus has of its own, drawn from the seed of the test and the name.

    Args:
        name: of the stimulus, hexadecimal.
        seed: of the test.
        as_long_as: another stimulus of the same length whose end this one has, too: the same page in another language.
    """
    own = (seed, int(name, 16))
    end = (seed, int(as_long_as or name, 16))
    gain = np.random.default_rng((*own, 2)).uniform(-GAIN_DB, GAIN_DB)
    tail = np.random.default_rng((*end, 3)).uniform(SHORTEST_TAIL, LONGEST_TAIL)
    return Disguise(own, float(gain), float(tail))


def lengthened(sound: Sound, rate: int, tail: float) -> Sound:
    """The sound with so many seconds of silence at its end."""
    return np.pad(sound, ((0, 0), (0, round(tail * rate))))


def dithered(sound: Sound, rate: int, own: Disguise) -> npt.NDArray[np.int16]:
    """The sound as 16-bit numbers, with triangular dither of its own between the silent edges.

    Args:
        sound: float32 of shape (2, n), full scale ±1, as `sound.framed` gives it.
        rate: in Hz.
        own: of the stimulus.

    Returns:
        int16 of shape (2, n).
    """
    draw, edge = np.random.default_rng((*own.seed, 1)), round(EDGE_SECONDS * rate)
    inside = slice(edge, max(sound.shape[1] - edge, edge))
    result = np.zeros(sound.shape, np.float32)
    result[:, inside] = sound[:, inside] * np.float32(_FULL_SCALE)
    for _ in range(2):
        result[:, inside] += draw.random(result[:, inside].shape, np.float32) - np.float32(0.5)
    return np.clip(np.rint(result), -_FULL_SCALE - 1, _FULL_SCALE).astype(np.int16)


def common_rate(files: Iterable[tuple[int, float]]) -> float:
    """Bytes per second to which files can be filled up that have these sizes (bytes) and lengths (seconds)."""
    return max(((size + _HEADER) / seconds for size, seconds in files), default=0.0)


def filled(data: bytes, seconds: float, rate: float) -> bytes:
    """A FLAC file filled up to so many bytes per second, in padding blocks, which decoders skip.

    Args:
        data: the file.
        seconds: its length.
        rate: see `common_rate`.
    """
    lacking = math.ceil(rate * seconds) - len(data)
    end = _end_of_metadata(data)
    blocks = []
    while lacking >= _HEADER:
        room = min(lacking - _HEADER, _LARGEST_BLOCK)
        if 0 < lacking - _HEADER - room < _HEADER:  # what is left must have room for a header
            room -= _HEADER
        blocks.append(room.to_bytes(3, "big") + bytes(room))
        lacking -= _HEADER + room
    kinds = [_PADDING] * (len(blocks) - 1) + [_PADDING | 0x80]
    padding = b"".join(bytes([kind]) + block for kind, block in zip(kinds, blocks, strict=True))
    last = end.last_header
    return data[:last] + bytes([data[last] & 0x7F]) + data[last + 1 : end.place] + padding + data[end.place :]


@dataclass(frozen=True)
class _Metadata:
    last_header: int
    place: int


def _end_of_metadata(data: bytes) -> _Metadata:
    """Where the last metadata block of a FLAC file begins, and where the sound does."""
    if data[:4] != _SIGNATURE:
        raise ValueError("not a FLAC file")
    header = len(_SIGNATURE)
    while True:
        place = header + _HEADER + int.from_bytes(data[header + 1 : header + _HEADER], "big")
        if data[header] & 0x80:
            return _Metadata(header, place)
        header = place
