"""Real upstream checkouts and environments, with a thin layer over each for what cannot be had.

Nothing of the layers is ever written into what the user named: a checkout is a folder of links in which some files are
replaced, an environment is one with a few modules of its own that finds everything else in the real one.
"""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from songbench.domain.hashing import file_digest
from songbench.resources import checkouts, environments, weights
from songbench.resources.sources import WeightFile

HERE = Path(__file__).parent
EMPTY = Path(os.devnull)


def named_folder(variable, contents):
    """The folder that an environment variable names; the test is skipped where it names none."""
    if not os.environ.get(variable):
        pytest.skip(f"{variable} is not set; it names {contents}")
    folder = Path(os.environ[variable]).expanduser().absolute()
    assert folder.is_dir(), f"{variable} names '{folder}', which is no folder"
    return folder


def upstream_folder(checkout):
    """The folder that the user named for a system's code."""
    contents = f"a checkout of {checkout.repository} at {checkout.commit[:7]}"
    return named_folder(checkouts.override_variable(checkout), contents)


def environment_folder(environment):
    """The virtual environment that the user named for a system."""
    return named_folder(environments.override_variable(environment), f"an environment with {environment.summary}")


def python_of(environment):
    """The Python of a virtual environment."""
    return environment / "bin" / "python"


def linked_checkout(source, target, replaced):
    """Links to everything in a checkout, with some files replaced.

    Args:
        replaced: path in the checkout → text, or a path that is linked there.
    """
    target.mkdir(parents=True)
    for child in source.iterdir():
        if child.name != ".git":
            (target / child.name).symlink_to(child.resolve())
    for name, content in replaced.items():
        path = target
        for part in Path(name).parent.parts:
            path = path / part
            if path.is_symlink():
                real = path.resolve()
                path.unlink()
                path.mkdir()
                for child in real.iterdir():
                    (path / child.name).symlink_to(child)
            path.mkdir(exist_ok=True)
        path = path / Path(name).name
        if path.is_symlink():
            path.unlink()
        if isinstance(content, Path):
            path.symlink_to(content)
        else:
            path.write_text(content, encoding="utf-8")
    return target


def layered_environment(real, target, modules):
    """A virtual environment with some modules of its own beside links to all packages of another.

    Args:
        real: the other one's folder, or None for the packages of this Python.
        target: where it is made.
        modules: name of a file in its site-packages → a file that is copied there, or its text.
    """
    python = python_of(real) if real else Path(sys.executable)
    program = "import json, sysconfig; print(json.dumps([sysconfig.get_path('stdlib'), sysconfig.get_path('purelib')]))"
    answer = subprocess.run([python, "-I", "-c", program], check=True, capture_output=True, text=True).stdout
    library, packages = (Path(path) for path in json.loads(answer))
    (target / "bin").mkdir(parents=True)
    (target / "bin" / "python").symlink_to(python.resolve())
    (target / "pyvenv.cfg").write_text(f"home = {python.resolve().parent}\ninclude-system-site-packages = false\n")
    site = target / "lib" / library.name / "site-packages"
    site.mkdir(parents=True)
    for name, content in modules.items():
        if isinstance(content, Path):
            shutil.copy(content, site / name)
        else:
            (site / name).write_text(content, encoding="utf-8")
    for child in packages.iterdir():
        if child.name not in modules and not child.name.startswith("__editable__"):
            (site / child.name).symlink_to(child.resolve())
    return target


def write_weights(script, environment, cwd, target):
    """Let a script of this folder write tiny weights; one folder for each hub repository."""
    command = [python_of(environment), "-X", "utf8", HERE / script, target]
    run = subprocess.run(command, check=False, cwd=cwd, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr
    return target


def plant(system, sources):
    """Give a system the files of folders as its weights, as if setup had fetched them.

    Args:
        system: a songbench system.
        sources: name of weights → a folder. A declared file that is not in it is an empty one.
    """
    planted = []
    for declared in system.weights:
        source = sources[declared.name]
        names = {str(path.relative_to(source)): path for path in sorted(source.rglob("*")) if path.is_file()}
        names |= {file.name: EMPTY for file in declared.files if not file.folder and file.name not in names}
        files = tuple(WeightFile(name, file_digest(path), path.stat().st_size) for name, path in names.items())
        planted.append(replace(declared, files=files))
        for name, path in names.items():
            target = weights.folder_of(planted[-1]) / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
        assert weights.availability(planted[-1]).ready, declared.name
    system.weights = tuple(planted)
