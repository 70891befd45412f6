"""The experimenter's page in a real browser, and what happens when the database goes away."""

import json

import served
from made_up import SYSTEMS, good_answer, made_up_test

from listening_test.answer_sheets import read_sheets
from listening_test.collection.database import Database
from listening_test.collection.replies import Replies
from listening_test.collection.sessions import Sessions
from listening_test.collection.tokens import Signer, load_secret


def log_in(page, server, password):
    page.goto(server.url + "admin")
    page.get_by_label("username").fill("admin")
    page.get_by_label("password").fill(password)
    page.get_by_role("button", name="Login").click()


def test_the_experimenter_sees_how_far_raters_are_and_stays_blind(browser, tmp_path):
    made_up_test(tmp_path / "test", listening={"minimum_seconds": 0.0})
    nasty = "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>'; DROP TABLE raters;"
    with served.start(tmp_path / "test") as server:
        rater = served.Rater(server.url, device=nasty)
        rater.open()
        while rater.page["kind"] != "thanks":
            rater.answer({**good_answer(rater.page), "comment": nasty} if rater.page["kind"] == "trial" else None)
        page, faults = browser.new_page(), []
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on(
            "request",
            lambda request: (
                None if request.url.startswith((server.url, "data:", "blob:")) else faults.append(request.url)
            ),
        )
        page.on("console", lambda message: faults.append(message.text) if "Content Security" in message.text else None)
        log_in(page, server, "a guess")
        page.get_by_text("Incorrect credentials").wait_for()
        log_in(page, server, server.admin_password)
        page.get_by_text("1 finished").first.wait_for()
        drawing = page.get_by_role("img", name="Sessions; the table below has the figures")
        drawing.wait_for()
        assert drawing.locator("rect").count() == 5
        table = page.get_by_role("table", name="Sessions", exact=True)
        assert not table.is_visible()
        page.locator("figure", has=drawing).get_by_text("As a table").click()
        assert table.get_by_role("row", name="finished 1").is_visible()
        assert page.get_by_role("table", name="Last answers").get_by_role("row").count() > 5
        light = drawing.locator("text").first.evaluate("(node) => getComputedStyle(node).fill")
        page.emulate_media(color_scheme="dark")
        page.reload()
        drawing.wait_for()
        assert drawing.locator("text").first.evaluate("(node) => getComputedStyle(node).fill") != light
        page.get_by_role("tab", name="Completion codes").click()
        page.get_by_label("Completion code").fill(rater.page["code"])
        page.get_by_role("button", name="Check the code").click()
        page.wait_for_function(
            "[...document.querySelectorAll('textarea')].some((box) => box.value.includes(': complete'))"
        )
        page.get_by_role("tab", name="Raters").click()
        page.get_by_text(nasty).locator("visible=true").first.wait_for()  # shown as text
        assert page.title() == "Listening test: administration"
        page.get_by_role("tab", name="Stimuli").click()
        page.get_by_text("Answered pages on which each stimulus was judged").wait_for()
        html = page.content().replace("text-anchor", "")
        assert not [name for name in (*SYSTEMS, "secretrunname", "anchor") if name in html]
        with page.expect_download() as download:
            page.get_by_role("button", name="Download the answers").click()
        download.value.save_as(tmp_path / "answers.jsonl")
        (sheet,) = read_sheets(tmp_path / "answers.jsonl")
        assert sheet.finished and sheet.device == nasty[:200]
        assert {entry.answer["comment"] for entry in sheet.entries if "comment" in entry.answer} == {nasty}
        page.get_by_role("button", name="Close the test").click()
        page.get_by_text("nobody is admitted").wait_for()
        assert served.Rater(server.url).open() == {"problem": "closed"}
        page.get_by_role("button", name="Reopen the test").click()
        page.get_by_text("open to anyone").wait_for()
        assert "page" in served.Rater(server.url).open()
        page.get_by_role("button", name="Refresh").click()
        page.get_by_text("1 under way").wait_for()
        assert not faults


def test_a_database_that_goes_away_costs_a_retry_and_nothing_else(postgres, tmp_path):
    test, _ = made_up_test(tmp_path / "test", listening={"minimum_seconds": 0.0})
    database = Database(postgres.new_database(), test)
    replies = Replies(Sessions(test, database, Signer(load_secret(test.folder), test.digest())))
    opened = replies.open_session({})
    payload = {"token": opened["token"], "page": 0, "answer": {"agree": True}}
    postgres.stop()
    try:
        assert replies.answer(payload) == {"problem": "failed"} == replies.open_session({})
    finally:
        postgres.start()
    reply = replies.answer(payload)
    assert reply["page"]["page"] == 1 and json.dumps(replies.answer(payload)) == json.dumps(reply)
    database.close()
