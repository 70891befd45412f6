"""The command line in a process of its own for each call, without importing the same libraries again for each.

A server that has imported them forks a process per call, which gets the call's arguments, variables and folder and ends
as any other. There is a server for each set of the variables that count when an interpreter starts. What needs an
interpreter of its own (input, other limits) starts one.
"""

import atexit
import functools
import gc
import json
import os
import runpy
import signal
import subprocess
import sys
import tempfile
from importlib import import_module
from pathlib import Path

SECONDS = 800
LIBRARIES = (
    *("songbench.cli", "hydra.compose", "pydantic", "pandas", "scipy.stats", "scipy.optimize", "soundfile", "psutil"),
    *("matplotlib.figure", "matplotlib.backends.backend_agg", "rich.progress", "rich.table", "yaml", "platformdirs"),
)
HEAVY = {"sing": ("torch", "safetensors.torch")}
"""What a command needs besides."""

DEMO = "SONGBENCH_TESTS_DEMO"
"""The variable that names the file to take for the demo suite, so that tests may take fewer of its prompts."""

_AT_START = ("PYTHON", "LC_", "LANG", "OMP_", "MKL_", "MPL", "LD_", "CUDA")
"""Beginnings of variables that count when an interpreter or a library starts."""


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
    start = tuple(sorted((name, value) for name, value in env.items() if name.startswith(_AT_START)))
    return _server(str(python), start, () if "--help" in words else HEAVY.get(words[0], ())).run(words, str(cwd), env)


def fresh(words, *, python=sys.executable, **keywords):
    """The same in an interpreter that is started for it."""
    line = [str(python), "-m", "songbench", *words]
    given = {"capture_output": True, "text": True, "encoding": "utf-8", "timeout": SECONDS, **keywords}
    return subprocess.run(line, check=False, **given)


@functools.lru_cache(maxsize=8)
def _server(python, start, heavy):
    return _Server(python, dict(start), heavy)


class _Server:
    def __init__(self, python, start, heavy):
        others = {name: value for name, value in os.environ.items() if not name.startswith(_AT_START)}
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        line = [python, __file__, *LIBRARIES, *heavy]
        self._process = subprocess.Popen(line, cwd=os.sep, env={**others, **start}, **pipes)
        atexit.register(self._end)

    def _end(self):
        self._process.stdin.close()
        self._process.wait()

    def run(self, words, cwd, env):
        with tempfile.TemporaryDirectory() as folder:
            out, err = Path(folder, "out"), Path(folder, "err")
            call = {"words": words, "cwd": cwd, "env": dict(env), "out": str(out), "err": str(err)}
            self._process.stdin.write(json.dumps(call) + "\n")
            self._process.stdin.flush()
            code = json.loads(self._process.stdout.readline())
            said = [path.read_text(encoding="utf-8") for path in (out, err)]
        return subprocess.CompletedProcess(["songbench", *words], code, *said)


def serve(libraries):
    """Answer each call, a line of JSON, with its exit code; the forked process leaves the loop to do its work."""
    for name in libraries:
        import_module(name)
    gc.freeze()  # else each fork copies the whole heap when it ends
    for row in sys.stdin:
        call = json.loads(row)
        child = os.fork()
        if child == 0:
            signal.alarm(SECONDS)
            return call
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)
    return None


def become(call):
    """Be the process that ``python -m songbench`` would have started."""
    for number, name, way in ((0, os.devnull, "rb"), (1, call["out"], "wb"), (2, call["err"], "wb")):
        with open(name, way) as file:
            os.dup2(file.fileno(), number)
    os.environ.clear()
    os.environ.update(call["env"])
    os.chdir(call["cwd"])
    sys.argv = ["songbench", *call["words"]]
    sys.path[0] = call["cwd"]
    if DEMO in call["env"]:
        suites = import_module("songbench.suites")
        suites.DEMO = Path(call["env"][DEMO])
    runpy.run_module("songbench", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    sys.path[0] = ""
    given = serve(sys.argv[1:])
    if given:
        become(given)
