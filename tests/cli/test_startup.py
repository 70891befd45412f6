"""Which large libraries commands load at their start; how long that takes is measured by benchmarks/overhead.py."""

import os
import subprocess
import sys

import command_line
import pytest

LARGE = ("torch", "transformers", "librosa", "scipy", "numba", "sklearn", "pandas", "pyarrow", "matplotlib", "nltk")
CALL = """
import importlib.metadata
version = importlib.metadata.version
importlib.metadata.version = lambda name: version(name).partition("+")[0]  # a torch that may have devices
from songbench.cli import app
app({words!r}, standalone_mode=False)
"""
END = "import sys; print('LOADED', *({names!r} & sys.modules.keys()))"


def loaded(words, names, folder):
    """Those of the modules that are in memory when a command is done."""
    code = CALL.format(words=words) + END.format(names=set(names))
    paths = os.environ["PYTHONPATH"].split(os.pathsep)
    env = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in paths if path != str(command_line.PLUGINS))}
    process = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=folder, env=env
    )
    return process.stdout.rpartition("LOADED")[2].split()


@pytest.mark.parametrize(
    ("words", "more"),
    [
        (["--help"], ("numpy", "pydantic", "yaml", "hydra", "fsspec", "urllib.request")),
        (["run", "--help"], ("numpy", "yaml", "hydra", "fsspec", "urllib.request")),
        (["listen", "--help"], ("numpy", "hydra", "fsspec", "fastapi", "sqlalchemy")),
        (["runs"], ("numpy", "hydra", "fsspec", "urllib.request")),
        (["systems"], ("hydra", "fsspec", "urllib.request")),
        (["systems", "songbloom"], ("hydra", "fsspec", "urllib.request")),
        (["metrics"], ("hydra", "fsspec", "urllib.request")),
    ],
    ids=" ".join,
)
def test_a_command_that_only_tells_loads_nothing_large(words, more, tmp_path):
    assert loaded(words, (*LARGE, *more), tmp_path) == []
