"""The rules of a session, on both kinds of database."""

import threading
from collections import Counter
from contextlib import closing

import pytest
from made_up import good_answer, made_up_test
from sqlalchemy import select

from listening_test.answers import RefusedAnswerError, accept
from listening_test.collected import collect
from listening_test.collection.database import Database, PageRow, PlayRow, RaterRow, RatingRow, default_url
from listening_test.collection.replies import Replies
from listening_test.collection.sessions import SessionProblemError, Sessions
from listening_test.collection.tokens import Signer, load_secret
from listening_test.pages import public_page, session_pages, slots
from songbench.domain.errors import InputError

FORMS = ("acr", "preference", "ccr", "multistimulus", "mushra")


def current_page(sessions, place):
    return public_page(sessions.test, place.seat, place.page, place.language, lambda slot, _: slot)


def answer(sessions, place, **parts):
    sessions._clock.wait(60)
    return sessions.answer(place.token, place.page, {**good_answer(current_page(sessions, place)), **parts})


def open_later(sessions):
    sessions._clock.wait(1)
    return sessions.open_session()


def walk(sessions, place, kind):
    """Answer until a page of this kind comes."""
    while current_page(sessions, place)["kind"] != kind:
        place = answer(sessions, place)
    return place


def rows(sessions, table):
    with sessions.database.reading() as session:
        return list(session.scalars(select(table)))


def problem(call, *words, **options):
    with pytest.raises(SessionProblemError) as error:
        call(*words, **options)
    return error.value.code


@pytest.mark.parametrize("form", FORMS)
def test_a_whole_session_is_kept_and_comes_out_as_it_went_in(make_sessions, form):
    sessions = make_sessions(form)
    place = sessions.open_session(language="zh")
    answers = {}
    while current_page(sessions, place)["kind"] != "thanks":
        answers[place.page] = good_answer(current_page(sessions, place))
        place = answer(sessions, place)
    assert len(place.code) == 11 and sessions.open_session(token=place.token) == place
    (sheet,) = sessions.sheets()
    assert sheet.language == "zh" and sheet.device == "a browser" and sheet.finished == sheet.entries[-1].answered
    stored_answers = {entry.page: entry.answer for entry in sheet.entries}
    assert stored_answers == {page: accept(sessions.test, 0, page, "zh", payload) for page, payload in answers.items()}
    assert [entry.served for entry in sheet.entries[1:]] == [entry.answered for entry in sheet.entries[:-1]]
    ratings = {
        (page, r["slot"], r["scale"], r["answer"]) for page, a in stored_answers.items() for r in a.get("ratings", ())
    }
    assert {(row.page, row.slot, row.scale, row.answer) for row in rows(sessions, RatingRow)} == ratings
    plays = {(page, p["slot"]): p["ranges"] for page, a in stored_answers.items() for p in a.get("plays", ())}
    assert {(row.page, row.slot): row.ranges for row in rows(sessions, PlayRow)} == plays
    assert all(row.seconds_heard == pytest.approx(1.5) for row in rows(sessions, PlayRow))
    _, key = made_up_test(sessions.test.folder.parent / "again", form)
    assert len(collect(sessions.test, key, [sheet]).raters) == 1


def test_an_answer_that_comes_again_changes_nothing(make_sessions):
    sessions = make_sessions()
    place = walk(sessions, sessions.open_session(), "trial")
    first = good_answer(current_page(sessions, place))
    after = answer(sessions, place)
    second = {**first, "comment": "again", "ratings": [{**rating, "answer": "5"} for rating in first["ratings"]]}
    for number in range(after.page):
        assert sessions.answer(place.token, number, second) == after
    assert sessions.sheets()[0].entries[-1].answer == accept(sessions.test, 0, place.page, "en", first)
    assert len(sessions.sheets()[0].entries) == after.page


