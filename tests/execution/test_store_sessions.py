"""Several sessions on one store: claims, dead sessions, and who needs the store alone."""

import dataclasses
import os
import subprocess
import sys
import threading
import time
import uuid

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from songbench.domain.errors import StoreBusyError
from songbench.execution.sessions import LEASE_S, open_session
from songbench.execution.store import Store


class PlainFileSystem(MemoryFileSystem):
    """A driver that can only write over what is there."""

    protocol = "plain"

    def pipe_file(self, path, value, **_):
        super().pipe_file(path, value)


@pytest.fixture(params=["folder", "memory"])
def store(request, tmp_path):
    return Store(str(tmp_path / "store") if request.param == "folder" else f"memory://{uuid.uuid4().hex}")


def places(store):
    return [*store.places_below("sessions"), *store.places_below("claims")]


def elsewhere(store, record, renewed_s_ago):
    """Leave a session of another machine that has claimed the subject 'song'."""
    stranger = dataclasses.replace(record, id="stranger", owner="run 'far'", host="far", machine="far", process=1)
    for place in ("sessions/stranger", "claims/so/song"):
        assert store.create(place, stranger.to_bytes())
    age(store, renewed_s_ago)


def age(store, seconds):
    """Make the stranger's session as old as that."""
    if store.local:
        when = time.time() - seconds
        os.utime(store.address("sessions/stranger"), (when, when))
    else:
        entry = next(file for path, file in MemoryFileSystem.store.items() if path.endswith("sessions/stranger"))
        entry.modified = entry.modified.fromtimestamp(time.time() - seconds, tz=entry.modified.tzinfo)


def test_of_two_sessions_one_has_a_claim_until_it_gives_it_up(store):
    with open_session(store, "run 'a'") as first, open_session(Store(store.url), "run 'b'") as second:
        assert first.claim("song") is None
        assert first.claim("song") is None, "it has it"
        assert second.claim("song") == first.record == second.holder("song")
        assert str(first.record).startswith("run 'a', process ")
        second.release(["song"])
        assert second.claim("song") == first.record, "nobody gives up what is another's"
        first.release(["song"])
        assert second.claim("song") is None
    assert not places(store)


def test_a_killed_session_is_taken_over_at_once(tmp_path):
    code = (
        "import os,signal,sys\nfrom songbench.execution.sessions import open_session\n"
        "from songbench.execution.store import Store\n"
        "with open_session(Store(sys.argv[1]), 'doomed', alone=sys.argv[2] == 'alone') as session:\n"
        "    session.claim('song'), session.claim('score')\n"
        "    open(sys.argv[1] + f'/.x.{os.getpid()}-01234567.tmp', 'w')\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    for manner in ("beside", "alone"):
        words = [sys.executable, "-c", code, str(tmp_path), manner]
        assert subprocess.run(words, check=False).returncode == -9
        store = Store(str(tmp_path))
        assert len(places(store)) == 3
        with open_session(store, "next") as session:
            assert [record.owner for record in session.buried] == ["doomed"]
            assert session.claim("song") is None
        assert not places(store)
        assert not list(tmp_path.rglob("*.tmp")), "what it had half written is gone"


def test_a_session_of_another_machine_is_respected_for_its_lease(store):
    with open_session(store, "run 'a'") as session:
        elsewhere(store, session.record, LEASE_S - 60)
        assert session.claim("song").host == "far"
        time.sleep(1.1)  # it was just seen to live
        age(store, LEASE_S + 60)
        assert session.claim("song") is None
        assert [record.host for record in session.buried] == ["far"]
        assert "sessions/stranger" not in places(store)


def test_half_written_files_of_living_writers_on_other_machines_stay(tmp_path):
    store = Store(str(tmp_path))
    with open_session(store, "run 'a'") as session:
        elsewhere(store, session.record, 0)
    scratch = tmp_path / ".record.json.999999-01234567.tmp"
    scratch.touch()
    dead = dataclasses.replace(session.record, id="dead", process=2**22 + 1)
    store.create("sessions/dead", dead.to_bytes())
    with open_session(store, "run 'b'") as session:
        assert session.buried and scratch.exists()
    age(store, 2 * LEASE_S)
    with open_session(store, "run 'c'"):
        assert not scratch.exists()


def test_only_one_of_many_takes_over_what_a_dead_session_had(store):
    with open_session(store, "run 'a'") as session:
        for number in range(8):
            elsewhere(store, session.record, 2 * LEASE_S)
            holders, start = [], threading.Barrier(6)

            def take(holders=holders, start=start):
                with open_session(Store(store.url), "rival") as rival:
                    start.wait()
                    holders.append(rival.claim("song"))
                    start.wait()

            threads = [threading.Thread(target=take) for _ in range(6)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert holders.count(None) == 1, number
            assert not session.rivals()


def test_whoever_buries_may_die_at_it(store):
    with open_session(store, "run 'a'") as session:
        elsewhere(store, session.record, 2 * LEASE_S)
        dead = dataclasses.replace(session.record, id="undertaker", process=2**22 + 1)
        store.create("sessions/undertaker", dead.to_bytes())
        store.create("claims/st/stranger", dead.to_bytes())
        assert session.claim("song") is None
        assert {record.id for record in session.buried} == {"stranger", "undertaker"}
    assert not places(store)


def test_a_session_that_was_taken_for_dead_leaves_others_what_they_took_over(store):
    with open_session(store, "asleep") as sleeper, open_session(Store(store.url), "run 'b'") as heir:
        assert sleeper.claim("song") is None
        heir._bury(sleeper.record)
        assert heir.claim("song") is None
        sleeper.renew()
        sleeper.release(["song"])
        assert sleeper.claim("song") == heir.record
        assert sleeper.record in heir.rivals(), "and it goes on"


def test_whoever_removes_things_needs_the_store_alone(store):
    rival = Store(store.url)
    with open_session(store, "run 'a'"):
        with pytest.raises(StoreBusyError, match=r"Another run .*run 'a', process \d+") as caught:
            open_session(rival, "gc", alone=True).__enter__()
        assert caught.value.exit_code == 3
    with open_session(store, "gc", alone=True), pytest.raises(StoreBusyError, match=r"Another command .*\(gc, process"):
        open_session(rival, "run 'b'").__enter__()
    assert not places(store)


def test_a_store_whose_driver_cannot_claim_takes_one_run_at_a_time():
    fsspec.register_implementation("plain", PlainFileSystem, clobber=True)
    store = Store(f"plain://{uuid.uuid4().hex}")
    assert not store.can_create
    with open_session(store, "run 'a'"), pytest.raises(StoreBusyError, match="runs cannot share it"):
        open_session(Store(store.url), "run 'b'").__enter__()
    with open_session(store, "run 'b'"):
        pass
