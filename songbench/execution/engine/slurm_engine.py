"""The engine that is Slurm: one array of tasks, each with a resident model, which take jobs until the run is over.

The run and its tasks speak through files in the run's folder (`songbench.execution.engine.slurm_worker`), so that
nothing but a shared disk is asked of the cluster. What they compute goes through the store.
"""

from __future__ import annotations

import json
import shutil
import time
import uuid
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, model_validator

from songbench.domain.checking import Number, Whole
from songbench.domain.errors import SongbenchError, StoreError
from songbench.execution.engine.assignment import AnswerError, Assignment
from songbench.execution.engine.protocol import JobQueue, Report
from songbench.execution.engine.remote_worker import ONE_THREAD, WorkerOrder, log_tail, worker_order
from songbench.execution.engine.slurm_cluster import Cluster, LocalCluster, SlurmCluster
from songbench.execution.engine.slurm_worker import SlurmTask
from songbench.execution.plan import Job
from songbench.execution.settings import EngineSettings, Text
from songbench.execution.store import Store
from songbench.resources.close_to_open import open_folder
from songbench.resources.files import write_atomically
from songbench.resources.processes.interrupts import interrupts_deferred

_PAUSE_S, _PAUSE_EACH_S = 0.05, 0.002
"""Between two looks at what tasks have said, and the more for each task."""
_BEAT_S = 10.0
_LOOK_S = 15.0
"""Until Slurm is asked again which tasks it knows."""
LOST_S = 150.0
"""A task that began and says nothing for so long is lost, whatever Slurm thinks of it."""
MOST_FALSE_STARTS = 3
_SUBMITTED = "submitit"
"""The folder of what submitit writes."""


class SlurmSettings(EngineSettings):
    """Settings of the engine ``slurm``; what they say of tasks are sbatch's own words.

    Attributes:
        cluster: ``slurm``, or ``local``: the same with processes of this machine.
        partition: where tasks run; None: Slurm's default.
        account: on whose account; None: Slurm's default.
        qos: quality of service; None: Slurm's default.
        time_min: minutes of each task; a task that has used them is queued again.
        requeues: how often.
        signal_s: seconds before its end or preemption at which a task is told.
        gpus_per_node: of each task, which has one node.
        cpus_per_task: cores.
        mem_gib: memory; None: Slurm's default.
        array_parallelism: how many tasks run at once at most; None: all.
        setup: lines of shell before the task, such as ``module load cuda``.
        sbatch: anything else sbatch takes, by its long name, such as ``constraint: a100``.
    """

    cluster: Literal["slurm", "local"] = "slurm"
    partition: Text | None = None
    account: Text | None = None
    qos: Text | None = None
    time_min: Annotated[Whole, Field(ge=1, le=60 * 24 * 60)] = 240
    requeues: Annotated[Whole, Field(ge=0, le=1000)] = 10
    signal_s: Annotated[Whole, Field(ge=5, le=3600)] = 90
    gpus_per_node: Annotated[Whole, Field(ge=0, le=64)] = 0
    cpus_per_task: Annotated[Whole, Field(ge=1, le=1024)] = 1
    mem_gib: Annotated[Number, Field(gt=0, le=65_536)] | None = None
    array_parallelism: Annotated[Whole, Field(ge=1, le=1024)] | None = None
    setup: list[Text] = Field(default_factory=list)
    sbatch: Mapping[str, str | int | bool] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _time_to_work(self) -> SlurmSettings:
        if self.timeout_s == 0:
            raise ValueError("the engine 'slurm' needs a timeout_s above 0, or every song is ended at once")
        return self

    def parameters(self) -> dict[str, Any]:
        """For submitit's executor of Slurm."""
        words: dict[str, Any] = {
            "job_name": "songbench",
            "partition": self.partition,
            "account": self.account,
            "qos": self.qos,
            "time": self.time_min,
            "signal_delay_s": self.signal_s,
            "gpus_per_node": self.gpus_per_node or None,
            "cpus_per_task": self.cpus_per_task,
            "mem": None if self.mem_gib is None else f"{round(self.mem_gib * 1024)}M",
            "array_parallelism": self.array_parallelism,
            "additional_parameters": {"requeue": True, **self.sbatch},
            "setup": [*self.setup, *([] if self.gpus_per_node else (f"export {k}={v}" for k, v in ONE_THREAD.items()))],
        }
        return {name: value for name, value in words.items() if value not in (None, [])}