def test_answers_that_come_twice_at_the_same_moment_are_kept_once(make_sessions):
    sessions = make_sessions()
    second = make_sessions(test=sessions.test)  # another server
    place = walk(sessions, sessions.open_session(), "trial")
    sessions._clock.wait(60)
    payload, replies = good_answer(current_page(sessions, place)), []
    calls = [
        threading.Thread(target=lambda s=s: replies.append(s.answer(place.token, place.page, payload)))
        for s in [sessions, second] * 6
    ]
    for thread in calls:
        thread.start()
    for thread in calls:
        thread.join()
    assert len(replies) == 12 and {reply.page for reply in replies} == {place.page + 1}
    assert len(sessions.sheets()[0].entries) == place.page + 1


def test_a_page_cannot_be_skipped(make_sessions):
    sessions = make_sessions()
    place = sessions.open_session()
    for page in (1, 2, 999, 10**30, -1, True, None, "0", 0.0):
        with pytest.raises(RefusedAnswerError, match="malformed"):
            sessions.answer(place.token, page, {"agree": True})
    assert sessions.sheets()[0].entries == ()


def test_a_refused_answer_leaves_nothing_behind(make_sessions):
    sessions = make_sessions()
    place = walk(sessions, sessions.open_session(), "trial")
    before = len(rows(sessions, PageRow))
    for code, bad in [("unrated", {"ratings": []}), ("comment", {"comment": "x" * 2001}), ("unheard", {"plays": []})]:
        with pytest.raises(RefusedAnswerError, match=code):
            answer(sessions, place, **bad)
    assert len(rows(sessions, PageRow)) == before and not rows(sessions, RatingRow) and not rows(sessions, PlayRow)
    assert sessions.open_session(token=place.token) == place


@pytest.mark.parametrize(("form", "least"), [("acr", 5.0), ("preference", 10.0), ("mushra", 30.0)])
def test_nobody_answers_sooner_than_one_can_listen(make_sessions, form, least):
    sessions = make_sessions(form, seconds=6.0, listening={"minimum_seconds": 5.0})
    place = walk(sessions, sessions.open_session(), "trial")
    while current_page(sessions, place)["practice"]:
        place = answer(sessions, place)
    page = current_page(sessions, place)
    assert len([*page["stimuli"], *filter(None, [page["reference"]])]) * 5 == least
    sessions._clock.wait(least - 2.5)
    with pytest.raises(RefusedAnswerError, match="unheard"):
        sessions.answer(place.token, place.page, good_answer(page))
    sessions._clock.wait(0.6)
    assert sessions.answer(place.token, place.page, good_answer(page)).page == place.page + 1


def test_a_clock_that_is_set_back_holds_nobody_up(make_sessions):
    sessions = make_sessions(seconds=6.0, listening={"minimum_seconds": 5.0})
    place = walk(sessions, sessions.open_session(), "trial")
    sessions._clock.wait(-7200)
    assert sessions.answer(place.token, place.page, good_answer(current_page(sessions, place))).page == place.page + 1
    assert sessions.progress().raters[0].minutes >= 0


def test_comments_are_text_and_nothing_else(make_sessions):
    sessions = make_sessions()
    nasty = "\x00<b>'; DROP TABLE raters;--\ud800" + "x" * 500
    place = walk(sessions, answer(sessions, sessions.open_session(), device=nasty), "trial")
    comment = "Robert'); DROP TABLE ratings;-- <script>alert(1)</script> \x00 ${7*7} {{7*7}} 好听\nzweite Zeile"
    answer(sessions, place, comment=comment.replace(" 好", "\u3000好"))  # the wide space of Chinese keyboards
    (sheet,) = sessions.sheets()
    assert sheet.entries[-1].answer["comment"] == comment.replace("\x00", "")
    assert sheet.device.startswith("<b>'; DROP TABLE raters;--xxx") and len(sheet.device) == 200


