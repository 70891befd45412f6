"""Raters of a panel in a real browser: they come by its link and are taken back; its page is a stand-in here."""

import pytest
import served
from made_up import made_up_test

from listening_test.panel.settings import PROLIFIC_PARAMETERS, Panel, save_panel

PARTICIPANT = "5f3c1a9e2b7d4c6e8f0a1b2c"
QUERY = f"?PROLIFIC_PID={PARTICIPANT}&STUDY_ID=aa11&SESSION_ID=bb22"
PROLIFIC = "https://app.prolific.com/"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("panel") / "t"
    made_up_test(
        folder,
        prompts=2,
        traps=0,
        repeats=0,
        seats=1,
        checks={"headphone_check": 1},
        screening={"headphones_correct": 1},
        listening={"minimum_seconds": 0.5},
    )
    codes = {"complete": "C1", "screened-out": "S2", "left": "L3"}
    save_panel(folder, Panel(kind="prolific", parameters=PROLIFIC_PARAMETERS, codes=codes))
    with served.start(folder) as running:
        yield running


@pytest.fixture
def arrive(visit, server):
    """A function that follows a link of the panel, in a browser in which the panel's own page is a stand-in."""

    def follow(query, **options):
        visitor = visit(server.url + query, **options)
        visitor.elsewhere = (PROLIFIC,)
        visitor.context.route(
            f"{PROLIFIC}**", lambda route: route.fulfill(body="<h1>Submitted</h1>", content_type="text/html")
        )
        return visitor

    return follow


def test_a_rater_comes_back_to_the_panel_with_the_code_and_to_the_same_session(arrive):
    visitor = arrive(QUERY)
    page = visitor.page
    assert page.get_by_text("The panel that sent you tells us a number for you").count() == 1
    assert page.get_by_text("Using the keyboard").count() == 0
    visitor.next()
    assert arrive(QUERY).heading == visitor.heading  # another browser, the same session
    visitor.finish()
    assert page.get_by_role("link", name="Go back to the panel").get_attribute("href") == (
        f"{PROLIFIC}submissions/complete?cc=C1"
    )
    page.wait_for_url(f"{PROLIFIC}submissions/complete?cc=C1")  # without a click
    assert page.locator("h1").inner_text() == "Submitted"
    again = arrive(QUERY)
    assert again.heading == "Thank you!"
    again.page.get_by_role("link", name="Go back to the panel").click()
    again.page.wait_for_url(f"{PROLIFIC}**")


def test_who_fails_the_headphone_check_or_declines_is_sent_back_at_once(arrive):
    deaf = arrive(QUERY.replace("2c&", "2d&"))
    while not deaf.page.locator(".tones").count():
        deaf.answer().next()
    deaf._play_all()
    deaf.page.get_by_label("The third").check()
    deaf.next()
    assert "cc=S2" in deaf.page.get_by_role("link", name="Go back to the panel").get_attribute("href")
    assert deaf.page.get_by_text("it needs listeners who pass its checks").count() == 1
    unwilling = arrive(QUERY.replace("2c&", "2e&"), phone=True)
    unwilling.page.get_by_role("button", name="I do not want to take part").click()
    unwilling.page.get_by_role("link", name="Go back to the panel").click()
    unwilling.page.wait_for_url(f"{PROLIFIC}submissions/complete?cc=L3")


@pytest.mark.parametrize("query", ["", "?PROLIFIC_PID=%3Cscript%3E", f"?PROLIFIC_PID={'x' * 3000}", "?STUDY_ID=aa11"])
def test_a_link_without_a_usable_id_says_what_to_do(arrive, query):
    visitor = arrive(query)
    assert visitor.heading == "Please come by the panel" and not visitor.page.locator(".next").count()
