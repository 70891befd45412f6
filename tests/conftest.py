"""What all tests share: the probe plug-in on the path, small suites, a way to run the command line for real."""

import gc
import json
import os
import shutil
import sys
from pathlib import Path

import command_here
import command_line
import pytest

from songbench.resources.numba_cache import take_numba_cache

take_numba_cache()
sys.path.insert(0, str(command_line.PLUGINS))
sys.path.insert(0, str(Path(__file__).parent / "listening_test" / "collection"))
# Where nothing may be cached, each of hundreds of processes compiles all modules anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False
# Tests run beside each other, one to a core, with all that they start; what would wait for each other only took turns.
os.environ.setdefault("OMP_NUM_THREADS", "1")
if hasattr(os, "sched_setaffinity") and (number := os.environ.get("PYTEST_XDIST_WORKER", "").removeprefix("gw")):
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {cores[int(number) % len(cores)]})
os.environ["PYTHONPATH"] = os.pathsep.join([str(command_line.PLUGINS), *filter(None, [os.environ.get("PYTHONPATH")])])


LONGEST = (
    "test_demo.py",
    "test_commands.py",
    "test_plugin_example.py",
    "test_laion_clap.py",
    "test_odd_songs.py",
    "test_odd_vocals.py",
    "test_songbloom_checkpoint.py",
    "test_songbloom_command.py",
    "test_fadtk_isolated.py",
    "test_leaderboard_files.py",
    "test_listening_calibration.py",
    "test_engine.py",
    "test_songbloom_system.py",
    "test_demucs.py",
    "test_adapters.py",
    "test_damaged_inputs.py",
    "test_kill.py",
)
"""Files that take longest; they begin first, so that no process waits for another at the end."""


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config):
    """Tests of one file run in one process, so that what they share is built once."""
    if getattr(config.option, "numprocesses", None) and config.option.dist in ("no", "load"):
        config.option.dist, config.option.loadscopereorder = "loadfile", False


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """The longest files begin first; tests that use Chromium are told apart, as ``make test-browser`` runs them."""
    place = {name: number for number, name in enumerate(LONGEST)}
    items.sort(key=lambda item: place.get(item.path.name, len(place)))
    for item in items:
        if "browser" in item.fixturenames:
            item.add_marker("browser")


def pytest_collection_finish():
    """What is loaded by now stays until the end; code that looks for garbage need not look through it each time."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def browser():
    """Chromium without a window; sound starts only after a click, as everywhere."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if program is None:
        pytest.skip("Chromium is not installed: make test-browser installs it")
    with playwright.sync_playwright() as started:
        launched = started.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield launched
        launched.close()


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
    """A function that runs the command line in a process of its own, with store and runs in the test's folder.

    What songs and scores need is loaded in that process already: unless the words say something of the engine, they
    are made there, and not in workers that would load it anew. ``tests/execution`` and the demo have the workers.
    """

    def run(command, *words, folders=True, env=None, **keywords):
        line, where = _arguments(tmp_path, command, words, folders, env)
        return command_line.run(command_line.without_workers(line), **where, **keywords)

    return run


@pytest.fixture
def songbench_here(tmp_path):
    """The same in this process, where a process of its own is not the point."""

    def run(command, *words, folders=True, env=None):
        line, where = _arguments(tmp_path, command, words, folders, env)
        return command_here.run(line, **where)

    return run


def _arguments(folder, command, words, folders, env):
    where = ["--store", str(folder / "store"), "--runs", str(folder / "runs")] if folders else []
    line = [command, *where, *map(str, words)]
    return line, {"cwd": folder, "env": {**os.environ, "COLUMNS": "160", **(env or {})}}
