"""A page of the track v2a: the song with its vocal to be judged, the vocal alone beside it, which need not be heard."""

import pytest
import served
from small_material import accompaniments, ladaband_protocol

from listening_test.preparation.build import prepare


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("vocal") / "t"
    folder.mkdir()
    protocol = ladaband_protocol(languages=["en", "zh"], raters={"planned": 1, "pages": 2})
    prepare(accompaniments(prompts=2), protocol, folder)
    with served.start(folder) as running:
        yield running


@pytest.mark.parametrize("phone", [False, True])
def test_the_vocal_can_be_played_and_need_not_be(server, visit, phone):
    visitor = visit(server.url, phone=phone)
    visitor.next()
    assert visitor.page.get_by_text("Are you a professional or an amateur in music?").is_visible()
    while not visitor.form:
        visitor.next()
    page = visitor.page
    vocal, song = page.locator(".sample .player"), page.locator(".songs .player")
    assert vocal.count() == 1 and song.count() == 1
    assert "voice alone" in vocal.inner_text() and not page.get_by_role("heading", name="Style").count()
    if phone:
        vocal.locator(".play").click()
    else:
        page.keyboard.press("v")
    vocal.locator(".play.on:not(.waiting)").wait_for()
    visitor.answer()
    visitor.next()
