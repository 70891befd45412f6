"""A song as a source gives it, before anything is computed of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from songbench.domain.audio import AudioSource
from songbench.domain.errors import InputError
from songbench.domain.hashing import Json, bytes_digest, content_key, file_digest
from songbench.domain.lyrics import Lyrics
from songbench.domain.song import TimedSection, TimedWord
from systems.songbloom.training.data.records import LeftOut, Times


@dataclass(frozen=True)
class SymbolSection:
    """A section whose lyrics are symbols already.

    Attributes:
        tag: of the section.
        symbols: separated by single spaces, the tag's own among them.
    """

    tag: str
    symbols: str


@dataclass(frozen=True, kw_only=True)
class GivenTensors:
    """What another preparation has computed.

    Attributes:
        sketch: a file of sketch tokens, or the tokens themselves; None: none.
        latents: a file of latents, channels first, (C, T); None: none.
    """

    sketch: Path | tuple[int, ...] | None = None
    latents: Path | None = None

    def identity(self) -> Json:
        """What it depends on."""
        sketch = file_digest(self.sketch) if isinstance(self.sketch, Path) else self.sketch
        return [sketch, file_digest(self.latents) if self.latents else None]

    def tokens(self) -> Tensor | None:
        """The sketch tokens, int64, (T,); None: none are given.

        Raises:
            InputError: the file cannot be read, or holds something else.
        """
        if self.sketch is None:
            return None
        if isinstance(self.sketch, tuple):
            return torch.tensor(self.sketch, dtype=torch.int64)
        tokens = stored_array(self.sketch, "sketch").squeeze()
        if tokens.ndim != 1 or tokens.is_floating_point():
            raise InputError(f"Sketch tokens are whole numbers in a row, not {_form(tokens)}.", file=str(self.sketch))
        return tokens.long()

    def latent_frames(self) -> Tensor | None:
        """The latents, float32, (T, C); None: none are given.

        Raises:
            InputError: the file cannot be read, or holds something else.
        """
        if self.latents is None:
            return None
        latents = stored_array(self.latents, "latent").squeeze()
        if latents.ndim != 2 or not latents.is_floating_point():
            raise InputError(f"Latents are numbers of shape (C, T), not {_form(latents)}.", file=str(self.latents))
        return latents.float().T.contiguous()


def _form(tensor: Tensor) -> str:
    return f"{str(tensor.dtype).removeprefix('torch.')} of shape {tuple(tensor.shape)}"


def stored_array(path: Path, name: str) -> Tensor:
    """The array of a ``.pt``, ``.npy`` or ``.npz`` file.

    Args:
        path: of the file. Pickled objects other than tensors are never read.
        name: of the array, where the file holds several.

    Raises:
        InputError: the file is not there, cannot be read, or holds no such array.
    """
    if not path.is_file():
        raise InputError("There is no such file.", file=str(path))
    try:
        if path.suffix == ".pt":
            content = torch.load(path, map_location="cpu", weights_only=True)
            content = content[name] if isinstance(content, dict) else content
            if not isinstance(content, Tensor):
                raise TypeError(f"a {type(content).__name__}, not a tensor")
            return content
        loaded = np.load(path, allow_pickle=False)
        return torch.from_numpy(np.array(loaded if path.suffix == ".npy" else loaded[name]))
    except KeyError:
        raise InputError(f"The file holds nothing called '{name}'.", file=str(path)) from None
    except Exception as error:  # torch's and numpy's readers raise anything
        first = (str(error).splitlines() or [type(error).__name__])[0]
        raise InputError(f"The file cannot be read ({first[:120]}).", file=str(path)) from None


@dataclass(frozen=True, kw_only=True)
class SourceSong:
    """A song of a source. Nothing is read or rendered before it is asked for.

    Attributes:
        id: unique in the source.
        identity: what its audio depends on, known without the audio: a recipe, or a digest of a file.
        lyrics: the words and their sections; or sections of symbols.
        audio: gives the audio and what is known with it only; None: the latents are given.
        language: of the words; "" : found from them.
        sections: when each section of the lyrics sounds; None: not known (yet).
        words: when words are sung, where that is known; section times are found from them.
        exact: the times are those by which the song was made.
        prompt: audio that style prompts are cut from; None: the song itself.
        tensors: what another preparation has computed.
    """

    id: str
    identity: Json
    lyrics: Lyrics | tuple[SymbolSection, ...]
    audio: Callable[[], AudioSource | RenderedAudio] | None
    language: str = ""
    sections: tuple[TimedSection, ...] | None = None
    words: tuple[TimedWord, ...] = ()
    exact: bool = False
    prompt: AudioSource | None = None
    tensors: GivenTensors = field(default_factory=GivenTensors)

    @property
    def times(self) -> Times:
        """Where the times of its sections come from, as far as that is known before it is rendered."""
        if self.sections is not None:
            return "exact" if self.exact else "given"
        return "words" if self.words else "none"

    @property
    def tags(self) -> tuple[str, ...]:
        """The tags of its sections in order."""
        return self.lyrics.tags if isinstance(self.lyrics, Lyrics) else tuple(part.tag for part in self.lyrics)

    def key(self) -> str:
        """The content key of everything it is prepared from.

        Raises:
            InputError: a file of it cannot be read.
        """
        lyrics: Json = (
            self.lyrics.to_json()
            if isinstance(self.lyrics, Lyrics)
            else [[part.tag, part.symbols] for part in self.lyrics]
        )
        try:
            return content_key(
                "training song",
                self.identity,
                lyrics,
                self.language,
                None if self.sections is None else [[one.tag, one.start, one.end] for one in self.sections],
                [[one.text, one.start, one.end] for one in self.words],
                self.prompt.digest if self.prompt else None,
                self.tensors.identity(),
            )
        except OSError as error:
            raise InputError(f"A file cannot be read ({error.strerror}).", file=str(error.filename)) from None


@dataclass(frozen=True, kw_only=True)
class RenderedAudio:
    """Audio that was made by a system which knows when its sections sound.

    Attributes:
        source: the audio.
        sections: as they were really placed.
    """

    source: AudioSource
    sections: tuple[TimedSection, ...]


class TrainingSongs(Protocol):
    """Where songs come from."""

    def songs(self) -> Sequence[SourceSong]:
        """All of them, in an order that does not change.

        Raises:
            InputError: the source cannot be read.
        """

    @property
    def faults(self) -> Sequence[LeftOut]:
        """Songs that it names but cannot give; known once `songs` was asked for."""


def bytes_of_tensor(tensor: Tensor) -> str:
    """The sha256 of a tensor's numbers."""
    return bytes_digest(tensor.contiguous().numpy().tobytes())
