"""What a rater, or whoever poses as one, can get out of a server: the page, the own sound, nothing else."""

import json
import re
import socket
import urllib.parse

import pytest
import served
from made_up import SYSTEMS, made_up_test

from listening_test.collection.database import default_url
from listening_test.collection.export import read_answers
from listening_test.collection.guard import LARGEST_BODY
from listening_test.collection.tokens import Signer, load_secret
from listening_test.pages import session_pages
from listening_test.prepared import load_key

NOT_FOUND = b'{"detail":"Not Found"}'


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("security") / "test"
    made_up_test(folder, listening={"minimum_seconds": 0.0})
    with served.start(folder) as instance:
        yield instance


@pytest.fixture
def test(server):
    from listening_test.prepared import load_test

    return load_test(server.folder)


def walk(rater, kind):
    rater.open()
    while rater.page["kind"] != kind:
        rater.answer()
    return rater


def post(server, body, path="gradio_api/component_server/", **headers):
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return served.get(server.url + path, {"Content-Type": "application/json", **headers}, "POST", data)


def test_no_address_gives_a_file_of_the_server(server):
    secrets = [server.folder / name for name in ("key.json", "secret", "ratings.sqlite", "test.json")]
    rater = walk(served.Rater(server.url), "trial")
    paths = [f"audio/{rater.token}/{rater.page['page']}/{'../' * n}key.json" for n in range(1, 6)]
    paths += [f"audio/{'../' * n}key.json" for n in range(1, 6)]
    paths += [f"{place}/{'../' * 8}etc/passwd" for place in ("assets", "static", "front-end", "theme.css", "svelte")]
    for file in secrets:
        for place in ("gradio_api/file=", "gradio_api/file/", "file=", "file/", "gradio_api/proxy=file://", "static/"):
            paths += [f"{place}{file}", f"admin/{place}{file}", f"{place}{file.relative_to('/')}"]
    for path in paths:
        for address in {
            path,
            path.replace("../", "..%2f"),
            urllib.parse.quote(path, safe=""),
            path.replace("..", "%2e%2e"),
        }:
            status, _, body = served.get(server.url + address)
            assert status in (401, 404), (address, status)
            assert not any(word in body for word in (b"secretrunname", b"SQLite", b"root:", b"headphone_answers"))


UNUSED = """
docs redoc openapi.json gradio_api/openapi.json gradio_api/upload gradio_api/queue/join gradio_api/deep_link
gradio_api/heartbeat/x monitoring monitoring/summary gradio_api/app_id gradio_api/reset gradio_api/call/answer
gradio_api/run/predict gradio_api/vibe-code gradio_api/process_recording gradio_api/token login
admin/gradio_api/upload admin/gradio_api/queue/join admin/monitoring admin/gradio_api/component_server/
"""


@pytest.mark.parametrize("path", UNUSED.split())
def test_what_the_pages_do_not_use_is_not_there(server, path):
    for method in ("GET", "POST", "PUT", "DELETE", "OPTIONS"):
        data = b"{}" if method in ("POST", "PUT") else None
        status, _, body = served.get(server.url + path, {"Content-Type": "application/json"}, method, data)
        assert (status, body) == (404, NOT_FOUND), (method, path, status)


def test_the_interface_describes_no_function(server):
    assert json.loads(served.get(server.url + "gradio_api/info")[2]) == {"named_endpoints": {}, "unnamed_endpoints": {}}
    for path in ("admin/config", "admin/gradio_api/info"):
        assert served.get(server.url + path)[0] == 401
    status, _, _ = post(server, {"data": [], "fn_index": 1, "session_hash": "x"}, "admin/gradio_api/run/predict")
    assert status == 401
    login = b"username=admin&password=wrong"
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    assert served.get(server.url + "admin/login", headers, "POST", login)[0] == 400


