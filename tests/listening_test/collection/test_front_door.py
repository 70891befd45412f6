"""Who gets in front of the application: hosts, proxies, passwords, and connections that dawdle."""

import logging
import re
import socket
import threading
import time
from contextlib import contextmanager, suppress

import pytest
from made_up import made_up_test
from starlette.testclient import TestClient
from typer.testing import CliRunner

from listening_test import commands
from listening_test.collection import connections, serving
from listening_test.collection.app import build
from listening_test.collection.database import Database, default_url
from listening_test.collection.logins import FREE_TRIES, LONGEST_WAIT, LoginLimit
from listening_test.collection.sessions import Sessions
from listening_test.collection.tokens import Signer, load_secret
from songbench.domain.errors import InputError

PASSWORD = "correct horse battery"
CALL = {"data": {}, "fn_name": "open_session", "session_hash": "x"}


@pytest.fixture(scope="module")
def sessions(tmp_path_factory):
    test, _ = made_up_test(tmp_path_factory.mktemp("door") / "test", seats=1, prompts=1)
    database = Database(default_url(test.folder), test)
    yield Sessions(test, database, Signer(load_secret(test.folder), test.digest()))
    database.close()


def visitor(app, sender):
    return TestClient(app, base_url="http://127.0.0.1:7860", client=(sender, 5000), follow_redirects=False)


@contextmanager
def door(sessions, *, sender="203.0.113.9", **options):
    with visitor(build(sessions, PASSWORD, **options), sender) as client:
        yield client


@pytest.fixture(scope="module")
def local(sessions):
    """As it is without any option."""
    with door(sessions) as client:
        yield client


def client_from(client, sender):
    """Somebody else at the same door, from another address and without the cookies of the first."""
    newcomer = visitor(client.app, sender)
    newcomer.portal = client.portal
    return newcomer


def log_in(client, password=PASSWORD, user="admin", prefix="", **headers):
    return client.post(f"{prefix}/admin/login", data={"username": user, "password": password}, headers=headers)


# -- the public address ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("url", ["https://listen.example.org/", "https://example.org/a/listen/"])
def test_every_page_is_served_under_the_public_address(sessions, url):
    """Whether the proxy takes the path of the address away or leaves it."""
    prefix = url.split("/", 3)[3].strip("/")
    host = url.split("/")[2]
    with door(sessions, public_url=url) as client:
        for before in {"", f"/{prefix}".rstrip("/")}:
            client.cookies.clear()
            page = client.get(f"{before}/")
            assert page.status_code == 200 and f'"root":"{url.rstrip("/")}"' in page.text
            assert client.get(f"{before}/health").text == "ok"
            assert client.get(f"{before}/admin").headers["location"] == "admin/"
            assert client.get(f"{before}/admin/").status_code == 200
            assert client.get(f"{before}/admin/config").status_code == 401
            assert log_in(client, prefix=before, Origin=f"https://{host}").status_code == 200
            assert f'"root":"{url}admin"' in client.get(f"{before}/admin/").text
        assert client.get("/", headers={"Host": host}).status_code == 200
        if prefix:
            assert client.get(f"/{prefix}?invitation=1.x").headers["location"] == f"/{prefix}/?invitation=1.x"
            assert client.get("/a/elsewhere/admin/").status_code == 404


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("https://example.org/admin/x/", "also the beginning of an address inside"),
        ("https://example.org/a/../b/", "not an address"),
        ("https://example.org/a b/", "not an address"),
        ("https://example.org//x/", "not an address"),
    ],
)
def test_paths_that_cannot_be_told_apart_are_refused(url, message):
    with pytest.raises(InputError, match=message):
        serving.public_address(url)


# -- hosts and forwarding headers --------------------------------------------------------------------------------------


