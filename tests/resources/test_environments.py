"""Workers of other environments: what they answer, and every way in which one can go wrong."""

import gc
import os
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import numpy as np
import psutil
import pytest
import soundfile

from songbench.domain.audio import Audio, AudioFile, MemoryAudio
from songbench.domain.errors import InputError, SongbenchError, UnavailableError
from songbench.resources.environments import (
    Environment,
    InstallStep,
    IsolatedWorker,
    IsolationError,
    availability,
    folder_of,
    identity_of,
    python_of,
    read_array,
    write_wav,
)
from songbench.resources.environments.surroundings import for_worker

TOY = Environment(
    name="toy-env",
    summary="A toy.",
    requirements=("numpy==2.3.5", "no-such-package==1.0"),
    licence="CC0-1.0",
    about=3_100_000_000,
)

SCRIPT = """
import os, signal, subprocess, sys, time
from pathlib import Path

class Worker:
    def __init__(self, settings):
        if settings.get("broken"):
            print("loading", file=sys.stderr)
            raise RuntimeError("no such checkpoint")
        if settings.get("dies"):
            os._exit(3)
        self.settings = settings

    def add(self, a, b):
        print("adding", a, b)  # libraries print
        os.write(1, b"raw words on the real stdout\\n")
        subprocess.run(["echo", "and a child's"])
        return {"sum": a + b, "settings": self.settings, "pid": os.getpid()}

    def input(self):
        return sys.stdin.read()

    def fail(self):
        print("about to fail", file=sys.stderr)
        raise ValueError("not today\\nnor tomorrow")

    def count(self, to, fail=False):
        for number in range(to):
            yield number
        if fail:
            raise ValueError("lost count")

    def leave(self):
        sys.exit("no weights")

    def nan(self):
        return float("nan")

    def once(self, flag, how):
        flag = Path(flag)
        if how == "always" or not flag.exists():
            flag.touch()
            print("last words", file=sys.stderr, flush=True)
            if how == "garbage":
                for number in range(3, 20):
                    try:
                        if os.readlink(f"/proc/self/fd/{number}").startswith("pipe:"):
                            os.write(number, b"INFO: from C\\n")
                    except OSError:
                        pass
                time.sleep(30)
            elif how == "exit":
                os._exit(7)
            elif how == "child that goes on":
                if os.fork() == 0:
                    return "said by a child"
                os._exit(7)
            elif how == "program that stays":
                subprocess.Popen(["sleep", "60"], close_fds=False, start_new_session=True)
                os._exit(7)
            elif how == "files in place of the channel":
                os.closerange(3, 40)
                files = [open(f"{flag}-{number}", "w") for number in range(40)]
                time.sleep(30)
            os.kill(os.getpid(), signal.SIGKILL)
        return "done"

    def hang(self, child=None):
        if child:
            Path(child).write_text(str(subprocess.Popen(["sleep", "300"]).pid))
        time.sleep(300)

    def freeze(self):
        os.kill(os.getpid(), signal.SIGSTOP)

    def surroundings(self, *names):
        return dict(os.environ), sys.path

    def _hidden(self):
        return "secret"
"""


@pytest.fixture(autouse=True)
def places(tmp_path, monkeypatch):
    monkeypatch.setenv("SONGBENCH_ENVIRONMENTS", str(tmp_path / "environments"))
    monkeypatch.setenv("SONGBENCH_ENV_TOY_ENV", sys.executable)


@pytest.fixture
def script(tmp_path):
    (tmp_path / "numpy.py").write_text("raise ImportError('shadowed')")
    (tmp_path / "toy_script.py").write_text(SCRIPT)
    return tmp_path / "toy_script.py"


@pytest.fixture
def worker(script):
    with IsolatedWorker(TOY, script, {"size": 3}, timeout_s=60, silence_s=30) as isolated_worker:
        yield isolated_worker


def has_ended(pid):
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def wait_until(condition, seconds=15):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.02)


def test_calls_are_answered_whatever_is_printed(worker, tmp_path):
    first = worker.call("add", a=1, b=2)
    assert first["sum"] == 3
    assert first["settings"] == {"size": 3}
    assert worker.call("add", a="é", b="漢")["sum"] == "é漢"
    assert worker.call("add", a=[1], b=[0.1])["sum"] == [1, 0.1]
    assert worker.call("add", a=0, b=0)["pid"] == first["pid"], "one process serves all calls"
    assert worker.python == sys.version.split()[0]
    assert worker.packages == {"numpy": np.__version__}
    assert worker.call("input") == "", "requests are not for the worker to read"
    worker.close()
    assert has_ended(first["pid"])
    assert not list((tmp_path / "environments/logs").iterdir()), "nothing went wrong, so nothing is kept"


