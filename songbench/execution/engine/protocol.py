"""What an engine is: something that runs jobs somewhere and reports each item."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import ClassVar, Protocol, TypeAlias

from songbench.execution.jobs import Event
from songbench.execution.plan import Job, WorkItem
from songbench.execution.settings import EngineSettings
from songbench.execution.store import Store

Report: TypeAlias = Callable[[Job, WorkItem, Event], None]
"""Called for every item that is settled: stored (``done``) or given up (``failed``)."""


class Engine(Protocol):
    """Runs jobs. Retries and time-outs are the engine's business; what cannot be done is reported, never raised.

    A class of this kind is declared as an entry point of the group ``songbench.engines``.

    Args:
        settings: the section ``engine`` of the run's settings, an instance of `settings_model`.
        store: where results go.
        folder: the run's folder; an engine may keep logs below ``logs``.

    Attributes:
        settings_model: what its settings are checked against.
    """

    settings_model: ClassVar[type[EngineSettings]]

    def __init__(self, settings: EngineSettings, store: Store, folder: Path) -> None: ...

    @property
    def workers(self) -> int:
        """How many jobs run at once."""

    @property
    def accelerator(self) -> bool:
        """Whether workers have one."""

    def run(self, jobs: Sequence[Job], report: Report) -> None:
        """Run the jobs and return when every item was reported.

        Raises:
            StoreError: when the store can no longer be used; what was stored before is safe.
        """

    def close(self) -> None:
        """End every worker."""
