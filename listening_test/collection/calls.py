"""What the pages may call on the server, and what is said to everything else."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Collection, Mapping
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
        functions: by name; each takes what the browser sent and gives what it is told, as JSON.
        events: of the administration, the numbers of its events.
    """

    component: int
    functions: Mapping[str, Callable[[Any], Awaitable[dict[str, Any]]]]
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


async def rater_reply(body: bytes, callables: Callables) -> Response:
    """The reply to a call of the rater's page. Gradio's way to the same function takes several times as long."""
    call = _read_call(body, "component_id")
    if call is None:
        return _bad_request()
    name = call.get("fn_name")
    if call["component_id"] != callables.component or not isinstance(name, str) or name not in callables.functions:
        return not_found()
    return JSONResponse(await callables.functions[name](call["data"]))


def refused_event(body: bytes, callables: Callables) -> Response | None:
    """What is said to an event that is none of the administration's; None when Gradio may have it."""
    call = _read_call(body, "fn_index")
    if call is None:
        return _bad_request()
    return None if call["fn_index"] in callables.events and not call.get("api_name") else not_found()


def _read_call(body: bytes, number: str) -> dict[str, Any] | None:
    """A call as Gradio's pages make it, with a whole number under `number`; None for anything else."""
    try:
        call: dict[str, Any] = dict(json.loads(body, parse_constant=_no_number))
    except (ValueError, TypeError, RecursionError):
        return None
    is_call = type(call.get(number)) is int and isinstance(call.get("session_hash"), str) and "data" in call
    return call if is_call else None


def _bad_request() -> Response:
    return JSONResponse({"detail": "Bad Request"}, status_code=400)


def _no_number(text: str) -> None:
    raise ValueError(text)
