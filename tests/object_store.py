"""An S3 service on this machine, a process of its own: what tests of object stores talk to."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path

_LONGEST_START_S = 200


@dataclass
class ObjectStore:
    """A service that keeps its objects in memory.

    Attributes:
        address: of the service.
        folder: where it writes what it is asked.
    """

    address: str
    folder: Path
    process: subprocess.Popen = field(repr=False, default=None)

    @property
    def variables(self):
        """What a user would set to reach it."""
        keys = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "us-east-1"}
        return {"AWS_ENDPOINT_URL": self.address, "AWS_EC2_METADATA_DISABLED": "true", **keys}

    def bucket(self, name):
        """Make a bucket."""
        urllib.request.urlopen(urllib.request.Request(f"{self.address}/{name}", method="PUT")).close()

    def requests(self):
        """What it was asked so far, as (method, path)."""
        rows = (self.folder / "log").read_text(errors="replace").splitlines()
        calls = [row.split('"')[1].split() for row in rows if "HTTP/1" in row]
        return [(method, path) for method, path, _ in calls]


@contextlib.contextmanager
def object_store(folder):
    """Start one; it ends with the block."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    line = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with open(folder / "log", "wb") as log:
        process = subprocess.Popen(line, stdout=log, stderr=log, env={**os.environ, "MOTO_S3_CUSTOM_ENDPOINTS": ""})
    store = ObjectStore(f"http://127.0.0.1:{port}", folder, process)
    try:
        _wait_until_it_answers(store)
        yield store
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()


def _wait_until_it_answers(store):
    end = time.monotonic() + _LONGEST_START_S
    while time.monotonic() < end and store.process.poll() is None:
        with contextlib.suppress(OSError):
            urllib.request.urlopen(store.address).close()
            return
        time.sleep(0.1)
    raise RuntimeError((store.folder / "log").read_text())
