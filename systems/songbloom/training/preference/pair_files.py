"""Pairs of songs in a file: JSON, a pair per line, with all that training needs beside the audio."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from songbench.domain.checking import Number, Schema, Whole, checked
from songbench.domain.errors import InputError
from songbench.domain.lyrics import Lyrics
from songbench.domain.reading import json_lines, read_text
from songbench.domain.sections import lyrics_from_json
from songbench.resources.files import write_atomically

Text = Annotated[str, Field(min_length=1)]


class PairAudio(Schema):
    """Audio of a pair.

    Attributes:
        audio: the path of the file; relative ones are relative to the file of the pairs.
        digest: the sha256 of its bytes.
    """

    audio: Text
    digest: Text


class PairSong(PairAudio):
    """One song of a pair.

    Attributes:
        take: its number in the run.
    """

    take: Annotated[Whole, Field(ge=0)]


class PairScore(Schema):
    """What both songs scored by one metric.

    Attributes:
        winner: the winner's score.
        loser: the loser's.
        unit: of both.
        better: ``higher`` or ``lower``.
        margin: by how much the winner had to be better; 0: it must not be worse.
    """

    winner: Number
    loser: Number
    unit: str = ""
    better: Annotated[str, Field(pattern="^(higher|lower)$")]
    margin: Annotated[Number, Field(ge=0)] = 0.0


class PreferencePair(Schema):
    """Two songs for one prompt, of which one is better.

    Attributes:
        run: where they are from.
        system: that made both.
        prompt: the id of the prompt.
        language: of the words.
        lyrics: of the prompt, as `songbench.domain.lyrics.Lyrics.to_json` gives them.
        style: the style prompt that both were made from; None: they were made without.
        winner: the better song.
        loser: the other.
        scores: by column of the run.
    """

    run: str
    system: Text
    prompt: Text
    language: str
    lyrics: Mapping[str, Any]
    style: PairAudio | None = None
    winner: PairSong
    loser: PairSong
    scores: Mapping[str, PairScore] = Field(default_factory=dict)

    @property
    def name(self) -> str:
        """For messages."""
        return f"{self.system} {self.prompt} takes {self.winner.take} and {self.loser.take}"

    @property
    def parsed_lyrics(self) -> Lyrics:
        """The lyrics."""
        return lyrics_from_json(self.lyrics)


def write_pairs(path: Path, pairs: Iterable[PreferencePair]) -> None:
    """Write a file of pairs, whole or not at all; `read_pairs` reads it back."""
    lines = [json.dumps(pair.model_dump(mode="json"), ensure_ascii=False) + "\n" for pair in pairs]
    write_atomically(path, "".join(lines).encode())


def read_pairs(path: Path) -> list[PreferencePair]:
    """The pairs of a file, with paths that hold from here.

    Raises:
        InputError: it is not there, holds no pair, or something else; names the line.
    """
    pairs = []
    for number, value in json_lines(read_text(path, "file of pairs"), file=str(path)):
        pair = checked(PreferencePair, value, file=str(path), line=number)
        try:
            lyrics_from_json(pair.lyrics)
        except InputError as error:
            raise error.located(file=str(path), line=number, field="lyrics") from None
        if pair.winner.digest == pair.loser.digest:
            raise InputError("Winner and loser are the same audio.", file=str(path), line=number)
        pairs.append(_located(pair, path.parent))
    if not pairs:
        raise InputError("There are no pairs in this file.", file=str(path), cure="Make some: songbench train pairs.")
    return pairs


def _located(pair: PreferencePair, folder: Path) -> PreferencePair:
    """The same with absolute paths."""
    places = {}
    for name in ("winner", "loser", "style"):
        audio: PairAudio | None = getattr(pair, name)
        if audio is not None:
            places[name] = audio.model_copy(update={"audio": str((folder / audio.audio).absolute())})
    return pair.model_copy(update=places)
