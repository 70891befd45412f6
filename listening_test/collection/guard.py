"""In front of everything: which requests come through, and what every reply says about itself.

Gradio serves more than a listening test needs: uploads, files by path, a proxy, descriptions of its interface. Only
what the two pages use is let through; everything else is "not found", in the same words as a wrong token.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

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
_WRITE = re.compile(r"/gradio_api/component_server/?|/admin/(?:login|gradio_api/run/predict)/?")
_ASTRAY = re.compile(r"//|(?:^|/)\.\.?(?:/|$)")
_PAGES = ("/", "/admin/")

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


def not_found() -> Response:
    """The one reply to everything that is not there or not for whoever asks."""
    return JSONResponse({"detail": "Not Found"}, status_code=404)


class Guard:
    """ASGI application around another.

    Args:
        app: the inner one.
        public_url: where raters reach the server, if that is not the address it listens at.
    """

    def __init__(self, app: ASGIApp, public_url: str | None = None) -> None:
        """Keep both."""
        self._app = app
        self._public = urlsplit(public_url).netloc if public_url else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return
        nonce = secrets.token_urlsafe(16)
        send = _with_headers(send, nonce, _KEEP if _HASHED.match(scope["path"]) else "no-store")
        refusal = self._refusal(scope)
        if refusal is not None:
            await refusal(scope, receive, send)
            return
        page = scope["path"] in _PAGES
        dropped = [b"origin", *([b"accept-encoding"] if page else [])]  # pages come plain, so that the nonce fits in
        inner = {**scope, "headers": [one for one in scope["headers"] if one[0] not in dropped]}
        await self._app(inner, receive, _with_nonce(send, nonce) if page else send)

    def _refusal(self, scope: Scope) -> Response | None:
        """What is said to a request that does not come through; None when it does."""
        headers, path = Headers(scope=scope), scope["path"]
        if not self._from_here(headers):
            return not_found()
        if scope["method"] in ("GET", "HEAD"):
            return None if _READ.fullmatch(path) and not _ASTRAY.search(path) else not_found()
        if scope["method"] != "POST" or not _WRITE.fullmatch(path):
            return not_found()
        length = headers.get("content-length", "")
        if not length.isdigit() or "transfer-encoding" in headers:  # which would count instead of the length
            return JSONResponse({"detail": "Length Required"}, status_code=411)
        if int(length) > LARGEST_BODY:
            return JSONResponse({"detail": "Content Too Large"}, status_code=413)
        if not path.startswith("/admin/login") and not headers.get("content-type", "").startswith("application/json"):
            return JSONResponse({"detail": "Unsupported Media Type"}, status_code=415)
        return None

    def _from_here(self, headers: Headers) -> bool:
        """Whether the request was made by one of our pages or by no page at all."""
        origin = headers.get("origin")
        ours: Iterable[str | None] = (self._public, headers.get("host"), headers.get("x-forwarded-host"))
        return origin is None or urlsplit(origin).netloc in {one for one in ours if one}


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
            kept = [part for part in cookie.split("; ") if not part.lower().startswith("samesite")]
            headers.append("set-cookie", "; ".join([*kept, "SameSite=Strict"]))


def _with_nonce(send: Send, nonce: str) -> Send:
    """Hold the page back until it is whole, then allow its own scripts, and no others, to run."""
    start: list[Message] = []
    body = bytearray()

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            start.append(message)
            return
        body.extend(message.get("body", b""))
        if message.get("more_body"):
            return
        page = bytes(body).replace(b"<script", f'<script nonce="{nonce}"'.encode())
        MutableHeaders(scope=start[0])["content-length"] = str(len(page))
        await send(start[0])
        await send({"type": "http.response.body", "body": page})

    return sending
