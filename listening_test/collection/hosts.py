"""Which addresses are the server's own, and under which of them its pages speak of themselves.

A browser sends the host of the address it shows. A name that is not the server's means that another site's name was
pointed at it, and with it that site's scripts; numbers cannot be pointed anywhere. What forwarding headers say of the
host counts for nothing: behind a proxy, the public address is the experimenter's word.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Iterable
from urllib.parse import urlsplit

from starlette.types import Scope

_HOST = re.compile(r"[\w.-]+(?::\d{1,5})?|\[[\w:.%]+\](?::\d{1,5})?", re.ASCII)
_FORWARDED = (b"forwarded", b"x-real-ip", b"x-gradio-server")
_FORWARDED_PREFIX = b"x-forwarded-"


class Hosts:
    """The addresses of one server.

    Args:
        public_url: where raters reach it, if that is not the address it listens at; may have a path.
        names: more names of its own, such as the one it was told to listen at.
    """

    def __init__(self, public_url: str | None = None, names: Iterable[str] = ()) -> None:
        """Take the address apart."""
        parts = urlsplit(public_url or "")
        self.scheme, self.netloc, self.prefix = parts.scheme, parts.netloc, parts.path.rstrip("/")
        server_names = (
            "localhost",
            socket.gethostname(),
            f"{socket.gethostname()}.local",
            parts.hostname or "",
            *names,
        )
        self._names = {name.lower() for name in server_names if name}

    def is_known(self, host: str | None) -> bool:
        """Whether a ``Host`` header is one of the server's; browsers always send one."""
        if host is None:
            return True
        try:
            name = urlsplit(f"//{host}").hostname if _HOST.fullmatch(host) else None
        except ValueError:
            return False
        return name is not None and (name in self._names or _is_number(name))

    def is_own_origin(self, origin: str, host: str | None) -> bool:
        """Whether an ``Origin`` header is that of our pages, for a host that is known."""
        try:
            return urlsplit(origin).netloc in {name for name in (self.netloc, host) if name}
        except ValueError:
            return False

    def inside(self, path: str) -> str:
        """The path behind the public address's own, whether a proxy takes that away or leaves it."""
        return path[len(self.prefix) :] if self.prefix and path.startswith(f"{self.prefix}/") else path

    def as_public(self, scope: Scope, path: str, *, drop: Iterable[bytes] = ()) -> Scope:
        """A request as the pages should see it: at the public address, and without any word on forwarding.

        Args:
            scope: as it came.
            path: as `inside` gives it.
            drop: names of further headers to leave out.
        """
        left_out = {*_FORWARDED, *drop, *([b"host"] if self.netloc else [])}
        headers = [
            (name, value)
            for name, value in scope["headers"]
            if name not in left_out and not name.startswith(_FORWARDED_PREFIX)
        ]
        changed = {**scope, "headers": headers, "path": self.prefix + path, "root_path": self.prefix}
        changed.pop("raw_path", None)  # of the address as it came; nothing inside needs it
        if self.netloc:
            headers.append((b"host", self.netloc.encode("ascii", "ignore")))
            changed["scheme"] = self.scheme
        return changed


def _is_number(name: str) -> bool:
    try:
        ipaddress.ip_address(name.partition("%")[0])
    except ValueError:
        return False
    return True
