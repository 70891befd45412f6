"""The web application: the rater's page (one Gradio component), the audio, and the administration beside them."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from listening_test.collection.replies import Replies, Reply
from listening_test.collection.sessions import SessionProblemError, Sessions
from listening_test.protocol.model import localized

if TYPE_CHECKING:
    from fastapi import FastAPI
    from gradio import Blocks
    from starlette.responses import Response
    from starlette.types import ASGIApp

AT_ONCE = 16
"""Requests that work on the database at the same time, answers apart; the others wait their turn."""
_LONG_AGO = "Sat, 01 Jan 2000 00:00:00 GMT"
"""Every file's date: when a file was made could tell an anchor from a song."""
_ID = 12


@dataclass(frozen=True)
class FrontEnd:
    """What runs in the rater's browser.

    Attributes:
        script: defines ``window.songbenchListening``.
        stylesheet: of the pages.
        host: connects the script with the component; the body of a function.
        wording: per language, the texts that every test shares.
    """

    script: str
    stylesheet: str
    host: str
    wording: Mapping[str, Mapping[str, str]]

    @classmethod
    def shipped(cls, languages: tuple[str, ...]) -> FrontEnd:
        """The project's own, in these languages."""
        from listening_test.front_end import assets, wording

        return cls(
            assets.script(),
            assets.stylesheet(),
            assets.gradio_host_script(),
            {language: wording.load_wording(language) for language in languages},
        )


def build(
    sessions: Sessions,
    admin_password: str,
    *,
    front_end: FrontEnd | None = None,
    public_url: str | None = None,
    names: Sequence[str] = (),
    trusted_proxies: Sequence[str] = (),
) -> ASGIApp:
    """The whole application.

    Args:
        sessions: of the test.
        admin_password: of the user "admin" at ``/admin/``.
        front_end: None for the one that ships.
        public_url: where raters reach the server, if that is not the address it listens at; it may have a path.
        names: more host names that are the server's own.
        trusted_proxies: addresses and networks whose word on a request's sender and scheme is taken.

    Raises:
        InputError: when the password is too short.
    """
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"  # before Gradio is imported: nothing is reported anywhere
    import gradio
    from fastapi import FastAPI
    from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

    from listening_test.collection.admin import admin_blocks, check_password
    from listening_test.collection.calls import Callables
    from listening_test.collection.guard import Guard
    from listening_test.collection.hosts import Hosts
    from listening_test.collection.logins import LoginLimit, check_length

    check_length(admin_password)
    page_files = front_end or FrontEnd.shipped(sessions.test.protocol.languages)
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    _add_routes(app, sessions, page_files)
    shared: dict[str, Any] = {"footer_links": [], "show_error": False, "ssr_mode": False, "theme": _theme()}
    shared |= {"enable_monitoring": False, "mcp_server": False, "max_file_size": 1}
    administration = admin_blocks(sessions)
    gradio.mount_gradio_app(
        app,
        administration,
        "/admin",
        auth=check_password(admin_password),
        blocked_paths=[str(sessions.test.folder.resolve())],
        **shared,
    )
    functions = _server_functions(Replies(sessions))
    blocks, number = _rater_blocks(sessions, page_files, functions)
    gradio.mount_gradio_app(app, blocks, "/", **shared)
    callables = Callables(
        number, {function.__name__: function for function in functions}, frozenset(administration.fns)
    )
    guard = Guard(app, callables, Hosts(public_url, names), LoginLimit())
    if not trusted_proxies:
        return guard
    return cast("ASGIApp", ProxyHeadersMiddleware(cast("Any", guard), list(trusted_proxies)))


def _theme() -> Any:
    """System fonts: nothing is fetched from anywhere else."""
    import gradio

    return gradio.themes.Default(font=["system-ui", "sans-serif"], font_mono=["ui-monospace", "monospace"])


