"""HTTP as services are asked: with a key that goes nowhere else, patience with limits, and nothing ordered twice."""

from __future__ import annotations

import email.utils
import http.client
import json
import os
import socket
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from songbench.domain.errors import DISK_FULL, one_line
from songbench.domain.hashing import Json
from songbench.resources.hosted.errors import ServiceError, error_of_status
from songbench.resources.hosted.service import FIRST_WAIT_S

ATTEMPTS = 6
"""How often anything is tried."""

LONGEST_WAIT_S = 120.0
"""The longest wait between two tries, also where the service names it."""

LARGEST_BYTES = 256 << 20
"""An answer or a song that is larger is refused: five minutes of stereo take 53 MB as wav, 106 MB as hexadecimals."""

_BLOCK = 1 << 16
_NOT_TAKEN = (500, 503)
"""Statuses by which a service itself says that it did not take an order. Gateways say 502 and 504, without knowing."""


@dataclass(frozen=True)
class Answer:
    """What a service answered.

    Attributes:
        status: of HTTP.
        kind: its media type, such as ``application/json``; "" where it does not say.
        data: the bytes.
    """

    status: int
    kind: str
    data: bytes

    def json(self) -> Json:
        """The bytes as JSON.

        Raises:
            ServiceError: they are something else.
        """
        try:
            value: Json = json.loads(self.data)
        except ValueError:
            raise ServiceError("answer", f"gave no JSON ({one_line(repr(self.data[:60]))})") from None
        return value

    def mapping(self) -> Mapping[str, Any]:
        """The bytes as a JSON object.

        Raises:
            ServiceError: they are something else.
        """
        value = self.json()
        if not isinstance(value, Mapping):
            raise ServiceError("answer", f"gave no JSON object ({one_line(repr(value), 60)})")
        return value


