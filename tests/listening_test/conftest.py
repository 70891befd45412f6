"""Makes the helpers of this folder importable; tells apart tests that need PostgreSQL."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Tests that use PostgreSQL run by ``make test-browser``, which installs it where it may."""
    for item in items:
        databases = item.callspec.params.get("database_url") if hasattr(item, "callspec") else None
        if "postgres" in item.fixturenames or databases == "postgresql":
            item.add_marker("postgres")