def _rater_blocks(
    sessions: Sessions, front_end: FrontEnd, functions: list[Callable[[Any], Awaitable[Reply]]]
) -> tuple[Blocks, int]:
    """The page, and the number of the component that calls the functions."""
    import gradio

    protocol = sessions.test.protocol
    script, style = _file_names(front_end)
    blocks: Blocks
    with gradio.Blocks(
        title=localized(protocol.title, protocol.languages[0]) or "Listening test", analytics_enabled=False
    ) as blocks:
        component = gradio.HTML(
            html_template='<div class="songbench-listening"></div>',
            js_on_load=front_end.host,
            apply_default_css=False,
            head=f'<link rel="stylesheet" href="front-end/{style}"><script src="front-end/{script}"></script>',
            server_functions=functions,
            wording=front_end.wording,
            languages=list(protocol.languages),
            test=sessions.database.test[:_ID],
            parameters=sessions.panel.parameters.model_dump() if sessions.panel else {},
        )
    return blocks, int(component._id)


def _server_functions(replies: Replies) -> list[Callable[[Any], Awaitable[Reply]]]:
    """What the page calls by name, on the event loop; the work is done in threads beside it."""
    from anyio import CapacityLimiter, to_thread

    from listening_test.collection.answer_queue import AnswerQueue

    limiter, queue = CapacityLimiter(AT_ONCE), AnswerQueue(replies.answers)

    async def open_session(payload: Any) -> Reply:
        return await to_thread.run_sync(replies.open_session, payload, limiter=limiter)

    async def answer(payload: Any) -> Reply:
        return await queue.answer(payload)

    async def turn(payload: Any) -> Reply:
        return await to_thread.run_sync(replies.turn, payload, limiter=limiter)

    async def withdraw(payload: Any) -> Reply:
        return await to_thread.run_sync(replies.withdraw, payload, limiter=limiter)

    return [open_session, answer, turn, withdraw]


def _file_names(front_end: FrontEnd) -> tuple[str, str]:
    """File names that change with the content, so that browsers may keep the files."""
    script, style = (hashlib.sha256(one.encode()).hexdigest()[:_ID] for one in (front_end.script, front_end.stylesheet))
    return f"script-{script}.js", f"style-{style}.css"


def _add_routes(app: FastAPI, sessions: Sessions, front_end: FrontEnd) -> None:
    from fastapi.responses import PlainTextResponse, RedirectResponse, Response

    from listening_test.collection.calls import not_found

    script, style = _file_names(front_end)
    files = {script: (front_end.script, "text/javascript"), style: (front_end.stylesheet, "text/css")}

    def health() -> Response:
        return PlainTextResponse("ok")

    def admin() -> Response:
        return RedirectResponse("admin/", status_code=308)

    def asset(name: str) -> Response:
        if name not in files:
            return not_found()
        content, kind = files[name]
        return Response(content, media_type=kind, headers={"Cache-Control": "public, max-age=31536000, immutable"})

    def audio(token: str, page: str, player: str) -> Response:
        return _audio(sessions, token, page, player)

    endpoints: dict[str, Callable[..., Response]] = {
        "/health": health,
        "/admin": admin,
        "/front-end/{name}": asset,
        "/audio/{token}/{page}/{player}": audio,
    }
    for path, endpoint in endpoints.items():
        app.add_api_route(path, endpoint, methods=["GET", "HEAD"], response_model=None)


def _audio(sessions: Sessions, token: str, page: str, player: str) -> Response:
    """One player's sound. Nothing of it but the sound itself is the same for two raters who hear the same file."""
    from fastapi.responses import FileResponse

    from listening_test.collection.calls import not_found

    try:
        number = int(page) if page.isdecimal() and len(page) < 5 else -1
        path = sessions.audio_path(token, number, player.partition(".")[0])
    except SessionProblemError:
        return not_found()
    headers = {
        "Cache-Control": "private, max-age=86400",
        "Last-Modified": _LONG_AGO,
        "ETag": f'"{sessions.signer.audio_tag(token, number, player)}"',
    }
    return FileResponse(path, media_type=f"audio/{sessions.test.protocol.listening.format}", headers=headers)
