"""In front of everything: which requests come through, and what every reply says about itself.

Gradio serves more than a listening test needs: uploads, files by path, a proxy, descriptions of its interface. Only
what the two pages use is let through; everything else is "not found", in the same words as a wrong token.
"""

from __future__ import annotations

import logging
import math
import re
import secrets

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from listening_test.collection.calls import Callables, again, not_found, rater_reply, refused_event, whole_body
from listening_test.collection.hosts import Hosts
from listening_test.collection.logins import LoginLimit

LARGEST_BODY = 64 * 1024
"""Bytes of a request; the longest answer of a page is far below."""

_SHIPPED = r"assets/[\w./-]+|static/[\w./-]+|theme\.css|gradio_api/theme\.css"
_READ = re.compile(
    rf"/(?:health|audio/[\w/.-]+|front-end/[\w.-]+|config/?|favicon\.ico|manifest\.json|robots\.txt"
    rf"|gradio_api/(?:info/?|startup-events)|{_SHIPPED})?"
    rf"|/admin|/admin/(?:config/?|gradio_api/(?:info/?|startup-events)|logout|manifest\.json|{_SHIPPED})?"
)
_HASHED = re.compile(r"/(?:admin/)?assets/")
_KEEP = "public, max-age=31536000"  # their names change with their content
_CALL = re.compile(r"/gradio_api/component_server/?")
_LOGIN = re.compile(r"/admin/login/?")
_EVENT = re.compile(r"/admin/gradio_api/run/predict/?")
_WRITE = re.compile("|".join(one.pattern for one in (_CALL, _LOGIN, _EVENT)))
_ASTRAY = re.compile(r"//|(?:^|/)\.\.?(?:/|$)")
_PAGES = ("/", "/admin/")
_LONGEST_NAME = 64

_POLICY = (
    "default-src 'none'; script-src 'self' 'unsafe-eval' 'nonce-{nonce}'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; media-src 'self' blob:; connect-src 'self'; "
    "manifest-src 'self'; worker-src 'self' blob:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
"""Gradio turns the component's script into a function ('unsafe-eval') and writes style attributes ('unsafe-inline')."""
_HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",  # addresses of audio hold the rater's token
    "x-frame-options": "DENY",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
    "x-robots-tag": "noindex",
}


_MOST_STRANGERS = 20

log = logging.getLogger(__name__)


