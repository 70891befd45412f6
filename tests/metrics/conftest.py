"""What the tests of metrics share."""

import gc

import pytest


@pytest.fixture(autouse=True)
def frozen():
    """Whatever is there before a test is no garbage: dropping a model does not search the libraries for some."""
    gc.freeze()
