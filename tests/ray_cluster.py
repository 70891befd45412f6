"""A Ray cluster of several nodes on this machine, each of its own processes."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

_LONGEST_START_S = 240
_START = f"""
import time
import ray._private.services as services
import ray.scripts.scripts

ask, end = services.get_node, time.monotonic() + {_LONGEST_START_S}

def ask_longer(*words):
    while True:
        try:
            return ask(*words)
        except RuntimeError:
            if time.monotonic() > end:
                raise

services.get_node = ask_longer
ray.scripts.scripts.main()
"""
"""``ray start``, which gives a node half a minute to appear; on a busy machine that is too short."""


class RayCluster:
    """Nodes of one core each.

    Args:
        nodes: how many.
        variables: of the nodes, and so of all that runs there.
    """

    def __init__(self, nodes, variables):
        self.folder = Path(tempfile.mkdtemp(prefix="ray-", dir="/tmp"))  # sockets have short names
        settings = {"RAY_AUTH_MODE": "disabled", "RAY_USAGE_STATS_ENABLED": "0", "RAY_DISABLE_IMPORT_WARNING": "1"}
        self.variables = {**variables, **settings}
        self.address = f"{_ip(0)}:{_free_port(_ip(0))}"
        self.nodes = []
        head = ["--head", f"--port={self.address.partition(':')[2]}", "--include-dashboard=false"]
        self._start([*head, f"--temp-dir={self.folder}"])
        for _ in range(nodes - 1):
            self._start([f"--address={self.address}"])

    def _start(self, words):
        """Start a node and wait until it runs."""
        number = len(self.nodes)
        line = [sys.executable, "-c", _START, "start", *words, "--num-cpus=1", "--block", "--disable-usage-stats"]
        line += [f"--node-ip-address={_ip(number)}", "--object-store-memory=80000000"]
        # Ports that Ray would choose it waits for, too, and too short.
        names = (
            "dashboard-agent-listen-port",
            "dashboard-agent-grpc-port",
            "runtime-env-agent-port",
            "metrics-export-port",
        )
        line += [f"--{name}={_free_port(_ip(number))}" for name in names]
        with open(self._log(number), "wb") as log:
            process = subprocess.Popen(line, stdout=log, stderr=log, env={**os.environ, **self.variables})
        self.nodes.append(process)
        while "Ray runtime started" not in (text := self._log(number).read_text()):
            if process.poll() is not None:
                self.close()
                raise RuntimeError(text)
            time.sleep(0.2)

    def _log(self, number):
        return self.folder / f"node-{number}.log"

    def kill(self, number):
        """End a node and all that runs on it, as when its machine loses power."""
        for member in self._family(number):
            with contextlib.suppress(psutil.NoSuchProcess):
                member.suspend()  # or those that are left would notice, and say good-bye
        for member in self._family(number):
            with contextlib.suppress(psutil.NoSuchProcess):
                member.send_signal(signal.SIGKILL)
        self.nodes[number].wait()

    def _family(self, number):
        """All processes of a node: what was started for it, and what those have started."""
        family = {}
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
                line = " ".join(process.cmdline())
                itself = process.pid == self.nodes[number].pid
                if itself or (str(self.folder) in line and f"address={_ip(number)}" in line):
                    family.update({member.pid: member for member in [process, *process.children(recursive=True)]})
        return family.values()

    def close(self):
        """End all nodes."""
        for number in reversed(range(len(self.nodes))):
            self.kill(number)
        shutil.rmtree(self.folder, ignore_errors=True)


def _ip(number):
    """Nodes are told apart by their addresses, all of which are this machine's own."""
    return f"127.0.0.{number + 2}"


def _free_port(address):
    with socket.socket() as free:
        free.bind((address, 0))
        return free.getsockname()[1]


@contextlib.contextmanager
def ray_cluster(nodes, variables=()):
    """Have a cluster for the length of a block."""
    cluster = RayCluster(nodes, dict(variables))
    try:
        yield cluster
    finally:
        cluster.close()