def test_every_wrong_address_of_audio_sounds_the_same(server):
    rater, other_rater = walk(served.Rater(server.url), "trial"), walk(served.Rater(server.url), "trial")
    page = rater.page["page"]
    (url,) = served.urls_of(rater.page)
    assert rater.audio(url)[0] == 200 == rater.audio(rater.prefetch[0])[0]
    wrong = [f"audio/{rater.token}/{number}/A.flac" for number in (0, page - 1, page + 2, 99999, "x", "-1", "1e0", "٣")]
    wrong += [f"audio/{rater.token}/{page}/{slot}.flac" for slot in ("B", "R", "P", "AB", "", "%00", "..")]
    wrong += [f"audio/{token}/{page}/A.flac" for token in ("A" * 43, rater.token[:-1], rater.token + "A", "x", "%00")]
    wrong += [url.replace(rater.token, rater.token.swapcase()), "audio", "audio/", f"audio/{rater.token}"]
    replies = {served.get(server.url + urllib.parse.quote(address, safe="/%"))[::2] for address in wrong}
    assert replies == {(404, NOT_FOUND)}
    assert other_rater.audio(url.replace(rater.token, other_rater.token))[0] == 200


def test_sound_comes_in_parts_and_says_nothing_of_itself(server, test):
    raters = [walk(served.Rater(server.url), "trial") for _ in range(2 * len(test.seats))]
    first, again = raters[0], raters[len(test.seats)]  # the same seat in the next round: the same sound
    (url,) = served.urls_of(first.page)
    status, headers, sound = first.audio(url)
    assert status == 200 and sound[:4] == b"fLaC" and headers["Content-Type"] == "audio/flac"
    assert headers["Cache-Control"].startswith("private") and headers["Accept-Ranges"] == "bytes"
    status, part_headers, part = first.audio(url, Range="bytes=100-199")
    assert (status, part) == (206, sound[100:200])
    assert part_headers["Content-Range"] == f"bytes 100-199/{len(sound)}"
    assert first.audio(url, Range=f"bytes={len(sound)}-")[0] == 416
    (second_url,) = served.urls_of(again.page)
    _, second_headers, second_sound = again.audio(second_url)
    assert second_sound == sound and second_headers["ETag"] != headers["ETag"]
    plain = {name: value for name, value in headers.items() if name not in ("etag", "date")}
    assert {k: v for k, v in second_headers.items() if k not in ("etag", "date", "content-security-policy")} == {
        k: v for k, v in plain.items() if k != "content-security-policy"
    }
    dates = {rater.audio(served.urls_of(rater.page)[0])[1]["Last-Modified"] for rater in raters}
    assert len(dates) == 1


def test_what_is_spoken_in_another_language_is_another_address(server, test):
    """Browsers keep what they fetched; after turning the language nobody may hear the instruction in the old one."""
    rater = served.Rater(server.url)
    rater.open()
    number, step = next(
        (n, page.step)
        for n, page in enumerate(session_pages(test, 0))
        if page.step and test.trials[page.step.trial].spoken
    )
    while rater.open()["page"]["page"] < number:
        rater.answer()
    spoken = test.trials[step.trial].spoken
    etags = {}
    for language in ("en", "zh"):
        reply = rater.call("turn", {"token": rater.token, "language": language})
        (url,) = served.urls_of(reply["page"])
        _, headers, body = rater.audio(url)
        etags[url] = headers["ETag"]
        stimulus = test.stimuli[spoken[language][step.order[0]]]
        assert body == (test.folder / stimulus.file).read_bytes()
    assert len(etags) == 2 == len(set(etags.values()))