@dataclass(kw_only=True)
class _Slot:
    """A task of an array and what it is doing.

    Attributes:
        identifier: Slurm's.
        folder: its part of the spool.
        submitted_s: when, by the monotonic clock.
        heard_s: when it last said anything.
        read: how many bytes of its events are read.
        life: of the process that last began; "" before the first, and after it said that it is preempted.
        host: where that is.
        log: what it prints.
        jobs: how many it was given.
        assignment: what it does now, or None.
        held_job: the last job, whose model it may still hold.
    """

    identifier: str
    folder: Path
    submitted_s: float = field(default_factory=time.monotonic)
    heard_s: float = field(default_factory=time.monotonic)
    read: int = 0
    life: str = ""
    host: str = ""
    log: str = ""
    jobs: int = 0
    assignment: Assignment | None = None
    held_job: Job | None = None

    def give(self, job: Job, retries: int) -> None:
        """Hand over a job."""
        self.jobs += 1
        self.held_job, self.assignment = job, Assignment(job, retries)
        text = json.dumps({**job.to_json(), "life": self.life})
        write_atomically(self.folder / "jobs" / f"{self.jobs:06d}.json", text.encode())

    def news(self) -> list[dict[str, Any]]:
        """What it has said since it was last asked."""
        try:
            with open(self.folder / "events.jsonl", "rb") as file:
                file.seek(self.read)
                data = file.read()
        except FileNotFoundError:
            with suppress(OSError):
                open_folder(str(self.folder))
            return []
        rows = data[: data.rfind(b"\n") + 1]
        self.read += len(rows)
        if rows:
            self.heard_s = time.monotonic()
        return [json.loads(row) for row in rows.splitlines()]