def test_open_entry_fills_the_emptiest_seat(make_sessions):
    sessions = make_sessions(seats=3)
    assert [sessions.open_session().seat for _ in range(7)] == [0, 1, 2, 0, 1, 2, 0]
    assert [(row.seat, row.round) for row in rows(sessions, RaterRow) if row.seat == 0] == [(0, 0), (0, 1), (0, 2)]


def test_an_abandoned_seat_is_given_again_and_a_withdrawn_one_too(make_sessions):
    sessions = make_sessions(seats=3, reclaim_hours=1)
    first, second, third = (open_later(sessions) for _ in range(3))
    sessions.withdraw(second.token)
    sessions._clock.wait(1)
    assert sessions.open_session().seat == 1
    sessions._clock.wait(3000)
    answer(sessions, first)
    sessions._clock.wait(1000)  # the first answered since, the others did not
    assert [sessions.progress().raters[n].state for n in range(4)] == ["under way", "withdrawn", "left", "left"]
    assert [sessions.open_session().seat for _ in range(3)] == [1, 2, 0]
    assert sessions.open_session(token=third.token) == third  # who comes back late goes on


def test_who_only_looks_in_holds_a_seat_for_an_hour_and_leaves_no_trace_of_the_browser(make_sessions):
    sessions = make_sessions(seats=3)
    reader, looker = sessions.open_session(), sessions.open_session()
    sessions._clock.wait(1)
    answer(sessions, reader)
    sessions._clock.wait(3600)
    assert sessions.open_session().seat == 1
    assert [row.device for row in rows(sessions, RaterRow) if row.seat == looker.seat] == ["", ""]