def test_an_exception_is_reported_and_the_worker_lives_on(worker):
    pid = worker.call("add", a=0, b=0)["pid"]
    with pytest.raises(IsolationError) as caught:
        worker.call("fail")
    assert caught.value.cause == "environment 'toy-env', fail: ValueError: not today"
    assert "toy_script.py" in caught.value.detail and "raise ValueError" in caught.value.detail
    assert "about to fail" in caught.value.detail
    assert isinstance(caught.value, SongbenchError)
    failure = caught.value.failure("feature")
    assert (failure.stage, failure.cause) == ("feature", caught.value.cause)
    for method, message in (("leave", "SystemExit: no weights"), ("nan", "ValueError"), ("add", "missing 2 required")):
        with pytest.raises(IsolationError, match=message):
            worker.call(method)
    for method in ("nothing", "_hidden", "settings"):
        with pytest.raises(IsolationError, match=f"no method '{method}'; it has add, count, fail"):
            worker.call(method)
    assert worker.call("add", a=0, b=0)["pid"] == pid


def test_a_generator_gives_a_list(worker):
    assert worker.call("count", to=3) == [0, 1, 2]
    assert worker.call("count", to=0) == []
    with pytest.raises(IsolationError, match="ValueError: lost count"):
        worker.call("count", to=2, fail=True)


def test_what_json_cannot_hold_is_the_callers_mistake(worker):
    with pytest.raises(ValueError):
        worker.call("add", a=float("nan"), b=0)
    with pytest.raises(TypeError):
        worker.call("add", a=object(), b=0)
    assert worker.python is None, "nothing was started for it"


@pytest.mark.parametrize("how", ["kill", "exit", "garbage", "child that goes on", "program that stays"])
def test_a_worker_that_dies_is_replaced_and_asked_again(worker, tmp_path, how):
    before = worker.call("add", a=0, b=0)["pid"]
    assert worker.call("once", flag=str(tmp_path / "flag"), how=how) == "done"
    assert worker.call("add", a=0, b=0)["pid"] != before
    assert has_ended(before)


def test_nothing_is_written_into_files_that_took_the_number_of_the_channel(worker, tmp_path):
    assert worker.call("once", flag=str(tmp_path / "flag"), how="files in place of the channel") == "done"
    assert {path.stat().st_size for path in tmp_path.glob("flag-*")} == {0}


def test_a_worker_that_always_dies_is_given_up(script, tmp_path):
    with IsolatedWorker(TOY, script, restarts=2) as worker:
        with pytest.raises(IsolationError) as caught:
            worker.call("once", flag=str(tmp_path / "flag"), how="always")
        assert "environment 'toy-env', once: the worker was ended by SIGKILL" in caught.value.cause
        assert "3 tries" in caught.value.cause
        assert "last words" in caught.value.detail
        assert ".log" in caught.value.detail
        assert worker.call("add", a=1, b=1)["sum"] == 2, "another call may do better"
    (log,) = [path for path in (tmp_path / "environments/logs").iterdir() if path.name in caught.value.detail]
    assert "last words" in log.read_text()


def test_a_worker_that_hangs_is_ended_with_its_children(script, tmp_path):
    with IsolatedWorker(TOY, script, timeout_s=1.0) as worker:
        with pytest.raises(IsolationError, match="environment 'toy-env', hang: no answer after 1 s"):
            worker.call("hang", child=str(tmp_path / "child"))
        wait_until(lambda: has_ended(int((tmp_path / "child").read_text())))
        assert worker.call("add", a=1, b=1)["sum"] == 2


def test_a_worker_without_a_sign_of_life_is_ended(script):
    with (
        IsolatedWorker(TOY, script, silence_s=1.6) as worker,
        pytest.raises(IsolationError, match=r"freeze: no sign of life for 1\.6 s"),
    ):
        worker.call("freeze")


def test_a_worker_that_cannot_be_built(script, tmp_path):
    with pytest.raises(IsolationError, match="start: RuntimeError: no such checkpoint") as caught:
        IsolatedWorker(TOY, script, {"broken": True}).call("add", a=1, b=1)
    assert "loading" in caught.value.detail
    with pytest.raises(IsolationError, match="add: the worker ended with exit code 3"):
        IsolatedWorker(TOY, script, {"dies": True}, restarts=0).call("add", a=1, b=1)
    for text, message in (("x = 1", "no attribute 'Worker'"), ("import no_such_thing", "ModuleNotFoundError")):
        (tmp_path / "other.py").write_text(text)
        with pytest.raises(IsolationError, match=message):
            IsolatedWorker(TOY, tmp_path / "other.py").call("add", a=1, b=1)


