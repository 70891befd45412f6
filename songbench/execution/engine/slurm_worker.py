"""What a task of a Slurm array does: jobs that the run puts into its folder, whose events it appends to a file.

Layout of the folder, which lies in the run's folder, on a disk that all nodes share::

    beat                       rewritten by the run every few seconds; when that ends, so do the tasks
    end                        there once nothing more will come
    worker-3/jobs/000007.json  a job for the third task, as `Job.to_json`
    worker-3/events.jsonl      what that task says: that it began, what became of each item, that it still lives
"""

from __future__ import annotations

import json
import os
import threading
import time
import uuid
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from songbench.execution.engine.remote_worker import RemoteWorker

POLL_S, IDLE_POLL_S = 0.05, 0.5
"""Between two looks for a job: soon after one, and later."""
_SOON_S = 3.0
BEAT_S = 10.0
ORPHAN_S = 180.0
"""Without a sign of the run for so long, a task ends: the run was killed."""


def say(folder: Path, words: Mapping[str, Any]) -> None:
    """Append a line to the events of a task; opened and closed each time, so that other machines see it at once."""
    file = os.open(folder / "events.jsonl", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    try:
        os.write(file, json.dumps(words).encode() + b"\n")
    finally:
        os.close(file)


class SlurmTask:
    """A task of the array; submitit pickles it, calls it on its node, and calls `checkpoint` before it is preempted.

    Args:
        spool: the folder.
        number: of the task; its log and its part of the folder are named after it.
        order: a `WorkerOrder` as JSON.
    """

    def __init__(self, spool: str, number: int, order: Mapping[str, Any]) -> None:
        self._spool, self._number, self._order = Path(spool), number, order

    @property
    def _folder(self) -> Path:
        return self._spool / f"worker-{self._number}"

    def __call__(self) -> None:
        """Do jobs until the run is over, or ends this task."""
        with suppress(KeyboardInterrupt):
            self._work()

    def _work(self) -> None:
        worker, life = RemoteWorker(), uuid.uuid4().hex
        facts = worker.begin(self._order, f"worker-{self._number}")
        say(self._folder, {"life": life, **facts})
        if facts["problem"]:
            return
        threading.Thread(target=self._beat, daemon=True).start()
        orphan, last_job_s = Orphan(self._spool / "beat"), time.monotonic()
        # The folder goes when the run is over: submitit lets SIGTERM pass, so that this is how a task learns of it.
        while self._spool.exists() and not (self._spool / "end").exists() and not orphan.left_alone():
            for path in sorted((self._folder / "jobs").glob("*.json")):
                job = json.loads(path.read_bytes())
                if job.pop("life") == life:  # else of a life before this task was queued again
                    for event in worker.run(job):
                        say(self._folder, {"job": path.stem, "event": event})
                    say(self._folder, {"job": path.stem, "over": True})
                path.unlink()
                last_job_s = time.monotonic()
            time.sleep(POLL_S if time.monotonic() - last_job_s < _SOON_S else IDLE_POLL_S)

    def checkpoint(self) -> Any:
        """What goes on when Slurm starts the task again: the same; its present job goes to whoever is free."""
        from submitit.helpers import DelayedSubmission

        say(self._folder, {"preempted": True})
        return DelayedSubmission(self)

    def _beat(self) -> None:
        with suppress(OSError):  # the run is over, and its folder gone
            while True:
                time.sleep(BEAT_S)
                say(self._folder, {"beat": True})


class Orphan:
    """Notices that a file is no longer rewritten, by this machine's clock alone.

    Args:
        path: of the file.
    """

    def __init__(self, path: Path) -> None:
        self._path, self._content, self._changed_s = path, b"", time.monotonic()

    def left_alone(self) -> bool:
        """Whether the file has not changed for `ORPHAN_S`."""
        try:
            content = self._path.read_bytes()
        except OSError:
            content = b""
        if content != self._content:
            self._content, self._changed_s = content, time.monotonic()
        return time.monotonic() - self._changed_s > ORPHAN_S