class SlurmEngine:
    """Tasks of a Slurm array.

    Args:
        settings: what to ask Slurm for, how long, how often.
        store: where workers put results.
        folder: the run's folder, which the nodes of the cluster see under the same path.
    """

    settings_model: ClassVar[type[EngineSettings]] = SlurmSettings

    def __init__(self, settings: SlurmSettings, store: Store, folder: Path) -> None:
        self._settings, self._store, self._folder = settings, store, folder.absolute()
        self.workers = settings.workers or 1
        self.accelerator = settings.gpus_per_node > 0
        self._cluster = _cluster(settings)
        self._spool = self._folder / "slurm" / uuid.uuid4().hex[:8]
        self._slots: dict[int, _Slot] = {}
        self._open = ExitStack()
        self._order: WorkerOrder | None = None
        self._beat_s = self._look_s = -_LOOK_S
        self._false_starts = self._submitted = 0

    @staticmethod
    def plan(settings: SlurmSettings, folder: Path) -> str:
        """What ``--dry-run`` shows: how many tasks, and what sbatch is given for them."""
        tasks, cluster = settings.workers or 1, _cluster(settings)
        if not isinstance(cluster, SlurmCluster):
            return f"{tasks} processes on this machine, by submitit"
        text = cluster.text(tasks, folder.absolute() / "slurm" / "submitit")
        return f"{tasks} {'tasks in one array' if tasks > 1 else 'task'}, for sbatch:\n\n{text.rstrip()}"

    def run(self, queue: JobQueue, report: Report) -> None:
        """Hand out the jobs of a queue until it is finished.

        Raises:
            InputError: submitit or Slurm is not installed here.
            SongbenchError: Slurm does not take the array, or its tasks end before they begin.
            StoreError: a worker cannot use the store, or does not see it.
        """
        while not queue.finished:
            self._beat()
            self._submit()
            for number in list(self._slots):
                self._hear(number, queue, report)
            self._end_lost(queue, report)
            for slot in self._slots.values():
                if slot.life and slot.assignment is None and (job := _next_job(slot, queue)):
                    slot.give(job, self._settings.retries)
            time.sleep(_PAUSE_S + _PAUSE_EACH_S * len(self._slots))

    def close(self) -> None:
        """End all tasks, running and waiting."""
        if self._order is None:
            return
        self._order = None
        write_atomically(self._spool / "end", b"")
        self._cluster.cancel([slot.identifier for slot in self._slots.values()])
        self._open.close()
        shutil.rmtree(self._spool.parent, ignore_errors=True)  # also what a run that was killed has left

    # -- tasks -----------------------------------------------------------------------------------------------------

    def _submit(self) -> None:
        """Have a task at every place."""
        places = [number for number in range(self.workers) if number not in self._slots]
        if not places:
            return
        if self._order is None:
            self._cancel_earlier()
            order = self._open.enter_context(worker_order(self._store, self._folder))
            # sbatch hands on the variables of the run; in the order they would lie in a file
            self._order = replace(order, variables={})
        tasks, folders = [], []
        for _ in places:
            self._submitted += 1
            folders.append(self._spool / f"worker-{self._submitted}")
            (folders[-1] / "jobs").mkdir(parents=True)
            tasks.append(SlurmTask(str(self._spool), self._submitted, self._order.to_json()))
        with interrupts_deferred():  # or there would be tasks of which nobody knows
            identifiers = self._cluster.submit(tasks, self._spool / _SUBMITTED)
            for place, folder, identifier in zip(places, folders, identifiers, strict=True):
                self._slots[place] = _Slot(identifier=identifier, folder=folder)
            self._note_submitted()

    def _cancel_earlier(self) -> None:
        """End what an earlier run of this folder has left: its tasks would do what this one gives to others."""
        note = self._folder / "slurm" / "submitted.json"
        with suppress(OSError, ValueError):
            earlier = json.loads(note.read_bytes())
            spool = self._folder / "slurm" / earlier["spool"]
            if earlier["cluster"] == self._settings.cluster:
                self._cluster.cancel_earlier(earlier["tasks"], spool / _SUBMITTED)
            write_atomically(spool / "end", b"")

    def _note_submitted(self) -> None:
        tasks = [slot.identifier for slot in self._slots.values()]
        note = {"cluster": self._settings.cluster, "spool": self._spool.name, "tasks": tasks}
        write_atomically(self._folder / "slurm" / "submitted.json", json.dumps(note).encode())

    def _beat(self) -> None:
        if time.monotonic() - self._beat_s > _BEAT_S:
            write_atomically(self._spool / "beat", uuid.uuid4().hex.encode())
            self._beat_s = time.monotonic()

    # -- jobs ------------------------------------------------------------------------------------------------------

    def _hear(self, number: int, queue: JobQueue, report: Report) -> None:
        """Act on what a task has said."""
        slot = self._slots[number]
        for words in slot.news():
            if "life" in words:
                if words["problem"]:
                    raise StoreError(words["problem"])
                self._give_up(slot, queue, report, cause=f"the task was started again after it was lost on {slot.host}")
                slot.life, slot.host, slot.log, self._false_starts = words["life"], words["host"], words["log"], 0
            elif "preempted" in words:
                slot.life = ""
                if slot.assignment:
                    slot.assignment.put_back(queue)
                    slot.assignment = None
            elif slot.assignment and words.get("job") == f"{slot.jobs:06d}":
                try:
                    self._hear_of_job(slot, words, queue, report)
                except AnswerError as error:
                    self._end(number, queue, report, cause=str(error))
                    return

    def _hear_of_job(self, slot: _Slot, words: Mapping[str, Any], queue: JobQueue, report: Report) -> None:
        assert slot.assignment is not None
        if "over" not in words:
            if "store" in words["event"]:
                raise StoreError(words["event"]["store"])
            slot.assignment.hear(words["event"], report)
        elif slot.assignment.unsettled:
            self._give_up(slot, queue, report, cause="the worker ended a job without settling all of it")
        else:
            slot.assignment.end(queue)
            slot.assignment = None

    def _give_up(self, slot: _Slot, queue: JobQueue, report: Report, *, cause: str) -> None:
        if slot.assignment:
            slot.assignment.give_up(queue, report, self._store, cause=cause, last_words=partial(log_tail, slot.log))
            slot.assignment = None

    def _end(self, number: int, queue: JobQueue, report: Report, *, cause: str) -> None:
        """End a task that is lost or no longer of use; another is submitted in its place."""
        slot = self._slots.pop(number)
        self._cluster.cancel([slot.identifier])
        self._give_up(slot, queue, report, cause=cause)

    def _end_lost(self, queue: JobQueue, report: Report) -> None:
        now = time.monotonic()
        for number, slot in list(self._slots.items()):
            if slot.assignment and (cause := slot.assignment.time_out(self._settings.timeout_s)):
                self._end(number, queue, report, cause=cause)
            elif slot.life and now - slot.heard_s > LOST_S:
                self._end(number, queue, report, cause=f"nothing was heard of the task on {slot.host} for {LOST_S:g} s")
        if now - self._look_s < _LOOK_S:
            return
        self._look_s = now
        alive = self._cluster.alive([slot.identifier for slot in self._slots.values()])
        for number, slot in list(self._slots.items()):
            if alive is not None and slot.identifier not in alive and now - slot.submitted_s > _LOOK_S:
                if not slot.life:
                    self._note_false_start(slot)
                self._end(number, queue, report, cause=f"the task on {slot.host or 'the cluster'} has ended")

    def _note_false_start(self, slot: _Slot) -> None:
        self._false_starts += 1
        if self._false_starts >= MOST_FALSE_STARTS:
            words = self._cluster.last_words(slot.identifier, self._spool / _SUBMITTED)
            raise SongbenchError(
                f"Tasks of the engine 'slurm' end before they begin; the last was {slot.identifier}. Each has one"
                " node, which must see this Python and the run's folder under the same paths.\n"
                + (words or "It has left no log.")
            )


def _cluster(settings: SlurmSettings) -> Cluster:
    if settings.cluster == "slurm":
        return SlurmCluster(settings.parameters(), settings.requeues)
    return LocalCluster({"timeout_min": settings.time_min, "gpus_per_node": settings.gpus_per_node})


def _next_job(slot: _Slot, queue: JobQueue) -> Job | None:
    """A job for a task that is free: one of the model it holds, if there is any."""
    same_model = queue.take(slot.held_job.shares_model) if slot.held_job else None
    return same_model or queue.take()
