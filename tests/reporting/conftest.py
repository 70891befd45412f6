"""The made-up run and its leaderboard, built once."""

from __future__ import annotations

import pytest
from made_up_run import full_run

from songbench.reporting.leaderboard import build_leaderboard


@pytest.fixture(scope="session")
def run():
    return full_run()


@pytest.fixture(scope="session")
def board(run):
    return build_leaderboard(run, replicates=500)
