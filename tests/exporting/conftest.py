"""A run of the probe and a sanity system, made once, for all tests of exports."""

import contextlib
import json

import pytest

from songbench.execution.config import build_experiment, compose
from songbench.execution.recorded import recorded
from songbench.execution.runner import Runner
from songbench.execution.store import Store
from songbench.exporting.material import RunExport


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    """A folder with the run ``small``: three prompts, of which one is called as no file may be, by probe and noise.

    The first of the probe's songs goes beyond full scale, the last fails.
    """
    folder = tmp_path_factory.mktemp("exported")
    rows = [{"suite": "small", "version": "1", "licence": "CC0-1.0"}]
    rows += [
        {
            "id": name,
            "lyrics": "[verse]\nla la\n\n[chorus]\n好的",
            "seconds": 0.3,
            "language": "en",
            "tags": {"genre": "pop"},
        }
        for name in ("rain", "aux", "sun")
    ]
    (folder / "small.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    options = {
        "suite.source": "small.jsonl",
        "systems": ["probe", "noise"],
        "metric.select": ["level@probe", "spread@probe"],
        "store": "store",
        "runs": "runs",
    }
    misbehave = "system.probe.misbehave={rain: clip, sun: fail}"
    with contextlib.chdir(folder):
        experiment = build_experiment(compose(["engine=inline", misbehave], options))
        Runner(experiment, Store("store")).run()
    return folder


@pytest.fixture
def export(folder, monkeypatch):
    """A function that opens the run for an export; the working folder is that of the run."""
    monkeypatch.chdir(folder)

    def open_run(**part):
        experiment, record = recorded("small", "runs")
        return RunExport(experiment, Store(experiment.store), record, **part)

    return open_run
