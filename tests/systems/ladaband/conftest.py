"""What all tests of LaDA-Band have."""

import pytest
from ladaband_golden import Golden, parity_folder


@pytest.fixture(scope="session")
def golden() -> Golden:
    folder = parity_folder()
    if not folder.is_dir():
        pytest.skip(f"golden numbers of LaDA-Band are not at {folder} (set SONGBENCH_PARITY_LADABAND)")
    return Golden(folder)
