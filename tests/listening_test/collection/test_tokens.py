"""Secrets, invitations and the commands that need no server."""

import csv
import json
import stat
import threading

import pytest
import served
from made_up import made_up_test

from listening_test.answer_sheets import read_sheets
from listening_test.collected import collect
from listening_test.collection.database import Database, default_url
from listening_test.collection.serving import listen_at, public_address
from listening_test.collection.sessions import Sessions
from listening_test.collection.tokens import Signer, load_secret, new_token, token_hash
from listening_test.prepared import load_test
from songbench.domain.errors import InputError


@pytest.fixture
def test(tmp_path):
    made_up_test(tmp_path / "test")
    return load_test(tmp_path / "test")


def listen(songbench, *words, **options):
    return songbench("listen", *words, folders=False, **options)


def test_a_secret_is_made_once_and_only_its_owner_reads_it(tmp_path):
    secrets, gate = [], threading.Barrier(8)

    def load():
        gate.wait()
        secrets.append(load_secret(tmp_path))

    threads = [threading.Thread(target=load) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(secrets)) == 1 and len(secrets[0]) == 32
    assert stat.S_IMODE((tmp_path / "secret").stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["secret"]
    (tmp_path / "secret").write_text("short")
    with pytest.raises(InputError, match="64 hexadecimal digits"):
        load_secret(tmp_path)
    with pytest.raises(InputError, match="cannot be read or made"):
        load_secret(tmp_path / "nowhere")


def test_what_is_signed_for_one_purpose_or_test_is_nothing_elsewhere():
    signer, other_signer = Signer(b"s" * 32, "test one"), Signer(b"s" * 32, "test two")
    assert signer.number_of(signer.invitation(12)) == 12
    assert signer.number_of(other_signer.invitation(12)) is None
    assert signer.number_of(Signer(b"t" * 32, "test one").invitation(12)) is None
    assert signer.invited_token(12) not in signer.invitation(12)
    assert signer.invited_token(12) != other_signer.invited_token(12)
    assert signer.completion_code("a") != signer.completion_code("b")
    assert len({new_token() for _ in range(100)}) == 100 and len(token_hash(new_token())) == 64


def test_invitations_are_printed_and_written(songbench, test, tmp_path):
    result = listen(songbench, "invite", test.folder, "--count", 4, "--public-url", "https://listen.example.org/test")
    assert result.returncode == 0 and "balanced for 3 raters" in result.stderr
    links = result.stdout.split()
    assert len(set(links)) == 4 and links[0].startswith("https://listen.example.org/test/?invitation=0.")
    result = listen(songbench, "invite", test.folder, "--count", 2, "--first", 2, "--csv", tmp_path / "more.csv")
    assert result.returncode == 0 and "2 invitations" in result.stdout
    with open(tmp_path / "more.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [(row["invitation"], row["seat"]) for row in rows] == [("2", "2"), ("3", "0")]
    signer = Signer(load_secret(test.folder), test.digest())
    assert [signer.number_of(row["link"].partition("=")[2]) for row in rows] == [2, 3]
    assert rows[0]["link"].partition("=")[2] == links[2].partition("=")[2]
    result = listen(songbench, "invite", test.folder, "--count", 2, "--csv", tmp_path)
    assert result.returncode == 2 and "'--csv'" in result.stderr and "cannot be written" in result.stderr


@pytest.mark.parametrize(
    "url", ["http://[", "http://host:port/", "https://a b/", "https://me:word@host/", "ftp://host/"]
)
def test_an_address_that_is_none_is_refused(url):
    with pytest.raises(InputError, match="not an address"):
        public_address(url)


def test_an_address_is_kept_as_browsers_write_it():
    assert public_address("https://Listen.Example.org:443/a/") == "https://listen.example.org/a/"
    assert public_address("http://[::1]:7860") == "http://[::1]:7860/"


def test_an_address_is_taken_from_the_first_moment_on():
    with listen_at("127.0.0.1", 0) as first, pytest.raises(InputError, match="cannot listen"):
        listen_at("127.0.0.1", first.getsockname()[1])
    with pytest.raises(InputError, match="cannot listen at a"):
        listen_at("a..b", 0)


def test_answers_are_exported_as_sheets(songbench, test, tmp_path):
    result = listen(songbench, "export", test.folder, "--to", tmp_path / "answers.jsonl")
    assert result.returncode == 2 and "no answers here" in result.stderr
    assert not (test.folder / "ratings.sqlite").exists()
    database = Database(default_url(test.folder), test)
    sessions = Sessions(test, database, Signer(load_secret(test.folder), test.digest()))
    place = sessions.open_session()
    sessions.answer(place.token, 0, {"agree": True, "device": "a\u2028b"})
    result = listen(songbench, "export", test.folder, "--to", tmp_path / "answers.jsonl")
    assert result.returncode == 0 and "1 raters, 0 of them finished" in result.stdout
    sheets = read_sheets(tmp_path / "answers.jsonl")
    assert sheets[0].entries[0].answer == {"agree": True}
    result = listen(songbench, "export", test.folder, "--to", test.folder)
    assert result.returncode == 2 and "'--to'" in result.stderr and "cannot be written" in result.stderr
    database.close()
    _, key = made_up_test(tmp_path / "again")
    assert len(collect(test, key, sheets).raters) == 1


def test_a_server_does_not_start_on_what_cannot_be_right(songbench, test, tmp_path):
    with served.socket.socket() as busy_socket:
        busy_socket.bind(("127.0.0.1", 0))
        busy_socket.listen()
        result = listen(songbench, "serve", test.folder, "--port", busy_socket.getsockname()[1])
        assert result.returncode == 2 and "cannot listen" in result.stderr
    result = listen(songbench, "serve", test.folder, "--db", "mysql://x")
    assert result.returncode == 2 and "SQLite or PostgreSQL" in result.stderr
    result = listen(songbench, "serve", test.folder, "--public-url", "listen.example.org")
    assert result.returncode == 2 and "https://" in result.stderr
    next(iter((test.folder / "audio").iterdir())).write_bytes(b"")
    result = listen(songbench, "serve", test.folder)
    assert result.returncode == 2 and "not what was prepared" in result.stderr
    result = listen(songbench, "serve", tmp_path / "nowhere")
    assert result.returncode == 2 and "no prepared listening test" in result.stderr


def test_a_server_introduces_itself_and_knows_its_public_address(test):
    (test.folder / "key.json").unlink()  # it never opens the key
    options = ("--entry", "invited", "--public-url", "https://listen.example.org/a")
    with served.start(test.folder, *options, fresh=True) as server:
        output = server.output
        assert "https://listen.example.org/a/  for holders of an invitation" in output
        assert "https://listen.example.org/a/admin/  user admin" in output and server.admin_password not in output
        assert "0 raters" in output
        config = json.loads(served.get(server.url + "config")[2])
        assert config["root"] == "https://listen.example.org/a"
        assert served.Rater(server.url).open() == {"problem": "invited-only"}
        ask = {"data": {}, "component_id": served.component(server.url), "fn_name": "answer", "session_hash": "x"}
        body, kind = json.dumps(ask).encode(), {"Content-Type": "application/json"}
        url = server.url + "gradio_api/component_server/"
        assert served.get(url, {**kind, "Origin": "https://listen.example.org"}, "POST", body)[0] == 200
        assert served.get(url, {**kind, "Origin": "https://example.org"}, "POST", body)[0] == 404
        assert server.stop() == 0
        assert "Everything acknowledged is stored" in server.output
