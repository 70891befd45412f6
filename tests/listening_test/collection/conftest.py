"""Databases of both kinds, and a clock that goes on when told."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import private_postgres
from made_up import made_up_test

from listening_test.collection.database import Database
from listening_test.collection.sessions import Sessions
from listening_test.collection.tokens import Signer, load_secret


@pytest.fixture(scope="session")
def postgres():
    if private_postgres.binaries() is None:
        pytest.skip("PostgreSQL's server is not installed: make test-browser installs it")
    with private_postgres.private_server() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request, tmp_path):
    """An empty database of each kind."""
    if request.param == "postgresql":
        return request.getfixturevalue("postgres").new_database()
    return f"sqlite:///{tmp_path / 'ratings.sqlite'}"


class Clock:
    def __init__(self):
        self.now = 1_000_000.0

    def __call__(self):
        return self.now

    def wait(self, seconds):
        self.now += seconds


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def make_sessions(tmp_path, database_url, clock):
    """A function that makes a test and its sessions; further calls share the database, as a second server does."""
    opened = []

    def make(form="acr", *, entry="open", test=None, reclaim_hours=48.0, **options):
        if test is None:
            test, _ = made_up_test(tmp_path / "test", form, **options)
        database = Database(database_url, test)
        opened.append(database)
        signer = Signer(load_secret(test.folder), test.digest())
        return Sessions(test, database, signer, entry=entry, reclaim_hours=reclaim_hours, clock=clock)

    yield make
    for database in opened:
        database.close()
