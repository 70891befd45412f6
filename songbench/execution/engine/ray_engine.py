"""The engine that is a Ray cluster: an actor per accelerator, or per CPU core where there is none, on all its nodes.

Only jobs, events and keys travel, as JSON; everything else goes through the store, which all nodes reach.
"""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Annotated, Any, ClassVar

from pydantic import Field, model_validator

from songbench.domain.checking import Number, Whole
from songbench.domain.errors import InputError, StoreError, one_line
from songbench.execution.engine.assignment import AnswerError, Assignment
from songbench.execution.engine.protocol import JobQueue, Report
from songbench.execution.engine.ray_address import check_cluster, host_and_port
from songbench.execution.engine.remote_worker import ONE_THREAD, RemoteWorker, WorkerOrder, log_tail, worker_order
from songbench.execution.hardware import usable_cores
from songbench.execution.plan import Job
from songbench.execution.settings import EngineSettings, Text
from songbench.execution.store import Store

_WAIT_S = 0.2
"""For news of all actors; then time-outs are looked at."""
_COUNT_AGAIN_S = 10.0
"""Until the nodes of the cluster are counted again."""
_PATIENCE_S = 60.0
"""Until it is said that the cluster has no room for any worker."""


class RaySettings(EngineSettings):
    """Settings of the engine ``ray``.

    Attributes:
        address: ``auto``: the Ray that runs on this machine; ``host:port``: that of its head; None: one of the run's
            own, on this machine, that ends with it.
        gpus: of each worker; None: 1 where the cluster has any, else 0. Less than 1 shares a GPU.
        cpus: cores that Ray sets aside for each worker.
        mem_gib: that Ray sets aside for each worker; None: it does not count memory.
    """

    address: Text | None = None
    gpus: Annotated[Number, Field(ge=0, le=64)] | None = None
    cpus: Annotated[Whole, Field(ge=0, le=1024)] = 1
    mem_gib: Annotated[Number, Field(gt=0, le=65_536)] | None = None

    @model_validator(mode="after")
    def _usable(self) -> RaySettings:
        if self.timeout_s == 0:
            raise ValueError("the engine 'ray' needs a timeout_s above 0, or every song is ended at once")
        if self.address and "://" in self.address:
            raise ValueError(
                f"'{self.address}' is an address of Ray's client, through which events cannot stream; start the run on"
                " a machine of the cluster, with the address 'auto'"
            )
        if self.address and self.address not in ("auto", "local"):
            host_and_port(self.address)
        if not self.gpus and not self.cpus:
            raise ValueError("a worker needs cpus or gpus above 0, or Ray starts any number on one node")
        return self


@dataclass(kw_only=True)
class _Slot:
    """An actor and what it is doing.

    Attributes:
        actor: Ray's handle.
        beginning: what says that it has started; None once it has.
        host: where it is.
        log: the file that has what it prints, "" where that is not to be seen.
        assignment: what it does now, or None.
        events: what it says of that, as they come.
        held_job: the last job, whose model it may still hold.
    """

    actor: Any
    beginning: Any
    host: str = ""
    log: str = ""
    assignment: Assignment | None = None
    events: Any = None
    held_job: Job | None = None
    started_s: float = field(default_factory=time.monotonic)

    def give(self, job: Job, retries: int) -> None:
        """Hand over a job."""
        self.held_job, self.assignment = job, Assignment(job, retries)
        self.events = self.actor.run.options(num_returns="streaming").remote(job.to_json())


