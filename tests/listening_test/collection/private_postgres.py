"""A PostgreSQL server of our own, in a temporary folder, reached through a socket file only."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

import psycopg

USER, NAME = "songbench", "ratings"
START_SECONDS = 60


def binaries():
    """The folder of PostgreSQL's programs, or None."""
    candidates = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    on_path = shutil.which("initdb")
    return candidates[-1].parent if candidates else Path(on_path).parent if on_path else None


def _account():
    """PostgreSQL refuses to be run by root: the account to run it as, or None for our own."""
    if os.getuid():
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise RuntimeError("There is neither an account 'postgres' nor 'nobody'.")


class PrivateServer:
    """Makes databases; `stop` and `start` for what happens when the server goes away."""

    def __init__(self, folder, account, durable):
        self.folder, self.durable = folder, durable
        self._as = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []} if account else {}
        self._has_database = False
        self._run("initdb", "-D", folder / "data", "-U", USER, "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
        self.start()

    def _run(self, program, *words):
        command = [str(word) for word in [binaries() / program, *words]]
        subprocess.run(command, check=True, capture_output=True, cwd=self.folder, **self._as)

    def start(self):
        settings = ["listen_addresses=", f"unix_socket_directories={self.folder}", f"fsync={self.durable}"]
        words = [word for setting in settings for word in ("-c", setting)]
        command = [str(word) for word in [binaries() / "postgres", "-D", self.folder / "data", *words]]
        self.process = subprocess.Popen(
            command, cwd=self.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **self._as
        )
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                self.ask("postgres", "SELECT 1")
                return
            except psycopg.OperationalError:
                if time.monotonic() > deadline or self.process.poll() is not None:
                    raise
                time.sleep(0.1)

    def stop(self, how=signal.SIGINT):
        """Fast shutdown: open connections are cut. With SIGQUIT immediately, nothing written any more."""
        self.process.send_signal(how)
        self.process.wait(timeout=60)

    def ask(self, name, statement):
        with psycopg.connect(host=str(self.folder), user=USER, dbname=name, autocommit=True) as connection:
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def new_database(self):
        """The address of an empty database; the one that was given before is emptied: making one takes seconds."""
        if not self._has_database:
            self.ask("postgres", f"CREATE DATABASE {NAME}")
            self._has_database = True
        self.ask("postgres", f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{NAME}'")
        self.ask(NAME, "DROP SCHEMA public CASCADE")
        self.ask(NAME, "CREATE SCHEMA public")
        return f"postgresql://{USER}@/{NAME}?host={self.folder}"


@contextmanager
def private_server(*, durable="off"):
    """A running server; `durable` "on" waits for the disk at every commit."""
    account = _account()
    folder = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))  # a socket's path must be short
    if account:
        os.chown(folder, account.pw_uid, account.pw_gid)
    server = None
    try:
        server = PrivateServer(folder, account, durable)
        yield server
    finally:
        if server and server.process.poll() is None:
            server.stop(signal.SIGQUIT)
        shutil.rmtree(folder, ignore_errors=True)
