"""A run whose metric lives in a worker that is killed: the same numbers as in a run that was left alone."""

import json
import os
import sys

import pytest

from songbench.contracts import registry

PLUGIN = """
import tempfile
from pathlib import Path

from songbench.contracts.cards import Field, MetricCard
from songbench.domain.score import Scores
from songbench.resources import environments

ENVIRONMENT = environments.Environment(
    name="far-away", summary="A toy.", requirements=("nothing==1.0",), licence="CC0-1.0"
)

class Far:
    card = MetricCard(
        name="peak", backend="far", version="1", fields=(Field("peak"),), summary="Largest sample.", needs=("far-away",)
    )

    def __init__(self):
        script = Path(__file__).with_name("far_worker.py")
        self.worker = environments.IsolatedWorker(ENVIRONMENT, script, {"scale": 2.0})

    def availability(self):
        return environments.availability(ENVIRONMENT)

    def score(self, songs, features):
        for song in songs:
            with tempfile.TemporaryDirectory() as folder:
                path = environments.write_wav(song.source, Path(folder) / "song.wav")
                try:
                    said = self.worker.call("loudest", wav=str(path))
                except environments.IsolationError as error:
                    yield error.failure("score")
                    continue
                yield Scores(values={"peak": said["peak"]}, detail={"threads": said["threads"]})
"""

WORKER = """
import os, signal, struct
from pathlib import Path

class Worker:
    def __init__(self, settings):
        self.scale = settings["scale"]

    def loudest(self, wav):
        log, fatal = os.environ.get("FAR_LOG"), os.environ.get("FAR_KILLED", "").split()
        if log:
            with open(log, "a") as file:
                file.write("call\\n")
            if str(len(Path(log).read_text().splitlines())) in fatal:
                os.kill(os.getpid(), signal.SIGKILL)
        data = Path(wav).read_bytes()
        start = data.index(b"data") + 8
        values = struct.unpack("<%df" % ((len(data) - start) // 4), data[start:])
        return {"peak": self.scale * max(map(abs, values)), "threads": os.environ.get("OMP_NUM_THREADS")}
"""


@pytest.fixture
def run(songbench_here, suite_file, tmp_path, monkeypatch):
    """A function that runs the suite with the far metric and returns its scores by prompt."""
    facts = tmp_path / "plugin/far-1.0.dist-info"
    facts.mkdir(parents=True)
    (tmp_path / "plugin/far.py").write_text(PLUGIN)
    (tmp_path / "plugin/far_worker.py").write_text(WORKER)
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: far\nVersion: 1.0\n")
    (facts / "entry_points.txt").write_text(
        "[songbench.metrics]\npeak@far = far:Far\n[songbench.environments]\nfar-away = far:ENVIRONMENT\n"
    )
    for cached in (registry._installed, registry._entry_points):
        cached.cache_clear()
    monkeypatch.syspath_prepend(tmp_path / "plugin")
    suite = suite_file(5)
    paths = os.pathsep.join([str(tmp_path / "plugin"), os.environ["PYTHONPATH"]])

    def go(name, *words, code=0, **env):
        places = ["--store", tmp_path / name / "store", "--runs", tmp_path / name / "runs"]
        variables = {"SONGBENCH_ENV_FAR_AWAY": sys.executable, "SONGBENCH_ENVIRONMENTS": str(tmp_path / "environments")}
        command = ["run", "--suite", suite, "--systems", "probe", "--metrics", "peak@far", "--workers", "1", *words]
        process = songbench_here(*command, *places, folders=False, env={"PYTHONPATH": paths, **variables, **env})
        assert process.returncode == code, process.stderr
        records = [json.loads(path.read_text()) for path in (tmp_path / name / "store/records/scores").rglob("*.json")]
        scores = {one["of"]["prompt"]: (one["values"], one["detail"]) for one in records}
        return scores, process

    yield go
    for cached in (registry._installed, registry._entry_points):
        cached.cache_clear()
    sys.modules.pop("far", None)


def test_a_worker_killed_in_the_middle_changes_no_number(run, tmp_path):
    calm, _ = run("calm")
    assert len(calm) == 5
    assert all(values["peak"] == pytest.approx(0.2, rel=0.01) for values, _ in calm.values())
    assert all(detail == {"threads": "1"} for _, detail in calm.values())
    log = tmp_path / "log"
    rough, _ = run("rough", FAR_LOG=str(log), FAR_KILLED="3")
    assert rough == calm
    assert len(log.read_text().splitlines()) == 6, "only the call that was interrupted was repeated"


def test_a_song_that_always_kills_its_worker_is_a_failure_with_its_cause(run, tmp_path):
    words = ["--set", "engine.retries=0"]
    scores, process = run("dead", *words, code=1, FAR_LOG=str(tmp_path / "log"), FAR_KILLED="2 3")
    assert len(scores) == 4, "the others are scored"
    assert "environment 'far-away', loudest: the worker was ended by SIGKILL" in " ".join(process.stderr.split())
    _, process = run("missing", code=4, SONGBENCH_ENV_FAR_AWAY="")
    assert "the environment 'far-away' (CC0-1.0) is not set up. To get it: songbench setup far-away" in process.stderr
