"""Which large libraries commands load at their start; how long that takes is measured by benchmarks/overhead.py."""

import json
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


@pytest.fixture(scope="module")
def complete_run(tmp_path_factory):
    """A folder in which a run has everything, and the words that ask for that run again."""
    folder = tmp_path_factory.mktemp("complete")
    rows = [
        {"suite": "short", "version": "1"},
        {"id": "p", "lyrics": "[verse]\nla la", "language": "en", "seconds": 1.0},
    ]
    (folder / "short.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    words = ["run", "--suite", "short.jsonl", "--systems", "silence", "--metrics", "rtf"]
    loaded(words, (), folder)
    return folder, words


def test_a_run_with_nothing_to_do_loads_neither_statistics_nor_drivers_of_stores(complete_run):
    folder, words = complete_run
    assert loaded(words, (*LARGE, "hydra", "fsspec", "soundfile", "songbench.reporting.leaderboard"), folder) == []


@pytest.mark.parametrize("command", ["status", "runs"])
def test_a_command_that_only_counts_loads_no_driver_of_stores(command, complete_run):
    folder, _ = complete_run
    assert loaded([command], (*LARGE, "hydra", "fsspec", "songbench.reporting.leaderboard"), folder) == []
