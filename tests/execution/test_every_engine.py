"""One table, whatever the engine."""

import os
from importlib.util import find_spec

import command_line
import pytest

ENGINES = {
    "local": (None, ["engine.workers=2"]),
    "ray": ("ray", ["engine.batch=1"]),
    "slurm": ("submitit", ["engine.cluster=local", "engine.workers=2", "engine.batch=1"]),
}
"""What each needs installed, and its settings."""


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_every_engine_gives_the_same_bytes(tmp_path, suite_file):
    suite = suite_file(4)
    tables = {}
    installed = {name: more for name, (package, more) in ENGINES.items() if package is None or find_spec(package)}
    for name, more in {"inline": [], **installed}.items():
        (folder := tmp_path / name).mkdir()
        words = [
            "run",
            "--suite",
            suite,
            "--systems",
            "silence,noise,probe",
            "--metrics",
            "audio,level@probe,spread@probe",
        ]
        words += ["--store", folder / "store", "--runs", folder / "runs", "--quiet", "--set", f"engine={name}"]
        words += [word for setting in more for word in ("--set", setting)]
        process = command_line.fresh(list(map(str, words)), cwd=folder, env=dict(os.environ), timeout=400)
        assert process.returncode == 0, process.stderr
        run = folder / "runs/small"
        tables[name] = {path.name: path.read_bytes() for path in [*run.glob("leaderboard.*"), run / "scores.csv"]}
    assert len(tables["inline"]) > 3
    assert all(table == tables["inline"] for table in tables.values()), sorted(installed)
