"""Compiled functions: the crash that a shared cache leaves behind, and the folder that each process has to itself."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

KERNEL = """
import numba

@numba.njit(cache=True)
def double(given):
    result = given.copy()
    for place in range(given.size):
        result[place] = 2 * given[place]
    return result
"""

USE = """
import sys
import numpy as np
from kernel import double

given = [np.ones(1000, kind) for kind in ("int64", "float64")]
sys.exit(0 if all((double(one) == 2).all() for one in given) else 1)
"""

TAKE = """
import os, sys
from songbench.resources.numba_cache import take_numba_cache

print(take_numba_cache(), os.environ.get("NUMBA_CACHE_DIR"), flush=True)
sys.stdin.read()
"""


def python(folder, code, **variables):
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
    )


def test_an_index_that_names_the_code_of_another_type_is_believed(tmp_path):
    """What two processes can leave that write one cache at once: other numbers, or a crash, and no error, for ever."""
    (tmp_path / "kernel.py").write_text(KERNEL)
    cache = {"NUMBA_CACHE_DIR": str(tmp_path / "cache")}
    assert python(tmp_path, USE, **cache).returncode == 0
    integers, floats = sorted(tmp_path.glob("cache/*/kernel.double*.nbc"))
    floats.write_bytes(integers.read_bytes())
    assert python(tmp_path, USE, **cache).returncode != 0


@pytest.fixture
def home(tmp_path):
    variables = {name: value for name, value in os.environ.items() if name != "NUMBA_CACHE_DIR"}
    return {**variables, "XDG_CACHE_HOME": str(tmp_path), "HOME": str(tmp_path)}


def start(home, **variables):
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    process = subprocess.Popen([sys.executable, "-c", TAKE], env={**home, **variables}, text=True, **pipes)
    return process, process.stdout.readline().split()


def test_no_two_living_processes_share_a_folder_and_the_next_one_has_it_again(home):
    (first, folders), (second, second_folders) = start(home), start(home)
    assert folders[0] == folders[1] and second_folders[0] == second_folders[1] and folders != second_folders
    first.kill(), first.wait()
    third, again = start(home)
    assert again == folders, "what the first one compiled is there for the third"
    for process in (second, third):
        process.communicate()


def test_a_folder_of_the_users_own_is_left_alone_and_one_of_a_parent_is_not_shared(home, tmp_path):
    process, (folder, variable) = start(home, NUMBA_CACHE_DIR=str(tmp_path / "own"))
    assert (folder, variable) == ("None", str(tmp_path / "own"))
    process.communicate()
    parent, (folder, _) = start(home)
    child, (child_folder, variable) = start(home, NUMBA_CACHE_DIR=folder)
    assert child_folder == variable != folder
    assert Path(child_folder).parent == Path(folder).parent
    for process in (parent, child):
        process.communicate()


COMPILE = """
import sys
from songbench.resources import numba_cache

numba_cache._LIBROSA = sys.argv[1]
assert not numba_cache.is_compiled()
for _ in range(2):
    print(numba_cache.compile_librosa(), numba_cache.is_compiled())
"""
COMPILER = (
    "import os, pathlib; here = pathlib.Path(os.environ['NUMBA_CACHE_DIR']); here.mkdir(); (here / 'code').touch()"
)
"""Stands for librosa, which takes 20 seconds."""


def compiled(home, compiler):
    line = [sys.executable, "-c", COMPILE, compiler]
    return subprocess.run(line, env=home, capture_output=True, text=True, check=True).stdout.split()


def test_a_new_folder_begins_with_what_setup_has_compiled(home):
    first, (old, _) = start(home)
    assert compiled(home, "raise SystemExit(1)") == ["False"] * 4
    assert compiled(home, COMPILER) == ["True"] * 4
    second, (new, _) = start(home)
    assert [path.name for path in Path(new).iterdir()] == ["code"]
    assert not Path(old).exists()
    assert {path.name for path in Path(new).parent.iterdir() if path.is_dir()} == {"seed", Path(new).name}
    for process in (first, second):
        process.communicate()


def test_without_a_place_to_write_numba_decides(home):
    process, (folder, variable) = start(home, XDG_CACHE_HOME="/proc/nowhere")
    assert (folder, variable) == ("None", "None")
    process.communicate()


def test_a_worker_takes_one(home, tmp_path):
    code = "from songbench.execution.jobs import JobContext; from songbench.execution.store import Store; import os\n"
    code += f"JobContext(Store({str(tmp_path / 'store')!r})); print(os.environ['NUMBA_CACHE_DIR'])"
    process = subprocess.run([sys.executable, "-c", code], env=home, capture_output=True, text=True, check=True)
    assert Path(process.stdout.strip()).parent.parent == tmp_path / "songbench/numba"
