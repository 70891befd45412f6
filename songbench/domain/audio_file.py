"""Sound files decoded with libsndfile, and held against what they say of themselves.

A file that provably ends early is refused: its numbers would be those of a download, not of a song. What is odd but
whole is read, with a remark.
"""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from songbench.domain.containers import ogg_state, sound_data
from songbench.domain.errors import InputError
from songbench.domain.file_kinds import READABLE_SUFFIXES, conversion, refuse_other_kinds
from songbench.domain.mpeg import MpegFacts, after_id3, mpeg_facts, with_true_length
from songbench.domain.remark import Remark

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

RATES = (8_000, 384_000)
"""Samples per second, from the telephone to the highest rate studios use."""

CHANNELS = 8
"""At most: 7.1."""

SECONDS = 3600.0
"""At most; longer than any song, and short enough to be held in memory."""

_AGAIN = "Download, copy or export it again."
_TOLERANCE_S = 0.1
_BLOCK = 1 << 16
_UNKNOWN_LENGTH = 1 << 56
_STRAY_BYTES = 1 << 16
_EXACT_HEADERS = ("WAV", "WAVEX", "FLAC", "AIFF", "W64", "RF64")
"""Formats whose headers give the number of samples, by their names in libsndfile."""
_NOT_MPEG = (b"OggS", b"RIFF", b"RIFX", b"RF64", b"riff", b"fLaC", b"FORM", b"caff", b".snd")


@dataclass(frozen=True, eq=False)
class DecodedFile:
    """A sound file in memory.

    Attributes:
        samples: float32, shape (channels, n), as they stand in the file.
        rate: samples per second, within `RATES`.
        remarks: what is odd about the file.
    """

    samples: npt.NDArray[np.float32]
    rate: int
    remarks: tuple[Remark, ...]


def decode_file(path: str | Path) -> DecodedFile:
    """Decode a sound file and check that it is whole.

    Raises:
        InputError: when it is absent, empty, no sound, not decodable, cut short, made of unlike parts, or has a rate,
            a number of channels or a length that no song has.
    """
    import numpy as np

    # 1. what kind of file it is; others than sound are refused by name
    path = Path(path)
    data = _bytes_of(path)
    tag = after_id3(data, 0)
    refuse_other_kinds(data[tag : tag + 512], str(path))
    if data[tag : tag + 4] in _NOT_MPEG:
        data = data[tag:]  # some programs tag every kind of file as they tag mp3s
    # 2. what its headers say of it, and the samples
    source = _source(data, str(path))
    try:
        samples, rate, stated_seconds = _decode(source.stream, str(path))
    except InputError as error:
        if source.share < 1:
            raise _ends_early(str(path), f"{100 * source.share:.0f} % of its bytes are there") from error
        raise
    # 3. whether all is there that the headers speak of
    seconds = len(samples) / rate
    stated_seconds = max(stated_seconds, seconds / source.share if source.share else 0.0)
    if stated_seconds - seconds > _TOLERANCE_S:
        raise _ends_early(str(path), f"{seconds:.1f} of {stated_seconds:.1f} s are there")
    if source.seconds - seconds > _TOLERANCE_S + 4 * 1152 / rate:
        raise InputError(
            f"Only {seconds:.1f} of {source.seconds:.1f} s can be decoded: the file is damaged.",
            file=str(path),
            cure=_AGAIN,
        )
    if not len(samples) and not source.share:
        raise _ends_early(str(path), "there is nothing behind its header")
    if not len(samples):
        raise InputError("The audio file holds no samples.", file=str(path), cure=_AGAIN)
    return DecodedFile(np.ascontiguousarray(samples.T), rate, source.remarks)


def file_seconds(path: str | Path) -> float:
    """How long a sound file lasts: by its header where that can be trusted, else decoded.

    Raises:
        InputError: as `decode_file`.
    """
    import soundfile

    try:
        facts = soundfile.info(str(path))
    except (soundfile.SoundFileError, OSError):
        facts = None
    if facts is not None and facts.format in _EXACT_HEADERS and 0 < facts.duration <= SECONDS:
        return float(facts.duration)
    decoded = decode_file(path)
    return float(decoded.samples.shape[1] / decoded.rate)


def _bytes_of(path: Path) -> bytes:
    try:
        if path.is_dir():
            raise InputError("This is a folder, not an audio file.", file=str(path))
        data = path.read_bytes() if path.is_file() else None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(f"The audio file cannot be read ({reason}).", file=str(path)) from None
    if data is None:
        raise InputError("No such audio file.", file=str(path))
    if not data:
        raise InputError("The audio file is empty (0 bytes).", file=str(path), cure=_AGAIN)
    return data


# -- what the file says of itself --------------------------------------------------------------------------------------


class _Stream(io.BytesIO):
    """Bytes for libsndfile, which a broken header can send before the beginning: then the place stays as it is."""

    def seek(self, offset: int, whence: int = 0) -> int:
        """Go to a place, if there is such a place."""
        try:
            return super().seek(offset, whence)
        except ValueError:
            return self.tell()


