"""The command line in a process of its own for each call, without importing the same libraries again for each.

A server that has imported them forks a process per call, which gets the call's arguments, variables and folder and ends
as any other, or stays until it is told to stop. There is a server for each set of the variables that count when an
interpreter starts. What needs an interpreter of its own (input, other limits) starts one.
"""

import atexit
import contextlib
import functools
import gc
import json
import os
import runpy
import signal
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path

SECONDS = 800
LIBRARIES = (
    *("songbench.cli", "hydra.compose", "pydantic", "pandas", "scipy.stats", "scipy.optimize", "soundfile", "psutil"),
    *("matplotlib.figure", "matplotlib.backends.backend_agg", "rich.progress", "rich.table", "yaml", "platformdirs"),
    *("matplotlib.style", "matplotlib.backends.backend_svg", "fsspec", "PIL.Image", "scipy.signal", "sqlalchemy.orm"),
    *("songbench.reporting.run_report", "songbench.reporting.console", "songbench.execution.runner"),
    *("songbench.execution.engine.inline", "songbench.execution.engine.local", "songbench.execution.verification"),
    *("songbench.plugin", "songbench.domain.foreign", "listening_test.preparation.build", "listening_test.collected"),
    *("hydra._internal.config_loader_impl", "fsspec.implementations.local", "pyloudnorm", "rich._emoji_codes"),
    *("PIL.JpegImagePlugin", "pypinyin", "omegaconf._impl", "hydra._internal.core_plugins.basic_sweeper"),
)
SINGING = ("songbench.cli", "torch", "safetensors.torch", "soundfile", "rich.progress", "yaml", "jieba.posseg")
"""What ``songbench sing`` needs instead."""
SERVING = ("songbench.cli", "sqlalchemy.orm", "gradio", "pandas.io.formats.style", "uvicorn")
"""What ``songbench listen serve`` needs instead."""

WORKING = ("run", "generate", "score", "validate-metrics")
"""Commands that make songs and scores."""

DEMO = "SONGBENCH_TESTS_DEMO"
"""The variable that names the file to take for the demo suite, so that tests may take fewer of its prompts."""

PLUGINS = Path(__file__).parent / "plugins"
_PATH = [place for place in os.environ.get("PYTHONPATH", "").split(os.pathsep) if place not in ("", str(PLUGINS))]
"""Where the tests were told to look for modules; their own plug-ins are for the calls that name them."""

_AT_START = ("PYTHON", "LC_", "LANG", "OMP_", "MKL_", "MPL", "LD_", "CUDA")
"""Beginnings of variables that count when an interpreter or a library starts."""


def without_workers(words):
    """The same command; if it makes songs or scores and says nothing of workers, it makes them in its own process."""
    if words[0] not in WORKING or any("engine" in word or word == "--workers" for word in words):
        return words
    return [*words, "--set", "engine=inline"]


def run(words, *, cwd, env, python=sys.executable, **keywords):
    """Run ``songbench`` as `subprocess.run` would, with text captured.

    Args:
        words: after ``songbench``.
        cwd: the folder it runs in.
        env: all its variables.
        python: the interpreter.
        keywords: of `subprocess.run`; any makes it start an interpreter.
    """
    if keywords or not hasattr(os, "fork"):
        return fresh(words, cwd=cwd, env=env, python=python, **keywords)
    return _server(str(python), _at_start(env), _libraries(words)).run(words, str(cwd), env)


def start(words, *, cwd, env, output):
    """Start ``songbench`` and leave it to itself; what it says goes to the file `output`, after what is there."""
    if not hasattr(os, "fork"):
        return start_fresh(words, cwd=cwd, env=env, output=output)
    libraries = SERVING if words[0] == "listen" else _libraries(words)
    return _server(sys.executable, _at_start(env), libraries).start(words, str(cwd), env, str(output))


def start_fresh(words, *, cwd, env, output):
    """The same in an interpreter that is started for it."""
    with open(output, "ab") as file:
        line = [sys.executable, "-m", "songbench", *words]
        return subprocess.Popen(line, cwd=cwd, env=env, stdout=file, stderr=subprocess.STDOUT)


def fresh(words, *, python=sys.executable, **keywords):
    """The same in an interpreter that is started for it."""
    line = [str(python), "-m", "songbench", *words]
    options = {"capture_output": True, "text": True, "encoding": "utf-8", "timeout": SECONDS, **keywords}
    return subprocess.run(line, check=False, **options)


def _libraries(words):
    return SINGING if words[0] == "sing" and "--help" not in words else LIBRARIES


def _at_start(env):
    """The variables that count; not the path, which is set in the process of the call."""
    names = [name for name in env if name.startswith(_AT_START) and name != "PYTHONPATH"]
    return tuple((name, env[name]) for name in sorted(names))


@functools.lru_cache(maxsize=8)
def _server(python, start, libraries):
    return _Server(python, dict(start), libraries)


