"""The files of all stimuli: one loudness, one size per second, and nothing that says which song is in which.

Each stimulus has a dither, a gain and a silent end of its own, so that the same song twice is two files of different
bytes, lengths and outlines. Compressed files betray what is in them by their size (a low-passed song is half as large),
so each is filled up to the same number of bytes per second, that of the song that compresses worst.

What this does not do: whoever saves the sounds and measures them hears and sees what is in them.

Sounds are float32 of shape (2, n), full scale ±1, unless said otherwise.
"""

from __future__ import annotations

import math
import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt

from listening_test.preparation.clips import ClipRecipe, SongSource
from listening_test.preparation.rendering import RenderedClip, Renderer
from listening_test.preparation.sound import EDGE_SECONDS, Sound, encoded, factor, loudness, outline, true_peak
from listening_test.prepared import AUDIO
from listening_test.private import write_private
from songbench.domain.errors import InputError
from songbench.domain.hashing import bytes_digest

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

CHANGED_AT = 946_684_800
"""The time of change of every file, 2000-01-01: times would tell the order in which files were made."""
MARGIN_DB = 0.05
"""Kept below the ceiling for the rounding to 16 bits."""
AT_ONCE = 4
"""Songs in memory at the same time, at most."""
FLAT = (100,) * 200
"""The outline of the tones of the headphone check: their own would show the quiet one."""


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
    identity = (seed, int(name, 16))
    end = (seed, int(as_long_as or name, 16))
    gain = np.random.default_rng((*identity, 2)).uniform(-GAIN_DB, GAIN_DB)
    tail = np.random.default_rng((*end, 3)).uniform(SHORTEST_TAIL, LONGEST_TAIL)
    return Disguise(identity, float(gain), float(tail))


def lengthened(sound: Sound, rate: int, tail: float) -> Sound:
    """The sound with so many seconds of silence at its end."""
    return np.pad(sound, ((0, 0), (0, round(tail * rate))))


def dithered(sound: Sound, rate: int, variation: Disguise) -> npt.NDArray[np.int16]:
    """The sound as 16-bit numbers, with triangular dither of its own between the silent edges.

    Args:
        sound: float32 of shape (2, n), full scale ±1, as `sound.framed` gives it.
        rate: in Hz.
        variation: what the stimulus has of its own.

    Returns:
        int16 of shape (2, n).
    """
    draw, edge = np.random.default_rng((*variation.seed, 1)), round(EDGE_SECONDS * rate)
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


@dataclass(frozen=True, kw_only=True)
class StimulusAudio:
    """What was written for a stimulus.

    Attributes:
        seconds: its length.
        start: where in the song it begins, in seconds.
        loudness: before, in LUFS; minus infinity for silence.
        peak: true peak before, in dBTP.
        gain_db: what it was raised by.
        peaks: see `sound.outline`.
        sha256: of the file.
        notes: what a reader should know.
    """

    seconds: float
    start: float
    loudness: float
    peak: float
    gain_db: float
    peaks: tuple[int, ...]
    sha256: str
    notes: tuple[str, ...]

    @property
    def silent(self) -> bool:
        """Whether it has no loudness."""
        return math.isinf(self.loudness)


@dataclass(frozen=True)
class Level:
    """The loudness of all stimuli.

    Attributes:
        target: by the protocol, in LUFS.
        actual: at which they are; lower where a true peak would have been too high.
    """

    target: float
    actual: float


