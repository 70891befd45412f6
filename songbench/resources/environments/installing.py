"""Making an environment: a virtual environment filled by uv, where there is one, else by pip."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from songbench.domain.errors import StoreWriteError
from songbench.resources.environments.environment import (
    MARKER,
    Environment,
    InstallStep,
    environments_folder,
    folder_of,
    override_variable,
    python_in,
    python_of,
)
from songbench.resources.environments.errors import SetupError
from songbench.resources.environments.surroundings import without_ours
from songbench.resources.locking import locked, unwritable

Say = Callable[[str], None]
"""Where progress messages go, one line each."""

_ERROR_LINES = 8
_VARIABLE = "SONGBENCH_ENVIRONMENTS"

_SURVEY = """
import json, platform
from importlib.metadata import distributions
torn, packages = [], {}
for one in distributions():
    packages[one.metadata["Name"] or "?"] = one.version
    listed = one.files or []
    if one.read_text("INSTALLER") is None or not all(one.locate_file(file).exists() for file in listed):
        torn.append(one.metadata["Name"] or "?")
print(json.dumps({"python": platform.python_version(), "packages": packages, "torn": torn}))
"""
"""Run by the new Python: what is installed, and what an interrupted installer has left in pieces."""


def setup_environment(environment: Environment, *, say: Say = print, mirror: Path | None = None) -> Path:
    """Make an environment unless it is there.

    It counts as there only once a marker is written, last. What an interrupted setup has left is used again when it is
    whole, and downloads are kept by the installer's own cache. Two setups at once do not disturb each other: the second
    waits for the first.

    Args:
        environment: what to make.
        say: called with one line per step.
        mirror: a folder of wheels; nothing is then asked of any index. Default: ``SONGBENCH_MIRROR``.

    Returns:
        Its folder, or that of the user's own Python when a variable names one.

    Raises:
        SetupError: when no fitting Python is found or the installer fails; the message names the log.
        StoreWriteError: when there is no room for it.
    """
    if python := python_of(environment):
        return python.parent.parent
    mirror = mirror or (Path(configured) if (configured := os.environ.get("SONGBENCH_MIRROR")) else None)
    folder = folder_of(environment)
    with locked(folder, _VARIABLE, say) as lock, _Log(folder.with_name(f"{folder.name}.log"), environment, lock) as log:
        if python_of(environment) is None:  # nobody made it while we waited
            _require_space(environment)
            _make(environment, folder, _wheels(environment, mirror), log, say)
    return folder


def _make(environment: Environment, folder: Path, wheels: list[Path], log: _Log, say: Say) -> None:
    name, tool = environment.name, _tool()
    # 1. an empty environment, unless an interrupted setup has left a good one
    python = python_in(folder)
    if folder.exists() and (not python.is_file() or _survey(python, log)["torn"]):
        say(f"{name}: an interrupted setup has left pieces; starting over")
        shutil.rmtree(folder)
    if not folder.exists():
        say(f"{name}: a new environment by {tool.name}, log {log.path}")
        tool.create(environment, folder, log)
        python = python_in(folder)
    # 2. its packages, step by step
    for number, step in enumerate(environment.all_steps, 1):
        say(f"{name}: installing {', '.join(step.requirements)} (step {number} of {len(environment.all_steps)})")
        tool.install(step, python, wheels, log)
    # 3. the marker, last
    survey = _survey(python, log)
    facts = {"name": name, "key": environment.key, "python": survey["python"], "packages": survey["packages"]}
    partial = folder / f"{MARKER}.part"
    partial.write_text(json.dumps(facts, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    partial.replace(folder / MARKER)


def _survey(python: Path, log: _Log) -> dict[str, Any]:
    survey: dict[str, Any] = json.loads(log.run([str(python), "-I", "-c", _SURVEY]).splitlines()[-1])
    return survey


def _wheels(environment: Environment, mirror: Path | None) -> list[Path]:
    """The folders of a mirror in which wheels may lie."""
    if mirror is None:
        return []
    return [place for place in (mirror, mirror / environment.name, mirror / "wheels") if place.is_dir()] or [mirror]


# -- the two tools -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Pip:
    """The standard library's venv and our own pip working on it, or the one that comes with Python."""

    name = "pip"

    def create(self, environment: Environment, folder: Path, log: _Log) -> None:
        options = ["--without-pip"] if _have_pip() else []
        log.run([_fitting_python(environment, log), "-I", "-m", "venv", *options, str(folder)])

    def install(self, step: InstallStep, python: Path, wheels: list[Path], log: _Log) -> None:
        current = [sys.executable, "-m", "pip", "--python", str(python)]
        pip = current if _have_pip() else [str(python), "-I", "-m", "pip"]
        common = ["--disable-pip-version-check", "--no-input", *_offline(wheels), *step.options]
        log.run([*pip, "install", *common, *step.requirements])