@dataclass(frozen=True, eq=False)
class _Source:
    """What the decoder is given, and what is known before it starts.

    Attributes:
        stream: the file, mended where its header would hide sound.
        remarks: what is odd about it.
        share: how much of the bytes its header states are there.
        seconds: of the frames that were counted; 0 where none were.
    """

    stream: BinaryIO
    remarks: tuple[Remark, ...] = ()
    share: float = 1.0
    seconds: float = 0.0


def _source(data: bytes, file: str) -> _Source:
    stream = _Stream(data)
    if data[:4] == b"OggS":
        return _Source(stream, _ogg_remarks(data, file))
    chunk = sound_data(stream)
    stream.seek(0)
    if chunk and chunk.size_at is not None:
        size = struct.pack("<I", min(chunk.present, 0xFFFFFFFF))
        return _Source(_Stream(data[: chunk.size_at] + size + data[chunk.start :]))
    if chunk:
        odd = Remark(
            "more sound", f"{chunk.more} bytes follow that its header does not speak of and that are not heard"
        )
        return _Source(stream, (odd,) if chunk.more > _STRAY_BYTES else (), chunk.share)
    facts = None if data[:4] in _NOT_MPEG else mpeg_facts(data)
    return _mpeg(data, facts, file) if facts else _Source(stream)


def _ogg_remarks(data: bytes, file: str) -> tuple[Remark, ...]:
    state = ogg_state(data)
    if state.songs > 1:
        raise InputError(
            f"{state.songs} recordings follow each other in this file, of which only the first can be read here.",
            file=file,
            cure=conversion(file),
        )
    if state.end == "torn":
        raise _ends_early(file, "it stops inside a page of Ogg")
    return () if state.end == "whole" else (Remark("end unmarked", "has no end mark, so it may have been cut short"),)


def _mpeg(data: bytes, facts: MpegFacts, file: str) -> _Source:
    if len(facts.forms) > 1:
        kinds = " and ".join(f"{rate} Hz with {channels} channels" for rate, channels, _ in facts.forms[:3])
        raise InputError(f"Unlike recordings were joined in this file: {kinds}.", file=file, cure=conversion(file))
    if facts.declared is not None and facts.declared - facts.seconds > _TOLERANCE_S:
        raise _ends_early(file, f"{facts.seconds:.1f} of {facts.declared:.1f} s are there")
    remarks = []
    joined = facts.headers > 1 or (facts.declared is not None and facts.seconds - facts.declared > _TOLERANCE_S)
    if joined:
        remarks.append(Remark("joined", f"several recordings joined, {facts.seconds:.1f} s together"))
    if facts.torn and facts.declared is None:
        remarks.append(Remark("end torn", "stops inside a frame, so it may have been cut short"))
    (_, _, layer), mended = facts.forms[0], data
    if layer == 3 and (joined or facts.declared is None):
        mended = with_true_length(data, facts)
    return _Source(_Stream(mended), tuple(remarks), seconds=facts.seconds)


def _ends_early(file: str, how: str) -> InputError:
    return InputError(f"The file ends early: {how}.", file=file, cure=_AGAIN)


# -- decoding ----------------------------------------------------------------------------------------------------------


def _decode(stream: BinaryIO, file: str) -> tuple[npt.NDArray[np.float32], int, float]:
    """Samples of shape (n, channels), the rate, and the seconds the decoder had announced."""
    import numpy as np
    import soundfile

    blocks: list[npt.NDArray[np.float32]] = []
    try:
        with soundfile.SoundFile(stream) as sound:
            rate, channels, frames = int(sound.samplerate), int(sound.channels), int(sound.frames)
            if frames > _UNKNOWN_LENGTH:
                raise InputError("The file does not say how long it is.", file=file, cure=conversion(file))
            _refuse_header(rate, channels, file)
            _refuse_length(frames / rate, file)
            while len(block := sound.read(_BLOCK, dtype="float32", always_2d=True)):
                blocks.append(block)
    except soundfile.SoundFileError as error:
        if blocks:
            raise _ends_early(file, f"no more than {sum(map(len, blocks)) / rate:.1f} s can be decoded") from error
        reason = str(error).split(": ", 1)[-1].strip().rstrip(".") or "the file is damaged or ends early"
        raise InputError(
            f"The audio cannot be decoded ({reason}).",
            file=file,
            cure=f"{_AGAIN} Readable kinds: {', '.join(READABLE_SUFFIXES)}.",
        ) from error
    samples = np.concatenate(blocks) if blocks else np.zeros((0, channels), np.float32)
    return samples, rate, frames / rate


def _refuse_header(rate: int, channels: int, file: str) -> None:
    if not RATES[0] <= rate <= RATES[1]:
        raise InputError(
            f"A rate of {rate} samples per second is not that of a song.",
            file=file,
            cure=f"Rates from {RATES[0]} to {RATES[1]} Hz are read; mend the header or resample it.",
        )
    if channels > CHANNELS:
        raise InputError(
            f"{channels} channels are more than {CHANNELS}.", file=file, cure="Mix it down to stereo or mono."
        )


def _refuse_length(seconds: float, file: str) -> None:
    if seconds > SECONDS:
        raise InputError(
            f"{seconds:.0f} s are no song: at most {SECONDS:.0f} s are read.",
            file=file,
            cure="Cut it into songs, or export it again if it is not as long as this.",
        )
