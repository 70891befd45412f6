"""What is kept of a listening test, in one SQLite file or on a PostgreSQL server.

Every rule that must hold when two servers write at once is a constraint here: one rater per seat and round, one rater
per invitation, one answer per page, one rating per slot and scale.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, nullcontext
from pathlib import Path
from typing import Any

from sqlalchemy import (
    JSON,
    Double,
    Engine,
    ForeignKey,
    ForeignKeyConstraint,
    String,
    Text,
    UniqueConstraint,
    create_engine,
    event,
    inspect,
    select,
    text,
)
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from listening_test.panel.visits import LONGEST
from listening_test.prepared import PreparedTest
from listening_test.private import touch_private
from songbench.domain.errors import InputError

SCHEMA_VERSION = 1
DATABASE = "ratings.sqlite"
"""The file in the prepared folder that is used when no other database is named."""
_BUSY_MS = 30_000
_CONNECT_SECONDS = 10
_LOCK = 0x736F6E67  # any number; only servers of this project take this advisory lock
_WRITING = "listening_writing"

log = logging.getLogger(__name__)


class Base(DeclarativeBase):
    """All tables."""


class SchemaRow(Base):
    """Which layout the tables have."""

    __tablename__ = "schema_version"
    version: Mapped[int] = mapped_column(primary_key=True)


class TestRow(Base):
    """The prepared test whose answers these are; exactly one.

    Attributes:
        digest: of the prepared test.
        name: of the protocol.
        closed_at: when it was closed, in seconds since 1970; None while it is open.
    """

    __tablename__ = "tests"
    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    name: Mapped[str] = mapped_column(String(64))
    closed_at: Mapped[float | None] = mapped_column(Double)


class RaterRow(Base):
    """Someone who came.

    Attributes:
        id: opaque.
        test: the digest.
        token_hash: the sha256 of the session token.
        invitation: its number, or None.
        seat: which assignment.
        round: how often the seat was given before.
        language: of the pages.
        device: what the browser says of itself.
        started: seconds since 1970, as all times.
        active: of the last answer, or of coming.
        finished: of the last page, or None.
        withdrawn: when the consent was taken back, or None.
        completion_code: given at the end.
    """

    __tablename__ = "raters"
    __table_args__ = (UniqueConstraint("test", "seat", "round"), UniqueConstraint("test", "invitation"))
    id: Mapped[str] = mapped_column(String(16), primary_key=True)
    test: Mapped[str] = mapped_column(ForeignKey("tests.digest"))
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    invitation: Mapped[int | None]
    seat: Mapped[int]
    round: Mapped[int]
    language: Mapped[str] = mapped_column(String(8))
    device: Mapped[str] = mapped_column(Text)
    started: Mapped[float] = mapped_column(Double)
    active: Mapped[float] = mapped_column(Double)
    finished: Mapped[float | None] = mapped_column(Double)
    withdrawn: Mapped[float | None] = mapped_column(Double)
    completion_code: Mapped[str | None] = mapped_column(String(16))


class PanelVisitRow(Base):
    """A rater whom a panel sent: the only place where the panel's ids are, apart from all answers and in no export.

    Attributes:
        rater: the id.
        participant: the panel's id of the person, "" where it gives none.
        study: of the study, or "".
        session: of the submission, or "".
        end: as `panel.settings.SessionEnd`; None while under way.
        ended: when, or None.
    """

    __tablename__ = "panel_visits"
    rater: Mapped[str] = mapped_column(ForeignKey("raters.id", ondelete="CASCADE"), primary_key=True)
    participant: Mapped[str] = mapped_column(String(LONGEST))
    study: Mapped[str] = mapped_column(String(LONGEST))
    session: Mapped[str] = mapped_column(String(LONGEST))
    end: Mapped[str | None] = mapped_column(String(16))
    ended: Mapped[float | None] = mapped_column(Double)


class PageRow(Base):
    """A page that a rater was shown.

    Attributes:
        rater: the id.
        page: its number in the session, 0-based.
        kind: as in `pages.PageKind`.
        served: when it was first shown.
        answered: when its answer was taken, or None.
        answer: as `answers.accept` gives it.
    """

    __tablename__ = "pages"
    rater: Mapped[str] = mapped_column(ForeignKey("raters.id", ondelete="CASCADE"), primary_key=True)
    page: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(16))
    served: Mapped[float] = mapped_column(Double)
    answered: Mapped[float | None] = mapped_column(Double)
    answer: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))


class RatingRow(Base):
    """One answer on one scale; also part of the page's answer, here for whoever looks with SQL."""

    __tablename__ = "ratings"
    __table_args__ = (ForeignKeyConstraint(["rater", "page"], ["pages.rater", "pages.page"], ondelete="CASCADE"),)
    rater: Mapped[str] = mapped_column(String(16), primary_key=True)
    page: Mapped[int] = mapped_column(primary_key=True)
    slot: Mapped[str] = mapped_column(String(2), primary_key=True)
    scale: Mapped[str] = mapped_column(String(24), primary_key=True)
    answer: Mapped[str] = mapped_column(String(16))