@dataclass(frozen=True)
class _Uv:
    """uv, which finds or fetches a fitting Python by itself."""

    program: str
    name = "uv"

    def create(self, environment: Environment, folder: Path, log: _Log) -> None:
        log.run([self.program, "venv", "--quiet", "--python", environment.python, str(folder)])

    def install(self, step: InstallStep, python: Path, wheels: list[Path], log: _Log) -> None:
        place = ["--python", str(python), *_offline(wheels), *step.options]
        log.run([self.program, "pip", "install", *place, *step.requirements])


def _tool() -> _Pip | _Uv:
    """The faster uv when it is on the path, unless ``SONGBENCH_INSTALLER=pip`` says otherwise."""
    uv = shutil.which("uv") if os.environ.get("SONGBENCH_INSTALLER", "uv") == "uv" else None
    return _Uv(uv) if uv else _Pip()


def _offline(wheels: list[Path]) -> list[str]:
    return ["--no-index", *(f"--find-links={place.resolve()}" for place in wheels)] if wheels else []


def _have_pip() -> bool:
    return importlib.util.find_spec("pip") is not None


def _fitting_python(environment: Environment, log: _Log) -> str:
    """A Python of a version that the environment works with: ours, else one on the path."""
    from packaging.specifiers import SpecifierSet
    from packaging.version import InvalidVersion, Version

    versions, rejected = SpecifierSet(environment.python), []
    # sys.executable may itself be of a virtual environment; a new one is better made by what that was made from.
    candidates = [getattr(sys, "_base_executable", None) or sys.executable]
    candidates += [program for minor in range(30, 7, -1) if (program := shutil.which(f"python3.{minor}"))]
    for candidate in candidates:
        try:
            output = log.run([candidate, "-I", "-c", "import platform; print(platform.python_version())"])
            version = Version(output.split()[-1])
        except (SetupError, InvalidVersion, IndexError):  # a stand-in for a Python that is not there
            continue
        if versions.contains(version, prereleases=True):
            return candidate
        rejected.append(f"{candidate} ({version})")
    raise SetupError(
        f"The environment '{environment.name}' needs Python {environment.python}; found only {', '.join(rejected)}."
        " Install such a Python, or uv, which fetches one by itself, and run"
        f" 'songbench setup {environment.name}' again."
    )


# -- surroundings --------------------------------------------------------------------------------------------------


class _Log:
    """Runs the tools and keeps everything they say in a file.

    Args:
        path: of the file, which grows with every try.
        environment: that is being made.
        lock: the number of the open lock file. The tools hold it, too, so that no other setup begins while one of them
            still works after we were killed.
    """

    def __init__(self, path: Path, environment: Environment, lock: int) -> None:
        self.path, self._environment, self._lock = path, environment, lock

    def __enter__(self) -> _Log:
        try:
            self._file = open(self.path, "a+b")
        except OSError as error:
            raise unwritable(self.path.parent, _VARIABLE, error) from error
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def run(self, command: list[str]) -> str:
        """Run a program to its end.

        Returns:
            What it wrote.

        Raises:
            SetupError: when it fails, with the lines that say why and the name of the log.
        """
        self._file.write(f"$ {' '.join(command)}\n".encode())
        self._file.flush()
        begin = self._file.tell()
        settings = {**without_ours(os.environ), "PIP_USER": "0", "PIP_REQUIRE_VIRTUALENV": "0"}
        try:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=self._file,
                stderr=subprocess.STDOUT,
                env=settings,
                pass_fds=(self._lock,),
                start_new_session=True,
            )
        except OSError as error:
            raise self._error(f"{command[0]} cannot be run: {error.strerror}", "") from error
        try:
            status = process.wait()
        except BaseException:  # Ctrl-C: pip starts another pip, so all of them have to go
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise
        self._file.seek(begin)
        output = self._file.read().decode(errors="replace")
        if status:
            raise self._error(f"{Path(command[0]).name} ended with exit code {status}", output)
        return output

    def _error(self, problem: str, output: str) -> SetupError:
        telling = [
            row for row in output.splitlines() if row.strip() and not row.lower().startswith(("warning", "notice"))
        ]
        name = self._environment.name
        return SetupError(
            f"The environment '{name}' could not be set up: {problem}.\n"
            + "".join(f"  {row[:300]}\n" for row in telling[-_ERROR_LINES:])
            + f"Log: {self.path}\nTo try again: songbench setup {name}. On a machine without a network, put wheels of"
            " everything into a folder and add --from FOLDER; or make an environment yourself and name its Python by"
            f" {override_variable(self._environment)}."
        )


def _require_space(environment: Environment) -> None:
    from songbench.resources.weights import in_words

    free = shutil.disk_usage(environments_folder()).free
    if environment.about > free:
        raise StoreWriteError(
            f"There is no room for the environment '{environment.name}': it needs about {in_words(environment.about)},"
            f" and {environments_folder()} has {in_words(free)} free. Free space or set SONGBENCH_ENVIRONMENTS."
        )
