"""What is nobody else's business cannot be read by anybody else; a key that was edited is not used."""

import json
import os
import re

import pytest
from made_up import good_answer, made_up_test

from listening_test.collection.database import DATABASE, Database, default_url
from listening_test.collection.export import lines, write_out
from listening_test.collection.replies import Replies
from listening_test.collection.sessions import Sessions
from listening_test.collection.tokens import Signer, load_secret
from listening_test.preparation.folder import claim
from listening_test.prepared import KEY, load_key, load_test
from songbench.domain.errors import InputError

modes = pytest.mark.skipif(os.name == "nt", reason="this system knows no modes")


def mode(path):
    return path.stat().st_mode & 0o777


@pytest.fixture(autouse=True)
def generous_umask():
    before = os.umask(0o000)
    yield
    os.umask(before)


@modes
def test_key_ratings_and_exports_are_the_owners(tmp_path):
    folder = tmp_path / "test"
    claim(folder)
    test, _ = made_up_test(folder)
    database = Database(default_url(folder), test)
    sessions = Sessions(test, database, Signer(load_secret(folder), test.digest()))
    replies = Replies(sessions)
    opened = replies.open_session({})
    replies.answer({"token": opened["token"], "page": 0, "answer": good_answer(opened["page"])})
    write_out(tmp_path / "answers.jsonl", lines(sessions.sheets()), "--to")
    assert mode(folder) == 0o700 and mode(tmp_path / "answers.jsonl") == 0o600
    beside = [DATABASE, f"{DATABASE}-wal", f"{DATABASE}-shm"]
    assert {name: mode(folder / name) for name in (*beside, KEY, "test.json", "secret")} == dict.fromkeys(
        (*beside, KEY, "test.json", "secret"), 0o600
    )
    database.close()


@modes
def test_a_database_that_others_could_read_is_taken_away_from_them(tmp_path):
    test, _ = made_up_test(tmp_path)
    Database(default_url(tmp_path), test).close()
    (tmp_path / DATABASE).chmod(0o644)
    Database(default_url(tmp_path), test).close()
    assert mode(tmp_path / DATABASE) == 0o600


@modes
def test_a_test_made_anew_keeps_the_one_before_as_private(tmp_path):
    made_up_test(tmp_path)
    tmp_path.chmod(0o755)
    backup = claim(tmp_path, force=True)
    assert mode(backup) == mode(tmp_path) == 0o700 and mode(backup / KEY) == 0o600


def edited(folder, change):
    path = folder / KEY
    path.write_text(json.dumps(change(json.loads(path.read_text()))))


def swapped(value):
    """Two songs exchanged: every number of the report would be of the other system, and nothing would look wrong."""
    first, second = (next(k for k in value["stimuli"].values() if k["system"] == name) for name in value["systems"][:2])
    first["system"], second["system"] = second["system"], first["system"]
    return value


def test_an_edited_key_is_refused(tmp_path):
    test, key = made_up_test(tmp_path)
    assert load_key(load_test(tmp_path)) == key
    edited(tmp_path, lambda value: value | {"systems": value["systems"][::-1]})
    with pytest.raises(InputError, match=r"key\.json, field 'digest'.*changed after it was made.*backup"):
        load_key(test)
    made_up_test(tmp_path)
    edited(tmp_path, swapped)
    with pytest.raises(InputError, match="changed after it was made"):
        load_key(test)


def test_a_key_of_before_says_how_to_vouch_for_it(tmp_path):
    test, key = made_up_test(tmp_path)
    edited(tmp_path, lambda value: {name: one for name, one in value.items() if name != "digest"})
    with pytest.raises(InputError, match="earlier version, or was edited") as refused:
        load_key(test)
    digest = re.search(r'"digest": "(\w{64})"', str(refused.value))[1]
    edited(tmp_path, lambda value: value | {"digest": digest})
    assert load_key(test) == key
