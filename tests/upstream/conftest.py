"""Real upstream code: checkouts and environments that the user names, tiny random weights, prompts."""

import sys
from pathlib import Path

import pytest
from layers import HERE, environment_folder, layered_environment, linked_checkout, upstream_folder, write_weights

from songbench.resources import checkouts, environments
from systems.diffrhythm import environment as diffrhythm_needs
from systems.yue import environment as yue_needs

sys.path.insert(0, str(Path(__file__).parents[1] / "systems" / "upstream"))  # the prompts, shared with the stand-ins

CPU_SITE = {"sitecustomize.py": HERE / "cpu_site.py"}


@pytest.fixture(scope="session")
def diffrhythm(tmp_path_factory):
    """Environment, checkout and weights of DiffRhythm: its own code and packages, random weights of tiny sizes."""
    source, real = upstream_folder(diffrhythm_needs.CHECKOUT), environment_folder(diffrhythm_needs.ENVIRONMENT)
    folder = tmp_path_factory.mktemp("diffrhythm")
    environment = layered_environment(real, folder / "environment", CPU_SITE)
    weights = write_weights("tiny_diffrhythm.py", environment, source, folder / "weights")
    sizes = {"config/diffrhythm-1b.json": (weights / "diffrhythm-1b.json").read_text(encoding="utf-8")}
    return environment, linked_checkout(source, folder / "checkout", sizes), weights


@pytest.fixture(scope="session")
def yue(tmp_path_factory):
    """Environment, checkout and weights of YuE: its own code and tokenizer, random weights, a stand-in codec."""
    source, real = upstream_folder(yue_needs.CHECKOUT), environment_folder(yue_needs.ENVIRONMENT)
    folder = tmp_path_factory.mktemp("yue")
    environment = layered_environment(real, folder / "environment", CPU_SITE)
    return environment, source, write_weights("tiny_yue.py", environment, source, folder / "weights")


@pytest.fixture
def set_folders(monkeypatch, tmp_path):
    """A function that tells songbench, by its variables, where a system's environment and checkout are."""
    monkeypatch.setenv("SONGBENCH_WEIGHTS", str(tmp_path / "weights"))
    monkeypatch.setenv("SONGBENCH_ENVIRONMENTS", str(tmp_path / "environments"))

    def name(system, environment, checkout):
        monkeypatch.setenv(environments.override_variable(system.environment), str(environment))
        monkeypatch.setenv(checkouts.override_variable(system.upstream), str(checkout))

    return name
