"""The run record: what a run was, in enough detail to say later what still reproduces; and its journal."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import time
from collections.abc import Mapping
from importlib.metadata import distributions
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from songbench.contracts import registry
from songbench.domain.errors import StoreWriteError
from songbench.execution import isolation, weights
from songbench.execution.engine.local import accelerators
from songbench.execution.experiment import Experiment
from songbench.execution.jobs import Event
from songbench.execution.plan import Planner
from songbench.execution.store import write_atomically

RECORD = "record.json"
JOURNAL = "journal.jsonl"


class Journal:
    """What happened and when, one JSON line per settled item, appended as it happens.

    Args:
        folder: the run's folder.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._handle: IO[str] | None = None

    def __enter__(self) -> Journal:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._handle = open(self._folder / JOURNAL, "a", encoding="utf-8", buffering=1)
        except OSError as error:
            raise StoreWriteError(f"The run folder '{self._folder}' cannot be written: {error.strerror}.") from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._handle:
            self._handle.close()

    def add(self, stage: str, label: str, event: Event) -> None:
        """Append one settled item."""
        facts = {"time": round(time.time(), 3), "stage": stage, "item": label, "outcome": event.what}
        facts |= {"key": event.key, "seconds": event.seconds} | ({"cause": event.cause} if event.cause else {})
        assert self._handle is not None
        self._handle.write(json.dumps(facts, ensure_ascii=False) + "\n")


def read_journal(folder: Path) -> list[dict[str, Any]]:
    """Every whole line of a run's journal; a line cut short by a crash is left out."""
    path = folder / JOURNAL
    rows = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    entries = []
    for row in rows:
        try:
            entries.append(json.loads(row))
        except ValueError:
            continue
    return entries


def make_record(experiment: Experiment, planner: Planner) -> dict[str, Any]:
    """Everything that decided the run and the ground it ran on.

    Returns:
        JSON with: the resolved configuration, the cards and versions of systems and metrics, package versions, the git
        revision, hardware, weights with their hashes, the hash of every prompt, and the keys of every song and score.
    """
    return {
        "schema": 1,
        "name": experiment.name,
        "config": dict(experiment.config),
        "suite": {"name": experiment.suite.name, "version": experiment.suite.version, "key": experiment.suite.key()},
        "prompts": {prompt.id: prompt.key() for prompt in experiment.suite.prompts},
        "assets": planner.asset_keys,
        "systems": {
            entrant.name: {
                "spec": entrant.spec,
                "version": entrant.system.card.version,
                "parameters": dict(entrant.system.parameters),
                "package": registry.package_of(registry.SYSTEMS, registry.SystemSpec.parse(entrant.spec).name),
            }
            for entrant in experiment.entrants
        },
        "metrics": {
            judge.id: {
                "version": judge.metric.card.version,
                "parameters": dict(judge.parameters),
                "package": registry.package_of(registry.METRICS, judge.id),
                "available": judge.availability.ready,
            }
            for judge in experiment.judges
        },
        "songs": {"/".join(map(str, name)): key for name, (_, _, key) in planner.songs.items()},
        "weights": weights_here(),
        "environments": environments_here(),
        "packages": packages(),
        "code": git_revision(),
        "hardware": hardware(),
    }


def save_record(experiment: Experiment, planner: Planner) -> Path:
    """Write the record into the run's folder (atomically) and return its path."""
    path = experiment.folder / RECORD
    text = json.dumps(make_record(experiment, planner), indent=1, ensure_ascii=False, sort_keys=True, default=str)
    try:
        write_atomically(path, text.encode())
    except OSError as error:
        raise StoreWriteError(f"The run folder '{path.parent}' cannot be written: {error.strerror}.") from error
    return path


def weights_here() -> dict[str, Mapping[str, Any]]:
    """Name, version and file hashes of every weight that is set up; a broken plug-in's cannot be, so they are not."""
    found: dict[str, Mapping[str, Any]] = {}
    for name in registry.names(registry.WEIGHTS):
        try:
            one: weights.Weights = registry.load(registry.WEIGHTS, name)
        except registry.PluginError:
            continue
        if weights.path(one):
            files = weights.as_recorded(one).files
            found[name] = {"version": one.version, "sha256": {file.name: file.sha256 for file in files}}
    return found


def environments_here() -> dict[str, Mapping[str, Any]]:
    """Name, pins and package versions of every environment that is set up; of a user's own, the path of its Python."""
    found: dict[str, Mapping[str, Any]] = {}
    for name in registry.names(registry.ENVIRONMENTS):
        try:
            one: isolation.Environment = registry.load(registry.ENVIRONMENTS, name)
        except registry.PluginError:
            continue
        if isolation.override_of(one):
            found[name] = {"identity": isolation.identity_of(one)}
        elif isolation.python_of(one):
            found[name] = {"identity": isolation.identity_of(one), **isolation.installed(one)}
    return found


def packages() -> dict[str, str]:
    """Name and version of every installed package."""
    return dict(sorted({d.name.lower(): d.version for d in distributions() if d.name}.items()))


def git_revision() -> dict[str, Any]:
    """The commit of the code and whether it was changed since; empty outside a git checkout."""
    here = Path(__file__).parent

    def git(*words: str) -> str | None:
        try:
            done = subprocess.run(["git", *words], cwd=here, capture_output=True, text=True, check=False)
        except FileNotFoundError:
            return None
        return done.stdout.strip() if done.returncode == 0 else None

    commit = git("rev-parse", "HEAD")
    return {"commit": commit, "changed": bool(git("status", "--porcelain", "--", ":/*.py"))} if commit else {}


def hardware() -> dict[str, Any]:
    """Processor, cores, memory, accelerators, operating system."""
    import psutil

    model = next(
        (row.partition(":")[2].strip() for row in _cpuinfo() if row.startswith("model name")), platform.processor()
    )
    return {
        "cpu": model,
        "cores": os.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "accelerators": accelerators(),
        "platform": platform.platform(),
        "python": platform.python_version(),
    }


def _cpuinfo() -> list[str]:
    path = Path("/proc/cpuinfo")
    return path.read_text(encoding="utf-8").splitlines() if path.exists() else []
