"""On a phone: the songs stay in view while the questions scroll, lyrics begin folded, no word about keys."""

import pytest
import served
from made_up import made_up_test

PLAIN = {"checks": {"headphone_check": 0, "training": 0, "sound_check": False}, "listening": {"minimum_seconds": 0.0}}
UNDER = """(play) => { const box = play.getBoundingClientRect();
  return play.contains(document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2)); }"""


@pytest.fixture(scope="module", params=["acr", "multistimulus", "mushra"])
def server(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("phone") / "t"
    made_up_test(folder, request.param, prompts=2, traps=0, repeats=0, seats=1, **PLAIN)
    with served.start(folder) as running:
        yield running


def test_what_is_judged_stays_in_view_while_questions_scroll(server, visit):
    visitor = visit(server.url, phone=True)
    while not visitor.form:
        visitor.next()
    page = visitor.page
    lyrics = page.locator("details.lyrics")
    assert lyrics.get_attribute("open") is None
    lyrics.locator("summary").click()
    assert page.locator(".verses").is_visible()
    answers = page.locator("fieldset" if visitor.form == "acr" else ".slider").all()
    for place, question in enumerate(answers):
        question.evaluate("(node) => node.scrollIntoView({ block: 'end' })")
        play = page.locator(".play").nth(0 if visitor.form == "acr" else place + (visitor.form == "mushra"))
        assert play.evaluate(UNDER), place
        if visitor.form == "mushra":
            assert page.locator(".reference .play").evaluate(UNDER)
    assert page.locator("fieldset, .slider").last.evaluate(
        "(node) => node.getBoundingClientRect().top >= document.querySelector('.player').getBoundingClientRect().bottom"
    )
    assert not page.get_by_text("Using the keyboard").is_visible()
    desk = visit(server.url)
    while not desk.form:
        desk.next()
    assert desk.page.get_by_text("Using the keyboard").is_visible()
    assert desk.page.locator("details.lyrics").get_attribute("open") is not None
