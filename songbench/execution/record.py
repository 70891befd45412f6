"""The run record: what a run was, in enough detail to say later what still reproduces; and its journal."""

from __future__ import annotations

import functools
import json
import re
import subprocess
import time
from collections.abc import Iterator, Mapping
from importlib.metadata import distributions
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from songbench.contracts import registry
from songbench.domain.errors import InputError, StoreWriteError
from songbench.domain.hashing import content_key
from songbench.execution.experiment import Experiment
from songbench.execution.hardware import hardware
from songbench.execution.jobs import Event
from songbench.execution.places import noted_paths
from songbench.execution.plan import Planner
from songbench.execution.recorded_keys import words_key
from songbench.execution.stored_contents import score_keys, stored_contents
from songbench.resources import checkouts, environments, weights
from songbench.resources.files import write_atomically
from songbench.resources.garbage import no_search
from songbench.resources.stamped_index import StampedIndex, stamp_of

RECORD = "record.json"
SCHEMA = 2
_DIGEST = "digest"
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
        facts = {"time": round(time.time(), 3), "stage": stage, "item": label, "outcome": event.status}
        facts |= {"key": event.key, "seconds": event.seconds} | ({"cause": event.cause} if event.cause else {})
        assert self._handle is not None
        self._handle.write(json.dumps(facts, ensure_ascii=False) + "\n")


def read_journal(folder: Path) -> Iterator[dict[str, Any]]:
    """Every whole line of a run's journal; a line that a crash cut short, or that is damaged, is left out."""
    path = folder / JOURNAL
    if path.exists():
        with open(path, "rb") as rows:
            yield from (entry for row in rows if (entry := _entry(row)))


def _entry(row: bytes) -> dict[str, Any] | None:
    try:
        entry = json.loads(row)
        complete = isinstance(entry["seconds"], int | float) and {entry[name] for name in ("stage", "outcome")}
    except (ValueError, TypeError, KeyError):
        return None
    return entry if complete else None


def make_record(experiment: Experiment, planner: Planner) -> dict[str, Any]:
    """Everything that decided the run, the ground it ran on, and what it stored.

    Returns:
        JSON with: the resolved configuration, the cards and versions of systems and metrics, package versions, the git
        revision, hardware, weights with their hashes, the hash of every prompt, the keys of every song and score, the
        digest of everything stored that they rest on, and which songs are unsupported and why, if there are any.
    """
    record = {
        "schema": SCHEMA,
        "name": experiment.name,
        "config": dict(experiment.config),
        "paths": noted_paths(experiment.config, experiment.folder),
        "suite": {"name": experiment.suite.name, "version": experiment.suite.version, "key": experiment.suite.key()},
        "prompts": {prompt.id: prompt.key() for prompt in experiment.suite.prompts},
        "words": {prompt.id: words_key(prompt) for prompt in experiment.suite.prompts},
        "assets": planner.asset_keys,
        "systems": {
            system.name: {
                "spec": system.spec,
                "version": system.card.version,
                "sanity": system.card.sanity,
                "parameters": dict(system.plugin.parameters),
                "package": registry.package_of(registry.SYSTEMS, registry.SystemSpec.parse(system.spec).name),
            }
            for system in experiment.systems
        },
        "metrics": {
            metric.id: {
                "version": metric.card.version,
                "parameters": dict(metric.parameters),
                "package": registry.package_of(registry.METRICS, metric.id),
                "available": metric.availability.ready,
            }
            for metric in experiment.metrics
        },
        "songs": {"/".join(map(str, name)): key for name, (_, _, key) in planner.songs.items()},
        "scores": score_keys(planner),
        "stored": stored_contents(planner),
        "weights": weights_here(),
        "environments": environments_here(),
        "sources": sources_here(),
        "packages": packages(),
        "code": git_revision(),
        "hardware": hardware(),
    }
    refused = {"/".join(map(str, name)): reason for name, reason in planner.unsupported.items()}
    return {**record, "unsupported": refused} if refused else record


_LARGE_PARTS = ("songs", "scores", "stored")
"""Texts and whole numbers by text, hundreds of thousands of them: they are read as they are written."""


@no_search()
def save_record(experiment: Experiment, planner: Planner) -> Path:
    """Write the record into the run's folder (atomically) and return its path."""
    path = experiment.folder / RECORD
    record = make_record(experiment, planner)
    small = {name: value for name, value in record.items() if name not in _LARGE_PARTS}
    record |= json.loads(json.dumps(small, default=str))  # as it will be read
    text = json.dumps(signed(record), indent=1, ensure_ascii=False, sort_keys=True)
    try:
        if not (
            path.is_file() and path.read_bytes() == text.encode()
        ):  # its time of change tells which page is outdated
            write_atomically(path, text.encode())
    except OSError as error:
        raise StoreWriteError(f"The run folder '{path.parent}' cannot be written: {error.strerror}.") from error
    return path


