"""What the pages may call on the server, and what is said to everything else."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from starlette.responses import JSONResponse, Response
from starlette.types import Message, Receive


def not_found() -> Response:
    """The one reply to everything that is not there or not for whoever asks."""
    return JSONResponse({"detail": "Not Found"}, status_code=404)


@dataclass(frozen=True)
class Callables:
    """What the two pages may call; Gradio breaks over the number of anything else.

    Attributes:
        component: of the rater's page, the number of the component that holds the functions.
        functions: their names.
        events: of the administration, the numbers of its events.
    """

    component: int
    functions: Collection[str]
    events: Collection[int]


async def whole_body(receive: Receive) -> bytes:
    """The body of a request whose length was found to be small; what came of it, when the connection went away."""
    body = bytearray()
    while True:
        message = await receive()
        body += message.get("body", b"")
        if message["type"] != "http.request" or not message.get("more_body"):
            return bytes(body)


def again(body: bytes) -> Receive:
    """The same body once more, then silence."""
    first = [True]

    async def receive() -> Message:
        if not first:
            return {"type": "http.disconnect"}
        first.clear()
        return {"type": "http.request", "body": body, "more_body": False}

    return receive


def refused_call(body: bytes, callables: Callables, *, event: bool) -> Response | None:
    """What is said to a call that is none of the pages'."""
    try:
        call: dict[str, Any] = dict(json.loads(body, parse_constant=_no_number))
    except (ValueError, TypeError, RecursionError):
        return JSONResponse({"detail": "Bad Request"}, status_code=400)
    number = call.get("fn_index" if event else "component_id")
    if type(number) is not int or not isinstance(call.get("session_hash"), str) or "data" not in call:
        return JSONResponse({"detail": "Bad Request"}, status_code=400)
    if event:
        return None if number in callables.events and not call.get("api_name") else not_found()
    name = call.get("fn_name")
    is_ours = number == callables.component and isinstance(name, str) and name in callables.functions
    return None if is_ours else not_found()


def _no_number(text: str) -> None:
    raise ValueError(text)