def test_forged_invitations_and_tokens_open_nothing(server, test):
    signer = Signer(load_secret(test.folder), test.digest())
    good = signer.invitation(3)
    elsewhere = Signer(load_secret(test.folder), "0" * 64).invitation(3)
    for bad in (good[:-1], "4" + good[1:], good.replace(".", ""), elsewhere, "3." + "A" * 43, "x" * 10_000, {"a": [1]}):
        assert served.Rater(server.url, invitation=bad).open() == {"problem": "unknown"}
    rater = served.Rater(server.url)
    for token in ("A" * 43, "' OR 1=1 --", "\x00", [], {"$ne": None}, 7):
        rater.token = token
        for name in ("answer", "turn", "withdraw"):
            payload = {"token": token, "page": 0, "answer": {"agree": True}, "language": "en"}
            assert rater.call(name, payload) == {"problem": "unknown"}


def test_requests_of_any_shape_get_a_code_and_no_more(server):
    rater = served.Rater(server.url)
    for name in ("open_session", "answer", "turn", "withdraw"):
        for payload in (None, 7, "x", [], [[]], {"token": {"token": 1}}, {"page": {}}, {"answer": 1e308, "token": -1}):
            reply = rater.call(name, payload)
            assert set(reply) <= {"problem", "refused", "token", "language", "page", "prefetch"}
    number = rater.component
    for body in (
        b"",
        b"{",
        b"[" * 60_000,
        b'{"data": NaN}',
        {"data": {}, "component_id": 10**9, "fn_name": "answer", "session_hash": "x"},
        {"data": {}, "component_id": number, "fn_name": "__init__", "session_hash": "x"},
        {"data": {}, "component_id": number, "fn_name": "get_config", "session_hash": "x"},
        {"data": {}, "component_id": number, "fn_name": "_to_publish_format", "session_hash": "x"},
        {"data": {}, "component_id": -1, "fn_name": "answer", "session_hash": "x"},
        {"data": {}, "component_id": str(number), "fn_name": "answer", "session_hash": "x"},
        {"data": {}, "component_id": number, "fn_name": ["answer"], "session_hash": "x"},
        {"data": {}, "component_id": number, "fn_name": "answer", "session_hash": {}},
        {"data": {}, "component_id": number, "fn_name": "answer"},
        [],
    ):
        status, _, reply = post(server, body)
        assert status in (400, 404) and b"Traceback" not in reply and b"/" not in reply, (body[:40], reply)


def test_long_bodies_and_other_kinds_are_not_read(server):
    ask = {"component_id": 0, "fn_name": "answer", "session_hash": "x"}
    assert post(server, {**ask, "data": "x" * LARGEST_BODY})[0] == 413
    assert post(server, b"a=b", **{"Content-Type": "application/x-www-form-urlencoded"})[0] == 415
    assert post(server, b"--x--", **{"Content-Type": "multipart/form-data; boundary=x"})[0] == 415
    assert post(server, ask, Origin="https://elsewhere.example")[0] == 404
    assert post(server, ask, Origin="null")[0] == 404
    head = "POST /gradio_api/component_server/ HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    with socket.create_connection(
        ("127.0.0.1", server.port), timeout=10
    ) as line:  # in parts, with a length that is none
        line.sendall(f"{head}Content-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n".encode())
        assert b" 411 " in line.recv(100)


def test_long_comments_and_wrong_pages_are_refused_and_change_nothing(server, test):
    rater, other_rater = walk(served.Rater(server.url), "trial"), walk(served.Rater(server.url), "trial")
    page = rater.page
    good = served.good_answer(page)
    for answer, number, code in [
        ({**good, "comment": "x" * 2001}, page["page"], "comment"),
        (good, page["page"] + 1, "malformed"),
        (good, -1, "malformed"),
        (good, "0; DROP TABLE raters", "malformed"),
        ({**good, "ratings": []}, page["page"], "unrated"),
        ({**good, "plays": []}, page["page"], None),
    ]:
        reply = rater.call("answer", {"token": rater.token, "page": number, "answer": answer})
        if code:
            assert reply["refused"]["code"] == code
    replies = [rater.call("answer", {"token": rater.token, "page": page["page"], "answer": good}) for _ in range(3)]
    assert len({json.dumps(reply) for reply in replies}) == 1
    sheets = {sheet.rater: sheet for sheet in read_answers(test, default_url(test.folder))}
    pages = [len(sheet.entries) for sheet in sheets.values()]
    assert pages.count(page["page"] + 1) >= 1 and other_rater.open()["page"] == other_rater.page


