"""Arrays of tasks through submitit: on Slurm, or as processes of this machine to try the same without one."""

from __future__ import annotations

import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

from songbench.domain.errors import InputError, SongbenchError, one_line
from songbench.execution.engine.remote_worker import ONE_THREAD, log_tail

_COMMAND_S = 60
_KILL_S = 10.0


class Cluster(Protocol):
    """Where arrays of tasks run."""

    def submit(self, tasks: Sequence[Any], folder: Path) -> list[str]:
        """Submit callables as one array; returns the id of each task."""

    def alive(self, ids: Sequence[str]) -> set[str] | None:
        """Those tasks that run or wait; None when that cannot be said at this moment."""

    def cancel(self, ids: Sequence[str]) -> None:
        """End tasks, waiting or running."""

    def cancel_earlier(self, ids: Sequence[str], folder: Path) -> None:
        """The same with tasks that another process has submitted with this folder."""

    def last_words(self, identifier: str, folder: Path) -> str:
        """The end of what submitit and Slurm logged of a task."""


class SlurmCluster:
    """Slurm.

    Args:
        parameters: of submitit's executor.
        requeues: how often a task is queued again after it has used its time.
    """

    def __init__(self, parameters: Mapping[str, Any], requeues: int) -> None:
        self._parameters, self._requeues = dict(parameters), requeues

    def text(self, tasks: int, folder: Path) -> str:
        """What is given to sbatch for an array."""
        slurm = _submitit().slurm.slurm
        numbers = {"map_count": tasks} if tasks > 1 else {}  # as submitit has it: one task is no array
        command = shlex.join([sys.executable, "-u", "-m", "submitit.core._submit", str(folder)])
        text: str = slurm._make_sbatch_string(command=command, folder=folder, **self._parameters, **numbers)
        return text

    def submit(self, tasks: Sequence[Any], folder: Path) -> list[str]:
        """See `Cluster.submit`."""
        submitit = _submitit()
        if not shutil.which("sbatch"):
            raise InputError(
                "There is no sbatch here.",
                field="engine.name",
                cure="Start the run where jobs are submitted; --set engine.cluster=local tries it here.",
            )
        executor = submitit.SlurmExecutor(folder=folder, max_num_timeout=self._requeues)
        executor.update_parameters(**self._parameters)
        try:
            jobs = _submit_all(executor, tasks)
        except Exception as error:  # submitit has its own kinds
            raise SongbenchError(f"Slurm does not take the array: {one_line(str(error), 1000)}") from error
        return [job.job_id for job in jobs]

    def alive(self, ids: Sequence[str]) -> set[str] | None:
        """See `Cluster.alive`."""
        arrays = sorted({identifier.partition("_")[0] for identifier in ids})
        answer = _command("squeue", "--noheader", "--array", "--format=%i", f"--jobs={','.join(arrays)}")
        if answer.returncode != 0:  # Slurm forgets jobs some minutes after they have ended
            return set() if "Invalid job id" in answer.stderr else None
        return set(answer.stdout.split())

    def cancel(self, ids: Sequence[str]) -> None:
        """See `Cluster.cancel`."""
        if ids:
            _command("scancel", *ids)

    def cancel_earlier(self, ids: Sequence[str], folder: Path) -> None:
        """See `Cluster.cancel_earlier`."""
        self.cancel(ids)

    def last_words(self, identifier: str, folder: Path) -> str:
        """See `Cluster.last_words`."""
        return log_tail(str(folder / f"{identifier}_0_log.err"))


class LocalCluster:
    """Processes of this machine, started and logged by submitit as Slurm's tasks are.

    Ctrl-C does not reach them, and whoever ends one ends all that it has started, as Slurm does.

    Args:
        parameters: those of submitit's local executor.
    """

    def __init__(self, parameters: Mapping[str, Any]) -> None:
        self._parameters = dict(parameters)
        self._jobs: dict[str, Any] = {}

    def submit(self, tasks: Sequence[Any], folder: Path) -> list[str]:
        """See `Cluster.submit`."""
        variables = {} if self._parameters.get("gpus_per_node") else ONE_THREAD
        python = shlex.join(["env", *(f"{name}={value}" for name, value in variables.items()), sys.executable])
        executor = _submitit().LocalExecutor(folder=folder, python=python)
        executor.update_parameters(**self._parameters)
        # What is started has no SIGINT: submitit's own process between the run and a task prints a traceback, and goes.
        earlier = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            jobs = _submit_all(executor, tasks)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, earlier)
        self._jobs.update({job.job_id: job for job in jobs})
        return [job.job_id for job in jobs]

    def alive(self, ids: Sequence[str]) -> set[str] | None:
        """See `Cluster.alive`."""
        return {identifier for identifier in ids if not self._jobs[identifier].done()}

    def cancel(self, ids: Sequence[str]) -> None:
        """See `Cluster.cancel`."""
        for identifier in ids:
            job = self._jobs.get(identifier)
            if job and not job.done():  # else its number may belong to somebody else
                _kill(int(identifier))

    def cancel_earlier(self, ids: Sequence[str], folder: Path) -> None:
        """See `Cluster.cancel_earlier`."""
        import psutil

        for identifier in ids:
            with suppress(psutil.Error):
                if str(folder) in psutil.Process(int(identifier)).cmdline():  # else its number is somebody else's now
                    _kill(int(identifier))

    def last_words(self, identifier: str, folder: Path) -> str:
        """See `Cluster.last_words`."""
        return log_tail(str(folder / f"{identifier}_0_log.err"))


def _kill(pid: int) -> None:
    """End a process and all that it has started; waits until they are gone."""
    import psutil

    with suppress(psutil.Error):
        process = psutil.Process(pid)
        family = [process, *process.children(recursive=True)]
        for member in family:
            with suppress(psutil.Error):
                member.kill()
        psutil.wait_procs(family, timeout=_KILL_S)


def _submit_all(executor: Any, tasks: Sequence[Any]) -> list[Any]:
    with executor.batch():
        jobs = [executor.submit(task) for task in tasks]
    return jobs


def _command(*words: str) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(words, capture_output=True, text=True, check=False, timeout=_COMMAND_S)
    except (OSError, subprocess.TimeoutExpired) as error:
        return subprocess.CompletedProcess(words, 1, "", str(error))


def _submitit() -> Any:
    """submitit, which is imported only where it is used."""
    try:
        import submitit
        import submitit.slurm.slurm
    except ImportError as error:
        raise InputError(
            f"The engine 'slurm' needs submitit: {error}", field="engine.name", cure="pip install 'songbench[slurm]'"
        ) from error
    return submitit
