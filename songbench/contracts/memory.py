"""What a system or metric needs of the memory of the device it computes on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable


@dataclass(frozen=True)
class MemoryNeed:
    """Bytes of the device that computes: of an accelerator where there is one, else of the machine.

    The interpreter and its libraries are not counted; the engine adds them.

    Attributes:
        resident: as long as the model is loaded.
        working: at most on top of that while it works.
    """

    resident: int
    working: int

    @property
    def total(self) -> int:
        """At the peak."""
        return self.resident + self.working


@runtime_checkable
class WithMemoryNeed(Protocol):
    """A system or metric that knows what memory it needs, so that no more workers are started than fit.

    Of one that does not say it, an engine takes what follows from the sizes of its weights.
    """

    def memory_need(self, songs: int, seconds: float) -> MemoryNeed:
        """The least with which it can do its work. Must be cheap and load no model.

        What it does with more, such as songs it works on together, it may decide when it knows what it is given
        (`songbench.resources.memory.share_bytes`).

        Args:
            songs: handed over at once; of a set metric all songs of the set.
            seconds: of the longest of them, as far as that is known beforehand.
        """