class HttpClient:
    """Asks one service.

    The key goes to the service's own address only: answers that point elsewhere are not followed with it, and
    downloads are made without it. It is taken out of everything that is said about an error.

    Args:
        address: the base of the service's addresses.
        headers: sent with every question; they hold the key.
        secret: the key, so that it can be taken out of messages.
        judge: what an answer means: status and decoded JSON (None where it is no JSON) to an error, or None.
        stop: set when the run ends; waits end at once then.
        timeout_s: how long the service may be silent.
        first_wait_s: the wait before the second try.
    """

    def __init__(
        self,
        address: str,
        headers: Mapping[str, str],
        *,
        secret: str = "",
        judge: Callable[[int, Json], ServiceError | None] | None = None,
        stop: threading.Event | None = None,
        timeout_s: float = 60.0,
        first_wait_s: float = FIRST_WAIT_S,
    ) -> None:
        self._address, self._headers, self._secret = address, dict(headers), secret
        self._judge = judge or (lambda status, payload: error_of_status(status, ""))
        self._stop = stop or threading.Event()
        self._timeout_s, self._first_wait_s = timeout_s, first_wait_s
        self._opener = urllib.request.build_opener(_NoRedirection())
        self._downloads = urllib.request.build_opener(_WebRedirection())

    def get(self, path: str) -> Answer:
        """Ask; tried again when the service is overloaded or broken, or cannot be reached.

        Raises:
            ServiceError: what the service says, or that it is out of reach.
        """
        return self._patiently(lambda: self._call("GET", path, None, self._timeout_s), order=False)

    def post(self, path: str, body: Json, *, timeout_s: float | None = None) -> Answer:
        """Order something that costs money: tried again only when the service has certainly not taken the order.

        Args:
            path: below the address, with its query.
            body: sent as JSON.
            timeout_s: how long the service may be silent, where it makes the song while we wait.

        Raises:
            ServiceError: what the service says; ``unknown outcome`` when the answer was lost on its way.
        """
        data = json.dumps(body, ensure_ascii=False).encode()
        return self._patiently(lambda: self._call("POST", path, data, timeout_s or self._timeout_s), order=True)

    def download(self, url: str, path: Path) -> None:
        """Fetch a file; it is there whole or not at all.

        Args:
            url: as the service named it; http or https.
            path: where it goes.

        Raises:
            ServiceError: it cannot be fetched, or is larger than `LARGEST_BYTES`.
            OSError: it cannot be written.
        """
        if urllib.parse.urlsplit(url).scheme not in ("http", "https"):
            raise ServiceError("answer", f"named '{self._clean(url[:80])}' as the song, which is no web address")
        self._patiently(lambda: self._fetch(url, path), order=False)

    # -- tries ---------------------------------------------------------------------------------------------------------

    def _patiently(self, attempt: Callable[[], Answer], *, order: bool) -> Answer:
        wait_s = self._first_wait_s
        for number in range(1, ATTEMPTS + 1):
            try:
                return attempt()
            except _Refusal as refusal:
                error = refusal.error
                again = error.trouble in ("rate", "unreached") or (
                    error.trouble == "server" and (not order or refusal.status in _NOT_TAKEN)
                )
                if order and error.trouble == "server" and not again:
                    error = _unknown_outcome(str(error))
            pause_s = wait_s if error.wait_s is None else error.wait_s
            if not again or pause_s > LONGEST_WAIT_S:
                raise error
            if number == ATTEMPTS:
                raise ServiceError(error.trouble, f"{error} (tried {ATTEMPTS} times)")
            if self._stop.wait(pause_s):
                raise ServiceError("stopped", "the run ended")
            wait_s = min(2 * wait_s, LONGEST_WAIT_S)
        raise AssertionError("the last try returns or raises")

    def _call(self, method: str, path: str, data: bytes | None, timeout_s: float) -> Answer:
        headers = {**self._headers, "Accept": "*/*", **({"Content-Type": "application/json"} if data else {})}
        request = urllib.request.Request(self._address + path, data, headers, method=method)
        try:
            with self._opener.open(request, timeout=timeout_s) as stream:
                answer = Answer(stream.status, stream.headers.get_content_type(), _bounded(stream))
            retry_after = None
        except urllib.error.HTTPError as error:
            with error:
                answer = Answer(error.code, error.headers.get_content_type(), error.read(_BLOCK))
                retry_after = _seconds(error.headers.get("Retry-After"))
        except (OSError, http.client.HTTPException) as error:
            raise _Refusal(self._broken(error, order=method == "POST")) from None
        problem = self._judge(answer.status, _payload(answer))
        if problem is not None:
            wait_s = problem.wait_s if problem.wait_s is not None else retry_after
            message = self._clean(one_line(str(problem)))
            raise _Refusal(ServiceError(problem.trouble, message, wait_s=wait_s), answer.status)
        return answer

    def _fetch(self, url: str, path: Path) -> Answer:
        scratch = path.with_name(f".{path.name}.{os.getpid()}-{uuid.uuid4().hex[:8]}.tmp")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with self._downloads.open(url, timeout=self._timeout_s) as stream, open(scratch, "wb") as target:
                length = stream.headers.get("Content-Length")
                size = 0
                while block := stream.read(_BLOCK):
                    size += len(block)
                    if size > LARGEST_BYTES:
                        raise ServiceError("answer", f"gave a song of more than {LARGEST_BYTES >> 20} MiB")
                    if self._stop.is_set():
                        raise ServiceError("stopped", "the run ended")
                    target.write(block)
                if length is not None and length.isdigit() and size < int(length):
                    raise _Refusal(ServiceError("unreached", f"the song stopped after {size} of {length} bytes"))
                target.flush()
                os.fsync(target.fileno())
            scratch.replace(path)
            return Answer(200, "", b"")
        except urllib.error.HTTPError as error:
            with error:
                trouble = error_of_status(error.code, "the song's address does not give it")
                wait_s = _seconds(error.headers.get("Retry-After"))
            assert trouble is not None
            kind = trouble.trouble if trouble.trouble in ("rate", "server") else "answer"
            raise _Refusal(ServiceError(kind, str(trouble), wait_s=wait_s), error.code) from None
        except ServiceError as error:
            raise _Refusal(error) from None
        except (OSError, http.client.HTTPException) as error:
            if isinstance(error, PermissionError) or getattr(error, "errno", None) in DISK_FULL:
                raise
            raise _Refusal(self._broken(error, order=False)) from None
        finally:
            scratch.unlink(missing_ok=True)

    # -- messages ------------------------------------------------------------------------------------------------------

    def _broken(self, error: Exception, *, order: bool) -> ServiceError:
        """A connection that could not be made, or broke."""
        cause = error.reason if isinstance(error, urllib.error.URLError) else error
        text = self._clean(one_line(str(cause) or type(cause).__name__))
        unsent = isinstance(cause, ConnectionRefusedError | socket.gaierror)
        if order and not unsent:
            return _unknown_outcome(text)
        return ServiceError("unreached", f"cannot be reached ({text})")

    def _clean(self, text: str) -> str:
        return text.replace(self._secret, "…") if self._secret else text


class _Refusal(Exception):  # noqa: N818 - no error of its own: it carries one to where tries are counted
    """An error, with the status of the answer that it comes from (0: none)."""

    def __init__(self, error: ServiceError, status: int = 0) -> None:
        self.error, self.status = error, status


class _NoRedirection(urllib.request.HTTPRedirectHandler):
    """Follows nothing: urllib would send the key along."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        """None: the answer is an error."""


class _WebRedirection(urllib.request.HTTPRedirectHandler):
    """Follows web addresses only."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request | None:
        """The request for the new address, or None."""
        if urllib.parse.urlsplit(newurl).scheme not in ("http", "https"):
            return None
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _unknown_outcome(text: str) -> ServiceError:
    return ServiceError(
        "unknown outcome",
        f"gave no answer to an order ({text}); whether it took it, and will charge for it, your account there shows",
    )


def _bounded(stream: Any) -> bytes:
    data: bytes = stream.read(LARGEST_BYTES + 1)
    if len(data) > LARGEST_BYTES:
        raise _Refusal(ServiceError("answer", f"gave an answer of more than {LARGEST_BYTES >> 20} MiB"))
    return data


def _payload(answer: Answer) -> Json:
    if answer.kind != "application/json" and answer.status < 400:
        return None
    try:
        payload: Json = json.loads(answer.data)
    except ValueError:
        return None
    return payload


def _seconds(retry_after: str | None) -> float | None:
    """The header as seconds from now; it may hold a number or a date."""
    if not retry_after:
        return None
    if retry_after.strip().isdigit():
        return float(retry_after)
    try:
        moment = email.utils.parsedate_to_datetime(retry_after)
    except ValueError:
        return None
    return max(0.0, moment.timestamp() - time.time())
