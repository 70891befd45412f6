"""How workers share the memory of a machine, or of one of its accelerators."""

from __future__ import annotations

from collections.abc import Collection, Mapping


class MemoryDivision:
    """What each worker may use: what its job needs, and beyond that up to an equal part of what there is.

    A worker has its share until it ends, as it may still hold a model when its job is over.

    Args:
        capacity: bytes for all workers together; None: not known, and everything fits.
        workers: how many there are at most.
    """

    def __init__(self, capacity: int | None, workers: int) -> None:
        self._capacity, self._part = capacity, (capacity or 0) // max(1, workers)
        self._shares: dict[int, int] = {}

    @property
    def shares(self) -> Mapping[int, int]:
        """Bytes by worker."""
        return self._shares

    def fits(self, worker: int, need: int, busy: Collection[int]) -> bool:
        """Whether a worker can have what its job needs when workers that are not busy end; one alone always can.

        Args:
            worker: its number.
            need: bytes.
            busy: the numbers of those that have a job.
        """
        beside = [number for number in busy if number != worker and number in self._shares]
        return self._capacity is None or not beside or need <= self._capacity - sum(self._shares[n] for n in beside)

    def give(self, worker: int, need: int) -> int | None:
        """Give a worker its share for a job, once there is room for what it needs (`in_the_way`).

        Returns:
            Bytes, at most all there are; None when nobody knows how many that are.
        """
        if self._capacity is None:
            return None
        self._shares[worker] = min(self._capacity, max(need, min(self._part, self._left(worker))))
        return self._shares[worker]

    def in_the_way(self, worker: int, need: int, idle: Collection[int]) -> list[int]:
        """Which idle workers have to end so that a worker can have what its job needs: the fewest, largest first."""
        if self._capacity is None:
            return []
        ending: list[int] = []
        lacking = need - self._left(worker)
        for number in sorted(set(idle) - {worker}, key=lambda number: -self._shares.get(number, 0)):
            if lacking > 0 and self._shares.get(number):
                ending.append(number)
                lacking -= self._shares[number]
        return ending

    def end(self, worker: int) -> None:
        """A worker is no more."""
        self._shares.pop(worker, None)

    def _left(self, worker: int) -> int:
        """What the shares of the others leave."""
        shares = sum(share for number, share in self._shares.items() if number != worker)
        return (self._capacity or 0) - shares