def test_a_name_that_is_not_the_servers_is_refused_and_logged_once(local, caplog):
    for _ in range(2):
        assert local.get("/", headers={"Host": "rebound.example.net"}).status_code == 421
    assert [record.levelname for record in caplog.records] == ["WARNING"] and "--public-url" in caplog.text
    for host in ("evil@127.0.0.1", "127.0.0.1:80:90", "[::1", "a/b", ""):
        assert local.get("/", headers={"Host": host}).status_code == 421, host
    for origin in ("http://[::1", "http://[x]/", "http://evil.example.net", "null"):
        assert local.get("/", headers={"Origin": origin}).status_code == 404, origin
    for host in ("127.0.0.1:8080", "localhost", "[::1]:7860", "192.168.1.5:7860", socket.gethostname()):
        assert local.get("/health", headers={"Host": host}).status_code == 200, host


def test_what_forwarding_headers_say_of_the_host_counts_for_nothing(local, sessions):
    lies = {"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "https", "Forwarded": "host=evil.example"}
    lies |= {"X-Gradio-Server": "http://evil.example"}
    page = local.get("/", headers=lies)
    assert "evil.example" not in page.text and '"root":"http://127.0.0.1:7860"' in page.text
    origin = {**lies, "Origin": "https://evil.example"}
    assert local.get("/", headers=origin).status_code == 404
    with door(sessions, public_url="https://listen.example.org/") as client:
        assert "evil.example" not in client.get("/", headers=lies).text
        assert client.get("/", headers={"Origin": "https://listen.example.org"}).status_code == 200
        assert client.get("/", headers={"Origin": "http://127.0.0.1:7860"}).status_code == 200
        assert client.get("/", headers=origin).status_code == 404


def test_calls_to_components_that_are_not_there_are_refused(local):
    config = local.get("/config").json()
    number = next(entry["id"] for entry in config["components"] if entry["props"].get("server_fns"))
    assert "page" in local.post("/gradio_api/component_server/", json={**CALL, "component_id": number}).json()
    for component in (number + 1, 10**9, -1):
        reply = local.post("/gradio_api/component_server/", json={**CALL, "component_id": component})
        assert (reply.status_code, reply.json()) == (404, {"detail": "Not Found"})
    assert local.post("/gradio_api/component_server/", json=CALL).status_code == 400


def test_events_that_are_not_there_are_refused_to_whoever_logged_in(local):
    client, event = client_from(local, "203.0.113.20"), {"data": [], "fn_index": 0, "session_hash": "x"}
    assert client.post("/admin/gradio_api/run/predict", json=event).status_code == 401
    log_in(client)
    assert client.post("/admin/gradio_api/run/predict", json=event).status_code == 200
    for change in ({"fn_index": 999}, {"fn_index": -1}, {"api_name": "nope"}):
        assert client.post("/admin/gradio_api/run/predict", json=event | change).status_code == 404
    for body in ([], {}, event | {"fn_index": "0"}, event | {"session_hash": {}}, event | {"data": 7}):
        assert client.post("/admin/gradio_api/run/predict", json=body).status_code in (400, 422)


@pytest.mark.parametrize("query", ["page=x", "deep_link=../key.json", "invitation=1.x", "view=api"])
def test_queries_change_nothing_on_the_server(local, query):
    def plain(reply):
        return re.sub(r'nonce="[^"]*"', "", reply.text)

    for path in ("/", "/config", "/admin/"):
        assert plain(local.get(f"{path}?{query}")) == plain(local.get(path))


# -- the password ------------------------------------------------------------------------------------------------------


def test_wrong_passwords_are_limited_by_address_and_logged(local, caplog):
    caplog.set_level(logging.INFO, "listening_test")
    client = client_from(local, "203.0.113.30")
    for guess in range(FREE_TRIES):
        lie = {"X-Forwarded-For": f"198.51.100.{guess}"}  # nobody said that a proxy may be believed
        assert log_in(client, f"guess {guess}", **lie).status_code == 400
    reply = log_in(client)
    assert reply.status_code == 429 and int(reply.headers["Retry-After"]) >= 1  # the right one too
    assert log_in(client_from(local, "203.0.113.31")).status_code == 200
    assert caplog.text.count("A wrong password for the administration from 203.0.113.30") == FREE_TRIES
    assert "turned away" in caplog.text and "guess" not in caplog.text


def test_behind_a_trusted_proxy_the_sender_is_limited_and_nobody_else(sessions):
    with door(sessions, sender="127.0.0.1", trusted_proxies=["127.0.0.0/8"]) as client:
        bad = {"X-Forwarded-For": "198.51.100.1, 203.0.113.9"}  # only the last was seen by the proxy
        for guess in range(FREE_TRIES):
            assert log_in(client, f"guess {guess}", **bad).status_code == 400
        assert log_in(client, **bad).status_code == 429
        assert log_in(client, **{"X-Forwarded-For": "203.0.113.10"}).status_code == 200


def test_user_and_password_must_both_be_right(local):
    client = client_from(local, "203.0.113.40")
    assert log_in(client, PASSWORD + " ").status_code == 400
    assert log_in(client, user="root").status_code == 400
    assert log_in(client, "").status_code in (400, 422)
    assert log_in(client).status_code == 200
    for _ in range(3):
        assert log_in(client).status_code == 200  # what was right is forgotten


def test_the_wait_doubles_and_ends():
    now = [0.0]
    limit = LoginLimit(lambda: now[0])
    waits = []
    for _ in range(FREE_TRIES + 12):
        wait = limit.begin("2001:db8::1")
        waits.append(wait)
        now[0] += wait
        if wait:
            assert limit.begin("2001:db8::ffff") == 0.0  # after the wait; the same household
            limit.end("2001:db8::ffff", right=False)
    assert waits[:FREE_TRIES] == [0.0] * FREE_TRIES and waits[FREE_TRIES : FREE_TRIES + 4] == [2.0, 4.0, 8.0, 16.0]
    assert max(waits) == LONGEST_WAIT and limit.begin("2001:db8:0:1::1") == 0.0
    now[0] += 3601
    assert limit.begin("2001:db8::1") == 0.0


def test_many_tries_at_once_gain_nothing():
    limit = LoginLimit(lambda: 0.0)
    assert sum(limit.begin("203.0.113.9") == 0.0 for _ in range(100)) == FREE_TRIES


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("--admin-password", "short one", "has 9 characters, and 12 are needed.*leave it out"),
        ("--trust-proxy", "proxy.example", "not an address or network.*10.0.0.0/8"),
        ("--trust-proxy", "*", "not an address or network"),
    ],
)
def test_what_would_open_the_door_is_refused_before_the_server_starts(sessions, option, value, message):
    result = CliRunner().invoke(commands.app, ["serve", str(sessions.test.folder), "--port", "0", option, value])
    assert isinstance(result.exception, InputError) and re.search(message, str(result.exception))
    assert "short one" not in str(result.exception)


