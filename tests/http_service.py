"""A service on this machine that answers as a test says, and remembers what it was asked."""

import contextlib
import http.server
import io
import json
import threading
from dataclasses import dataclass, field

import numpy as np
import soundfile


@dataclass
class Call:
    """What was asked."""

    method: str
    path: str
    headers: dict
    body: object


@dataclass
class HttpService:
    """Routes are functions of a call, by method and the beginning of the path; the longest that fits answers.

    A route gives bytes, something for JSON, or a tuple of status, that, and headers.
    """

    routes: dict = field(default_factory=dict)
    calls: list = field(default_factory=list)
    address: str = ""

    def route(self, method, path):
        def keep(function):
            self.routes[method, path] = function
            return function

        return keep

    def count(self, method, path=""):
        return sum(call.method == method and call.path.startswith(path) for call in self.calls)

    def answer(self, call):
        fitting = [key for key in self.routes if key[0] == call.method and call.path.startswith(key[1])]
        if not fitting:
            return 404, {"error": {"message": "no such thing"}}, {}
        answer = self.routes[max(fitting, key=lambda key: len(key[1]))]
        answer = answer(call) if callable(answer) else answer
        return answer if isinstance(answer, tuple) else (200, answer, {})


@contextlib.contextmanager
def http_service():
    service = HttpService()

    class Handler(http.server.BaseHTTPRequestHandler):
        def log_message(self, *_):
            pass

        def reply(self):
            data = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            call = Call(self.command, self.path, dict(self.headers), json.loads(data) if data else None)
            service.calls.append(call)
            status, content, headers = service.answer(call)
            if status is None:  # hang up
                self.close_connection = True
                return
            kind = "application/octet-stream" if isinstance(content, bytes) else "application/json"
            content = content if isinstance(content, bytes) else json.dumps(content).encode()
            self.send_response(status)
            headers = {"Content-Type": kind, "Content-Length": str(len(content)), **headers}
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                self.wfile.write(content)

        do_GET = do_POST = reply

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        service.address = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        try:
            yield service
        finally:
            server.shutdown()


def sound(kind="mp3", seconds=0.3, hertz=220.0, rate=44_100):
    """The bytes of a short stereo sound file."""
    wave = 0.2 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)
    data = io.BytesIO()
    soundfile.write(data, np.stack([wave, wave], axis=1), rate, format=kind.upper())
    return data.getvalue()