def signed(record: Mapping[str, Any]) -> dict[str, Any]:
    """A record with the digest of all it says."""
    plain = {name: value for name, value in record.items() if name != _DIGEST}
    return {**plain, _DIGEST: content_key("run record", plain)}


def read_record(path: Path, *, anew: bool = False) -> dict[str, Any]:
    """The record of a run.

    Args:
        path: its file.
        anew: hash it even if it was found whole before and its file is as it was.

    Raises:
        InputError: when it is not there, cut, altered, or of another version of songbench.
    """
    cure = "The command that made the run writes it anew; nothing stored is lost."
    try:
        stamp = None if anew else _stamp(path)
        record = json.loads(path.read_bytes())
        if not isinstance(record, dict) or "schema" not in record:
            raise ValueError("not a run record")
        if record["schema"] != SCHEMA and _DIGEST not in record:
            raise InputError("The run was made by an earlier version of songbench.", file=str(path), cure=cure)
        if not _is_known(path, stamp) and record != signed(record):
            raise InputError("The record was altered since it was written.", file=str(path), cure=cure)
        _note(path, stamp)
    except FileNotFoundError:
        raise InputError("The record is gone.", file=str(path), cure=cure) from None
    except (ValueError, RecursionError) as error:
        raise InputError(f"The record is cut or unreadable ({error}).", file=str(path), cure=cure) from None
    return record


_KIND = "run record"
LARGE = 1_000_000
"""Bytes from which on it is kept that a record is whole: to hash it takes longer than to read it."""


def _stamp(path: Path) -> int | None:
    now_ns, status = time.time_ns(), path.stat()
    return stamp_of(status, now_ns) if status.st_size >= LARGE else None


def _is_known(path: Path, stamp: int | None) -> bool:
    """Whether a record was found whole before and is as it was."""
    return stamp is not None and bool(StampedIndex.in_cache("runs").find(_KIND, {str(path.absolute()): stamp}))


def _note(path: Path, stamp: int | None) -> None:
    if stamp is not None and not _is_known(path, stamp):
        StampedIndex.in_cache("runs").add(_KIND, {str(path.absolute()): (stamp, b"whole")})


def weights_here() -> dict[str, Mapping[str, Any]]:
    """Name, version and file hashes of every weight that is set up; a broken plug-in's cannot be, so they are not."""
    versions: dict[str, Mapping[str, Any]] = {}
    for name in registry.names(registry.WEIGHTS):
        try:
            declaration: weights.Weights = registry.load(registry.WEIGHTS, name)
        except registry.PluginError:
            continue
        if weights.path(declaration):
            files = weights.as_recorded(declaration).files
            versions[name] = {"version": declaration.version, "sha256": {file.name: file.sha256 for file in files}}
    return versions


def environments_here() -> dict[str, Mapping[str, Any]]:
    """Name, pins and package versions of every environment that is set up; of a user's own, the path of its Python."""
    identities: dict[str, Mapping[str, Any]] = {}
    for name in registry.names(registry.ENVIRONMENTS):
        try:
            environment: environments.Environment = registry.load(registry.ENVIRONMENTS, name)
        except registry.PluginError:
            continue
        if environments.override_of(environment):
            identities[name] = {"identity": environments.identity_of(environment)}
        elif environments.python_of(environment):
            identities[name] = {
                "identity": environments.identity_of(environment),
                **environments.installed(environment),
            }
    return identities


def sources_here() -> dict[str, str]:
    """Which state of other people's programs is here; a broken plug-in's is left out."""
    identities: dict[str, str] = {}
    for name in registry.names(registry.CHECKOUTS):
        try:
            checkout: checkouts.Checkout = registry.load(registry.CHECKOUTS, name)
        except registry.PluginError:
            continue
        if checkouts.path_of(checkout):
            identities[name] = checkouts.identity_of(checkout)
    return identities


@functools.cache
def packages() -> dict[str, str]:
    """Name and version of every installed package."""
    versions: dict[str, str] = {}
    for distribution in distributions():
        # Name and version alone: to parse all that packages say of themselves takes half a second.
        text = distribution.read_text("METADATA") or distribution.read_text("PKG-INFO") or ""
        name, version = (re.search(rf"^{field}: *(.+)$", text, re.MULTILINE) for field in ("Name", "Version"))
        if name and version:
            versions[name[1].strip().lower()] = version[1].strip()
    return dict(sorted(versions.items()))


@functools.cache
def git_revision() -> dict[str, Any]:
    """The commit of the code and whether it was changed since; empty outside a git checkout."""
    folder = Path(__file__).parent

    def git(*words: str) -> str | None:
        try:
            process = subprocess.run(["git", *words], cwd=folder, capture_output=True, text=True, check=False)
        except FileNotFoundError:
            return None
        return process.stdout.strip() if process.returncode == 0 else None

    commit = git("rev-parse", "HEAD")
    return {"commit": commit, "changed": bool(git("status", "--porcelain", "--", ":/*.py"))} if commit else {}
