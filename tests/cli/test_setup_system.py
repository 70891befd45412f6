"""``songbench setup`` of a system with an environment, source and weights: the plan, the setup, undoing it."""

import io
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from songbench.contracts import registry

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")

PLUGIN = """
import subprocess
from typing import Literal

from songbench.domain.errors import SongbenchError
from songbench.plugin import READY, Checkout, SystemCard
from songbench.resources import needs
from songbench.resources.checkouts import path_of
from songbench.resources.environments import Environment, python_of
from songbench.resources.weights import WeightFile, Weights

ROOM = Environment(
    name="far", summary="A room.", requirements=("x==1",), licence="MIT", python=">=3.8", about=1_000_000
)
SOURCE = Checkout(
    name="far", summary="A program.", repository="authors/far", commit="COMMIT", licence="Apache-2.0",
    files=("infer.py",), about=2_000
)
BASE, FULL = (
    Weights(name=f"far-{name}", version="1", summary="Toy.", licence="CC0-1.0", files=(WeightFile("model.bin"),),
            sources=())
    for name in ("base", "full")
)


class Far:
    parameters = {}

    def __init__(self, variant: Literal["base", "full"] | None = None) -> None:
        name = variant or "base"
        self.card = SystemCard(
            name="far" if name == "base" else f"far:{name}", version="1", summary="Far.", licence="MIT",
            languages=("en",), conditions=("lyrics",), needs=("far", f"far-{name}"),
        )

    def availability(self):
        return needs.availability_of_all(self.card.needs)

    def generate(self, requests):
        return iter(())

    def self_check(self, say):
        say("far: running infer.py --help")
        line = [python_of(ROOM), path_of(SOURCE) / "infer.py", "--help"]
        process = subprocess.run(line, capture_output=True, text=True)
        if process.returncode:
            raise SongbenchError(f"infer.py ended with exit code {process.returncode}: {process.stderr.strip()[-80:]}")


class Near(Far):
    def __init__(self) -> None:
        self.card = SystemCard(
            name="near", version="1", summary="Near.", licence="MIT", languages=("en",), conditions=("lyrics",),
            needs=("far-base",),
        )

    self_check = None
"""

UV = """#!PYTHON
import os, pathlib, sys
with open(os.environ["FAR_ASKED"], "a") as log:
    log.write(" ".join(sys.argv[1:3]) + chr(10))
if sys.argv[1] == "venv":
    place = pathlib.Path(sys.argv[-1]) / "bin"
    place.mkdir(parents=True)
    (place / "python").symlink_to("PYTHON")
    (place.parent / "pyvenv.cfg").write_text("home = " + os.path.dirname("PYTHON"))
"""


def git(*words, cwd):
    identity = [word for name in ("user.name", "user.email") for word in ("-c", f"{name}=nobody@nowhere")]
    return subprocess.run(
        ["git", *identity, *words], cwd=cwd, check=True, capture_output=True, text=True
    ).stdout.strip()


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """The plug-in, a clone of the program, a folder with weights, and a stand-in for uv."""
    folder = tmp_path_factory.mktemp("shop")
    (folder / "clone").mkdir()
    (folder / "clone/infer.py").write_text(
        "import os, sys\nif os.environ.get('FAR_BROKEN'):\n    sys.exit('no such library: libfar.so')\n"
    )
    git("init", "-q", cwd=folder / "clone")
    git("add", ".", cwd=folder / "clone")
    git("commit", "-qm", "first", cwd=folder / "clone")
    commit = git("rev-parse", "HEAD", cwd=folder / "clone")
    facts = folder / "plugin/far-1.0.dist-info"
    facts.mkdir(parents=True)
    (folder / "plugin/far_plugin.py").write_text(PLUGIN.replace("COMMIT", commit))
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: far\nVersion: 1.0\n")
    (facts / "entry_points.txt").write_text(
        "[songbench.systems]\nfar = far_plugin:Far\nnear = far_plugin:Near\n"
        "[songbench.environments]\nfar = far_plugin:ROOM\n[songbench.checkouts]\nfar = far_plugin:SOURCE\n"
        "[songbench.weights]\nfar-base = far_plugin:BASE\nfar-full = far_plugin:FULL\n"
    )
    for name in ("far-base", "far-full"):
        (folder / "stick" / name).mkdir(parents=True)
        (folder / "stick" / name / "model.bin").write_bytes(b"weights" * 1000)
    (folder / "bin").mkdir()
    (folder / "bin/uv").write_text(UV.replace("PYTHON", sys._base_executable))
    (folder / "bin/uv").chmod(0o755)
    return folder


