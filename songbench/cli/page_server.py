"""Serves one folder to the browser of this machine: nothing else of it, to nobody else."""

from __future__ import annotations

import mimetypes
import re
import sys
from functools import partial
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import IO
from urllib.parse import unquote, urlsplit

HOST = "127.0.0.1"
_HOSTS = frozenset((HOST, "localhost"))
_CHUNK = 1 << 18
_RANGE = re.compile(r"bytes=(\d*)-(\d*)")
_TYPES = {".flac": "audio/flac", ".js": "text/javascript", ".svg": "image/svg+xml", ".json": "application/json"}
_TEXT = frozenset((".html", ".css", ".js", ".md", ".txt", ".csv", ".tex", ".json"))


class PageServer(ThreadingHTTPServer):
    """A server of one folder.

    Args:
        folder: whose files are served, and no file outside of it, wherever links lead.
        first: the file that the bare address leads to.
        port: 0 for a free one.

    Raises:
        OSError: the port is taken.
    """

    daemon_threads = True

    def __init__(self, folder: Path, first: str, port: int = 0) -> None:
        super().__init__((HOST, port), partial(_Handler, folder.resolve(), first))

    def handle_error(self, request: object, client_address: object) -> None:
        """Players hang up in the middle of a file when somebody seeks, which is no error."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]

    @property
    def address(self) -> str:
        """Where it is reached, with a slash at the end."""
        return f"http://{HOST}:{self.server_address[1]}/"


class _Handler(BaseHTTPRequestHandler):
    """Answers GET and HEAD; ranges of bytes, too, so that a player can begin anywhere."""

    protocol_version = "HTTP/1.1"
    server_version = "songbench"
    sys_version = ""

    def __init__(self, folder: Path, first: str, *arguments: object) -> None:
        self.folder, self.first = folder, first
        super().__init__(*arguments)  # type: ignore[arg-type]

    def do_GET(self) -> None:
        """A file, or a part of it."""
        self._answer()

    def do_HEAD(self) -> None:
        """What would be answered, without it."""
        self._answer()

    def log_message(self, format: str, *arguments: object) -> None:
        """Nothing: the terminal shows the address only."""

    def _answer(self) -> None:
        # A page elsewhere can make a name of its own lead here; only what asks for this machine is answered.
        if self.headers.get("Host", "").rpartition(":")[0] not in _HOSTS:
            self._refuse(HTTPStatus.FORBIDDEN)
            return
        path = unquote(urlsplit(self.path).path)
        if path == "/":
            self._head(HTTPStatus.FOUND, {"Location": f"/{self.first}", "Content-Length": "0"})
            return
        file = self._file(path)
        if file is None:
            self._refuse(HTTPStatus.NOT_FOUND)
            return
        with file.open("rb") as stream:
            self._send(file, stream)

    def _file(self, path: str) -> Path | None:
        """The file that a path names, if it lies in the folder."""
        try:
            file = (self.folder / path.lstrip("/")).resolve()
            return file if file.is_relative_to(self.folder) and file.is_file() else None
        except (OSError, RuntimeError, ValueError):  # a name that is too long, a circle of links, a null byte
            return None

    def _send(self, file: Path, stream: IO[bytes]) -> None:
        size = file.stat().st_size
        headers = {"Content-Type": _type(file), "Accept-Ranges": "bytes"}
        part = self.headers.get("Range")
        extent = _extent(part, size) if part else (0, size)
        if extent is None:
            self._refuse(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, {"Content-Range": f"bytes */{size}"})
            return
        start, end = extent
        headers["Content-Length"] = str(end - start)
        if part:
            headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
        self._head(HTTPStatus.PARTIAL_CONTENT if part else HTTPStatus.OK, headers)
        if self.command == "HEAD":
            return
        stream.seek(start)
        try:
            while start < end and (data := stream.read(min(_CHUNK, end - start))):
                self.wfile.write(data)
                start += len(data)
        except (BrokenPipeError, ConnectionResetError):  # the player went on to another place
            self.close_connection = True

    def _refuse(self, status: HTTPStatus, headers: dict[str, str] | None = None) -> None:
        text = f"{status.value} {status.phrase}\n".encode()
        self._head(status, {"Content-Type": "text/plain", "Content-Length": str(len(text)), **(headers or {})})
        if self.command != "HEAD":
            self.wfile.write(text)

    def _head(self, status: HTTPStatus, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {"Cache-Control": "no-cache", "X-Content-Type-Options": "nosniff", **headers}.items():
            self.send_header(name, value)
        self.end_headers()


def _type(file: Path) -> str:
    kind = _TYPES.get(file.suffix) or mimetypes.guess_type(file.name)[0] or "application/octet-stream"
    if file.suffix == ".md":
        kind = "text/plain"
    return f"{kind}; charset=utf-8" if file.suffix in _TEXT else kind


def _extent(part: str, size: int) -> tuple[int, int] | None:
    """First byte and the one after the last of a range; None where it lies outside of the file or is none."""
    match = _RANGE.fullmatch(part.strip())
    if not match or not any(match.groups()):
        return None
    first, last = match.groups()
    if not first:
        return (max(0, size - int(last)), size) if int(last) and size else None
    end = min(int(last) + 1, size) if last else size
    return (int(first), end) if int(first) < end else None
