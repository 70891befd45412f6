"""Who works on a store: sessions with a heartbeat, and the claims by which several runs share one.

Layout below the store's root::

    sessions/<id>                    one run, or one command that removes things, at work: who and where
    claims/<2 hex>/<subject>         what a session works on at this moment; its content is that session's record

A claim is created only where there is none, and only its session, or whoever buries that session, removes it. A
session that no longer lives is buried by one other: who that is decides a claim, too, so that no two remove the same
claims, one of them after others have claimed anew.

A session lives while its process does, where that can be seen; else while its record was renewed during the last two
minutes by the clock of the file system or object store, so that the clocks of machines do not matter.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import socket
import threading
import time
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from songbench.domain.errors import StoreBusyError, StoreError
from songbench.execution.store import Store

HEARTBEAT_S = 30.0
LEASE_S = 120.0
_KNOWN_FOR_S = 1.0
"""How long it is taken for granted that a session which lives does so still."""
_PROCESS_CLOCK_S = 5.0
"""By how much a process's start may seem to move when the machine's clock is set."""
SESSIONS, CLAIMS = "sessions", "claims"


@dataclass(frozen=True, kw_only=True)
class SessionRecord:
    """Who works on a store.

    Attributes:
        id: of the session.
        owner: what it is, for people: ``run 'demo'``.
        host: the machine's name.
        machine: equal for processes that can see each other.
        process: its number there.
        started: when that process began, in seconds since 1970.
        since: when the session began, for people.
        exclusive: whether it has the store to itself.
    """

    id: str
    owner: str
    host: str
    machine: str
    process: int
    started: float
    since: str
    exclusive: bool

    def __str__(self) -> str:
        return f"{self.owner}, process {self.process} on {self.host}, since {self.since}"

    def to_bytes(self) -> bytes:
        """As it is stored."""
        return json.dumps(asdict(self), sort_keys=True).encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> SessionRecord | None:
        """What was stored; None when it is not whole."""
        try:
            record = cls(**json.loads(data))
        except (ValueError, TypeError):
            return None
        return record if isinstance(record.id, str) and isinstance(record.process, int) else None


_BEGINNER = SessionRecord(
    id="", owner="a run", host="another machine", machine="", process=0, started=0.0, since="now", exclusive=False
)
"""Who has claimed something and not said yet who it is."""


class StoreSession:
    """A session of this process on a store (`open_session` begins one).

    Args:
        store: the store.
        record: who this is.
    """

    def __init__(self, store: Store, record: SessionRecord) -> None:
        self.record = record
        self.buried: list[SessionRecord] = []
        self._store = store
        self._claims: set[str] = set()
        self._ahead_s = 0.0  # of the store's clock, before ours
        self._was_buried = False
        self._living: dict[str, float] = {}

    # -- claims ----------------------------------------------------------------------------------------------------

    def claim(self, subject: str) -> SessionRecord | None:
        """Claim something to work on.

        Args:
            subject: the key of what nobody else shall work on meanwhile.

        Returns:
            None when it is this session's now; else whose it is, who lives.
        """
        while True:
            if subject in self._claims or self._create(_claim_place(subject)):
                self._claims.add(subject)
                return None
            holder = self.holder(subject)
            if holder is not None:
                return None if holder.id == self.record.id else holder

    def _create(self, place: str) -> bool:
        return self._store.create(place, self.record.to_bytes(), like=_session_place(self.record.id))

    def holder(self, subject: str) -> SessionRecord | None:
        """The living session that works on something; that of one which is dead is cleared away."""
        data = self._store.peek(_claim_place(subject))
        if data is None:
            return None
        record = SessionRecord.from_bytes(data)
        if record is None:  # it is written just now, or was never written to its end
            place = _claim_place(subject)
            if self._age_s(place) < LEASE_S:
                return _BEGINNER
            self._store.remove(place)
            return None
        if self._lives(record):
            return record
        return self._bury(record)

    def release(self, subjects: Iterable[str]) -> None:
        """Give up claims: what was worked on is stored, or is not worked on any longer."""
        for subject in subjects:
            if subject in self._claims:
                self._claims.discard(subject)
                if not self._was_buried or self._is_own(_claim_place(subject)):
                    self._store.remove(_claim_place(subject))

    def _is_own(self, place: str) -> bool:
        record = SessionRecord.from_bytes(self._store.peek(place) or b"")
        return record is not None and record.id == self.record.id

    # -- life ------------------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Register, clear away what dead sessions have left, and see whether that goes with those which live.

        Raises:
            StoreBusyError: it does not.
        """
        self._store.create(_session_place(self.record.id), self.record.to_bytes())
        self.renew()
        for rival in self.rivals():
            if rival.exclusive or self.record.exclusive:
                raise _busy(self._store, rival)

    def rivals(self) -> list[SessionRecord]:
        """The other sessions that live; those that do not are buried."""
        living = []
        for place in self._store.places_below(SESSIONS):
            record = SessionRecord.from_bytes(self._store.peek(place) or b"")
            if record is None or record.id == self.record.id:
                continue
            if self._lives(record):
                living.append(record)
            else:
                self._bury(record)
        return living

    def renew(self) -> None:
        """Show that the session lives; also to itself, as it may have been taken for dead while its machine slept."""
        place = _session_place(self.record.id)
        if not self._store.renew(place, self.record.to_bytes()):
            self._was_buried = True
            self._store.create(place, self.record.to_bytes())
        modified = self._store.modified(place)
        if modified is not None:
            self._ahead_s = modified - time.time()

    def end(self) -> None:
        """Give up everything."""
        self.release(list(self._claims))
        if not self._was_buried or self._is_own(_session_place(self.record.id)):
            self._store.remove(_session_place(self.record.id))

    def _lives(self, record: SessionRecord) -> bool:
        if record.id == self.record.id:
            return True
        if self._living.get(record.id, 0.0) > time.monotonic():
            return True
        age_s = self._age_s(_session_place(record.id))
        near = record.machine == self.record.machine
        lives = age_s < float("inf") and (_process_lives(record) if near else age_s < LEASE_S)
        if lives:
            self._living[record.id] = time.monotonic() + _KNOWN_FOR_S
        return lives

    def _age_s(self, place: str) -> float:
        """Seconds since a file was written, by the store's clock; infinite when it is not there."""
        modified = self._store.modified(place)
        return float("inf") if modified is None else time.time() + self._ahead_s - modified

    def _bury(self, record: SessionRecord) -> SessionRecord | None:
        """Remove the claims of a dead session, and then its record.

        Returns:
            Who is at it already, and lives; None when it is done.
        """
        undertaker = self.claim(record.id)
        if undertaker is not None:
            return undertaker
        for place in self._store.places_below(CLAIMS):
            claimed = SessionRecord.from_bytes(self._store.peek(place) or b"")
            if claimed is not None and claimed.id == record.id:
                self._store.remove(place)
        self._store.remove(_session_place(record.id))
        self.release([record.id])
        self.buried.append(record)
        return None


