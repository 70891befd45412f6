"""The plug-in of the documentation, installed as its reader would install it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[2] / "docs/examples/songbench-example"


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    source, target = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("site")
    for path in EXAMPLE.iterdir():
        if path.is_file():
            (source / path.name).write_bytes(path.read_bytes())
    words = ["-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--target", target, source]
    subprocess.run([sys.executable, *map(str, words)], check=True, capture_output=True)
    return {"PYTHONPATH": os.pathsep.join([str(target), os.environ["PYTHONPATH"]])}


def test_it_is_listed_and_runs(songbench, suite_file, installed):
    assert "metronome" in songbench("systems", placed=False, env=installed).stdout
    assert "brightness@centroid" in songbench("metrics", placed=False, env=installed).stdout
    words = ["--systems", "metronome,silence", "--metrics", "brightness,level", "--set", "system.metronome.bpm=90"]
    done = songbench("run", "--suite", suite_file(), *words, env=installed)
    assert done.returncode == 0, done.stderr
    assert "brightness@centroid" in done.stdout
    rows = [row for row in done.stdout.splitlines() if row.strip().startswith("metronome")]
    assert any("4/4" in row for row in rows)
    assert "n/a" in done.stdout, "silence has no brightness"
