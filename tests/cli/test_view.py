"""``songbench view``: the page of a run, served to this machine; nothing outside of the run's folder."""

import http.client
import threading
from contextlib import contextmanager

import pytest

from songbench.cli import page_server
from songbench.cli.page_server import PageServer

PROBE = ["--systems", "probe", "--metrics", "level@probe", "--quiet", "--set", "engine=inline"]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("served")
    run = folder / "run"
    (run / "report").mkdir(parents=True)
    (run / "report.html").write_text("<p>the page")
    (run / "report/song 1.flac").write_bytes(bytes(range(256)) * 4)
    (run / "report/空.css").write_text("p {}")
    (folder / "secret.txt").write_text("secret")
    (run / "leak.txt").symlink_to(folder / "secret.txt")
    (run / "circle").symlink_to("circle")
    with PageServer(run, "report.html") as served:
        thread = threading.Thread(target=served.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield served
        served.shutdown()
        thread.join()


@contextmanager
def answer(server, path, method="GET", **headers):
    connection = http.client.HTTPConnection("127.0.0.1", server.server_address[1], timeout=10)
    connection.putrequest(method, path, skip_host="Host" in headers, skip_accept_encoding=True)
    for name, value in headers.items():
        connection.putheader(name, value)
    connection.endheaders()
    yield connection.getresponse()
    connection.close()


def test_the_folder_is_served_and_the_address_alone_leads_to_the_page(server):
    with answer(server, "/") as response:
        assert (response.status, response.headers["Location"]) == (302, "/report.html")
    with answer(server, "/report.html?x#y") as response:
        assert response.read() == b"<p>the page" and response.headers["Content-Type"] == "text/html; charset=utf-8"
        assert response.headers["X-Content-Type-Options"] == "nosniff"
    with answer(server, "/report/%E7%A9%BA.css") as response:
        assert response.read() == b"p {}"
    with answer(server, "/report.html", "HEAD") as response:
        assert response.headers["Content-Length"] == "11" and response.read() == b""


def test_a_player_that_hangs_up_is_no_error(server, capsys):
    for error in (ConnectionResetError(), BrokenPipeError(), ValueError("a fault of ours")):
        try:
            raise error
        except type(error):
            server.handle_error(None, ("127.0.0.1", 1))
    printed = capsys.readouterr().err
    assert "a fault of ours" in printed and "Reset" not in printed and "Pipe" not in printed


@pytest.mark.parametrize(
    "path",
    [
        *("/../secret.txt", "/%2e%2e/secret.txt", "/..%2fsecret.txt", "//etc/passwd", "/report/../../secret.txt"),
        *("/leak.txt", "/circle", "/report", "/report/", "/%00", "/nothing.html", "/" + "a" * 5000),
    ],
)
def test_nothing_else_is(server, path):
    with answer(server, path) as response:
        assert response.status == 404 and b"secret" not in response.read()


def test_other_names_that_lead_here_are_refused(server):
    with answer(server, "/report.html", Host="evil.example:80") as response:
        assert response.status == 403
    with answer(server, "/report.html", Host=f"localhost:{server.server_address[1]}") as response:
        assert response.status == 200
    with answer(server, "/report.html", "POST") as response:
        assert response.status == 501


@pytest.mark.parametrize(
    ("part", "start", "end"),
    [("bytes=0-", 0, 1024), ("bytes=10-19", 10, 20), ("bytes=1000-9999", 1000, 1024), ("bytes=-24", 1000, 1024)],
)
def test_a_player_can_begin_anywhere(server, monkeypatch, part, start, end):
    monkeypatch.setattr(page_server, "_CHUNK", 100)
    with answer(server, "/report/song%201.flac", Range=part) as response:
        assert response.status == 206 and response.headers["Content-Type"] == "audio/flac"
        assert response.headers["Content-Range"] == f"bytes {start}-{end - 1}/1024"
        assert response.read() == (bytes(range(256)) * 4)[start:end]


@pytest.mark.parametrize("part", ["bytes=1024-", "bytes=20-10", "bytes=-", "bytes=-0", "items=0-1", "bytes=0-1,5-6"])
def test_what_is_no_part_of_the_file_is_refused(server, part):
    with answer(server, "/report/song%201.flac", Range=part) as response:
        assert response.status == 416 and response.headers["Content-Range"] == "bytes */1024"


def test_view_names_the_address_and_writes_a_page_that_is_missing_or_old(
    songbench_here, suite_file, tmp_path, monkeypatch
):
    opened = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    monkeypatch.setattr(PageServer, "serve_forever", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
    run = songbench_here("run", "--suite", suite_file(2), *PROBE, "--name", "first")
    assert run.returncode == 0 and "songbench view" not in run.stderr, run.stderr  # quiet
    page = tmp_path / "runs/first/report.html"
    assert page.is_file()
    places = ("--runs", tmp_path / "runs")
    process = songbench_here("view", *places, folders=False)
    assert process.returncode == 0 and "writing" not in process.stderr
    assert process.stdout.startswith("first: http://127.0.0.1:") and "Ctrl-C ends it." in process.stdout
    assert opened == [process.stdout.split()[1]] and opened[0].endswith("/report.html")
    report = songbench_here("report", "first", "--no-page", *places, folders=False)
    assert report.returncode == 0 and "songbench view" not in report.stderr and not page.exists()
    assert "writing" in songbench_here("view", "first", "--no-open", *places, folders=False).stderr
    assert page.is_file() and len(opened) == 1
    wrong = songbench_here("view", "frist", *places, folders=False)
    assert wrong.returncode == 2 and "Did you mean 'first'?" in wrong.stderr


def test_a_port_that_is_taken_is_named(songbench_here, suite_file, tmp_path, server):
    (tmp_path / "runs/first").mkdir(parents=True)
    (tmp_path / "runs/first/record.json").write_text("{}")
    (tmp_path / "runs/first/report.html").write_text("")
    port = server.server_address[1]
    process = songbench_here("view", "first", "--port", str(port), "--runs", tmp_path / "runs", folders=False)
    assert process.returncode == 2 and f"The port {port} cannot be used" in process.stderr
