"""A run whose system is an adapter: a card, an environment and a worker script in a package of its own."""

import json
import os
import sys

import pytest

from songbench.contracts import registry

PLUGIN = """
from pathlib import Path

from songbench.plugin import IsolatedSystem, SystemCard
from songbench.resources.environments import Environment

ENVIRONMENT = Environment(name="far-tone", summary="A toy.", requirements=("nothing==1.0",), licence="CC0-1.0")


class Tone(IsolatedSystem):
    def __init__(self, level: float = 0.25):
        super().__init__(
            card=SystemCard(name="tone", version="1", summary="A toy.", licence="CC0-1.0", languages=()),
            environment=ENVIRONMENT,
            worker=Path(__file__).with_name("tone_worker.py"),
            settings={"level": level},
            timeout_s=60,
        )
"""

WORKER = """
import array
import os
import wave


class Worker:
    def __init__(self, settings):
        self.level = settings["level"]

    def describe(self):
        return {"device": "toy"}

    def generate(self, request):
        if request["id"] == "p1":
            raise MemoryError("out of toy memory")
        with wave.open(os.path.join(request["folder"], "song.wav"), "wb") as file:
            file.setparams((1, 2, 8000, 0, "NONE", ""))
            sample = round(self.level * 32767)
            file.writeframes(array.array("h", [sample, -sample] * 4000).tobytes())
        return {"audio": "song.wav", "seconds": 0.5, "peak_gib": 0.125}
"""


@pytest.fixture
def package(tmp_path, monkeypatch):
    """The folder of a package with the adapter, installed for this test."""
    facts = tmp_path / "plugin/tone-1.0.dist-info"
    facts.mkdir(parents=True)
    (tmp_path / "plugin/tone.py").write_text(PLUGIN)
    (tmp_path / "plugin/tone_worker.py").write_text(WORKER)
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: tone\nVersion: 1.0\n")
    (facts / "entry_points.txt").write_text(
        "[songbench.systems]\ntone = tone:Tone\n[songbench.environments]\nfar-tone = tone:ENVIRONMENT\n"
    )
    caches = (registry._installed, registry._entry_points)
    for cache in caches:
        cache.cache_clear()
    monkeypatch.syspath_prepend(tmp_path / "plugin")
    yield tmp_path / "plugin"
    for cache in caches:
        cache.cache_clear()
    sys.modules.pop("tone", None)


def test_songs_of_an_adapter_are_stored_and_its_failures_counted(songbench_here, suite_file, package, tmp_path):
    paths = os.pathsep.join([str(package), os.environ["PYTHONPATH"]])
    env = {"PYTHONPATH": paths, "SONGBENCH_ENVIRONMENTS": str(tmp_path / "environments")}
    places = ["--store", tmp_path / "store", "--runs", tmp_path / "runs"]
    words = ["run", "--suite", suite_file(3), "--systems", "tone", "--metrics", "rtf", "--workers", "1", *places]

    missing = songbench_here(*words, folders=False, env=env)
    assert missing.returncode != 0 and "songbench setup far-tone" in missing.stderr

    ready = {**env, "SONGBENCH_ENV_FAR_TONE": sys.executable}
    process = songbench_here(*words, "--set", "system.tone.level=0.5", folders=False, env=ready)
    assert process.returncode == 1, process.stderr
    assert "environment 'far-tone', generate: MemoryError: out of toy memory" in " ".join(process.stderr.split())
    records = [json.loads(path.read_text()) for path in (tmp_path / "store/records/songs").rglob("*.json")]
    assert len(records) == 2
    for record in records:
        generation = record["system_record"]
        assert (generation["seconds"], generation["peak_gib"], generation["device"]) == (0.5, 0.125, "toy")
    refused = songbench_here(*words, "--set", "system.tone.volume=0.5", folders=False, env=ready)
    assert refused.returncode == 2 and "no setting 'volume'" in refused.stderr