@dataclass(frozen=True, kw_only=True)
class AudioWriter:
    """Writes every stimulus at one loudness, FLAC at one number of bytes per second.

    Args:
        renderer: of the sounds.
        names: per recipe, the ids of its stimuli; each gets a file of its own, see `disguise`.
        models: by id, the stimulus that it stands for in another language; it is made as long.
        folder: of the test.
        progress: called with how many recipes are done since the last call.
    """

    renderer: Renderer
    names: Mapping[ClipRecipe, Sequence[str]]
    models: Mapping[str, str]
    folder: Path
    progress: Callable[[int], None]

    def write(self) -> tuple[dict[str, StimulusAudio], Level]:
        """Write all files.

        They are first written at the loudness of the protocol. Where one of them would exceed the true-peak ceiling,
        the level that keeps the highest of them below it is taken for all, and all are written again from their
        originals.

        Returns:
            What was written, by id; and the loudness.

        Raises:
            InputError: for a song that cannot be used.
        """
        listening = self.renderer.protocol.listening
        audio = self._write_at(listening.loudness)
        highest = max((part.peak + part.gain_db for part in audio.values()), default=-math.inf)
        excess = max(highest - (listening.true_peak - MARGIN_DB), 0.0)
        level = Level(target=listening.loudness, actual=listening.loudness - excess)
        if level.actual < level.target:
            self.progress(-len(self.names))
            audio = self._write_at(level.actual)
        return (self._filled_up(audio) if listening.format == "flac" else audio), level

    def _write_at(self, level: float) -> dict[str, StimulusAudio]:
        by_source: dict[SongSource | None, list[ClipRecipe]] = defaultdict(list)
        for recipe in self.names:
            by_source[recipe.source].append(recipe)
        audio: dict[str, StimulusAudio] = {}
        with ThreadPoolExecutor(min(AT_ONCE, os.cpu_count() or 1)) as pool:
            try:
                work = pool.map(partial(self._write_source, level), by_source, by_source.values())
                for recipes, part in zip(by_source.values(), work, strict=True):
                    audio |= part
                    self.progress(len(recipes))
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise
        return audio

    def _write_source(
        self, level: float, source: SongSource | None, recipes: Sequence[ClipRecipe]
    ) -> dict[str, StimulusAudio]:
        audio: dict[str, StimulusAudio] = {}
        for rendered in self.renderer.render(source, recipes):
            audio |= self._write_copies(level, rendered)
        return audio

    def _write_copies(self, level: float, rendered: RenderedClip) -> dict[str, StimulusAudio]:
        """The stimuli of one recipe: the same to the ear, different in every byte."""
        protocol, recipe = self.renderer.protocol, rendered.recipe
        rate = protocol.listening.rate
        before = loudness(lengthened(rendered.sound, rate, SHORTEST_TAIL), rate)
        silent = math.isinf(before)
        if silent and (
            recipe.source is None or recipe.source.system is None or recipe.sort in ("style sample", "vocal")
        ):
            raise _silent(recipe)
        peak = true_peak(rendered.sound, rate)
        audio = {}
        for name in self.names[recipe]:
            variation = disguise(name, protocol.seed, as_long_as=self.models.get(name, name))
            gain = 0.0 if silent else level - before + variation.gain_db
            sound = lengthened(rendered.sound * np.float32(factor(gain)), rate, variation.tail)
            data = encoded(dithered(sound, rate, variation), rate, protocol.listening.format)
            self._save(name, data)
            audio[name] = StimulusAudio(
                seconds=round(sound.shape[1] / rate, 4),
                start=round(rendered.start, 3),
                loudness=before,
                peak=peak,
                gain_db=gain,
                peaks=FLAT if recipe.sort == "tones" else outline(sound),
                sha256=bytes_digest(data),
                notes=(*rendered.notes, "silent: not raised") if silent else rendered.notes,
            )
        return audio

    def _filled_up(self, audio: Mapping[str, StimulusAudio]) -> dict[str, StimulusAudio]:
        """All files filled up to the same number of bytes per second."""
        rate = common_rate((self._path(name).stat().st_size, part.seconds) for name, part in audio.items())
        result = {}
        for name, part in audio.items():
            data = filled(self._path(name).read_bytes(), part.seconds, rate)
            self._save(name, data)
            result[name] = replace(part, sha256=bytes_digest(data))
        return result

    def _path(self, name: str) -> Path:
        return self.folder / AUDIO / f"{name}.{self.renderer.protocol.listening.format}"

    def _save(self, name: str, data: bytes) -> None:
        write_private(self._path(name), data)
        os.utime(self._path(name), (CHANGED_AT, CHANGED_AT))


def _silent(recipe: ClipRecipe) -> InputError:
    sort = recipe.sort if recipe.sort in ("style sample", "vocal") else "reference song"
    prompt = recipe.source.prompt if recipe.source else ""
    return InputError(
        f"The {sort} of prompt '{prompt}' is silent.", cure="Mend the suite, or leave the prompt out (items.prompts)."
    )
