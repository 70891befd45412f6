"""What all tests share: the probe plug-in on the path, small suites, a way to run the command line for real."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from songbench.execution.numba_cache import take_numba_cache

take_numba_cache()
PLUGINS = Path(__file__).parent / "plugins"
sys.path.insert(0, str(PLUGINS))
sys.path.insert(0, str(Path(__file__).parent / "listening_test" / "collection"))
# Tests run beside each other, one to a core; threads that wait for each other would only take turns.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ["PYTHONPATH"] = os.pathsep.join([str(PLUGINS), *filter(None, [os.environ.get("PYTHONPATH")])])


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """The longest test begins first, so that no process waits for it at the end."""
    items.sort(key=lambda item: item.name != "test_every_documented_command_works")


@pytest.fixture
def suite_file(tmp_path):
    """A function that writes a suite of n one-second prompts and returns its path."""

    def write(count=4, **fields):
        path = tmp_path / "small.jsonl"
        rows = [{"suite": "small", "version": "1"}]
        rows += [{"id": f"p{i}", "lyrics": "[verse]\nla la la", "seconds": 1.0, **fields} for i in range(count)]
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        return path

    return write


@pytest.fixture
def songbench(tmp_path):
    """A function that runs the command line in a process of its own, with store and runs in the test's folder."""

    def run(command, *words, placed=True, **keywords):
        where = ["--store", str(tmp_path / "store"), "--runs", str(tmp_path / "runs")] if placed else []
        return subprocess.run(
            [sys.executable, "-m", "songbench", command, *where, *map(str, words)],
            capture_output=True,
            text=True,
            encoding="utf-8",
            cwd=tmp_path,
            timeout=240,
            check=False,
            env={**os.environ, "COLUMNS": "160", **keywords.pop("env", {})},
            **keywords,
        )

    return run