class PlayRow(Base):
    """What was heard of one player: seconds at least once, which parts, how often started and moved."""

    __tablename__ = "plays"
    __table_args__ = (ForeignKeyConstraint(["rater", "page"], ["pages.rater", "pages.page"], ondelete="CASCADE"),)
    rater: Mapped[str] = mapped_column(String(16), primary_key=True)
    page: Mapped[int] = mapped_column(primary_key=True)
    slot: Mapped[str] = mapped_column(String(2), primary_key=True)
    seconds_heard: Mapped[float] = mapped_column("heard", Double)
    ranges: Mapped[list[list[float]]] = mapped_column(JSON)
    starts: Mapped[int]
    seeks: Mapped[int]


def default_url(folder: Path) -> URL:
    """The database of a prepared folder when no other is named; as text, a "?" in the folder's name would end it."""
    return URL.create("sqlite", database=str((folder / DATABASE).resolve()))


class Database:
    """The answers of one prepared test.

    Args:
        url: ``sqlite:///FILE`` or ``postgresql://USER@HOST/NAME``.
        test: whose answers it holds.
        create: whether to make the tables where there are none; otherwise that is an error.

    Raises:
        InputError: for another kind of database, one that cannot be reached or written, one that holds the answers of
            another test or another layout of tables.
    """

    def __init__(self, url: str | URL, test: PreparedTest, *, create: bool = True) -> None:
        """Connect, make the tables if need be, and check whose they are."""
        self.url = parsed_url(url)
        self.test = test.digest()
        self.address = self.url.render_as_string(hide_password=True)
        self.sqlite = self.url.get_backend_name() == "sqlite"
        if self.sqlite:
            self._check_file(create)
        # Within one process raters queue for the file in order; SQLite's own waiting is by chance.
        self._turn = threading.Lock() if self.sqlite else nullcontext()
        self._engine = _engine(self.url, self.sqlite)
        try:
            self._prepare(test, create)
        except SQLAlchemyError as error:
            self.close()
            raise self._unusable(error) from None
        except InputError:
            self.close()
            raise

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """A transaction that may write: committed at the end, undone on any error."""
        engine = self._engine.execution_options(**{_WRITING: True})
        with self._turn, Session(engine, expire_on_commit=False) as session, session.begin():
            yield session

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A transaction that only reads; on SQLite it never waits for a writer."""
        with Session(self._engine) as session:
            yield session

    def has_visits(self, session: Session) -> bool:
        """Whether there is a table of raters whom panels sent; there is none where an earlier version collected."""
        return inspect(session.connection()).has_table(PanelVisitRow.__tablename__)

    def forget(self) -> None:
        """After deleting: SQLite's log of what was written still holds it until it is emptied."""
        if self.sqlite:
            with self._turn, closing(self._engine.raw_connection()) as connection:
                connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def close(self) -> None:
        """Give all connections back."""
        self._engine.dispose()

    def _check_file(self, create: bool) -> None:
        file = self.url.database
        if not file or file == ":memory:":
            raise InputError("The database needs a file.", field="--db", cure="Example: sqlite:///ratings.sqlite.")
        path = Path(file)
        if not path.parent.is_dir():
            raise InputError("The folder of the database does not exist.", file=file, field="--db")
        if not create and not path.exists():
            raise InputError("There are no answers here.", file=file, cure="`songbench listen serve` collects them.")
        if create:
            _make_private(path)

    def _prepare(self, test: PreparedTest, create: bool) -> None:
        with self.writing() if create else self.reading() as session:
            if create and not self.sqlite:
                session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
            connection = session.connection()
            tables = set(inspect(connection).get_table_names())
            if SchemaRow.__tablename__ not in tables:
                if not create:
                    raise InputError(
                        f"There are no answers in {self.address}.", field="--db", cure="Name the server's database."
                    )
                if clash := tables & set(Base.metadata.tables):
                    raise self._foreign(f"it has a table '{min(clash)}' of something else")
                Base.metadata.create_all(connection)
                session.add(SchemaRow(version=SCHEMA_VERSION))
                session.add(TestRow(digest=self.test, name=test.name, closed_at=None))
                session.flush()
            elif create and PanelVisitRow.__tablename__ not in tables:  # of a version that knew no panels
                Base.metadata.create_all(connection)
            version = session.scalars(select(SchemaRow.version)).first()
            if version != SCHEMA_VERSION:
                raise self._foreign(f"its tables have layout {version}, this version of songbench has {SCHEMA_VERSION}")
            tests = session.scalars(select(TestRow.digest)).all()
            if list(tests) != [self.test]:
                raise self._foreign("it holds the answers of another test")

    def _foreign(self, why: str) -> InputError:
        return InputError(
            f"The database {self.address} cannot be used: {why}.", field="--db", cure="Name another database with --db."
        )

    def _unusable(self, error: SQLAlchemyError) -> InputError:
        cure = (
            "Make the folder writable, or name another file with --db."
            if self.sqlite
            else "Start the server, check host, port, name, user and password, and that the user may create tables."
        )
        return InputError(f"The database {self.address} cannot be used ({reason(error)}).", field="--db", cure=cure)


