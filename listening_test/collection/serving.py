"""The server process: its address, its life, its end."""

from __future__ import annotations

import logging
import os
import re
import signal
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from songbench.domain.errors import InputError

if TYPE_CHECKING:
    from starlette.types import ASGIApp

_PORTS = {"http": 80, "https": 443}
GRACE_SECONDS = 10
"""How long requests under way may take when the server is told to stop."""


def listen_at(host: str, port: int) -> socket.socket:
    """An open socket, so that a taken port is noticed before anything else is done.

    Raises:
        InputError: when the address cannot be had.
    """
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        opened = socket.socket(family, socket.SOCK_STREAM)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        opened.bind((host, port))
        opened.listen()  # two that are only bound may share a port
    except (OSError, UnicodeError) as error:
        raise InputError(
            f"The server cannot listen at {host}, port {port} ({getattr(error, 'strerror', None) or error}).",
            field="--port",
            cure="Choose another --port or --host, or stop what uses it.",
        ) from None
    return opened


def public_address(url: str) -> str:
    """The address that raters are given, ending with a slash; host and port as browsers write them.

    Raises:
        InputError: for what is not the start of a web address.
    """
    wrong = InputError(
        f"'{url}' is not an address of a server.", field="--public-url", cure="Example: https://listen.example.org."
    )
    try:
        parts = urlsplit(url.strip())
        port = parts.port
    except ValueError:  # half an IPv6 address, a port that is no number
        raise wrong from None
    host = parts.hostname or ""
    if parts.scheme not in _PORTS or not re.fullmatch(r"[^\s@]+", host) or "@" in parts.netloc:
        raise wrong
    if parts.query or parts.fragment:
        raise wrong
    shown = f"[{host}]" if ":" in host else host
    where = shown if port in (None, _PORTS[parts.scheme]) else f"{shown}:{port}"
    return f"{parts.scheme}://{where}{parts.path.rstrip('/')}/"


def address(opened: socket.socket) -> str:
    """Where a browser on this machine finds it."""
    host, port = opened.getsockname()[:2]
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)
    return f"http://{shown}:{port}/"


@contextmanager
def private_scratch() -> Iterator[None]:
    """A folder of our own for what Gradio writes, readable by the owner only and gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="songbench-listening-", ignore_cleanup_errors=True) as folder:
        os.environ["GRADIO_TEMP_DIR"] = folder
        yield


def run(app: ASGIApp, opened: socket.socket) -> None:
    """Serve until told to stop (Ctrl-C, SIGTERM); answers under way are finished first.

    Raises:
        KeyboardInterrupt: when it was told to stop, either way.
    """
    import uvicorn

    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that what comes after us is done as well

    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s", level=logging.WARNING)
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,  # addresses of audio hold tokens
        server_header=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    uvicorn.Server(config).run(sockets=[opened])