# -- connections -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def port(sessions):
    """A real socket, in front of a server in a thread that has little patience."""
    opened = serving.listen_at("127.0.0.1", 0)
    server = serving.server(build(sessions, PASSWORD))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(connections, "REQUEST_SECONDS", 0.5)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [opened]}, daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.01)
        yield opened.getsockname()[1]
        server.should_exit = True
        thread.join()


HEAD = b"POST /gradio_api/component_server/ HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"


@pytest.mark.parametrize(
    "sent",
    [b"", b"GET /hea", b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\nX: ", HEAD + b"Content-Length: 50\r\n\r\n{"],
    ids=["nothing", "half a line", "half a head", "half a body"],
)
def test_half_sent_requests_are_closed(port, sent):
    with socket.create_connection(("127.0.0.1", port), timeout=20) as line:
        line.sendall(sent)
        with suppress(ConnectionResetError):
            assert b" 200 " not in line.recv(1000)


def test_a_byte_now_and_then_does_not_keep_a_connection(port):
    sent = b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\nX: " + b"x" * 400
    with socket.create_connection(("127.0.0.1", port), timeout=20) as line, pytest.raises(OSError, match=r"\w"):
        for byte in sent:  # closed while still sending
            line.sendall(bytes([byte]))
            time.sleep(0.05)


def test_whole_requests_in_parts_and_one_after_another_are_answered(port):
    with socket.create_connection(("127.0.0.1", port), timeout=20) as line:
        for _ in range(3):
            line.sendall(b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n")
            line.sendall(b"\r\n")
            reply = b""
            while not reply.endswith(b"ok"):
                reply += line.recv(1000)
            assert b" 200 " in reply
