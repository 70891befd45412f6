"""Environments made for real, from wheels that the test builds; nothing is asked of any index."""

import fcntl
import json
import subprocess
import sys
import threading
import time

import pytest
from wheels import wheel

from songbench.contracts import registry
from songbench.domain.errors import StoreWriteError
from songbench.execution import doctor
from songbench.resources.environments import (
    Environment,
    InstallStep,
    IsolatedWorker,
    SetupError,
    availability,
    folder_of,
    installed,
    python_of,
    setup_environment,
)
from songbench.resources.environments.environment import MARKER

TOY = Environment(
    name="toy-env",
    summary="A toy.",
    requirements=("toyalpha==1.0",),
    licence="CC0-1.0",
    python=f">={sys.version_info.major}.{sys.version_info.minor}",
    steps=(InstallStep(("toygamma==3.0",), no_deps=True),),
    about=20_000,
)

SCRIPT = """
import sys

class Worker:
    def __init__(self, settings):
        import toyalpha, toybeta, toygamma
        self.sum = toyalpha.VALUE + toybeta.VALUE + toygamma.VALUE

    def report(self):
        try:
            import numpy
        except ImportError:
            numpy = None
        return {"sum": self.sum, "prefix": sys.prefix, "numpy": numpy is not None}
"""


@pytest.fixture(autouse=True)
def places(tmp_path, monkeypatch):
    monkeypatch.setenv("SONGBENCH_ENVIRONMENTS", str(tmp_path / "environments"))
    for name in ("SONGBENCH_MIRROR", "SONGBENCH_ENV_TOY_ENV"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def mirror(tmp_path):
    folder = tmp_path / "usb"
    wheel(folder / "toy-env", "toyalpha", "1.0", "VALUE = 1", ["toybeta>=2"])
    wheel(folder / "toy-env", "toybeta", "2.0", "VALUE = 20")
    wheel(folder, "toygamma", "3.0", "VALUE = 300", ["a-package-that-nobody-has"])
    return folder


def test_an_environment_from_nothing_to_a_worker_with_every_accident(mirror, tmp_path, monkeypatch):
    messages = []
    before = availability(TOY)
    assert not before.ready and before.cure == "songbench setup toy-env"
    # the first try meets a mirror that lacks a package
    missing = mirror / "toygamma-3.0-py3-none-any.whl"
    missing.rename(tmp_path / "kept.whl")
    with pytest.raises(
        SetupError, match=r"toygamma(?s:.*)Log: (?s:.*)songbench setup toy-env(?s:.*)SONGBENCH_ENV_TOY_ENV"
    ):
        setup_environment(TOY, say=messages.append, mirror=mirror)
    assert python_of(TOY) is None, "half an environment is none"
    (tmp_path / "kept.whl").rename(missing)
    # what it left is used again when it is whole
    half = folder_of(TOY) / "pyvenv.cfg"
    mtime = half.stat().st_mtime_ns
    folder = setup_environment(TOY, say=messages.append, mirror=mirror)
    assert half.stat().st_mtime_ns == mtime
    assert folder == folder_of(TOY) and availability(TOY).ready
    facts = installed(TOY)
    assert facts["packages"].items() >= {"toyalpha": "1.0", "toybeta": "2.0", "toygamma": "3.0"}.items()
    assert any("step 2 of 2" in row for row in messages)
    log = (folder.parent / f"{folder.name}.log").read_text()
    assert "--no-deps" in log and "toybeta" in log
    # a second setup does nothing
    messages.clear()
    assert setup_environment(TOY, say=messages.append, mirror=tmp_path / "nowhere") == folder
    assert messages == []
    # a worker lives in it, and only in it
    (tmp_path / "script.py").write_text(SCRIPT)
    monkeypatch.setenv("PYTHONPATH", ":".join(sys.path))
    with IsolatedWorker(TOY, tmp_path / "script.py") as worker:
        assert worker.call("report") == {"sum": 321, "prefix": str(folder), "numpy": False}
        assert dict(worker.packages) == {"toyalpha": "1.0", "toygamma": "3.0"}
    # the doctor looks at it
    monkeypatch.setattr(registry, "load", lambda *_: TOY)
    assert doctor._environment("toy-env").state == "ok"
    python = python_of(TOY)
    python.unlink()
    python.write_text("#!/bin/sh\nexit 3\n")
    python.chmod(0o755)
    check = doctor._environment("toy-env")
    assert check.state == "bad" and "exit code 3" in check.finding
    assert check.cure == f"remove {folder} and run songbench setup toy-env"
    python.unlink()
    assert doctor._environment("toy-env").state == "note"
    # pieces of an installation that was cut off are not built upon
    python.symlink_to(sys.executable)
    (folder / MARKER).unlink()
    (record,) = folder.rglob("toybeta-2.0.dist-info/RECORD")
    (record.parent.parent / "toybeta.py").unlink()
    setup_environment(TOY, say=messages.append, mirror=mirror)
    assert any("starting over" in row for row in messages)
    with IsolatedWorker(TOY, tmp_path / "script.py") as worker:
        assert worker.call("report")["sum"] == 321


def test_two_setups_do_not_disturb_each_other(tmp_path):
    """The second waits for the first and then finds the environment made."""
    folder = folder_of(TOY)
    folder.parent.mkdir(parents=True)
    messages, folders = [], []
    with open(folder.parent / f"{folder.name}.lock", "a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        thread = threading.Thread(target=lambda: folders.append(setup_environment(TOY, say=messages.append)))
        thread.start()
        while not messages:
            time.sleep(0.01)
        assert "waiting" in messages[0] and not folders
        (folder / "bin").mkdir(parents=True)
        (folder / "bin/python").symlink_to(sys.executable)
        (folder / MARKER).write_text("{}")
    thread.join(20)
    assert folders == [folder] and len(messages) == 1


def test_what_is_wrong_is_told_before_anything_is_made(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    monkeypatch.setenv("SONGBENCH_INSTALLER", "pip")
    future = Environment(name="future", summary="A toy.", requirements=("x==1",), licence="CC0-1.0", python=">=3.99")
    with pytest.raises(SetupError, match=r"needs Python >=3\.99; found only .*python"):
        setup_environment(future, say=lambda _: None, mirror=tmp_path)
    huge = Environment(name="huge", summary="A toy.", requirements=("x==1",), licence="CC0-1.0", about=10**18)
    with pytest.raises(StoreWriteError, match="no room for the environment 'huge'"):
        setup_environment(huge, say=lambda _: None)
    assert not folder_of(future).exists() and not folder_of(huge).exists()


def test_uv_is_used_where_it_is(mirror, tmp_path, monkeypatch):
    """A stand-in uv notes what it is asked, and makes what the real one would."""
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin/uv"
    program.write_text(
        f"#!{sys.executable}\nimport json, pathlib, sys\n"
        f"with open({str(tmp_path / 'asked')!r}, 'a') as log: log.write(json.dumps(sys.argv[1:]) + chr(10))\n"
        "if sys.argv[1] == 'venv':\n"
        "    place = pathlib.Path(sys.argv[-1]) / 'bin'\n"
        "    place.mkdir(parents=True)\n"
        f"    (place / 'python').symlink_to({sys.executable!r})\n"
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    setup_environment(TOY, say=lambda _: None, mirror=mirror)
    create, first, second = [json.loads(row) for row in (tmp_path / "asked").read_text().splitlines()]
    python = str(folder_of(TOY) / "bin/python")
    assert create == ["venv", "--quiet", "--python", TOY.python, str(folder_of(TOY))]
    assert first[:4] == ["pip", "install", "--python", python] and first[-1] == "toyalpha==1.0"
    assert "--no-index" in first and f"--find-links={mirror / 'toy-env'}" in first and "--no-deps" not in first
    assert second[-2:] == ["--no-deps", "toygamma==3.0"]


def test_a_setup_that_is_stopped_takes_its_tools_along(tmp_path, monkeypatch):
    """Ctrl-C while pip works: nothing goes on in the background, and the next setup is not kept out."""
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin/uv"
    program.write_text(f"#!/bin/sh\nsleep 300 &\necho $! > {tmp_path}/child\nwait\n")
    program.chmod(0o755)
    code = (
        "import sys\n"
        "from songbench.resources.environments import Environment, setup_environment\n"
        "toy = Environment(name='toy-env', summary='', requirements=('x==1',), licence='')\n"
        "setup_environment(toy, say=print)\n"
    )
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    end = time.monotonic() + 20
    while not (tmp_path / "child").exists() or not (tmp_path / "child").read_text():
        assert time.monotonic() < end
        time.sleep(0.02)
    process.send_signal(2)
    assert b"KeyboardInterrupt" in process.communicate(timeout=20)[1]
    import psutil

    child = int((tmp_path / "child").read_text())
    while psutil.pid_exists(child) and psutil.Process(child).status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < end
        time.sleep(0.02)