@pytest.fixture(scope="module", autouse=True)
def installed(shop):
    """The plug-in on the path of this process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(shop / "plugin"))
        for cache in (registry._installed, registry._entry_points):
            cache.cache_clear()
        yield
    for cache in (registry._installed, registry._entry_points):
        cache.cache_clear()


@pytest.fixture
def variables(shop, tmp_path):
    return {
        "PYTHONPATH": os.pathsep.join([str(shop / "plugin"), os.environ["PYTHONPATH"]]),
        "PATH": os.pathsep.join([str(shop / "bin"), os.environ["PATH"]]),
        "FAR_ASKED": str(tmp_path / "asked"),
        "SONGBENCH_MIRROR": "",
        "SONGBENCH_UPSTREAM_FAR": "",
        "SONGBENCH_ENV_FAR": "",
        "SONGBENCH_INSTALLER": "uv",
        **{f"SONGBENCH_{kind.upper()}": str(tmp_path / kind) for kind in ("weights", "environments", "checkouts")},
    }


@pytest.fixture
def setup(songbench_here, variables):
    return lambda *words, **more: songbench_here("setup", *words, folders=False, env={**variables, **more})


def files(folder):
    """What lies in the three folders, but for lock files and a folder for downloads, which are empty."""
    paths = [path for kind in ("weights", "environments", "checkouts") for path in (folder / kind).glob("*")]
    return sorted(path.name for path in paths if not path.name.endswith((".lock", "downloads")))


def test_a_system_is_planned_set_up_checked_and_undone(setup, shop, tmp_path, monkeypatch):
    stick, clone = shop / "stick", shop / "clone"
    dry = setup("far", "--dry-run")
    assert dry.returncode == 0, dry.stderr
    rows = [row.split() for row in dry.stdout.splitlines() if row.strip()[:1].isdigit()]
    assert [(row[1], row[2]) for row in rows[:4]] == [
        ("far", "environment"),
        ("far", "source"),
        ("far-base", "weights"),
        ("far", "self-check"),
    ]
    for word in ("about 1 MB", "about 2 kB", "Apache-2.0", "3 of 3 to fetch", "archive/", "pip wheel"):
        assert word in dry.stdout
    assert not (tmp_path / "checkouts").exists()

    # the self-check fails: what is here stays, and the same command checks again
    broken = setup("far", "--from", stick, "--upstream", clone, FAR_BROKEN="1")
    assert broken.returncode == 2
    assert (
        "The self-check of 'far' failed: infer.py ended with exit code 1: no such library: libfar.so" in broken.stderr
    )
    assert "Everything that was set up stays. To check again: songbench setup far" in broken.stderr
    again = setup("far")
    assert again.returncode == 0, again.stderr
    assert again.stdout.splitlines() == [
        "environment far: here already (about 1 MB)",
        "source far: here already (about 2 kB)",
        "weights far-base: here already (7 kB)",
        "far: running infer.py --help",
        "far: works",
    ]
    assert setup("far:full", "--from", stick).returncode == 0

    # undoing: nobody answers; of a variant; of all
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    unanswered = setup("far", "--remove")
    assert unanswered.returncode == 2 and "--yes removes without asking" in unanswered.stderr
    monkeypatch.setattr(sys, "stdin", io.StringIO("n\n"))
    assert "Nothing was removed" in setup("far", "--remove").stderr
    assert len(files(tmp_path)) == 5, "an environment with its log, source, two weights"
    variant = setup("far:full", "--remove", "--yes")
    assert variant.returncode == 0 and "far-full: removed (7 kB)" in variant.stdout
    assert "stays: needed by the system far" in variant.stderr and len(files(tmp_path)) == 4
    undone = setup("far", "--remove", "--yes")
    assert undone.returncode == 0, undone.stderr
    assert "stays: needed by the system near" in undone.stderr
    assert [name.split("-")[1] for name in files(tmp_path)] == ["base"], "what another system needs"
    assert [row.partition(": removed (")[0] for row in undone.stdout.splitlines()] == ["environment far", "source far"]
    weights = setup("far-base", "--remove", "--yes")
    assert "far-base: removed (7 kB)" in weights.stdout and files(tmp_path) == []
    assert "Nothing was removed" in setup("far", "--remove", "--yes").stderr
    assert (clone / "infer.py").is_file() and (stick / "far-base/model.bin").is_file()


def test_folders_of_ones_own_are_never_removed(setup, shop, tmp_path):
    source, room = tmp_path / "source", tmp_path / "room/bin"
    source.mkdir()
    room.mkdir(parents=True)
    shutil.copy(shop / "clone/infer.py", source)
    (room / "python").symlink_to(sys.executable)
    override = {"SONGBENCH_ENV_FAR": str(room.parent)}
    process = setup("far", "--from", shop / "stick", "--upstream", source, **override)
    assert process.returncode == 0, process.stderr
    assert "is used as it is" in process.stdout and "far: works" in process.stdout
    assert files(tmp_path) == ["far-base-1-unpinned", "far.json"]
    undone = setup("far", "--remove", "--yes", COLUMNS="300", **override)
    assert undone.returncode == 0, undone.stderr
    message = " ".join(undone.stderr.split())
    assert f"your own, {source}, is left alone" in message
    assert f"your own, {room.parent}, is left alone" in message
    assert (source / "infer.py").is_file() and (room / "python").exists()
    assert files(tmp_path) == ["far-base-1-unpinned"]
    for words in (("far", "near-by"), ("near", "--upstream", source), ("--remove",)):
        assert setup(*words).returncode == 2


def test_a_setup_that_was_killed_is_taken_up_again(setup, variables, shop, tmp_path):
    """Killed while git works: the environment is not made twice, the source is whole, and no piece remains."""
    (tmp_path / "slow").mkdir()
    slow = tmp_path / "slow/git"
    slow.write_text(
        f'#!/bin/sh\ncase "$*" in *fetch*) echo $$ > {tmp_path}/git; exec sleep 300;; esac\n'
        f'exec {shutil.which("git")} "$@"\n'
    )
    slow.chmod(0o755)
    words = ["far", "--from", str(shop / "stick"), "--upstream", str(shop / "clone")]
    env = {**os.environ, **variables, "PATH": os.pathsep.join([str(slow.parent), variables["PATH"]])}
    process = subprocess.Popen([sys.executable, "-m", "songbench", "setup", *words], env=env, stdout=subprocess.DEVNULL)
    end = time.monotonic() + 60
    while not (tmp_path / "git").exists() or not (tmp_path / "git").read_text():
        assert time.monotonic() < end and process.poll() is None
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    os.kill(int((tmp_path / "git").read_text()), signal.SIGKILL)
    assert list((tmp_path / "checkouts").glob(".far-*.part"))
    process = setup(*words)
    assert process.returncode == 0, process.stderr
    assert "far: works" in process.stdout
    assert (tmp_path / "asked").read_text().splitlines().count("venv --quiet") == 1
    assert not list((tmp_path / "checkouts").glob(".*"))
    marker = json.loads(next((tmp_path / "checkouts").glob("far-*/.songbench-checkout.json")).read_text())
    assert marker["commit"] == git("rev-parse", "HEAD", cwd=Path(shop / "clone"))