def test_every_reply_carries_the_same_safe_headers(server):
    rater = walk(served.Rater(server.url), "trial")
    for path in ("", "admin/", "config", "health", "nowhere", served.urls_of(rater.page)[0], "theme.css"):
        _, headers, body = served.get(server.url + path)
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy and "'unsafe-inline'" not in policy.split("style-src")[0]
        assert headers["X-Content-Type-Options"] == "nosniff" and headers["Referrer-Policy"] == "no-referrer"
        assert "Access-Control-Allow-Origin" not in headers and "Server" not in headers
        if path in ("", "admin/"):
            assert headers["Cache-Control"] == "no-store"
            nonce = re.search(r"'nonce-([^']+)'", policy)[1].encode()
            assert body.count(b"<script") == body.count(b'<script nonce="' + nonce) > 0
            elsewhere = body.replace(server.url.encode(), b"")
            assert not re.search(rb'(?:src|href)="(?:https?:)?//', elsewhere)


def test_what_never_changes_is_fetched_once(server):
    page = served.get(server.url)[2].decode()
    script = re.search(r"assets/index-[\w-]+\.js", page)[0]
    config = served.get(server.url + "config")[2].decode()
    for path in (script, re.search(r"front-end/script-\w+\.js", config)[0]):
        assert "max-age=31536000" in served.get(server.url + path)[1]["Cache-Control"]
    assert served.get(server.url + "assets/none.js")[1]["Cache-Control"] == "no-store"


def test_nothing_a_browser_can_get_says_what_is_what(server, test):
    """Everything of a whole session in both languages, word for word; practice files of Gradio are not ours."""
    key = load_key(test)
    names = [*SYSTEMS, key.run, *key.prompts, *test.stimuli, *test.trials, *test.items, str(test.folder)]
    names += [stimulus.song for stimulus in key.stimuli.values() if stimulus.song] + [
        load_secret(test.folder).hex(),
        test.digest(),
    ]
    kinds = ("trap", "anchor", "repeat", "lowpass", "expected", "seed", "system")
    replies, shipped = [], []
    for language in ("en", "zh"):
        rater = served.Rater(server.url, language=language)
        rater.open()
        while rater.page["kind"] != "thanks":
            for url in [*served.urls_of(rater.page), *rater.prefetch]:
                status, headers, body = rater.audio(url)
                assert status == 200
                shipped += [str(headers).encode(), body]
            rater.answer()
        replies += [json.dumps(reply, ensure_ascii=False) for reply in rater.replies]
        assert rater.call("turn", {"token": rater.token, "language": "zh"})["page"]["kind"] == "thanks"
    config = served.get(server.url + "config")[2]
    page = served.get(server.url)[2]
    addresses = set(re.findall(r"front-end/[\w.-]+", config.decode()))
    addresses |= {address.lstrip("./") for address in re.findall(r'(?:src|href)="\.?/?([^"]+)"', page.decode())}
    assert len([address for address in addresses if address.startswith("front-end/")]) == 2
    shipped += [
        served.get(server.url + address)[2] for address in [*addresses, "theme.css", "manifest.json", "robots.txt"]
    ]
    for name in names:
        assert not any(name in reply for reply in replies), name
        assert not any(name.encode() in content for content in [*shipped, config, page]), name
    for kind in kinds:
        assert not any(kind in reply for reply in replies), kind


def test_nothing_that_was_asked_here_broke_the_server(server):
    """Comes late in this file on purpose: whatever the others sent, no traceback is in the log."""
    assert "Traceback" not in server.output


def test_the_log_names_no_token(server):
    rater = walk(served.Rater(server.url), "trial")
    rater.audio(served.urls_of(rater.page)[0])
    assert rater.token not in server.output