@contextlib.contextmanager
def open_session(store: Store, owner: str, *, alone: bool = False) -> Iterator[StoreSession]:
    """Work on a store beside others, until the block ends.

    Where the store's driver cannot create a file only if there is none, nothing can be claimed, and so every session
    has the store to itself.

    Args:
        store: the store.
        owner: shown to others.
        alone: have the store to oneself, to remove things.

    Raises:
        StoreBusyError: another session lives, and it or this one needs to be alone.
        StoreError: the store cannot be read or written.
    """
    record = SessionRecord(
        id=uuid.uuid4().hex,
        owner=owner,
        host=socket.gethostname(),
        machine=_machine(),
        process=os.getpid(),
        started=_process_start(os.getpid()) or 0.0,
        since=time.strftime("%Y-%m-%d %H:%M:%S"),
        exclusive=alone or not store.can_create,
    )
    session, over = StoreSession(store, record), threading.Event()

    def keep_renewing() -> None:
        while not over.wait(HEARTBEAT_S):
            with contextlib.suppress(StoreError):  # the run will meet it, too, or it is over by the next beat
                session.renew()

    try:
        session.begin()
        threading.Thread(target=keep_renewing, daemon=True).start()
        _sweep(store, session)
        yield session
    finally:
        over.set()
        with contextlib.suppress(StoreError):  # what stays is that of a dead session
            session.end()


def _sweep(store: Store, session: StoreSession) -> None:
    """Remove what killed processes left half written, unless a session elsewhere lives, whose processes nobody sees."""
    if all(rival.machine == session.record.machine for rival in session.rivals()):
        store.sweep()


def _claim_place(subject: str) -> str:
    return f"{CLAIMS}/{subject[:2]}/{subject}"


def _session_place(identifier: str) -> str:
    return f"{SESSIONS}/{identifier}"


def _busy(store: Store, rival: SessionRecord) -> StoreBusyError:
    reason = (
        "" if store.can_create else " Its driver cannot create a file only where there is none: runs cannot share it."
    )
    holder = "command" if rival.exclusive and store.can_create else "run"
    return StoreBusyError(
        f"Another {holder} is working on the store '{store.url}' ({rival}).{reason} Wait for it to end, or use another"
        " store with --store."
    )


@functools.cache
def _machine() -> str:
    """Equal for processes that can see each other: of one machine, since its last start, and in one container."""
    boot = Path("/proc/sys/kernel/random/boot_id")
    with contextlib.suppress(OSError):
        return f"{socket.gethostname()} {boot.read_text().strip()} {Path('/proc/self/ns/pid').readlink()}"
    return socket.gethostname()


def _process_start(number: int) -> float | None:
    """When a process of this machine began, in seconds since 1970; None when there is none, or it has ended."""
    import psutil

    try:
        process = psutil.Process(number)
        return None if process.status() == psutil.STATUS_ZOMBIE else process.create_time()
    except psutil.Error:
        return None


def _process_lives(record: SessionRecord) -> bool:
    start = _process_start(record.process)
    return start is not None and abs(start - record.started) < _PROCESS_CLOCK_S