class Guard:
    """ASGI application around another.

    Args:
        app: the inner one.
        callables: what the pages may call.
        hosts: the server's own addresses.
        logins: who may try the password of the administration.
    """

    def __init__(self, app: ASGIApp, callables: Callables, hosts: Hosts, logins: LoginLimit) -> None:
        """Keep all of it."""
        self._app, self._callables, self._hosts, self._logins = app, callables, hosts, logins
        self._strangers: set[str] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return
        nonce, path = secrets.token_urlsafe(16), self._hosts.inside(scope["path"])
        send = _with_headers(send, nonce, _KEEP if _HASHED.match(path) else "no-store")
        refusal = self._refusal(scope, path)
        if refusal is None and _CALL.fullmatch(path):
            reply = await rater_reply(await whole_body(receive), self._callables)
            await reply(scope, receive, send)
            return
        if refusal is None and _EVENT.fullmatch(path):
            body = await whole_body(receive)
            refusal = refused_event(body, self._callables)
            receive = again(body)
        if refusal is not None:
            await refusal(scope, receive, send)
            return
        if scope["method"] == "POST" and _LOGIN.fullmatch(path):
            await self._log_in(scope, receive, send, path)
            return
        page = path in _PAGES
        drop = [b"origin", *([b"accept-encoding"] if page else [])]  # pages come plain, so that the nonce fits in
        inner = self._hosts.as_public(scope, path, drop=drop)
        inner["query_string"] = b""  # an invitation is read in the browser; what Gradio would read is not used
        await self._app(inner, receive, _with_nonce(send, nonce) if page else send)

    async def _log_in(self, scope: Scope, receive: Receive, send: Send, path: str) -> None:
        """Pass a try at the password on, unless there were too many wrong ones from there."""
        address = scope["client"][0] if scope.get("client") else "?"
        wait = self._logins.begin(address)
        if wait:
            headers = {"Retry-After": str(math.ceil(wait))}
            await JSONResponse({"detail": "Too Many Requests"}, 429, headers)(scope, receive, send)
            return
        status = 500

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(self._hosts.as_public(scope, path, drop=[b"origin"]), receive, sending)
        finally:
            self._logins.end(address, right=status == 200)

    def _refusal(self, scope: Scope, path: str) -> Response | None:
        """What is said to a request that does not come through; None when it does."""
        headers = Headers(scope=scope)
        host, origin = headers.get("host"), headers.get("origin")
        if not self._hosts.is_known(host):
            return self._misdirected(str(host))
        if origin is not None and not self._hosts.is_own_origin(origin, host):
            return not_found()
        if scope["method"] in ("GET", "HEAD"):
            if self._hosts.prefix and path == self._hosts.prefix:
                query = scope["query_string"].decode("ascii", "ignore")  # an invitation
                return RedirectResponse(f"{self._hosts.prefix}/{'?' if query else ''}{query}", status_code=308)
            return None if _READ.fullmatch(path) and not _ASTRAY.search(path) else not_found()
        if scope["method"] != "POST" or not _WRITE.fullmatch(path):
            return not_found()
        length = headers.get("content-length", "")
        if not length.isdigit() or "transfer-encoding" in headers:  # which would count instead of the length
            return JSONResponse({"detail": "Length Required"}, status_code=411)
        if int(length) > LARGEST_BODY:
            return JSONResponse({"detail": "Content Too Large"}, status_code=413)
        if not _LOGIN.fullmatch(path) and not headers.get("content-type", "").startswith("application/json"):
            return JSONResponse({"detail": "Unsupported Media Type"}, status_code=415)
        return None

    def _misdirected(self, host: str) -> Response:
        """Whoever set a name up for the server learns from its log what to do; a flood of names leaves a few lines."""
        if len(self._strangers) < _MOST_STRANGERS and host not in self._strangers:
            self._strangers.add(host)
            log.warning(
                "A request for the host %s was refused: if that is a name of this server, say so with --public-url.",
                ascii(host[:_LONGEST_NAME]),
            )
        return JSONResponse({"detail": "Misdirected Request"}, status_code=421)


def _with_headers(send: Send, nonce: str, caching: str) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in _HEADERS.items():
                headers[name] = value
            headers["content-security-policy"] = _POLICY.format(nonce=nonce)
            if message["status"] >= 400:
                headers["cache-control"] = "no-store"
            headers.setdefault("cache-control", caching)
            _tighten_cookies(headers)
        await send(message)

    return sending


def _tighten_cookies(headers: MutableHeaders) -> None:
    """No other site makes the experimenter's browser send the cookie of the administration."""
    cookies = headers.getlist("set-cookie")
    if cookies:
        del headers["set-cookie"]
        for cookie in cookies:
            attributes = [part for part in cookie.split("; ") if not part.lower().startswith("samesite")]
            headers.append("set-cookie", "; ".join([*attributes, "SameSite=Strict"]))


def _with_nonce(send: Send, nonce: str) -> Send:
    """Hold the page back until it is whole, then allow its own scripts, and no others, to run."""
    start: list[Message] = []
    body = bytearray()

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            start.append(message)
            return
        if message["type"] != "http.response.body":  # what a test client is told beside the response
            await send(message)
            return
        body.extend(message.get("body", b""))
        if message.get("more_body"):
            return
        page = bytes(body).replace(b"<script", f'<script nonce="{nonce}"'.encode())
        MutableHeaders(scope=start[0])["content-length"] = str(len(page))
        await send(start[0])
        await send({"type": "http.response.body", "body": page})

    return sending