def test_raters_who_come_together_are_spread_evenly(make_sessions):
    sessions = make_sessions(seats=4)
    second = make_sessions(test=sessions.test)
    places, gate = [], threading.Barrier(24)

    def enter(server):
        gate.wait()
        places.append(server.open_session())

    threads = [threading.Thread(target=enter, args=([sessions, second][n % 2],)) for n in range(24)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Counter(place.seat for place in places) == dict.fromkeys(range(4), 6)
    assert len({place.token for place in places}) == 24


def test_an_invitation_is_one_rater_on_every_device(make_sessions):
    sessions = make_sessions(entry="invited", seats=3)
    invited = [sessions.signer.invitation(number) for number in range(5)]
    places = [sessions.open_session(invitation=invitation) for invitation in reversed(invited)]
    assert [place.seat for place in places] == [1, 0, 2, 1, 0]
    moved = answer(sessions, places[0])
    assert sessions.open_session(invitation=invited[4]) == moved == sessions.open_session(token=places[0].token)
    # Two people share a browser: the link says who it is, not the token that was left there.
    assert sessions.open_session(invitation=invited[3], token=places[0].token) == places[1]
    assert len(sessions.sheets()) == 5


def test_forged_invitations_and_tokens_are_unknown(make_sessions):
    sessions = make_sessions(entry="invited")
    good = sessions.signer.invitation(7)
    number, signature = good.split(".")
    second_invitation = sessions.signer.invitation(8)
    forged = [f"8.{signature}", good[:-1], good + "A", f"07.{signature}", f"-7.{signature}", f"7.{signature.lower()}"]
    forged += [number, signature, ".", f"{number}.{'A' * 43}", "7 OR 1=1", f"７.{signature}", 7, ["7"], {"a": 1}]
    for invitation in forged:
        assert invitation != second_invitation and problem(sessions.open_session, invitation=invitation) == "unknown"
    assert problem(sessions.open_session) == "invited-only"
    for token in ("A" * 43, "", "x", "' OR '1'='1", "\x00" * 43, "\ud800" * 43, 5, None, ["A" * 43], True):
        assert problem(sessions.answer, token, 0, {"agree": True}) == "unknown"
        assert problem(sessions.turn_language, token, "zh") == "unknown"
        assert problem(sessions.withdraw, token) == "unknown"
        assert problem(sessions.audio_path, token, 0, "A") == "unknown"
    assert problem(sessions.open_session, token="A" * 43) == "unknown"
    assert sessions.sheets() == []


def test_withdrawing_deletes_what_was_said(make_sessions):
    sessions = make_sessions(entry="invited")
    stays = walk(sessions, sessions.open_session(invitation=sessions.signer.invitation(0)), "break")
    sessions._clock.wait(1)
    goes = walk(sessions, sessions.open_session(invitation=sessions.signer.invitation(1)), "thanks")
    for _ in range(2):
        sessions.withdraw(goes.token)
    assert problem(sessions.answer, goes.token, 0, {"agree": True}) == "withdrawn"
    assert problem(sessions.open_session, invitation=sessions.signer.invitation(1)) == "withdrawn"
    assert problem(sessions.audio_path, goes.token, 2, "A") == "withdrawn"
    remaining_sheet, withdrawn_sheet = sessions.sheets()
    assert (
        withdrawn_sheet.withdrawn
        and withdrawn_sheet.entries == ()
        and withdrawn_sheet.device == ""
        and withdrawn_sheet.finished is None
    )
    assert not remaining_sheet.withdrawn and len(remaining_sheet.entries) == stays.page
    for table in (PageRow, RatingRow, PlayRow):
        assert {row.rater for row in rows(sessions, table)} == {remaining_sheet.rater}


def test_what_was_withdrawn_lies_in_no_file(tmp_path, clock):
    test, _ = made_up_test(tmp_path / "test")
    with closing(Database(default_url(test.folder), test)) as database:
        sessions = Sessions(test, database, Signer(load_secret(test.folder), test.digest()), clock=clock)
        place = walk(sessions, sessions.open_session(), "trial")
        answer(sessions, place, comment="my secret remark")
        files = list(test.folder.glob("ratings*"))
        assert any(b"my secret remark" in one.read_bytes() for one in files)
        sessions.withdraw(place.token)
        assert not any(b"my secret remark" in one.read_bytes() for one in test.folder.glob("ratings*"))


def test_an_error_of_the_database_is_one_line_without_what_raters_said(make_sessions, caplog):
    sessions = make_sessions()
    place = walk(sessions, sessions.open_session(), "trial")
    sessions._clock.wait(60)
    with sessions.database.writing() as session:
        session.connection().exec_driver_sql("DROP TABLE ratings")
    payload = {**good_answer(current_page(sessions, place)), "comment": "my secret remark"}
    reply = Replies(sessions).answer({"token": place.token, "page": place.page, "answer": payload})
    assert reply == {"problem": "failed"} and "ratings" in caplog.text
    assert "my secret remark" not in caplog.text and "Traceback" not in caplog.text


def test_a_closed_test_takes_the_page_that_was_shown_and_no_more(make_sessions):
    sessions = make_sessions()
    middle, last = open_later(sessions), open_later(sessions)
    middle = walk(sessions, middle, "trial")
    while last.page < len(session_pages(sessions.test, last.seat)) - 2:
        last = answer(sessions, last)
    sessions.close()
    assert problem(sessions.open_session) == "closed"
    assert sessions.open_session(token=middle.token) == middle  # a reload shows the page again
    assert problem(answer, sessions, middle) == "closed"
    assert problem(answer, sessions, middle) == "closed" == problem(sessions.open_session, token=middle.token)
    assert answer(sessions, last).code
    assert len(sessions.sheets()[0].entries) == middle.page + 1
    sessions.reopen()
    assert sessions.open_session(token=middle.token).page == middle.page + 1
    assert sessions.open_session().page == 0


def test_the_language_can_be_turned_at_any_page(make_sessions):
    sessions = make_sessions()
    place = walk(sessions, sessions.open_session(language="xx'; --"), "trial")
    assert place.language == "en"
    turned = sessions.turn_language(place.token, "zh")
    assert (turned.language, turned.page) == ("zh", place.page)
    assert sessions.turn_language(place.token, "<script>").language == "zh"
    assert sessions.sheets()[0].language == "zh"


def test_only_this_page_and_the_next_can_be_heard(make_sessions):
    sessions = make_sessions()
    place = walk(sessions, sessions.open_session(), "trial")
    pages = session_pages(sessions.test, place.seat)
    for page, reference in enumerate(pages):
        for slot, stimulus in slots(sessions.test, reference, "en").items():
            if page in (place.page, place.page + 1):
                assert sessions.audio_path(place.token, page, slot).name == f"{stimulus}.flac"
            else:
                assert problem(sessions.audio_path, place.token, page, slot) == "unknown"
    for page, slot in [(place.page, "Z"), (place.page, "../key.json"), (-1, "A"), (10**9, "A")]:
        assert problem(sessions.audio_path, place.token, page, slot) == "unknown"


def test_progress_counts_what_was_judged(make_sessions):
    sessions = make_sessions(seats=2, traps=0, repeats=0, prompts=4)
    walk(sessions, sessions.open_session(), "thanks")
    open_later(sessions)
    progress = sessions.progress()
    assert not progress.closed and (progress.count("finished"), progress.count("under way")) == (1, 1)
    assert [(rater.seat, rater.pages == rater.of) for rater in progress.raters] == [(0, True), (1, False)]
    assert (
        sum(trial.answers for trial in progress.trials) == 4 == sum(stimulus.answers for stimulus in progress.stimuli)
    )
    assert sum(trial.planned for trial in progress.trials) == 8


def test_the_database_of_another_test_or_layout_is_refused(make_sessions, tmp_path, database_url):
    sessions = make_sessions()
    other_test, _ = made_up_test(tmp_path / "other", seed=1)
    with pytest.raises(InputError, match="another test"):
        Database(database_url, other_test)
    with sessions.database.writing() as session:
        session.connection().exec_driver_sql("UPDATE schema_version SET version = 99")
    with pytest.raises(InputError, match="layout 99"):
        Database(database_url, sessions.test)


def test_servers_that_start_together_make_the_tables_once(make_sessions, tmp_path, database_url):
    test, _ = made_up_test(tmp_path / "test")
    opened, errors, gate = [], [], threading.Barrier(6)

    def open_it():
        gate.wait()
        try:
            opened.append(Database(database_url, test))
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=open_it) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for database in opened:
        database.close()
    assert not errors and len(opened) == 6


