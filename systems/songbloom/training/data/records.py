"""What a prepared folder says of its songs and of itself, in JSON.

A folder holds ``dataset.json`` (`DatasetInfo`), ``songs.jsonl`` (a `SongEntry` per line) and
``shards/NNNNN.safetensors``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args

from songbench.domain.errors import InputError
from songbench.domain.hashing import Json
from songbench.domain.reading import json_lines, read_text

FORMAT = "songbench training data 1"
INFO, SONGS, SHARDS = "dataset.json", "songs.jsonl", "shards"

Split: TypeAlias = Literal["train", "validation"]
SPLITS: tuple[Split, ...] = get_args(Split)

Times: TypeAlias = Literal["exact", "given", "words", "none"]
"""Where the times of sections come from: the system that made the song, the source, aligned words, or nowhere."""

_CURE = "Prepare the data again with 'songbench train prepare'."
_NEW = "Make one: songbench train prepare."


@dataclass(frozen=True, kw_only=True)
class SectionSymbols:
    """A section of a song.

    Attributes:
        tag: of the lyrics.
        start: its first frame.
        end: the frame after its last.
        symbols: ids of the tag and of what is sung, at least one.
    """

    tag: str
    start: int
    end: int
    symbols: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class SongEntry:
    """A prepared song.

    Attributes:
        id: unique in the folder.
        key: of everything it was made from; see `systems.songbloom.training.data.songs.SourceSong.key`.
        audio: digest of its audio, by which it belongs to a split.
        split: ``train`` or ``validation``: in a shard by the digest alone, in the list of songs beside all others.
        language: of the words.
        seconds: of the audio.
        frames: latent frames, at least one.
        style_frames: latent frames of what its style prompts are cut from.
        times: where those of its sections come from; ``none``: all sections last as long as the song.
        sections: in order, at least one.
        silent_words: words of the lyrics of which nothing reaches the model.
        shard: the file that holds it; "" as long as there is none.
        place: its number there, from 0.
    """

    id: str
    key: str
    audio: str
    split: Split
    language: str
    seconds: float
    frames: int
    style_frames: int
    times: Times
    sections: tuple[SectionSymbols, ...]
    silent_words: tuple[str, ...] = ()
    shard: str = ""
    place: int = 0

    @property
    def timed(self) -> bool:
        """Whether it can be cut, as it is known which sections lie in a piece."""
        return self.times != "none"

    def to_json(self) -> dict[str, Json]:
        """`song_entry` reads it back."""
        return {**asdict(self), "sections": [asdict(section) for section in self.sections]}


def song_entry(value: Mapping[str, Any]) -> SongEntry:
    """An entry from its JSON form.

    Raises:
        TypeError, KeyError: the form is another one.
    """
    sections = tuple(
        SectionSymbols(**{**section, "symbols": tuple(section["symbols"])}) for section in value["sections"]
    )
    return SongEntry(**{**value, "sections": sections, "silent_words": tuple(value["silent_words"])})


@dataclass(frozen=True, kw_only=True)
class PreparationBasis:
    """What all songs of a folder were made with; songs made with anything else are not put beside them.

    Attributes:
        autoencoder: digest of its weights.
        tokenizer: what the tokens are by, for people.
        tokenizer_digest: of the tokenizer; of given tokens what says so.
        sketch_vocabulary: number of sketch tokens.
        vocabulary: digest of the symbols of lyrics.
        latent_channels: channels of the latents.
        frame_rate: latent frames a second.
        patch: frames of the checkpoint's patches; shorter songs are left out. Others can be cut from the same data.
        seconds_per_tag: seconds that one tag of a section without words stands for.
        section_mark: id of the symbol between sections.
        empty_symbol: id of the symbol that stands for no lyrics.
        latents: how they are stored.
        validation: share of the songs that are held out, 0 to 1.
        seed: of the noise of the autoencoder's bottleneck.
    """

    autoencoder: str
    tokenizer: str
    tokenizer_digest: str
    sketch_vocabulary: int
    vocabulary: str
    latent_channels: int
    frame_rate: float
    patch: int
    seconds_per_tag: float
    section_mark: int
    empty_symbol: int
    latents: Literal["float32", "float16"]
    validation: float
    seed: int

    def differences(self, basis: PreparationBasis) -> list[str]:
        """What is not the same, a clause each."""
        pairs = ((item.name, getattr(self, item.name), getattr(basis, item.name)) for item in fields(self))
        return [f"{name.replace('_', ' ')} {before} before, {now} now" for name, before, now in pairs if before != now]


@dataclass(frozen=True)
class LeftOut:
    """A song that was not prepared.

    Attributes:
        id: of the song.
        reason: one or more sentences.
    """

    id: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class ShardFacts:
    """A shard as it was written.

    Attributes:
        file: its name in the folder of shards.
        sha256: of its bytes.
        songs: how many it holds.
        frames: of all of them.
    """

    file: str
    sha256: str
    songs: int
    frames: int


@dataclass(frozen=True, kw_only=True)
class DatasetInfo:
    """What is said of a whole folder.

    Attributes:
        basis: what its songs were made with.
        shards: in order.
        statistics: see `systems.songbloom.training.data.statistics.dataset_statistics`.
    """

    basis: PreparationBasis
    shards: tuple[ShardFacts, ...]
    statistics: Mapping[str, Json] = field(default_factory=dict)

    def to_json(self) -> dict[str, Json]:
        """`read_info` reads it back."""
        return {
            "format": FORMAT,
            "basis": asdict(self.basis),
            "statistics": dict(self.statistics),
            "shards": [asdict(shard) for shard in self.shards],
        }


def read_info(folder: Path) -> DatasetInfo:
    """What a folder says of itself.

    Raises:
        InputError: it is not the folder of a finished preparation.
    """
    path = folder / INFO
    if not path.is_file():
        unfinished = (folder / "work").is_dir()
        raise InputError(
            "The preparation of this folder was not finished." if unfinished else "This is no prepared folder.",
            file=str(folder),
            cure="Give the same 'songbench train prepare' again to go on." if unfinished else _NEW,
        )
    try:
        value = json.loads(read_text(path, "data set"))
        if value.get("format") != FORMAT:
            raise InputError(f"The data are of another format: {value.get('format')!r}.", file=str(path), cure=_CURE)
        return DatasetInfo(
            basis=PreparationBasis(**value["basis"]),
            shards=tuple(ShardFacts(**shard) for shard in value["shards"]),
            statistics=value["statistics"],
        )
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise InputError(f"The description of the data is damaged ({error}).", file=str(path), cure=_CURE) from None


def read_songs(folder: Path) -> list[SongEntry]:
    """All songs of a folder, in order.

    Raises:
        InputError: the list is not there or damaged.
    """
    path = folder / SONGS
    entries = []
    for number, value in json_lines(read_text(path, "list of songs"), file=str(path)):
        try:
            entries.append(song_entry(value))
        except (TypeError, KeyError) as error:
            message = f"The list of songs is damaged ({error})."
            raise InputError(message, file=str(path), line=number, cure=_CURE) from None
    return entries
