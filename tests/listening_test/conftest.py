"""Makes the helpers of this folder importable; gives a real browser; tells apart tests that need system packages."""

import shutil
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Tests that use Chromium or PostgreSQL run by ``make test-browser``, which installs both where it may."""
    for item in items:
        if "browser" in item.fixturenames:
            item.add_marker("browser")
        databases = item.callspec.params.get("database_url") if hasattr(item, "callspec") else None
        if "postgres" in item.fixturenames or databases == "postgresql":
            item.add_marker("postgres")


@pytest.fixture(scope="session")
def browser():
    """Chromium without a window; sound starts only after a click, as everywhere."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed: make test-browser installs it")
    with playwright.sync_playwright() as started:
        launched = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield launched
        launched.close()
