"""The examples in docstrings of what people call on its own, and those of the pages about it."""

import doctest
import importlib
import pkgutil
import re
from pathlib import Path

import pytest

import metrics.functional
import songbench.statistics

ROOT = Path(__file__).parents[1]
MODULES = [
    "songbench.domain.lyric_timing",
    "songbench.domain.lyrics",
    "songbench.domain.syllables",
    *(
        module.name
        for package in (metrics.functional, songbench.statistics)
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
    ),
]


@pytest.mark.parametrize("name", MODULES)
def test_examples_of_docstrings(name):
    assert doctest.testmod(importlib.import_module(name)).failed == 0


def test_each_function_on_plain_arrays_and_strings_has_an_example():
    functions = [getattr(metrics.functional, name) for name in metrics.functional.__all__ if name.islower()]
    assert [function.__name__ for function in functions if ">>>" not in function.__doc__] == []


@pytest.mark.parametrize("page", ["listening-report.md", "lyric-timing.md", "metrics-v2a.md", "metrics.md", "words.md"])
def test_examples_of_pages(page):
    """The examples of a page are one session: what one defines the next may use."""
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    examples = "\n".join(re.findall(r"```python\n(>>> .*?)```", text, re.DOTALL))
    results = doctest.DocTestRunner().run(doctest.DocTestParser().get_doctest(examples, {}, page, page, 0))
    assert results.attempted and not results.failed