def _make_private(path: Path) -> None:
    """SQLite gives the files it makes beside a database the rights of that file."""
    try:
        touch_private(path)
    except OSError as error:
        raise InputError(
            f"The database cannot be written ({error.strerror}).",
            file=str(path),
            field="--db",
            cure="Make the folder writable, or name another file with --db.",
        ) from None


def reason(error: SQLAlchemyError) -> str:
    """What the database said, in one line; the lines after it may hold what raters said."""
    return str(error.orig if isinstance(error, DBAPIError) else error).strip().split("\n")[0]


def parsed_url(url: str | URL) -> URL:
    """A database URL, with the driver that is used for it.

    Raises:
        InputError: for what is neither SQLite nor PostgreSQL.
    """
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):  # such as a port that is no number
        raise _unknown_kind() from None
    if parsed.get_backend_name() in ("postgresql", "postgres"):
        return parsed.set(drivername="postgresql+psycopg")
    if parsed.drivername != "sqlite":
        raise _unknown_kind()
    return parsed


def _unknown_kind() -> InputError:
    return InputError(
        "Answers are kept on SQLite or PostgreSQL.",
        field="--db",
        allowed=("sqlite:///FILE", "postgresql://USER:PASSWORD@HOST/NAME"),
    )


def _engine(url: URL, sqlite: bool) -> Engine:
    if not sqlite:
        return create_engine(
            url,
            pool_size=10,
            max_overflow=10,
            pool_pre_ping=True,
            hide_parameters=True,
            connect_args={"connect_timeout": _CONNECT_SECONDS},
        )
    # No message of an error repeats what a rater said: it would outlive a withdrawal in the log.
    engine = create_engine(
        url, hide_parameters=True, connect_args={"timeout": _BUSY_MS / 1000, "check_same_thread": False}
    )
    event.listen(engine, "connect", _configure_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _configure_sqlite(connection: Any, _: object) -> None:
    """An acknowledged answer survives a power cut (FULL); what is deleted is overwritten (secure_delete)."""
    connection.isolation_level = None  # transactions begin where we say, see _begin_sqlite
    connection.execute(f"PRAGMA busy_timeout={_BUSY_MS}")
    _log_ahead(connection)
    for pragma in ("synchronous=FULL", "foreign_keys=ON", "secure_delete=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _log_ahead(connection: sqlite3.Connection) -> None:
    """Turn to write-ahead logging; of several that turn a new file at once, SQLite refuses some without waiting."""
    deadline = time.monotonic() + _BUSY_MS / 1000
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
        time.sleep(0.01)


def _begin_sqlite(connection: Any) -> None:
    """A writer takes the write lock first: a reader that turns writer would fail at once when another is writing."""
    writing = connection.get_execution_options().get(_WRITING)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")
