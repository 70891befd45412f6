"""The command line in this process, for tests of what commands say and do where another process is not the point.

What is not a message is raised, where a process would print its traceback.
"""

import contextlib
import io
import os
import subprocess
import sys
from unittest import mock


def run(words, *, cwd=None, env=None):
    """Run ``songbench`` as `subprocess.run` would, with text captured.

    Args:
        words: after ``songbench``.
        cwd: the folder it runs in; None: the present one.
        env: all its variables; None: those of this process.
    """
    from songbench.cli import main

    line = ["songbench", *map(str, words)]
    # As strict as a terminal's: half characters raise.
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", errors=on) for on in ("strict", "backslashreplace"))
    with contextlib.ExitStack() as stack:
        if cwd is not None:
            stack.enter_context(contextlib.chdir(cwd))
        if env is not None:
            stack.enter_context(mock.patch.dict(os.environ, env, clear=True))
        stack.enter_context(mock.patch.object(sys, "argv", line))
        stack.enter_context(contextlib.redirect_stdout(out))
        stack.enter_context(contextlib.redirect_stderr(err))
        code = _code_of(main)
    texts = []
    for stream in (out, err):
        stream.flush()
        texts.append(stream.buffer.getvalue().decode("utf-8"))
    return subprocess.CompletedProcess(line, code, *texts)


def _code_of(main):
    try:
        main()
    except SystemExit as end:
        return int(end.code or 0)
    return 0
