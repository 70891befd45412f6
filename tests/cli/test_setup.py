"""``songbench setup`` for real: a metric that needs weights and an environment, from a folder instead of a network."""

import io
import os
import zipfile

import pytest
from rich.console import Console

from songbench.reporting.downloads import ByteBar

PLUGIN = """
from songbench.contracts.cards import READY, Field, MetricCard
from songbench.resources import environments
from songbench.resources.weights import HubSource, WeightFile, Weights

HEARING = Weights(
    name="hearing",
    version="1",
    summary="A toy.",
    licence="for tests only",
    files=(WeightFile("model.bin", about=5_000_000),),
    sources=(HubSource("nobody/nothing", "main"),),
    restricted=True,
)
ROOM = environments.Environment(
    name="room", summary="A room.", requirements=("toydelta==1.0",), licence="CC0-1.0", python=">=3.8", about=1_000_000
)

class Mine:
    card = MetricCard(
        name="mine", backend="toy", version="1", fields=(Field("mine"),), summary="Mine.", needs=("hearing", "room")
    )
    def availability(self): return READY
    def score(self, songs, features): return iter(())
"""


@pytest.fixture
def setup(songbench, tmp_path):
    facts = tmp_path / "plugin/mine-1.0.dist-info"
    facts.mkdir(parents=True)
    (tmp_path / "plugin/mine_plugin.py").write_text(PLUGIN)
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: mine\nVersion: 1.0\n")
    (facts / "entry_points.txt").write_text(
        "[songbench.metrics]\nmine@toy = mine_plugin:Mine\n[songbench.environments]\nroom = mine_plugin:ROOM\n"
        "[songbench.weights]\nhearing = mine_plugin:HEARING\n"
    )
    env = {
        "PYTHONPATH": os.pathsep.join([str(tmp_path / "plugin"), os.environ["PYTHONPATH"]]),
        "SONGBENCH_WEIGHTS": str(tmp_path / "weights"),
        "SONGBENCH_ENVIRONMENTS": str(tmp_path / "environments"),
        "SONGBENCH_MIRROR": "",
        "HF_ENDPOINT": "http://127.0.0.1:9",
    }
    return lambda *words: songbench("setup", *words, folders=False, env=env)


@pytest.fixture
def stick(tmp_path):
    """A folder as one would carry it to a machine without a network."""
    folder = tmp_path / "stick"
    (folder / "hearing").mkdir(parents=True)
    (folder / "hearing/model.bin").write_bytes(b"weights" * 1000)
    facts = "toydelta-1.0.dist-info"
    with zipfile.ZipFile(folder / "toydelta-1.0-py3-none-any.whl", "w") as archive:
        archive.writestr("toydelta.py", "")
        archive.writestr(f"{facts}/METADATA", "Metadata-Version: 2.1\nName: toydelta\nVersion: 1.0\n")
        archive.writestr(
            f"{facts}/WHEEL", "Wheel-Version: 1.0\nGenerator: t\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{facts}/RECORD", f"toydelta.py,,\n{facts}/METADATA,,\n{facts}/WHEEL,,\n{facts}/RECORD,,\n")
    return folder


def test_a_metric_is_set_up_with_everything_it_needs(setup, stick, tmp_path):
    dry = setup("--metrics", "mine", "--dry-run")
    assert dry.returncode == 0, dry.stderr
    for word in ("hearing", "about 5 MB", "for tests only", "yes", "room", "about 1 MB", "CC0-1.0", "2 of 2 to fetch"):
        assert word in dry.stdout
    assert "about 6 MB" in dry.stdout, "the total"
    assert "pip wheel -w FOLDER toydelta==1.0" in dry.stdout
    assert not (tmp_path / "weights").exists() and not (tmp_path / "environments").exists()

    refused = setup("--metrics", "mine")
    assert refused.returncode == 2
    assert "2 of 2 to fetch" in refused.stderr, "what it is about is shown first"
    assert "songbench setup --metrics mine --accept-licence" in refused.stderr

    process = setup("mine@toy", "--accept-licence", "--from", stick)
    assert process.returncode == 0, process.stderr
    assert "checksum recorded: sha256" in process.stdout
    assert "weights hearing: ready" in process.stdout and "environment room: ready" in process.stdout
    assert list((tmp_path / "environments").glob("room-*/lib/*/site-packages/toydelta.py"))

    again = setup("mine@toy", "--mirror", stick)
    assert again.returncode == 0, again.stderr
    assert again.stdout.splitlines() == [
        "weights hearing: here already (7 kB)",
        "environment room: here already (about 1 MB)",
    ]
    assert again.stderr == ""


def test_mistakes_are_explained(setup):
    wrong = setup("--metrics", "embeded")
    assert wrong.returncode == 2 and "Did you mean 'embedded'?" in wrong.stderr
    assert "Did you mean 'room'?" in setup("roon").stderr
    preset = setup("--metrics", "embedded", "--dry-run")
    assert preset.returncode == 0 and "musicnn" in preset.stdout and "whisper-base" in preset.stdout
    unreachable = setup("hearing", "--accept-licence")
    assert unreachable.returncode == 2 and "No source could give the weights 'hearing'" in unreachable.stderr


def test_a_bar_is_drawn_on_a_terminal_only():
    for terminal in (True, False):
        text = io.StringIO()
        bar = ByteBar(Console(file=text, force_terminal=terminal, width=120))
        with bar.show("whisper-base"):
            bar(1_000_000, 4_000_000)
            bar(4_000_000, 4_000_000)
        assert ("4.0/4.0 MB" in text.getvalue()) == terminal
