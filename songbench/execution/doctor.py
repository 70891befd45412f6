"""Is this machine ready? Checks with findings and cures."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from songbench.contracts import registry
from songbench.domain.errors import SongbenchError
from songbench.execution.hardware import accelerators
from songbench.execution.store import Store
from songbench.resources import checkouts, environments, needs, weights
from songbench.resources.cpu_imports import mend_cpu_imports
from songbench.resources.environments import Environment

MIN_FREE_GB = 5.0
PYTHON_SECONDS = 30


@dataclass(frozen=True)
class Check:
    """One finding.

    Attributes:
        subject: what was looked at.
        state: ``ok``, ``note`` (works, but something is missing) or ``bad``.
        finding: in words.
        cure: what to do, when something is.
    """

    subject: str
    state: Literal["ok", "note", "bad"]
    finding: str
    cure: str = ""


_OF_PYTHON_ALONE = ("gradio",)
"""Packages without native code of their own: that they are there is enough, and importing them takes seconds."""


def examine(store: str) -> list[Check]:
    """Every check; importing the large packages takes some seconds."""
    checks = [_python(), _torch(), _cpu_imports(), _disk(store), _store(store)]
    checks += [_package(name) for name in ("whisperx", "transformers", "fadtk", "audiobox-aesthetics", "gradio")]
    resource_checks = [_weights(name) for name in registry.names(registry.WEIGHTS)]
    resource_checks += [_environment(name) for name in registry.names(registry.ENVIRONMENTS)]
    resource_checks += [_source(name) for name in registry.names(registry.CHECKOUTS)]
    checks += [check for check in resource_checks if check.state != "note"]
    if absent := [check.subject for check in resource_checks if check.state == "note"]:  # what lacks them says so below
        checks.append(Check("not here", "note", ", ".join(absent), "songbench setup NAME"))
    for group in (registry.SYSTEMS, registry.METRICS):
        checks += _runnable(group)
    for group in (registry.SUITES, registry.COMMANDS, registry.ENGINES, registry.REPORTS):
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
    finding = f"{torch.__version__}, {len(accelerators())} CUDA devices"
    return Check("torch", "ok", finding)


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
        installed_version = version(name)
    except PackageNotFoundError:
        return Check(name, "note", "not installed", f"pip install {name}")
    try:
        module = name.replace("-", "_")
        if name not in _OF_PYTHON_ALONE:
            __import__(module)
        elif find_spec(module) is None:
            raise ImportError(f"there is no module {module}")
    except Exception as error:  # a broken native library raises anything
        return Check(
            name,
            "bad",
            f"{installed_version}: {type(error).__name__}: {str(error)[:80]}",
            "reinstall from requirements/lock.txt",
        )
    return Check(name, "ok", installed_version)


def _weights(name: str) -> Check:
    def check() -> Check:
        declaration: weights.Weights = registry.load(registry.WEIGHTS, name)
        if damaged := weights.damaged(declaration):
            accept = " --accept-licence" if declaration.restricted else ""
            cure = f"remove {weights.folder_of(declaration)} and run songbench setup {name}{accept}"
            return Check(f"weights {name}", "bad", f"damaged: {', '.join(damaged)}", cure)
        state = weights.availability(declaration)
        if not state.ready:
            return Check(f"weights {name}", "note", state.reason, state.cure)
        checked = "sha256 verified" if declaration.pinned else "sha256 as recorded when they were set up"
        return Check(
            f"weights {name}", "ok", f"{weights.as_recorded(declaration).size_text}, {declaration.licence}, {checked}"
        )

    return _guarded(f"weights {name}", check)


def _environment(name: str) -> Check:
    subject = f"environment {name}"

    def check() -> Check:
        environment: Environment = registry.load(registry.ENVIRONMENTS, name)
        python = environments.python_of(environment)
        if python is None:
            state = environments.availability(environment)
            return Check(subject, "note", state.reason, state.cure)
        version, problem = _version_of(python)
        if environments.override_of(environment):
            variable = environments.override_variable(environment)
            cure = f"correct {variable}, or unset it" if problem else ""
            return Check(subject, "bad" if problem else "ok", problem or f"your own: {python}, Python {version}", cure)
        if problem:
            cure = f"remove {environments.folder_of(environment)} and run songbench setup {name}"
            return Check(subject, "bad", problem, cure)
        count = len(environments.installed(environment).get("packages", ()))
        return Check(subject, "ok", f"Python {version}, {count} packages, {environment.licence}")

    return _guarded(subject, check)


def _source(name: str) -> Check:
    subject = f"source {name}"

    def check() -> Check:
        checkout: checkouts.Checkout = registry.load(registry.CHECKOUTS, name)
        state = checkouts.availability(checkout)
        if not state.ready:
            is_named = bool(checkouts.override_of(checkout) or checkouts.noted_folder(checkout))
            return Check(subject, "bad" if is_named else "note", state.reason, state.cure)
        if checkouts.is_changed(checkout):
            cure = f"remove {checkouts.folder_of(checkout)} and run songbench setup {name}"
            return Check(subject, "bad", "its code was changed since it was set up", cure)
        return Check(subject, "ok", f"{checkout.repository} {checkouts.identity_of(checkout)}, {checkout.licence}")

    return _guarded(subject, check)


def _version_of(python: Path) -> tuple[str, str]:
    """The version of another Python, or what is wrong with it."""
    command = [str(python), "-I", "-c", "import platform; print(platform.python_version())"]
    try:
        process = subprocess.run(command, capture_output=True, text=True, timeout=PYTHON_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return "", f"its Python does not start ({type(error).__name__})"
    problem = (
        f"its Python ended with exit code {process.returncode}: {process.stderr.strip()[-80:]}"
        if process.returncode
        else ""
    )
    return process.stdout.strip(), problem


def _runnable(group: str) -> list[Check]:
    """Which systems or metrics would run here, and what each of the others lacks."""
    kind, ready, rest = group.rpartition(".")[2], [], []
    for name in registry.names(group):
        subject = f"{kind.removesuffix('s')} {name}"
        try:
            if group == registry.SYSTEMS:
                state = registry.build_system(name).availability()
            else:
                state = needs.of_metric(name, registry.build_metric(name))
        except SongbenchError as error:
            rest.append(Check(subject, "bad", str(error)))
            continue
        if state.ready:
            ready.append(name)
        else:
            rest.append(Check(subject, "note", state.reason, state.cure))
    return [Check(f"{kind} that would run here", "ok", ", ".join(ready) or "none"), *rest]


def _plugins(group: str) -> list[Check]:
    broken = []
    for name in registry.names(group):
        try:
            registry.load(group, name)
        except SongbenchError as error:
            broken.append(Check(f"plug-in {name}", "bad", str(error)))
    kind = group.rpartition(".")[2]
    return broken or [Check(kind, "ok", ", ".join(registry.names(group)) or "none")]


def _guarded(subject: str, check: Callable[[], Check]) -> Check:
    try:
        return check()
    except SongbenchError as error:
        return Check(subject, "bad", str(error))
