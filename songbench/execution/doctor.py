"""Is this machine ready? Checks with findings and cures."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Literal

from songbench.contracts import registry
from songbench.domain.errors import SongbenchError
from songbench.execution import weights
from songbench.execution.cpu_imports import mend_cpu_imports
from songbench.execution.engine.local import accelerators
from songbench.execution.store import Store

MIN_FREE_GB = 5.0


@dataclass(frozen=True)
class Check:
    """One finding.

    Attributes:
        what: was looked at.
        state: ``ok``, ``note`` (works, but something is missing) or ``bad``.
        finding: in words.
        cure: what to do, when something is.
    """

    what: str
    state: Literal["ok", "note", "bad"]
    finding: str
    cure: str = ""


def examine(store: str) -> list[Check]:
    """Every check; importing the large packages takes some seconds."""
    checks = [_python(), _torch(), _cpu_imports(), _disk(store), _store(store)]
    checks += [_package(name) for name in ("whisperx", "transformers", "fadtk", "audiobox-aesthetics", "gradio")]
    checks += [_weights(name) for name in registry.names(registry.WEIGHTS)]
    for group in (registry.SYSTEMS, registry.METRICS, registry.SUITES, registry.COMMANDS):
        checks += _plugins(group)
    return checks


def _python() -> Check:
    text = f"Python {sys.version.split()[0]}"
    return Check(
        "python", "ok" if sys.version_info >= (3, 11) else "bad", text, "" if sys.version_info >= (3, 11) else "3.11+"
    )


def _torch() -> Check:
    try:
        import torch
    except Exception as error:
        return Check("torch", "bad", f"cannot be imported: {error}", "make setup")
    found = f"{torch.__version__}, {len(accelerators())} CUDA devices"
    return Check("torch", "ok", found)


def _cpu_imports() -> Check:
    mended = mend_cpu_imports()
    text = (
        f"{' and '.join(mended)} are CUDA builds beside a CPU torch: stand-ins in place" if mended else "as installed"
    )
    return Check("torchaudio, torchvision", "ok", text)


def _disk(store: str) -> Check:
    free = shutil.disk_usage(".").free / 1e9
    state: Literal["ok", "note"] = "ok" if free >= MIN_FREE_GB else "note"
    return Check(
        "disk", state, f"{free:.0f} GB free here", "" if state == "ok" else "a song of 3 minutes takes about 60 MB"
    )


def _store(url: str) -> Check:
    try:
        store = Store(url)
        songs = len(store.keys("songs"))
    except SongbenchError as error:
        return Check("store", "bad", str(error))
    return Check("store", "ok", f"{url}: {songs} songs")


def _package(name: str) -> Check:
    try:
        found = version(name)
    except PackageNotFoundError:
        return Check(name, "note", "not installed", f"pip install {name}")
    try:
        __import__(name.replace("-", "_"))
    except Exception as error:  # a broken native library raises anything
        return Check(
            name, "bad", f"{found}: {type(error).__name__}: {str(error)[:80]}", "reinstall from requirements/lock.txt"
        )
    return Check(name, "ok", found)


def _weights(name: str) -> Check:
    def check() -> Check:
        one: weights.Weights = registry.load(registry.WEIGHTS, name)
        if damaged := weights.damaged(one):
            accept = " --accept-licence" if one.restricted else ""
            cure = f"remove {weights.folder_of(one)} and run songbench setup {name}{accept}"
            return Check(f"weights {name}", "bad", f"damaged: {', '.join(damaged)}", cure)
        state = weights.availability(one)
        if not state.ready:
            return Check(f"weights {name}", "note", state.reason, state.cure)
        checked = "sha256 verified" if one.pinned else "sha256 as recorded when they were set up"
        return Check(f"weights {name}", "ok", f"{weights.as_recorded(one).size_text}, {one.licence}, {checked}")

    return _guarded(f"weights {name}", check)


def _plugins(group: str) -> list[Check]:
    broken = []
    for name in registry.names(group):
        try:
            registry.load(group, name)
        except SongbenchError as error:
            broken.append(Check(f"plug-in {name}", "bad", str(error)))
    kind = group.rpartition(".")[2]
    return broken or [Check(kind, "ok", ", ".join(registry.names(group)) or "none")]


def _guarded(what: str, check: Callable[[], Check]) -> Check:
    try:
        return check()
    except SongbenchError as error:
        return Check(what, "bad", str(error))
