"""HTTP as uvicorn speaks it, with a limit on how long a request may take to arrive.

Uvicorn waits for ever for the rest of a request that has begun; whoever sends half of one, a byte now and then, holds a
connection for as long. Here a connection is closed when a request is not here whole in time.
"""

from __future__ import annotations

import asyncio

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

REQUEST_SECONDS = 15.0
"""From the beginning of a connection, or of a later request on it, to the request's last byte. The longest request,
64 KiB, then comes over a line of 5 KiB a second."""


class PunctualProtocol(H11Protocol):
    """One connection."""

    _closing: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for the first request."""
        super().connection_made(transport)
        self._begin()

    def data_received(self, data: bytes) -> None:
        """Take what came; wait for the rest where there must be more."""
        super().data_received(data)
        half_a_head = self.conn.their_state is h11.IDLE and bool(self.conn.trailing_data[0])
        if half_a_head or self.conn.their_state is h11.SEND_BODY:
            self._begin()
        else:
            self._end()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no longer."""
        self._end()
        super().connection_lost(exc)

    def _begin(self) -> None:
        if self._closing is None:
            self._closing = self.loop.call_later(REQUEST_SECONDS, self.transport.abort)

    def _end(self) -> None:
        if self._closing is not None:
            self._closing.cancel()
            self._closing = None
