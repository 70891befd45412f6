"""How long each stage of decoding takes, shared out among the songs that were in it."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch


class StageClock:
    """Seconds by song and stage.

    On a CUDA device time is taken by events on the stream, so that measuring never makes the host wait; elsewhere by
    the clock. A stage that several songs share counts for each with an equal part.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._seconds: dict[int, dict[str, float]] = defaultdict(lambda: defaultdict(float))
        self._open: list[tuple[torch.cuda.Event, torch.cuda.Event, str, tuple[int, ...]]] = []

    @contextmanager
    def measure(self, stage: str, songs: Sequence[int]) -> Iterator[None]:
        """Time what happens inside and share it among songs."""
        if self._device.type == "cuda":
            begin, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
            begin.record()
            yield
            end.record()
            self._open.append((begin, end, stage, tuple(songs)))
            return
        begin_time = time.perf_counter()
        yield
        self.add(stage, songs, self._elapsed(begin_time))

    def _elapsed(self, begin: float) -> float:
        if self._device.type == "mps":
            torch.mps.synchronize()
        return time.perf_counter() - begin

    def add(self, stage: str, songs: Sequence[int], seconds: float) -> None:
        """Share seconds among songs."""
        for song in songs:
            self._seconds[song][stage] += seconds / len(songs)

    def reset(self) -> None:
        """Forget all songs, such as those of a decoding that nobody followed to its end."""
        self._seconds.clear()
        self._open.clear()

    def take(self, song: int) -> dict[str, float]:
        """A song's seconds by stage so far; they are forgotten here."""
        for begin, end, stage, songs in self._open:
            end.synchronize()
            self.add(stage, songs, begin.elapsed_time(end) / 1000)
        self._open.clear()
        return dict(self._seconds.pop(song, {}))
