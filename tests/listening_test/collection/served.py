"""A server of listening tests in a process of its own, and raters that talk to it as browsers do."""

import http.client
import json
import os
import re
import shutil
import socket
import sys
import tempfile
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import command_line
from made_up import good_answer

ADMIN_PASSWORD = "correct horse battery"
START_SECONDS = 120


def free_port():
    with socket.socket() as server_socket:
        server_socket.bind(("127.0.0.1", 0))
        return server_socket.getsockname()[1]


class Served:
    """A running ``songbench listen serve``.

    Args:
        folder: of the prepared test.
        options: as on the command line.
        fresh: whether in an interpreter that is started for it, as users do.
    """

    def __init__(self, folder, options, *, fresh=False):
        self.folder, self.options, self._fresh = folder, [str(option) for option in options], fresh
        self.admin_password = ADMIN_PASSWORD
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/"
        self.process = None
        self.scratch = tempfile.mkdtemp()  # a server that is killed cannot clean up after itself
        self._log = Path(self.scratch, "output")
        self.restart()

    @property
    def output(self):
        """What it said since the first start."""
        return self._log.read_text(encoding="utf-8")

    def restart(self):
        """Start it, at the same address as before."""
        words = ["listen", "serve", str(self.folder), "--port", str(self.port), *self.options]
        env = {**os.environ, "SONGBENCH_ADMIN_PASSWORD": self.admin_password, "PYTHONUNBUFFERED": "1"}
        env["TMPDIR"] = self.scratch
        begin = command_line.start_fresh if self._fresh else command_line.start
        self.process = begin(words, cwd=Path.cwd(), env=env, output=self._log)
        deadline = time.monotonic() + START_SECONDS
        while not self._healthy():
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise RuntimeError("The server did not start:\n" + self.output)
            time.sleep(0.1)

    def _healthy(self):
        try:
            return get(self.url + "health")[0] == 200
        except (OSError, http.client.HTTPException):
            return False

    def kill(self):
        """SIGKILL: nothing is put in order."""
        self.process.kill()
        self.process.wait()

    def stop(self):
        """SIGTERM: what is under way is finished."""
        self.process.terminate()
        return self.process.wait(timeout=30)


@contextmanager
def start(folder, *options, fresh=False):
    """A server of this prepared folder; see `Served`."""
    served = Served(folder, options, fresh=fresh)
    try:
        yield served
    finally:
        if served.process.poll() is None:
            served.kill()
        shutil.rmtree(served.scratch, ignore_errors=True)


def get(url, headers=(), method="GET", data=None):
    """Status, headers and body of any request; no status is an exception."""
    request = urllib.request.Request(url, headers=dict(headers), method=method, data=data)
    try:
        with urllib.request.urlopen(request, timeout=60) as reply:
            return reply.status, reply.headers, reply.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers, error.read()


def component(url):
    """The number of the component that holds the server functions, as the page tells the browser."""
    config = json.loads(get(url + "config")[2])
    return next(one["id"] for one in config["components"] if one["props"].get("server_fns"))


class Rater:
    """Someone with a browser; `patience` is for how many seconds it asks again after a failure."""

    def __init__(self, url, *, invitation=None, language="en", patience=0.0, device="test", number=None):
        self.url, self.invitation, self.language, self.device = url, invitation, language, device
        self.patience = patience
        self.token, self.page, self.prefetch = None, None, []
        self.component = component(url) if number is None else number
        self.replies, self.acknowledged, self.latencies = [], [], []

    def call(self, function, payload):
        """One server function, through the same request as Gradio's client makes."""
        body = {"data": payload, "component_id": self.component, "fn_name": function, "session_hash": f"s{id(self)}"}
        data = json.dumps(body).encode()
        deadline = time.monotonic() + self.patience
        while True:
            try:
                status, _, raw_reply = get(
                    self.url + "gradio_api/component_server/", {"Content-Type": "application/json"}, "POST", data
                )
                if status == 200:
                    reply = json.loads(raw_reply)
                    if reply.get("problem") != "failed" or time.monotonic() > deadline:
                        break
                elif time.monotonic() > deadline:
                    raise RuntimeError(f"{function}: {status} {raw_reply[:200]}")
            except (OSError, http.client.HTTPException):  # no reply, or half of one
                if time.monotonic() > deadline:
                    raise
            time.sleep(0.2)
        self.replies.append(reply)
        return reply

    def open(self):
        reply = self.call(
            "open_session",
            {"invitation": self.invitation, "token": self.token, "language": self.language},
        )
        if "page" in reply:
            self.token, self.page, self.prefetch = reply["token"], reply["page"], reply["prefetch"]
        return reply

    def answer(self, answer=None, page=None):
        """Send an answer to the current page, by default a good one; keep what was acknowledged."""
        number = self.page["page"] if page is None else page
        if answer is None:
            answer = good_answer(self.page) | ({"device": self.device} if self.page["kind"] == "consent" else {})
        began = time.perf_counter()
        reply = self.call("answer", {"token": self.token, "page": number, "answer": answer})
        self.latencies.append(time.perf_counter() - began)
        if "page" in reply:
            self.acknowledged.append((number, answer))
            self.page, self.prefetch = reply["page"], reply["prefetch"]
        return reply

    def finish(self):
        """Everything to the end; the completion code."""
        while self.page["kind"] != "thanks":
            reply = self.answer()
            if "page" not in reply:
                raise RuntimeError(f"page {self.page['page']}: {reply}")
        return self.page["code"]

    def audio(self, url, **headers):
        return get(self.url + url, headers)


def urls_of(page):
    """Every address of audio on a page."""
    return re.findall(r'"url": "([^"]+)"', json.dumps(page))
