"""The songs of pairs as songs to be prepared, and the pairs among the songs that are prepared."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from songbench.domain.audio import AudioFile
from songbench.domain.errors import InputError
from songbench.domain.hashing import bytes_digest
from systems.songbloom.config import SongBloomConfig
from systems.songbloom.training.batch import SongExample
from systems.songbloom.training.data.crops import CropSettings, fits
from systems.songbloom.training.data.dataset import SongDataset
from systems.songbloom.training.data.records import LeftOut
from systems.songbloom.training.data.songs import SourceSong
from systems.songbloom.training.preference.pair_files import PairAudio, PairSong, PreferencePair


def song_id(pair: PreferencePair, song: PairSong) -> str:
    """Of a prepared song: the same audio for the same prompt is prepared once, in however many pairs it is."""
    return f"{pair.prompt}-{song.digest[:16]}"


class PairSongs:
    """A `systems.songbloom.training.data.songs.TrainingSongs`: each song of the pairs once, with its prompt's lyrics.

    Nothing says when sections are sung, so that the songs can be shown as a whole only, as they were scored.

    Args:
        pairs: from `systems.songbloom.training.preference.pair_files.read_pairs`.

    Attributes:
        faults: songs whose file is not there or is another one by now.
    """

    def __init__(self, pairs: Iterable[PreferencePair]) -> None:
        self.faults: list[LeftOut] = []
        self._songs: list[SourceSong] = []
        ids = set()
        for pair in pairs:
            for song in (pair.winner, pair.loser):
                name = song_id(pair, song)
                if name in ids:
                    continue
                ids.add(name)
                problem = _problem(song) or (_problem(pair.style) if pair.style else "")
                if problem:
                    self.faults.append(LeftOut(name, problem))
                else:
                    self._songs.append(_source_song(name, pair, song))

    def songs(self) -> Sequence[SourceSong]:
        """See `TrainingSongs.songs`."""
        return self._songs


def _problem(audio: PairAudio) -> str:
    path = Path(audio.audio)
    if not path.is_file():
        return f"There is no file '{audio.audio}'."
    if AudioFile(path).digest != audio.digest:
        return f"'{audio.audio}' is not the file that was scored."
    return ""


def _source_song(name: str, pair: PreferencePair, song: PairSong) -> SourceSong:
    source = AudioFile(Path(song.audio))
    return SourceSong(
        id=name,
        identity=song.digest,
        lyrics=pair.parsed_lyrics,
        audio=lambda: source,
        language=pair.language,
        prompt=AudioFile(Path(pair.style.audio)) if pair.style else None,
    )


@dataclass(frozen=True)
class PairExample:
    """Two whole songs with the same lyrics and style prompt.

    Attributes:
        winner: the better one.
        loser: the other.
    """

    winner: SongExample
    loser: SongExample


class PreparedPairs:
    """Pairs both of whose songs are prepared and short enough for the model.

    Args:
        pairs: from a file.
        dataset: their songs, prepared without a split.
        config: of the model.

    Attributes:
        pairs: those that can be used.
        left_out: the name of each other, and why.

    Raises:
        InputError: the data were made for another model, or no pair is left.
    """

    def __init__(self, pairs: Sequence[PreferencePair], dataset: SongDataset, config: SongBloomConfig) -> None:
        dataset.check(config)
        self.dataset, self.config = dataset, config
        self._crop = CropSettings(
            patch=config.model.patch,
            max_seconds=max(config.trained_seconds, config.decoding.max_seconds),
            style_frames=config.model.prompt_frames,
            place="start",
            style_place="start",
        )
        self._index = {song.id: number for number, song in enumerate(dataset.songs)}
        problems = [self._pair_problem(pair) for pair in pairs]
        self.pairs = [pair for pair, problem in zip(pairs, problems, strict=True) if not problem]
        self.left_out = [(pair.name, problem) for pair, problem in zip(pairs, problems, strict=True) if problem]
        if not self.pairs:
            reason = f" The first, {self.left_out[0][0]}: {self.left_out[0][1]}" if self.left_out else ""
            raise InputError(f"None of the {len(pairs)} pairs can be used.{reason}", file=str(dataset.folder))

    def __len__(self) -> int:
        return len(self.pairs)

    def pair(self, number: int) -> PairExample:
        """A pair, both songs as a whole from their beginning.

        Raises:
            InputError: a shard cannot be read.
        """
        pair = self.pairs[number]
        winner, loser = (self._example(song_id(pair, song)) for song in (pair.winner, pair.loser))
        if pair.style is None:  # prepared songs always have one, their own if there is no other
            winner, loser = (replace(song, style=song.style[:0]) for song in (winner, loser))
        else:  # the same audio, but the noise of its encoding is drawn for each song
            loser = replace(loser, style=winner.style)
        return PairExample(winner, loser)

    def split(self, share: float) -> tuple[list[int], list[int]]:
        """The numbers of the pairs to train on, and of those that are held out, all pairs of a prompt together.

        Args:
            share: of the prompts that are held out, 0 to 1; which ones follows from their ids.
        """
        sides: tuple[list[int], list[int]] = ([], [])
        for number, pair in enumerate(self.pairs):
            place = int(bytes_digest(f"pairs {pair.prompt}".encode())[:8], 16) / 2**32
            sides[place < share].append(number)
        return sides

    def _example(self, name: str) -> SongExample:
        # Whole songs from their beginning: nothing is drawn.
        return self.dataset.example(self._index[name], self._crop, torch.Generator())

    def _pair_problem(self, pair: PreferencePair) -> str:
        for song in (pair.winner, pair.loser):
            name = song_id(pair, song)
            if name not in self._index:
                return f"take {song.take} could not be prepared"
            entry, rate = self.dataset.songs[self._index[name]], self.dataset.info.basis.frame_rate
            if problem := fits(entry, self._crop, rate):
                return f"take {song.take}: {problem}"
        return ""
