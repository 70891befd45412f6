"""The prompts that every adapter has to render or to refuse: those of the demo suite, and what people really bring."""

import functools

import pytest
from shared_files import FOLDER

from songbench.domain.errors import SongbenchError
from songbench.domain.suite import load_suite
from songbench.execution.experiment import find_suite


@functools.cache
def prompts():
    """All of them that can be read, by a name for people."""
    everything = {f"demo {prompt.id}": prompt for prompt in find_suite("demo").prompts}
    for path in sorted((FOLDER / "cases").glob("*/*.jsonl")):
        try:
            suite = load_suite(path)
        except SongbenchError:
            continue
        everything |= {f"{path.parent.name}/{path.stem} {prompt.id}": prompt for prompt in suite.prompts}
    if not (FOLDER / "cases").exists():
        pytest.skip(f"no cases in {FOLDER}; name the folder in SONGBENCH_SHARED")
    return everything