class _Server:
    def __init__(self, python, start, libraries):
        environment = {name: value for name, value in os.environ.items() if not name.startswith(_AT_START)}
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        line = [python, __file__, *libraries]
        path = {"PYTHONPATH": os.pathsep.join(_PATH)} if _PATH else {}
        self._process = subprocess.Popen(line, cwd=os.sep, env={**environment, **start, **path}, **pipes)
        atexit.register(self._end)

    def _end(self):
        self._process.stdin.close()
        self._process.wait()

    def run(self, words, cwd, env):
        with tempfile.TemporaryDirectory() as folder:
            out, err = Path(folder, "out"), Path(folder, "err")
            pid = self.ask(words=words, cwd=cwd, env=dict(env), out=str(out), err=str(err))
            code = self.ask(wait=pid)
            texts = [path.read_text(encoding="utf-8") for path in (out, err)]
        return subprocess.CompletedProcess(["songbench", *words], code, *texts)

    def start(self, words, cwd, env, output):
        return _Staying(self, self.ask(words=words, cwd=cwd, env=dict(env), out=output, err=output))

    def ask(self, **call):
        self._process.stdin.write(json.dumps(call) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())


class _Staying:
    """What tests need of `subprocess.Popen`, for a process that the server has forked."""

    def __init__(self, server, pid):
        self._server, self.pid, self._code = server, pid, None

    def poll(self):
        if self._code is None:
            self._code = self._server.ask(poll=self.pid)
        return self._code

    def wait(self, timeout=SECONDS):
        end = time.monotonic() + timeout
        while self.poll() is None:
            if time.monotonic() > end:
                raise subprocess.TimeoutExpired("songbench", timeout)
            time.sleep(0.02)
        return self._code

    def kill(self):
        self.send_signal(signal.SIGKILL)

    def terminate(self):
        self.send_signal(signal.SIGTERM)

    def send_signal(self, number):
        if self.poll() is None:
            os.kill(self.pid, number)


def serve(libraries):
    """Answer each call, a line of JSON: with a new process's number, or how one ended (null: it has not).

    The forked process leaves the loop to do its work.
    """
    for name in libraries:
        import_module(name)
    if language := sys.modules.get("songbench.domain.language"):
        language.detect_language(["没有人知道 nobody knows"])  # a dictionary and a model, which most suites ask
        for kind in ("systems", "metrics", "environments", "checkouts", "weights"):  # light, but hundreds of modules
            for entry in entry_points(group=f"songbench.{kind}"):
                with contextlib.suppress(Exception):  # a broken one is the call's matter
                    entry.load()
    composed = import_module("songbench.execution.composition")._composed
    for choices in ((), (("engine", "inline"),)):
        composed(choices)  # kept for the calls
    commands = import_module("typer.main")
    commands.get_command = functools.cache(commands.get_command)  # hundreds of signatures, the same for each call
    commands.get_command(import_module("songbench.cli").app)
    gc.freeze()  # else each fork copies the whole heap when it ends
    for row in sys.stdin:
        call = json.loads(row)
        if "words" in call:
            answer = os.fork()
            if answer == 0:
                signal.alarm(SECONDS)
                return call
        elif "wait" in call:
            answer = os.waitstatus_to_exitcode(os.waitpid(call["wait"], 0)[1])
        else:
            ended, status = os.waitpid(call["poll"], os.WNOHANG)
            answer = os.waitstatus_to_exitcode(status) if ended else None
        print(json.dumps(answer), flush=True)
    return None


def become(call):
    """Be the process that ``python -m songbench`` would have started."""
    for number, name, way in ((0, os.devnull, "rb"), (1, call["out"], "ab"), (2, call["err"], "ab")):
        with open(name, way) as file:
            os.dup2(file.fileno(), number)
    os.environ.clear()
    os.environ.update(call["env"])
    tempfile.tempdir = None  # a library may have asked where it is
    os.chdir(call["cwd"])
    sys.argv = ["songbench", *call["words"]]
    sys.path[:1] = [call["cwd"], *filter(None, call["env"].get("PYTHONPATH", "").split(os.pathsep))]
    if DEMO in call["env"]:
        suites = import_module("songbench.suites")
        suites.DEMO = Path(call["env"][DEMO])
    try:
        runpy.run_module("songbench", run_name="__main__", alter_sys=True)
        code = 0
    except SystemExit as end:
        code = end.code
    except BaseException:
        traceback.print_exc()
        code = 1
    leave(code)


def leave(code):
    """End as an interpreter does, but for taking apart each module: that took longer than most commands."""
    if code is not None and not isinstance(code, int):
        print(code, file=sys.stderr)
        code = 1
    threading._shutdown()  # waits for threads, which may have something to say
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code or 0)


if __name__ == "__main__":
    sys.path[0] = ""
    call = serve(sys.argv[1:])
    if call:
        become(call)