def test_databases_that_cannot_be_used_say_what_to_do(tmp_path):
    test, _ = made_up_test(tmp_path / "test")
    (tmp_path / "text.sqlite").write_text("This is not a database, but it is long enough to be looked at." * 20)
    for url, message in [
        ("mysql://a/b", "SQLite or PostgreSQL"),
        ("nonsense", "SQLite or PostgreSQL"),
        ("postgresql://someone:hidden@127.0.0.1:port/ratings", "SQLite or PostgreSQL"),
        ("sqlite://", "needs a file"),
        (f"sqlite:///{tmp_path}/no/where.sqlite", "folder of the database does not exist"),
        (f"sqlite:///{tmp_path}/text.sqlite", "not a database"),
        ("postgresql://someone:hidden@127.0.0.1:1/ratings", "Start the server"),
    ]:
        with pytest.raises(InputError, match=message) as error:
            Database(url, test)
        assert "hidden" not in str(error.value)
    with pytest.raises(InputError, match="no answers here"):
        Database(f"sqlite:///{tmp_path}/new.sqlite", test, create=False)
    assert not (tmp_path / "new.sqlite").exists()


def test_the_database_lies_in_the_folder_whatever_its_name(tmp_path):
    test, _ = made_up_test(tmp_path / "songs? 50% #1" / "test")
    Database(default_url(test.folder), test).close()
    assert (test.folder / "ratings.sqlite").exists()
    assert [one.name for one in tmp_path.iterdir()] == ["songs? 50% #1"]
