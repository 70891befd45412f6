"""Many raters at once against a real server: what was acknowledged is in the database, once, and nothing else is."""

import random
import threading
from collections import Counter

import pytest
import served
from made_up import good_answer, made_up_test
from sqlalchemy import select

from listening_test.answers import accept
from listening_test.collection.database import Database, RaterRow, RatingRow
from listening_test.collection.export import read_answers
from listening_test.collection.tokens import Signer, load_secret, token_hash
from listening_test.pages import session_pages

RATERS = 50


def own_answer(page, draw, name):
    """An answer that no other rater gives to this page."""
    answer = good_answer(page)
    if page["kind"] == "trial":
        for rating in answer["ratings"]:
            rating["answer"] = str(draw.randint(1, 5))
        answer["comment"] = f"{name} on page {page['page']}"
    return answer


def take_part(rater, number, errors, paused=None):
    try:
        reply = rater.open()
        assert "page" in reply, reply
        draw = random.Random(number)
        while rater.page["kind"] != "thanks":
            answer = own_answer(rater.page, draw, f"rater {number}")
            reply = rater.answer(answer)
            assert "page" in reply, reply
            if paused:
                paused(rater)
    except Exception as error:
        errors.append(f"rater {number}: {error!r}")


def run_all(raters, paused=None):
    errors = []
    threads = [
        threading.Thread(target=take_part, args=(rater, number, errors, paused)) for number, rater in enumerate(raters)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors, errors[:3]


def assert_exactly_kept(test, url, raters):
    """Every acknowledged answer once, no other; the same in the table of ratings."""
    database = Database(url, test, create=False)
    with database.reading() as session:
        names = {row.token_hash: row for row in session.scalars(select(RaterRow))}
        stored_ratings = Counter(
            (row.rater, row.page, row.slot, row.scale, row.answer) for row in session.scalars(select(RatingRow))
        )
    database.close()
    assert set(names) == {token_hash(rater.token) for rater in raters}
    sheets = {sheet.rater: sheet for sheet in read_answers(test, url)}
    expected = Counter()
    for rater in raters:
        row = names[token_hash(rater.token)]
        sheet = sheets[row.id]
        stored_answers = {entry.page: entry.answer for entry in sheet.entries}
        sent_answers = {page: accept(test, row.seat, page, "en", answer) for page, answer in rater.acknowledged}
        assert stored_answers == sent_answers and len(sheet.entries) == len(rater.acknowledged) == len(stored_answers)
        assert len(stored_answers) == len(session_pages(test, row.seat)) - 1 and sheet.finished and rater.page["code"]
        for page, answer in sent_answers.items():
            for rating in answer.get("ratings", ()):
                expected[row.id, page, rating["slot"], rating["scale"], rating["answer"]] += 1
    assert stored_ratings == expected and set(stored_ratings.values()) == {1}
    return names.values()


@pytest.fixture
def prepared(tmp_path):
    short = {"listening": {"minimum_seconds": 0.0}, "checks": {"headphone_check": 0, "training": 0}}
    test, _ = made_up_test(tmp_path / "test", prompts=2, seats=8, traps=0, repeats=0, **short)
    return test


def test_fifty_raters_at_once(prepared, database_url):
    with served.start(prepared.folder, "--db", database_url) as server:
        number = served.component(server.url)
        raters = [served.Rater(server.url, number=number) for _ in range(RATERS)]
        run_all(raters)
        rater_rows = assert_exactly_kept(prepared, database_url, raters)
        assert server.stop() == 0
    assert sorted(Counter(row.seat for row in rater_rows).values()) == [6] * 6 + [7] * 2


@pytest.mark.parametrize("count", [20, pytest.param(RATERS, marks=pytest.mark.slow)])
def test_a_server_that_is_killed_forgets_nothing_it_acknowledged(prepared, database_url, count):
    with served.start(prepared.folder, "--db", database_url, "--entry", "invited") as server:
        rater_rows = run_through_a_fall(prepared, database_url, server, server, count)
    assert sorted(row.invitation for row in rater_rows) == list(range(count))


@pytest.mark.slow  # the same rules on the same kinds of database in test_sessions.py, without the processes
def test_two_servers_on_one_database_are_as_good_as_one(prepared, database_url):
    options = (prepared.folder, "--db", database_url, "--entry", "invited")
    with served.start(*options) as falls, served.start(*options) as stays:
        rater_rows = run_through_a_fall(prepared, database_url, falls, stays, RATERS)
    assert sorted(row.invitation for row in rater_rows) == list(range(RATERS))


def run_through_a_fall(test, url, falls, stays, count):
    """Invited raters who go to and fro between two addresses; one server is killed in the middle."""
    signer, number = Signer(load_secret(test.folder), test.digest()), served.component(falls.url)
    raters = [
        served.Rater([falls, stays][n % 2].url, invitation=signer.invitation(n), patience=120, number=number)
        for n in range(count)
    ]
    enough, lock, answered = threading.Event(), threading.Lock(), []

    def move(rater):
        rater.url = stays.url if rater.url == falls.url else falls.url
        with lock:
            answered.append(rater)
            if len(answered) == 3 * count:
                enough.set()

    def kill():
        enough.wait()
        falls.kill()
        falls.restart()

    killer = threading.Thread(target=kill)
    killer.start()
    run_all(raters, move)
    killer.join()
    return assert_exactly_kept(test, url, raters)
