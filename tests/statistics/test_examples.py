"""The examples in the documentation of the statistics."""

import doctest
import importlib
import pkgutil

import pytest

from songbench import statistics

MODULES = [module.name for module in pkgutil.iter_modules(statistics.__path__, f"{statistics.__name__}.")]


@pytest.mark.parametrize("name", MODULES)
def test_examples_give_what_they_show(name):
    assert doctest.testmod(importlib.import_module(name)).failed == 0