class RayEngine:
    """Actors on the nodes of a cluster.

    Args:
        settings: where, how many, how long, how often.
        store: where workers put results.
        folder: the run's folder, for the workers' logs.
    """

    settings_model: ClassVar[type[EngineSettings]] = RaySettings

    def __init__(self, settings: RaySettings, store: Store, folder: Path) -> None:
        self._settings, self._store, self._folder = settings, store, folder
        self._slots: dict[int, _Slot] = {}
        self._open = ExitStack()
        self._order: WorkerOrder | None = None
        self._gpus, self._room, self._counted_s = 0.0, 1, -_COUNT_AGAIN_S
        self._ever_ready, self._started_s, self._warned = False, time.monotonic(), False

    @property
    def workers(self) -> int:
        """As many as the cluster has room for at this moment, unless their number is set."""
        return self._settings.workers or self._count()

    @property
    def accelerator(self) -> bool:
        """Whether each worker has a GPU, or a part of one."""
        self._count()
        return self._gpus > 0

    def run(self, queue: JobQueue, report: Report) -> None:
        """Hand out the jobs of a queue until it is finished.

        Raises:
            InputError: Ray is not installed, or cannot be reached.
            StoreError: a worker cannot use the store, or does not see it.
        """
        import_ray()
        while not queue.finished:
            self._fill(queue)
            self._listen(queue, report)
            self._end_late(queue, report)

    def close(self) -> None:
        """End every actor at once, and Ray if it was started for this run."""
        if self._order is None:
            return
        ray = import_ray()
        for slot in self._slots.values():
            ray.kill(slot.actor)
        self._slots.clear()
        self._order = None
        self._open.close()

    # -- the cluster -----------------------------------------------------------------------------------------------

    def _connect(self) -> WorkerOrder:
        """Reach the cluster, once."""
        if self._order is None:
            ray = import_ray()
            options: dict[str, Any] = {}
            address = self._settings.address
            if not address:  # room for as many workers as are asked for, as on one machine
                cores = max(usable_cores(), (self._settings.workers or 0) * self._settings.cpus)
                options = {"num_cpus": cores, "include_dashboard": False}
            try:
                if address:
                    check_cluster(address)
                try:
                    self._init(options)
                except Exception:  # Ray has many kinds
                    if address:
                        raise
                    ray.shutdown()  # Ray gives its parts half a minute to start; on a busy machine a second try helps
                    self._init(options)
            except Exception as error:  # Ray has many kinds
                where = f" at '{address}'" if address else ""
                raise InputError(
                    f"Ray cannot be reached{where}: {one_line(str(error)).rstrip('.')}.",
                    field="engine.address",
                    cure="'ray start --head' starts one; 'auto' finds it on its machines; null makes one for this run.",
                ) from error
            self._open.callback(ray.shutdown)
            self._order = self._open.enter_context(worker_order(self._store, self._folder))
        return self._order

    def _init(self, options: Mapping[str, Any]) -> None:
        import_ray().init(
            address=self._settings.address or "local",
            namespace="songbench",
            log_to_driver=False,
            configure_logging=False,
            **options,
        )

    def _count(self) -> int:
        """For how many workers the cluster has room."""
        if time.monotonic() - self._counted_s > _COUNT_AGAIN_S:
            self._connect()
            resources = import_ray().cluster_resources()
            gpus = self._settings.gpus
            self._gpus = (1.0 if resources.get("GPU", 0) else 0.0) if gpus is None else float(gpus)
            kinds = (("GPU", self._gpus), ("CPU", self._settings.cpus))
            self._room = max(1, min(int(resources.get(name, 0) / share) for name, share in kinds if share))
            self._counted_s = time.monotonic()
        return self._room

    def _actor(self, place: int) -> _Slot:
        """Ask for an actor; Ray starts it where there is room."""
        order, ray = self._connect(), import_ray()
        resources: dict[str, Any] = {"num_cpus": self._settings.cpus, "num_gpus": self._gpus}
        if self._settings.mem_gib is not None:
            resources["memory"] = int(self._settings.mem_gib * 2**30)
        threads = {} if self.accelerator else ONE_THREAD
        actor = (
            ray.remote(RemoteWorker)
            .options(**resources, max_restarts=0, max_task_retries=0, runtime_env={"env_vars": threads})
            .remote()
        )
        return _Slot(actor=actor, beginning=actor.begin.remote(order.to_json(), f"worker-{place}"))

    # -- jobs ------------------------------------------------------------------------------------------------------

    def _fill(self, queue: JobQueue) -> None:
        """Have an actor at every place, and a job for every one that has started."""
        for place in range(self.workers):
            slot = self._slots.get(place)
            if slot is None:
                self._slots[place] = self._actor(place)
            elif slot.beginning is None and slot.assignment is None and (job := _next_job(slot, queue)):
                slot.give(job, self._settings.retries)
        if not self._ever_ready and not self._warned and time.monotonic() - self._started_s > _PATIENCE_S:
            self._warned = True
            warnings.warn("Ray has had no room for a worker yet; other work may fill the cluster.", stacklevel=2)

    def _listen(self, queue: JobQueue, report: Report) -> None:
        """Act on what actors say; wait a moment when none says anything."""
        ray = import_ray()
        news = {
            slot.events if slot.events is not None else slot.beginning: place for place, slot in self._slots.items()
        }
        news.pop(None, None)
        if not news:
            time.sleep(_WAIT_S)
            return
        for source in (
            ray.wait(list(news), num_returns=len(news), timeout=0)[0] or ray.wait(list(news), timeout=_WAIT_S)[0]
        ):
            place = news[source]
            try:
                self._hear(self._slots[place], queue, report)
            except StopIteration:
                self._finish(place, queue, report)
            except AnswerError as error:
                self._end(place, queue, report, cause=str(error))
            except ray.exceptions.RayError as error:
                self._end(place, queue, report, cause=_cause(error, self._slots[place].host))

    def _hear(self, slot: _Slot, queue: JobQueue, report: Report) -> None:
        """Take one piece of news of an actor.

        Raises:
            StopIteration: it is done with its job.
            AnswerError: what it says fits no job that it has.
            StoreError: it cannot use the store.
        """
        ray = import_ray()
        if slot.events is None:
            facts = ray.get(slot.beginning)
            if facts["problem"]:
                raise StoreError(facts["problem"])
            slot.beginning, slot.host, slot.log = None, facts["host"], facts["log"]
            self._ever_ready = True
            return
        value = ray.get(next(slot.events))
        if "store" in value:
            raise StoreError(value["store"])
        assert slot.assignment is not None
        slot.assignment.hear(value, report)

    def _finish(self, place: int, queue: JobQueue, report: Report) -> None:
        slot = self._slots[place]
        assert slot.assignment is not None
        if slot.assignment.unsettled:
            self._end(place, queue, report, cause="the worker ended a job without settling all of it")
            return
        assignment, slot.assignment, slot.events = slot.assignment, None, None
        assignment.end(queue)

    def _end(self, place: int, queue: JobQueue, report: Report, *, cause: str) -> None:
        """End an actor that is dead or no longer of use; another takes its place."""
        slot = self._slots.pop(place)
        import_ray().kill(slot.actor)
        if slot.assignment:
            slot.assignment.give_up(queue, report, self._store, cause=cause, last_words=partial(log_tail, slot.log))

    def _end_late(self, queue: JobQueue, report: Report) -> None:
        for place, slot in list(self._slots.items()):
            if slot.assignment and (cause := slot.assignment.time_out(self._settings.timeout_s)):
                self._end(place, queue, report, cause=cause)


def import_ray() -> Any:
    """Ray, which is imported only where it is used.

    Raises:
        InputError: it is not installed.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # it would report to its makers
    try:
        import ray
        import ray.exceptions
    except ImportError as error:
        raise InputError(
            f"The engine 'ray' needs Ray: {error}", field="engine.name", cure="pip install 'songbench[ray]'"
        ) from error
    return ray


def _next_job(slot: _Slot, queue: JobQueue) -> Job | None:
    """A job for an actor that is free: one of the model it holds, if there is any."""
    same_model = queue.take(slot.held_job.shares_model) if slot.held_job else None
    return same_model or queue.take()


def _cause(error: Exception, host: str) -> str:
    """One line on why an actor is lost."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    reason = next((line for line in lines if line.startswith("The actor is dead because")), lines[0] if lines else "")
    return f"the worker on {host or 'a node'} is lost: {one_line(reason or type(error).__name__)}"
