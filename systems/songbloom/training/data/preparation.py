"""Songs to shards: what is finished is never made again, what cannot be used is named, counted and left out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol

from songbench.domain.errors import InputError
from systems.songbloom.training.data.folder import PreparationFolder
from systems.songbloom.training.data.making import LoadedSong, SongMaker
from systems.songbloom.training.data.records import DatasetInfo, LeftOut
from systems.songbloom.training.data.songs import SourceSong


@dataclass(frozen=True, kw_only=True)
class PreparationReport:
    """What a preparation did.

    Attributes:
        new: songs that were prepared.
        earlier: songs that had been prepared before.
        left_out: songs that could not be.
        info: of the folder as it is now.
    """

    new: int
    earlier: int
    left_out: tuple[LeftOut, ...]
    info: DatasetInfo


class PreparationProgress(Protocol):
    """Is told of every song once."""

    def song(self, song: str, seconds: float, problem: str) -> None:
        """A song is finished: its length in seconds, 0 where it was prepared before; or why it was left out."""


class NoPreparationProgress:
    """Tells nobody."""

    def song(self, song: str, seconds: float, problem: str) -> None:
        """Nothing."""


class SongPreparation:
    """Prepares songs into a folder.

    Args:
        folder: where to.
        maker: makes what is stored of songs, with the basis of the folder.
        progress: is told of every song.
    """

    def __init__(
        self, folder: PreparationFolder, maker: SongMaker, progress: PreparationProgress | None = None
    ) -> None:
        self.folder, self.maker = folder, maker
        self._progress = progress or NoPreparationProgress()
        self._left_out: list[LeftOut] = []

    def run(self, songs: Sequence[SourceSong], faults: Sequence[LeftOut] = ()) -> PreparationReport:
        """Prepare all songs that are not yet there.

        Args:
            songs: in an order that does not change.
            faults: songs that the source cannot give, for the report.

        Raises:
            InputError: no song at all can be used.
            StoreBusyError: another preparation is at work in the folder.
            UnavailableError: something that all songs need is not set up.
        """
        self._left_out = []
        for fault in faults:
            self._leave_out(fault)
        new = earlier = 0
        with self.folder.exclusive():
            recordings = {entry.audio: entry.id for entry in self.folder.finished.values()}
            for song, loading in self._loaded(songs):
                if loading is None:
                    earlier += 1
                    self._progress.song(song.id, 0.0, "")
                    continue
                try:
                    loaded = loading.result()
                    if (twin := recordings.get(loaded.digest)) is not None:
                        raise InputError(f"It is the same recording as '{twin}'.")
                    entry, tensors = self.maker.make(song, loaded)
                except InputError as error:
                    self._leave_out(LeftOut(song.id, str(error)))
                    continue
                self.folder.add(entry, tensors)
                recordings[entry.audio] = song.id
                new += 1
                self._progress.song(song.id, entry.seconds, "")
            info = self.folder.finish(self._left_out, self.maker.config.model.lyrics_length)
        return PreparationReport(new=new, earlier=earlier, left_out=tuple(self._left_out), info=info)

    def _leave_out(self, fault: LeftOut) -> None:
        self._left_out.append(fault)
        self._progress.song(fault.id, 0.0, fault.reason)

    def _loaded(self, songs: Sequence[SourceSong]) -> Iterator[tuple[SourceSong, Future[LoadedSong] | None]]:
        """Each song with its audio, loaded while the one before is encoded; None where it is finished."""
        ids: set[str] = set()
        with ThreadPoolExecutor(1) as pool:
            try:
                waiting: tuple[SourceSong, Future[LoadedSong]] | None = None
                for song in songs:
                    problem = "Its id is used twice." if song.id in ids else self._problem(song)
                    ids.add(song.id)
                    if problem:
                        self._leave_out(LeftOut(song.id, problem))
                    elif song.id in self.folder.finished:
                        yield song, None
                    else:
                        following = song, pool.submit(self.maker.load, song)
                        if waiting:
                            yield waiting
                        waiting = following
                if waiting:
                    yield waiting
            finally:
                pool.shutdown(cancel_futures=True)

    def _problem(self, song: SourceSong) -> str:
        """Why a song cannot be begun with; "" where it can, or is finished."""
        try:
            key = song.key()
        except InputError as error:
            return str(error)
        before = self.folder.finished.get(song.id)
        if before is None or before.key == key:
            return ""
        return (
            "A song of this id was prepared before from other audio, words or times. Prepare into another folder, or"
            " give it another id."
        )
