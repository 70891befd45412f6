"""Environments of their own, for packages that cannot live beside ours: where they are and whether they are ready."""

from __future__ import annotations

import json
import os
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from songbench.contracts.cards import READY, Availability, unavailable
from songbench.domain.hashing import content_key

MARKER = "songbench-environment.json"
"""Written last, so that an environment that has it is whole."""


@dataclass(frozen=True)
class InstallStep:
    """Requirements that are installed together, after those of the steps before.

    Attributes:
        requirements: exact pins in pip's syntax.
        no_deps: install these alone, for packages whose declared dependencies are wrong.
        no_build_isolation: build with what is installed already, for packages that need torch or an old setuptools to
            be built; these have to be in an earlier step.
    """

    requirements: tuple[str, ...]
    no_deps: bool = False
    no_build_isolation: bool = False

    @property
    def options(self) -> list[str]:
        """As pip and uv call them."""
        return ["--no-deps"] * self.no_deps + ["--no-build-isolation"] * self.no_build_isolation


@dataclass(frozen=True, kw_only=True)
class Environment:
    """A Python environment that a system or metric needs, declared next to the code that uses it.

    Register it by an entry point of the group ``songbench.environments`` under its name.

    Attributes:
        name: what ``songbench setup NAME`` calls it.
        summary: one sentence.
        requirements: exact pins in pip's syntax, resolved together; none where Python alone is enough.
        licence: of the packages that matter.
        python: versions it works with, as in ``requires-python``.
        steps: what is installed afterwards, in order.
        about: an estimate of the bytes it takes on disk.
        restricted: the licence forbids some uses; nothing is fetched without ``--accept-licence``.
    """

    name: str
    summary: str
    requirements: tuple[str, ...]
    licence: str
    python: str = ">=3.11,<3.13"
    steps: tuple[InstallStep, ...] = ()
    about: int = 0
    restricted: bool = False

    @property
    def all_steps(self) -> tuple[InstallStep, ...]:
        """Everything that is installed, in order."""
        return (*([InstallStep(self.requirements)] if self.requirements else []), *self.steps)

    @property
    def packages(self) -> tuple[str, ...]:
        """The names of the packages it pins."""
        pins = [pin for step in self.all_steps for pin in step.requirements]
        names = [match[0] for pin in pins if (match := re.match(r"[A-Za-z0-9][A-Za-z0-9._-]*", pin))]
        return tuple(dict.fromkeys(names))

    @property
    def key(self) -> str:
        """Changes with anything that is installed."""
        return content_key(self.name, self.python, [asdict(step) for step in self.all_steps])[:12]


def environments_folder() -> Path:
    """Where environments are kept: ``SONGBENCH_ENVIRONMENTS``, else the user's cache folder."""
    import platformdirs

    folder = os.environ.get("SONGBENCH_ENVIRONMENTS")
    return Path(folder or Path(platformdirs.user_cache_dir("songbench")) / "environments")


def folder_of(environment: Environment) -> Path:
    """Where this environment lies once it is set up; other pins lie elsewhere."""
    return environments_folder() / f"{environment.name}-{environment.key}"


def override_variable(environment: Environment) -> str:
    """The environment variable that names another Python to use instead, e.g. ``SONGBENCH_ENV_FADTK``."""
    return "SONGBENCH_ENV_" + re.sub(r"[^A-Z0-9]", "_", environment.name.upper())


def override_of(environment: Environment) -> str | None:
    """What the user's variable says, if it is set."""
    return os.environ.get(override_variable(environment)) or None


def python_in(folder: Path) -> Path:
    """Where a virtual or conda environment has its Python."""
    places = [folder / "bin" / "python", folder / "Scripts" / "python.exe", folder / "python.exe"]
    return next((place for place in places if place.is_file()), places[0])


def python_of(environment: Environment) -> Path | None:
    """The Python to run, or None when there is none yet.

    ``SONGBENCH_ENV_<NAME>`` (upper case, anything but letters and digits as ``_``) names another one, by its path or
    that of its environment's folder; for a lab that has made its own.
    """
    if override := override_of(environment):
        path = Path(override).expanduser()
        python = python_in(path) if path.is_dir() else path
        return python if python.is_file() else None
    folder = folder_of(environment)
    python = python_in(folder)
    return python if (folder / MARKER).is_file() and python.is_file() else None


def availability(environment: Environment) -> Availability:
    """Ready when it is set up, or when the user names a Python of their own; else what is missing and the command."""
    if python_of(environment):
        return READY
    if override := override_of(environment):
        variable = override_variable(environment)
        return unavailable(
            f"{variable} names '{override}', which is neither a Python nor the folder of an environment",
            f"correct {variable}, or unset it and run songbench setup {environment.name}",
        )
    accept = " --accept-licence" if environment.restricted else ""
    return unavailable(
        f"the environment '{environment.name}' ({size_text(environment)}{environment.licence}) is not set up",
        f"songbench setup {environment.name}{accept}",
    )


def wheel_commands(environment: Environment) -> list[str]:
    """What collects its wheels into FOLDER on a machine with a network, for ``songbench setup --from FOLDER``."""
    steps = [" ".join(["pip wheel -w FOLDER", *one.options, *one.requirements]) for one in environment.all_steps]
    return [f"# with Python {environment.python}, on a machine of the same kind", *steps]


def size_text(environment: Environment) -> str:
    """For the middle of a sentence, e.g. ``about 3.1 GB, ``; "" where nobody has estimated it."""
    from songbench.resources.weights import in_words

    return f"about {in_words(environment.about)}, " if environment.about else ""


def installed(environment: Environment) -> dict[str, Any]:
    """What was noted when it was set up: ``python`` and the version of every package; empty where it was not."""
    try:
        facts: dict[str, Any] = json.loads((folder_of(environment) / MARKER).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return facts


def identity_of(environment: Environment) -> str:
    """What a feature's key takes: the pins, or the user's own environment, whose versions nobody pinned."""
    override = override_of(environment)
    return f"{environment.key} by {override}" if override else environment.key
