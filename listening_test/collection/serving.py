"""The server process: its address, its life, its end."""

from __future__ import annotations

import ipaddress
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
    import uvicorn
    from starlette.types import ASGIApp

_PORTS = {"http": 80, "https": 443}
_OWN_FOLDERS = ("admin", "assets", "audio", "front-end", "gradio_api", "static")
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
    if parts.query or parts.fragment or re.search(r"//|[^\w./~-]|(?:^|/)\.\.?(?:/|$)", parts.path, re.ASCII):
        raise wrong
    if parts.path.strip("/").partition("/")[0] in _OWN_FOLDERS:
        raise InputError(
            f"'{parts.path}' is also the beginning of an address inside the server.",
            field="--public-url",
            cure="Choose a path that does not begin so, e.g. /listen/.",
        )
    name = f"[{host}]" if ":" in host else host
    where = name if port in (None, _PORTS[parts.scheme]) else f"{name}:{port}"
    return f"{parts.scheme}://{where}{parts.path.rstrip('/')}/"


def proxy_networks(text: str) -> list[str]:
    """The addresses and networks of proxies, from a comma-separated list.

    Raises:
        InputError: for anything else; names and ``*`` would trust whoever answers to them.
    """
    networks = [part.strip() for part in text.split(",") if part.strip()]
    for part in networks:
        try:
            ipaddress.ip_network(part)
        except ValueError:
            raise InputError(
                f"'{part}' is not an address or network.",
                field="--trust-proxy",
                cure="Example: --trust-proxy 127.0.0.1,10.0.0.0/8.",
            ) from None
    return networks


def address(opened: socket.socket) -> str:
    """Where a browser on this machine finds it."""
    host, port = opened.getsockname()[:2]
    name = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)
    return f"http://{name}:{port}/"


@contextmanager
def private_scratch() -> Iterator[None]:
    """A folder of our own for what Gradio writes, readable by the owner only and gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="songbench-listening-", ignore_cleanup_errors=True) as folder:
        os.environ["GRADIO_TEMP_DIR"] = folder
        yield


def server(app: ASGIApp) -> uvicorn.Server:
    """The HTTP server: forwarding headers are the application's affair, half-sent requests are closed."""
    import uvicorn

    from listening_test.collection.connections import PunctualProtocol

    return uvicorn.Server(
        uvicorn.Config(
            app,
            http=PunctualProtocol,
            ws="none",
            log_level="warning",
            access_log=False,  # addresses of audio hold tokens
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=GRACE_SECONDS,
        )
    )


def run(app: ASGIApp, opened: socket.socket) -> None:
    """Serve until told to stop (Ctrl-C, SIGTERM); answers under way are finished first.

    Raises:
        KeyboardInterrupt: when it was told to stop, either way.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that what comes after us is done as well

    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s", level=logging.WARNING)
    logging.getLogger("listening_test").setLevel(logging.INFO)
    server(app).run(sockets=[opened])
