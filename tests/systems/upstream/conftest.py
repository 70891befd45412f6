"""A checkout, an environment and weights for every adapter that has a stand-in."""

import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from adapters import ADAPTERS
from shared_files import shared

from songbench.contracts.registry import build_system
from songbench.resources.checkouts import override_variable as checkout_variable
from songbench.resources.environments import override_variable as environment_variable

HERE = Path(__file__).parent
RATE = 16_000


def _write_sounds(folder):
    folder.mkdir()
    rng = np.random.default_rng(0)
    for channels in (1, 2):
        samples = 0.1 * rng.standard_normal((RATE // 2, channels)).astype("float32")
        for suffix in ("wav", "flac", "mp3"):
            soundfile.write(folder / f"{channels}.{suffix}", samples, RATE)
    soundfile.write(folder / "nan.wav", np.full((800, 2), np.nan, dtype="float32"), RATE, subtype="FLOAT")


@pytest.fixture(scope="session")
def stand_in_folder(tmp_path_factory):
    """Stand-ins as they are made: a folder each, like the checkout of what it stands for."""
    folder = tmp_path_factory.mktemp("stand-ins")
    _write_sounds(folder / "sounds")
    return folder


@pytest.fixture
def stand_in(stand_in_folder, tmp_path, monkeypatch):
    """A function that builds an adapter upon its stand-in; `environment` and `weights` are there for it."""
    monkeypatch.setenv("SONGBENCH_ENVIRONMENTS", str(tmp_path / "environments"))
    systems = []

    def build(name, spec=None, **parameters):
        adapter = ADAPTERS[name]
        contract = json.loads(shared(f"facts/systems/{adapter.contract}.json").read_text(encoding="utf-8"))
        system = build_system(spec or adapter.specs[0], parameters)
        root = stand_in_folder / name
        if not root.exists():
            _make_checkout(root, name, adapter, contract, stand_in_folder / "sounds")
        monkeypatch.setenv(environment_variable(system.environment), getattr(sys, "_base_executable", sys.executable))
        if system.upstream is not None:
            monkeypatch.setenv(checkout_variable(system.upstream), str(root))
            for file in system.upstream.files:
                _touch(root / file)
        for entry in system.weights:
            for file in (file for file in entry.files if not file.folder):
                _touch(tmp_path / "weights" / entry.name / file.name)
            (tmp_path / "weights" / entry.name).mkdir(parents=True, exist_ok=True)
        for function in ("path", "verified"):
            monkeypatch.setattr(
                f"songbench.resources.weights.{function}", lambda entry: tmp_path / "weights" / entry.name
            )
        systems.append(system)
        return system

    yield build
    for system in systems:
        system.close()


def _make_checkout(root, name, adapter, contract, sounds):
    entry = root / (adapter.program or contract["entry"]["file"])
    entry.parent.mkdir(parents=True)
    shutil.copyfile(HERE / "bodies" / f"{name}.py", entry)
    shutil.copyfile(HERE / "program.py", entry.parent / "program.py")
    shutil.copytree(sounds, root / "sounds")
    (root / "contract.json").write_text(json.dumps(contract), encoding="utf-8")
    for file in adapter.files:
        _touch(root / file)


def _touch(path):
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
