"""The rater's pages in a real browser against the real server; what was clicked is what the database holds."""

from contextlib import closing

import pytest
import served
from made_up import made_up_test
from visitor import answered

from listening_test.collection.database import Database, default_url
from listening_test.collection.export import read_answers
from listening_test.collection.sessions import Sessions
from listening_test.collection.tokens import Signer, load_secret


@pytest.fixture(scope="module")
def served_test(tmp_path_factory):
    """A small test and the server that holds it."""
    folder = tmp_path_factory.mktemp("held") / "t"
    checks = {"break_every": 1, "headphone_check": 1}
    test, _ = made_up_test(folder, "acr", prompts=2, traps=0, repeats=0, checks=checks)
    with served.start(folder) as server:
        yield test, server


def test_two_raters_go_through_a_test_while_the_server_dies_and_comes_back(served_test, visit):
    test, server = served_test
    visitor = visit(server.url)
    page = visitor.page
    assert visitor.heading == "How good are these songs?" and page.url == server.url
    while visitor.heading != "Song 1 of 2":
        visitor.answer(seed=visitor.number).next()

    # half-filled, reloaded, continued
    visitor.answer(seed=2)
    page.locator("textarea").fill("hm <i>")
    page.wait_for_timeout(400)
    visitor.reload()
    assert visitor.heading == "Song 1 of 2" and page.locator("textarea").input_value() == "hm <i>"
    checked = page.locator("fieldset input:checked")
    assert [field.get_attribute("value") for field in checked.all()] == visitor.clicked[visitor.number]
    assert page.locator(".heard.enough").count() == 1

    # the server dies with the answer on its way, and comes back
    visitor.expected = ("ERR_", "Failed to fetch", "component server", "Connection")
    server.kill()
    page.locator(".next").dblclick()
    page.get_by_text("The connection is lost.").wait_for()
    number = visitor.number
    server.restart()
    page.wait_for_selector(f".songbench-listening:not([data-page='{number}'])")
    assert visitor.heading == "Time for a short break" and page.locator(".notice").is_hidden()
    visitor.expected = ()
    visitor.finish(seed=3)
    code = page.locator(".code").inner_text()
    visitor.reload()
    assert page.locator(".code").inner_text() == code and code

    # another, by phone, in Chinese
    second_visitor = visit(server.url, phone=True, locale="zh-CN").finish(seed=1)
    assert second_visitor.heading == "谢谢您！" and second_visitor.page.locator(".code").inner_text() not in ("", code)

    bad = visit(f"{server.url}?invitation=nonsense")
    assert bad.heading == "This link does not work"
    by_language = {sheet.language: sheet for sheet in read_answers(test) if sheet.finished}
    assert answered(by_language["en"]) == visitor.clicked
    assert answered(by_language["zh"]) == second_visitor.clicked
    comments = [entry.answer["comment"] for entry in by_language["en"].entries if "comment" in entry.answer]
    assert comments == ["", "hm <i>", ""]
    assert "Chrome" in by_language["en"].device and by_language["en"].finished


def test_who_is_under_way_when_the_test_closes_can_still_withdraw(visit, tmp_path):
    test, _ = made_up_test(tmp_path / "t", "ccr", traps=0, repeats=0)
    with served.start(test.folder) as server, closing(Database(default_url(test.folder), test)) as database:
        visitor = visit(server.url)
        visitor.next()
        sessions = Sessions(test, database, Signer(load_secret(test.folder), test.digest()))
        sessions.close()
        visitor.next()
        assert visitor.heading == "This listening test is closed"
        visitor.page.get_by_role("button", name="Stop and withdraw").click()
        visitor.page.get_by_role("button", name="Withdraw and delete my answers").click()
        visitor.page.wait_for_function("document.querySelector('h1').textContent === 'You have withdrawn'")
        assert [one.withdrawn for one in sessions.sheets()] == [True]
        assert not visit(server.url).page.get_by_role("button", name="Stop and withdraw").count()


def test_an_invitation_brings_a_rater_back_and_withdrawal_reaches_the_server(served_test, visit):
    test, server = served_test
    link = f"{server.url}?invitation={Signer(load_secret(test.folder), test.digest()).invitation(2)}"
    visitor = visit(link)
    for _ in range(3):
        visitor.answer().next()
    assert visit(link).heading == visitor.heading  # another browser, the same place
    sheet = next(sheet for sheet in read_answers(test) if sheet.seat == 2)
    assert len(sheet.entries) == 3 and not sheet.withdrawn
    visitor.page.get_by_text("Menu").click()
    visitor.page.get_by_role("button", name="Stop and withdraw").click()
    visitor.page.get_by_role("button", name="Withdraw and delete my answers").click()
    visitor.page.wait_for_function("document.querySelector('h1').textContent === 'You have withdrawn'")
    sheet = next(sheet for sheet in read_answers(test) if sheet.seat == 2)
    assert sheet.withdrawn and not sheet.entries
