"""The golden numbers of training; models are loaded fresh, as training changes them."""

import pytest
from songbloom_training_golden import TrainingGolden, training_parity_folder, weights_parity_folder


@pytest.fixture(scope="session")
def training_golden() -> TrainingGolden:
    folder = training_parity_folder()
    if not folder.is_dir():
        pytest.skip(f"golden numbers of upstream's training are not at {folder} (set SONGBENCH_PARITY_TRAINING)")
    return TrainingGolden(folder, weights_parity_folder())
