"""The page of a prompt in a real browser, from a folder and from a server: songs sound, change, and stay in place."""

from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from made_up_page import made_up_material
from report_pages import write_material

SECONDS = 8.0
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("browser")
    write_material(made_up_material(folder, seconds=SECONDS), folder / "run")
    return folder / "run"


@pytest.fixture(scope="module")
def server(folder):
    """Any static host: one that cannot even send parts of files."""

    class Handler(SimpleHTTPRequestHandler):
        def log_message(self, *words):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(folder))) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def sounds(page):
    """Of every song whether it plays, and where it is."""
    return page.evaluate(
        "Array.from(document.querySelectorAll('.recording-head audio'), a => [!a.paused, a.currentTime])"
    )


def wait_until_plays(page, place, after=0.05):
    page.wait_for_function(
        "([place, after]) => { const a = document.querySelectorAll('.recording-head audio')[place];"
        " return !a.paused && a.currentTime > after }",
        arg=[place, after],
    )


def chosen_title(page):
    return page.locator(".recording.chosen .recording-title").inner_text()


@pytest.mark.parametrize("place", ["folder", "server"])
def test_a_song_plays_and_another_goes_on_from_its_place(visit, folder, server, place):
    page = visit(f"{folder.as_uri() if place == 'folder' else server}/report/prompts/p1.html")
    page.locator(".transport .play").click()
    wait_until_plays(page, 0, after=0.3)
    page.keyboard.press("ArrowRight")
    wait_until_plays(page, 0, after=5.3)
    page.get_by_role("button", name="我的<模型>").click()
    wait_until_plays(page, 1, after=5.3)
    (first, at_first), (second, at_second), _ = sounds(page)
    assert (first, second) == (False, True) and abs(at_second - at_first) < 1.0
    assert chosen_title(page) == "我的<模型>"
    assert page.locator(".recording-parts section:visible h2").inner_text() == "我的<模型>"
    page.locator(".transport .play").click()
    assert not any(playing for playing, _ in sounds(page))


def test_keys_play_change_and_seek(visit, folder):
    page = visit(f"{folder.as_uri()}/report/prompts/p1.html")
    assert "space" in page.locator(".keys").inner_text()
    page.keyboard.press(" ")
    wait_until_plays(page, 0)
    page.keyboard.press("2")
    wait_until_plays(page, 1)
    page.keyboard.press(" ")
    page.wait_for_function("() => document.querySelector('.play').getAttribute('aria-label') === 'Play'")
    before = sounds(page)[1][1]
    page.keyboard.press("ArrowRight")
    assert sounds(page)[1][1] == pytest.approx(before + 5, abs=0.05)
    page.keyboard.press("ArrowLeft")
    assert sounds(page)[1][1] == pytest.approx(before, abs=0.05)
    page.keyboard.press("9")
    assert chosen_title(page) == "我的<模型>"
    # where the focus is on the song's own button or on the slider, space plays, too
    page.get_by_role("button", name="singer").click()
    page.keyboard.press(" ")
    wait_until_plays(page, 0)
    page.get_by_label("Position").focus()
    page.keyboard.press(" ")
    page.wait_for_function("() => document.querySelector('.play').getAttribute('aria-label') === 'Play'")


def test_a_word_and_a_waveform_are_places_to_seek_to(visit, folder):
    page = visit(f"{folder.as_uri()}/report/prompts/p1.html")
    word = page.locator(".word", has_text="river")
    word.click()
    wait_until_plays(page, 0, after=float(word.get_attribute("data-start")))
    page.wait_for_selector(".word.now")
    page.keyboard.press(" ")
    wave = page.locator(".waveform").nth(1)
    box = wave.bounding_box()
    wave.click(position={"x": box["width"] / 2, "y": 5})
    page.wait_for_function("() => document.querySelectorAll('.recording-head audio')[1].currentTime > 3.5")
    assert sounds(page)[1][1] == pytest.approx(SECONDS / 2, abs=0.3) and chosen_title(page) == "我的<模型>"


def test_louder_songs_can_be_turned_down(visit, folder):
    page = visit(f"{folder.as_uri()}/report/prompts/p1.html")
    volumes = "Array.from(document.querySelectorAll('.recording-head audio'), a => a.volume)"
    loudness = page.evaluate("Array.from(document.querySelectorAll('.recording'), r => r.dataset.loudness)")
    assert page.evaluate(volumes) == [1, 1, 1]
    page.get_by_label("equal loudness").check()
    excess = float(loudness[0]) - min(map(float, loudness[:2]))
    assert page.evaluate(volumes)[0] == pytest.approx(10 ** (-max(excess, 0) / 20), abs=1e-3)
    page.get_by_label("equal loudness").uncheck()
    assert page.evaluate(volumes) == [1, 1, 1]


def test_on_a_phone_nothing_is_wider_than_the_screen_and_the_player_stays(visit, folder):
    page = visit(f"{folder.as_uri()}/report/prompts/p1.html", **PHONE)
    for name in ("singer", "我的<模型>"):
        page.get_by_role("button", name=name).tap()
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert not page.locator(".keys").is_visible()
    page.evaluate("document.querySelector('.waveform').scrollIntoView()")
    assert page.locator(".transport .play").bounding_box()["y"] < 100


def test_without_scripts_every_song_has_its_player(visit, folder):
    page = visit(f"{folder.as_uri()}/report/prompts/p1.html", java_script_enabled=False)
    assert all(player.is_visible() for player in page.locator(".recording-head audio").all())
    assert page.locator(".transport").count() == 0
    assert all(part.is_visible() for part in page.locator(".recording-parts h2").all())


def test_a_song_that_is_gone_is_said(browser, tmp_path):
    write_material(made_up_material(tmp_path, seconds=0.5), tmp_path / "run")
    (tmp_path / "run/report/songs/singer/p1.take0.flac").unlink()
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{(tmp_path / 'run').as_uri()}/report/prompts/p1.html")
    page.locator(".transport .play").click()
    page.wait_for_selector(".recording .trouble")
    assert "cannot be played" in page.locator(".trouble").inner_text()
    context.close()
