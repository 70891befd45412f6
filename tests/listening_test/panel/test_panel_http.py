"""Raters of a panel over HTTP: what a link may carry, where the session ends, what the log keeps."""

import http.client
import json
import threading
import time

import pytest
from made_up import good_answer, made_up_test

from listening_test.check_answers import load_check_answers
from listening_test.collection import serving
from listening_test.collection.app import build
from listening_test.collection.database import Database, default_url
from listening_test.collection.sessions import Sessions
from listening_test.collection.tokens import Signer, load_secret
from listening_test.panel.settings import PROLIFIC_PARAMETERS, Panel

PARTICIPANT = "5f3c1a9e2b7d4c6e8f0a1b2c"
CODES = {"complete": "C1", "screened-out": "S2", "left": "L3"}


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """Of a server in a thread, on a real socket."""
    folder = tmp_path_factory.mktemp("http") / "t"
    test, _ = made_up_test(
        folder, prompts=1, seats=1, traps=0, repeats=0, seconds=0.5,
        checks={"headphone_check": 0, "training": 0, "sound_check": False}, listening={"minimum_seconds": 0.0},
    )  # fmt: skip
    database = Database(default_url(folder), test)
    panel = Panel(kind="prolific", parameters=PROLIFIC_PARAMETERS, codes=CODES)
    signer = Signer(load_secret(folder), test.digest())
    sessions = Sessions(test, database, signer, panel=panel, checks=load_check_answers(test))
    opened = serving.listen_at("127.0.0.1", 0)
    server = serving.server(build(sessions, "correct horse battery"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [opened]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield opened.getsockname()[1]
    server.should_exit = True
    thread.join()
    database.close()


@pytest.fixture(scope="module")
def call(address):
    """A function that calls a server function as the page does: status and reply."""
    line = http.client.HTTPConnection("127.0.0.1", address, timeout=30)
    line.request("GET", "/config")
    components = json.loads(line.getresponse().read())["components"]
    component = next(entry for entry in components if entry["props"].get("server_fns"))
    properties = json.dumps(component)
    assert '"participant": "PROLIFIC_PID"' in properties
    assert not any(f'"{code}"' in properties for code in CODES.values())

    def ask(function, payload):
        body = {"data": payload, "component_id": component["id"], "fn_name": function, "session_hash": "x"}
        line.request("POST", "/gradio_api/component_server/", json.dumps(body), {"Content-Type": "application/json"})
        reply = line.getresponse()
        return reply.status, json.loads(reply.read())

    yield ask
    line.close()


@pytest.mark.parametrize(
    "participant",
    ["<script>alert(1)</script>", "x" * 10_240, "人" * 24, f"\u202e{PARTICIPANT}", "", None, {"$": 1}, [PARTICIPANT]],
    ids=["script", "10 kB", "unicode", "invisible", "empty", "absent", "object", "list"],
)
def test_a_hostile_or_absent_id_opens_nothing(call, participant, caplog):
    assert call("open_session", {"visit": {"participant": participant}}) == (200, {"problem": "panel-only"})
    assert not caplog.records


def test_a_flood_is_cut_off(call):
    assert call("open_session", {"visit": {"participant": "x" * 70_000}})[0] == 413


def test_a_session_ends_at_the_panel_and_no_log_names_the_rater(call, caplog):
    ids = {"participant": PARTICIPANT, "study": "<b>", "session": "bb22"}
    _, reply = call("open_session", {"visit": ids, "language": "en"})
    token = reply["token"]
    while reply["page"]["kind"] != "thanks":
        answer = {"token": token, "page": reply["page"]["page"], "answer": good_answer(reply["page"])}
        _, reply = call("answer", answer)
    assert reply["page"]["return"]["url"] == "https://app.prolific.com/submissions/complete?cc=C1"
    assert PARTICIPANT not in caplog.text
