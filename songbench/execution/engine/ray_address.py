"""Where a Ray cluster is looked for, and whether one is there: `ray.init` alone tries for a quarter of an hour."""

from __future__ import annotations

import socket
import time
from contextlib import suppress
from importlib import import_module

from songbench.domain.errors import one_line

CONNECT_S = 10.0
"""For a port to open: a head that is being started beside the run takes some seconds."""
_PAUSE_S = 0.25


def host_and_port(address: str) -> tuple[str, int]:
    """The parts of ``host:port``, or ``[host]:port`` where the host is an address of IPv6.

    Raises:
        ValueError: it is neither.
    """
    host, _, port = address.rpartition(":")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        raise ValueError(f"'{address}' has several colons: write an address of IPv6 as [host]:port")
    if not host or not port.isdecimal() or not 0 < int(port) < 2**16:
        raise ValueError(f"'{address}' is not host:port, such as head:6379")
    return host, int(port)


def check_cluster(address: str) -> None:
    """Make sure that a cluster answers; takes milliseconds if it does, and about a minute at most.

    Args:
        address: ``host:port``; ``auto`` as Ray means it, also with its variable ``RAY_ADDRESS``; ``local``: of a Ray
            that is yet to be started nothing is asked.

    Raises:
        ConnectionError: nothing listens there, or nothing that answers as a Ray cluster.
        ValueError: it is no address.
    """
    place = _as_ray_has_it(address)
    if place is None:
        return
    _connect(*host_and_port(place), name=place)
    try:
        client = import_module("ray._raylet").GcsClient
    except (ImportError, AttributeError):  # Ray promises to keep none of these names
        return
    try:
        client(address=place)
    except Exception as error:  # Ray has many kinds
        raise ConnectionError(
            f"what listens at {place} does not answer as a Ray cluster: {one_line(str(error))}"
        ) from error


def _as_ray_has_it(address: str) -> str | None:
    """``host:port`` that `ray.init` will use: it takes this machine's own address for ``localhost``.

    Raises:
        ConnectionError: ``auto``, and no Ray runs on this machine.
    """
    with suppress(ImportError):
        from ray._private.services import canonicalize_bootstrap_address

        place: str | None = canonicalize_bootstrap_address(address)
        return place
    return None if address in ("auto", "local") else address


def _connect(host: str, port: int, *, name: str) -> None:
    """Wait until something listens.

    Raises:
        ConnectionError: nothing did for `CONNECT_S`.
    """
    end_s = time.monotonic() + CONNECT_S
    while True:
        try:
            socket.create_connection((host, port), timeout=max(_PAUSE_S, end_s - time.monotonic())).close()
        except OSError as error:
            if time.monotonic() + _PAUSE_S > end_s:
                raise ConnectionError(f"nothing listens at {name}: {error.strerror or error}") from error
            time.sleep(_PAUSE_S)
        else:
            return
