"""Two systems in one run whose environments pin versions of one package that cannot be installed together."""

import json
import os
import sys

import pytest
from wheels import wheel

from songbench.contracts import registry

PLUGIN = """
from pathlib import Path

from songbench.plugin import IsolatedSystem, SystemCard
from songbench.resources.environments import Environment

FORMER, LATTER = (
    Environment(name=f"pins-{version}", summary="A toy.", requirements=(f"PACKAGE=={version}",), licence="MIT",
                python=">=3.8")
    for version in ("VERSION-1", "VERSION-2")
)


class Former(IsolatedSystem):
    name, environment = "former", FORMER

    def __init__(self):
        card = SystemCard(name=self.name, version="1", summary="A toy.", licence="MIT", languages=())
        script = Path(__file__).with_name("pins_worker.py")
        super().__init__(card=card, environment=self.environment, worker=script, timeout_s=60)


class Latter(Former):
    name, environment = "latter", LATTER
"""

WORKER = """
import array
import importlib.metadata
import os
import wave

import PACKAGE


class Worker:
    def __init__(self, settings):
        self.version = importlib.metadata.version("PACKAGE")
        assert PACKAGE.__version__ == self.version

    def describe(self):
        return {"device": "toy"}

    def generate(self, request):
        level = 1000 if self.version == "VERSION-1" else 2000
        with wave.open(os.path.join(request["folder"], "song.wav"), "wb") as file:
            file.setparams((1, 2, 8000, 0, "NONE", ""))
            file.writeframes(array.array("h", [level, -level] * 1000).tobytes())
        return {"audio": "song.wav", "notes": [f"PACKAGE {self.version}"]}
"""


@pytest.fixture
def package(request, tmp_path, monkeypatch):
    """A package with both systems, installed for this test: its folder, and what both need in two versions."""
    name, versions = request.param
    facts = tmp_path / "plugin/pins-1.0.dist-info"
    facts.mkdir(parents=True)
    for file, text in (("pins.py", PLUGIN), ("pins_worker.py", WORKER)):
        filled = text.replace("PACKAGE", name).replace("VERSION-1", versions[0]).replace("VERSION-2", versions[1])
        (tmp_path / "plugin" / file).write_text(filled)
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: pins\nVersion: 1.0\n")
    environments = "".join(f"pins-{v} = pins:{c}\n" for v, c in zip(versions, ("FORMER", "LATTER"), strict=True))
    (facts / "entry_points.txt").write_text(
        f"[songbench.systems]\nformer = pins:Former\nlatter = pins:Latter\n[songbench.environments]\n{environments}"
    )
    caches = (registry._installed, registry._entry_points)
    for cache in caches:
        cache.cache_clear()
    monkeypatch.syspath_prepend(tmp_path / "plugin")
    yield tmp_path / "plugin", name, versions
    for cache in caches:
        cache.cache_clear()
    sys.modules.pop("pins", None)


@pytest.mark.parametrize(
    "package",
    [
        pytest.param(("hueshift", ("1.0", "2.0")), id="wheels of the test"),
        pytest.param(("six", ("1.16.0", "1.17.0")), id="wheels of the index", marks=pytest.mark.network),
    ],
    indirect=True,
)
def test_each_system_has_its_own_version_in_the_same_run(songbench_here, suite_file, package, tmp_path):
    plugin, name, versions = package
    env = {
        "PYTHONPATH": os.pathsep.join([str(plugin), os.environ["PYTHONPATH"]]),
        "SONGBENCH_ENVIRONMENTS": str(tmp_path / "environments"),
        "SONGBENCH_MIRROR": "",
    }
    mirror = []
    if name == "hueshift":
        mirror = ["--from", tmp_path / "stick"]
        for version in versions:
            wheel(tmp_path / "stick", name, version, f"__version__ = {version!r}\n")
    setup = songbench_here("setup", "former", "latter", *mirror, folders=False, env=env)
    assert setup.returncode == 0, setup.stderr
    assert "former: works" in setup.stdout and "latter: works" in setup.stdout

    places = ["--store", tmp_path / "store", "--runs", tmp_path / "runs"]
    words = ["--suite", suite_file(2), "--systems", "former,latter", "--metrics", "level", "--workers", "1", *places]
    process = songbench_here("run", *words, folders=False, env=env)
    assert process.returncode == 0, process.stderr
    records = [json.loads(path.read_text()) for path in (tmp_path / "store/records/songs").rglob("*.json")]
    notes = sorted(record["system_record"]["notes"][0] for record in records)
    assert notes == sorted([f"{name} {version}" for version in versions] * 2)
    (record,) = (tmp_path / "runs").glob("*/record.json")
    environments = json.loads(record.read_text())["environments"]
    assert [environments[f"pins-{version}"]["packages"] for version in versions] == [
        {name: version} for version in versions
    ]