def test_without_its_environment_it_says_how_to_get_it(script, monkeypatch, tmp_path):
    monkeypatch.delenv("SONGBENCH_ENV_TOY_ENV")
    state = availability(TOY)
    assert state.reason == "the environment 'toy-env' (about 3.1 GB, CC0-1.0) is not set up"
    assert state.cure == "songbench setup toy-env"
    with pytest.raises(UnavailableError, match="songbench setup toy-env"):
        IsolatedWorker(TOY, script).call("add", a=1, b=1)
    monkeypatch.setenv("SONGBENCH_ENV_TOY_ENV", str(tmp_path / "nowhere"))
    assert python_of(TOY) is None
    assert "SONGBENCH_ENV_TOY_ENV names" in availability(TOY).reason
    (tmp_path / "conda/bin").mkdir(parents=True)
    (tmp_path / "conda/bin/python").symlink_to(sys.executable)
    monkeypatch.setenv("SONGBENCH_ENV_TOY_ENV", str(tmp_path / "conda"))
    assert python_of(TOY) == tmp_path / "conda/bin/python"
    assert availability(TOY).ready


def test_other_pins_are_another_environment(monkeypatch):
    environments = [
        Environment(name="toy-env", summary="A toy.", requirements=("numpy==2.3.4",), licence="CC0-1.0"),
        Environment(
            name="toy-env",
            summary="A toy.",
            requirements=TOY.requirements,
            licence="CC0-1.0",
            steps=(InstallStep(("x==1",), no_deps=True),),
        ),
    ]
    assert len({folder_of(one) for one in [TOY, *environments]}) == 3
    assert environments[1].packages == ("numpy", "no-such-package", "x")
    identity = identity_of(TOY)
    monkeypatch.delenv("SONGBENCH_ENV_TOY_ENV")
    assert identity != identity_of(TOY), "the versions of somebody's own environment are not ours"


def test_surroundings_carry_over_but_our_packages_do_not(script, monkeypatch, tmp_path):
    for name in ("PYTHONPATH", "VIRTUAL_ENV", "PYTHONHOME"):
        monkeypatch.setenv(name, str(tmp_path))
    variables = for_worker(tmp_path / "bin/python")
    assert not {"PYTHONPATH", "VIRTUAL_ENV", "PYTHONHOME"} & set(variables)
    monkeypatch.delenv("PYTHONHOME")
    surroundings = {"CUDA_VISIBLE_DEVICES": "3", "OMP_NUM_THREADS": "1", "HF_HOME": "/somewhere"}
    for name, value in surroundings.items():
        monkeypatch.setenv(name, value)
    with IsolatedWorker(TOY, script) as worker:
        settings, path = worker.call("surroundings")
    assert surroundings.items() <= settings.items()
    assert str(tmp_path) not in path, "neither PYTHONPATH nor the script's folder"
    assert settings["PATH"].split(os.pathsep)[0] == str(Path(sys.executable).parent)


def test_no_worker_outlives_its_parent(script, tmp_path):
    parent = textwrap.dedent(f"""
        import sys
        from pathlib import Path
        from songbench.resources.environments import Environment, IsolatedWorker
        toy = Environment(name="toy-env", summary="", requirements=(), licence="")
        worker = IsolatedWorker(toy, Path({str(script)!r}))
        print(worker.call("add", a=1, b=1)["pid"], flush=True)
        worker.call("hang", child={str(tmp_path / "child")!r})
    """)
    process = subprocess.Popen([sys.executable, "-c", parent], stdout=subprocess.PIPE, text=True)
    pid = int(process.stdout.readline())
    wait_until(lambda: (tmp_path / "child").exists() and (tmp_path / "child").read_text())
    process.kill()
    process.communicate()
    wait_until(lambda: has_ended(pid) and has_ended(int((tmp_path / "child").read_text())))


def test_a_worker_that_is_no_longer_used_ends(script):
    worker = IsolatedWorker(TOY, script)
    pid = worker.call("add", a=1, b=1)["pid"]
    del worker
    gc.collect()
    wait_until(lambda: has_ended(pid))


def test_audio_and_arrays_pass_as_files(tmp_path):
    samples = np.array([[0.0, 1.5, -0.123456789], [1e-9, 0.5, 0.25]], np.float32)
    path = write_wav(MemoryAudio(Audio(samples, 48000)), tmp_path / "a.wav")
    assert soundfile.info(path).subtype == "FLOAT"
    np.testing.assert_array_equal(AudioFile(path).load().samples, samples)
    down = AudioFile(write_wav(MemoryAudio(Audio(samples, 48000)), tmp_path / "b.wav", rate=24000, mono=True)).load()
    assert down.rate == 24000 and down.samples.shape[0] == 1
    with pytest.raises(InputError):
        write_wav(AudioFile(tmp_path / "none.wav"), tmp_path / "c.wav")
    np.save(tmp_path / "x.npy", samples)
    np.testing.assert_array_equal(read_array(tmp_path / "x.npy"), samples)
    np.save(tmp_path / "y.npy", np.array([{}], object), allow_pickle=True)
    with pytest.raises(ValueError):
        read_array(tmp_path / "y.npy")
