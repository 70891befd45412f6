"""Inputs that lie outside the project: read in place, never copied into it.

The folder is named by SONGBENCH_SHARED, or stands as ``shared`` beside the project's own; tests that need a part of it
that is not there are skipped.
"""

import os
from pathlib import Path

import pytest

FOLDER = Path(os.environ.get("SONGBENCH_SHARED") or Path(__file__).parents[1] / "../shared")


def shared(name):
    """A file or folder below it, e.g. ``cases/07_apostrophes``."""
    path = FOLDER / name
    if not path.exists():
        pytest.skip(f"no {name} in {FOLDER}; name the folder in SONGBENCH_SHARED")
    return path
