"""What the tests of runs share: experiments of the probe plug-in on small suites."""

import gc
from importlib import import_module

import command_line
import pytest

from songbench.execution.config import build_experiment, compose


@pytest.fixture(scope="session", autouse=True)
def libraries():
    """What runs load, before they begin: each time another model is taken they look for garbage, but not in there."""
    for name in command_line.LIBRARIES:
        import_module(name)
    gc.collect()
    gc.freeze()


@pytest.fixture
def experiment(tmp_path, suite_file):
    """A function that builds an experiment; `overrides` as after ``--set``, `fields` of every prompt."""

    def make(*overrides, count=4, store="store", systems=("probe",), metrics=("level@probe", "spread@probe"), **fields):
        options = {
            "suite.source": str(suite_file(count, **fields)),
            "systems": list(systems),
            "metric.select": list(metrics),
            "store": str(tmp_path / store),
            "runs": str(tmp_path / "runs"),
        }
        return build_experiment(compose(overrides, options))

    return make
