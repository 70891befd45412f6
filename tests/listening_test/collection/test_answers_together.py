"""Answers that wait together share a transaction: each has its own outcome, and all are kept as if taken one by one."""

import asyncio
import threading

import pytest
from made_up import good_answer
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from listening_test.answers import RefusedAnswerError, accept
from listening_test.collection import keeping
from listening_test.collection.answer_queue import MOST, AnswerQueue
from listening_test.collection.database import PageRow, RatingRow
from listening_test.collection.sessions import SentAnswer, SessionProblemError
from listening_test.pages import public_page

SHORT = {"listening": {"minimum_seconds": 0.0}, "checks": {"training": 0, "headphone_check": 0}}


def good(sessions, place):
    page = public_page(sessions.test, place.seat, place.page, place.language, lambda slot, _: slot)
    return SentAnswer(place.token, place.page, good_answer(page))


def at_trials(sessions, count):
    """So many raters, each at the first page of the test."""
    places = [sessions.open_session() for _ in range(count)]
    while any(not good(sessions, place).payload.get("ratings") for place in places):
        places = sessions.take_answers([good(sessions, place) for place in places])
    return places


def entries(sessions, place):
    """Page → answer of one rater."""
    sheets = {sheet.seat: sheet for sheet in sessions.sheets()}
    return {entry.page: entry.answer for entry in sheets[place.seat].entries}


def test_each_answer_has_its_own_outcome(make_sessions):
    sessions = make_sessions(**SHORT, seats=5)
    first, second, third, withdrawn, twice = at_trials(sessions, 5)
    sessions.withdraw(withdrawn.token)
    bad = SentAnswer(second.token, second.page, {**good(sessions, second).payload, "ratings": []})
    again = SentAnswer(twice.token, twice.page, {**good(sessions, twice).payload, "comment": "later"})
    strangers = [SentAnswer(token, 0, {}) for token in ("x" * 43, None, ["x"])]
    sent = [good(sessions, first), bad, good(sessions, twice), *strangers, good(sessions, withdrawn), again]
    sent += [good(sessions, third), SentAnswer(first.token, first.page + 7, {})]
    outcomes = sessions.take_answers(sent)
    assert [type(outcome) for outcome in outcomes[1:2] + outcomes[9:]] == [RefusedAnswerError] * 2
    assert [outcome.code for outcome in outcomes[3:7]] == ["unknown"] * 3 + ["withdrawn"]
    assert outcomes[2] == outcomes[7] and outcomes[2].page == twice.page + 1
    assert (outcomes[0].page, outcomes[8].page) == (first.page + 1, third.page + 1)
    for place, answer in ((first, sent[0]), (twice, sent[2]), (third, sent[8])):
        expected = accept(sessions.test, place.seat, place.page, place.language, answer.payload)
        assert entries(sessions, place)[place.page] == expected
    assert second.page not in entries(sessions, second)
    with sessions.database.reading() as session:
        raters = {row.rater for row in session.scalars(select(RatingRow))}
    assert len(raters) == 3


def test_two_pages_of_one_rater_at_once_are_taken_in_order(make_sessions):
    sessions = make_sessions(**SHORT)
    place = sessions.open_session()
    consent = good(sessions, place)
    background = SentAnswer(place.token, 1, {"answers": {}})
    outcomes = sessions.take_answers([consent, background, consent])
    assert [outcome.page for outcome in outcomes] == [1, 2, 2]
    assert sorted(entries(sessions, place)) == [0, 1]


def test_an_answer_over_which_something_breaks_leaves_the_others_alone(make_sessions, monkeypatch):
    sessions = make_sessions(**SHORT, seats=4)
    places = at_trials(sessions, 4)
    sent = [good(sessions, place) for place in places]

    def breaking(test, seat, *words):
        if seat == places[2].seat:
            raise RecursionError("a fault of ours")
        return accept(test, seat, *words)

    monkeypatch.setattr(keeping, "accept", breaking)
    outcomes = sessions.take_answers(sent)
    assert isinstance(outcomes.pop(2), RecursionError) and all(outcome.page for outcome in outcomes)
    assert [places[n].page in entries(sessions, places[n]) for n in range(4)] == [True, True, False, True]


def test_when_the_database_fails_nothing_is_taken_and_everybody_learns_of_it(make_sessions):
    sessions = make_sessions(**SHORT, seats=3)
    places = at_trials(sessions, 3)
    with sessions.database.writing() as session:
        session.connection().exec_driver_sql("ALTER TABLE ratings RENAME TO elsewhere")
    outcomes = sessions.take_answers([good(sessions, place) for place in places])
    assert len(outcomes) == 3 and not any(hasattr(outcome, "page") for outcome in outcomes)
    with sessions.database.writing() as session:
        session.connection().exec_driver_sql("ALTER TABLE elsewhere RENAME TO ratings")
    assert all(place.page not in entries(sessions, place) for place in places)
    assert [outcome.page for outcome in sessions.take_answers([good(sessions, place) for place in places])] == [
        place.page + 1 for place in places
    ]


def test_a_closed_test_keeps_the_answers_that_came_together(make_sessions):
    sessions = make_sessions(**SHORT, seats=3)
    places = at_trials(sessions, 3)
    sessions.close()
    outcomes = sessions.take_answers([good(sessions, place) for place in places])
    assert all(isinstance(outcome, SessionProblemError) and outcome.code == "closed" for outcome in outcomes)
    assert all(place.page in entries(sessions, place) for place in places)
    with sessions.database.reading() as session:
        assert not session.scalars(select(PageRow).where(PageRow.answered.is_(None))).all()


def test_what_comes_while_others_are_written_is_written_together():
    started, go_on, batches = threading.Event(), threading.Event(), []

    def take(payloads):
        batches.append(list(payloads))
        started.set()
        assert go_on.wait(60)
        return [{"reply": payload} for payload in payloads]

    async def raters():
        queue = AnswerQueue(take)
        tasks = [asyncio.create_task(queue.answer(0))]
        await asyncio.to_thread(started.wait)
        tasks += [asyncio.create_task(queue.answer(number)) for number in range(1, MOST + 3)]
        await asyncio.sleep(0)
        go_on.set()
        return await asyncio.gather(*tasks)

    replies = asyncio.run(raters())
    assert replies == [{"reply": number} for number in range(MOST + 3)]
    assert batches == [[0], list(range(1, MOST + 1)), [MOST + 1, MOST + 2]]


def test_nobody_waits_for_ever_when_taking_breaks():
    def take(payloads):
        raise OperationalError("", {}, Exception("away"))

    async def rater():
        queue = AnswerQueue(take)
        for _ in range(2):
            with pytest.raises(OperationalError):
                await queue.answer(0)

    asyncio.run(rater())
