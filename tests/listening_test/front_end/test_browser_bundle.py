"""The rater's pages in a real browser, from a folder without a server: every form, both languages, both sizes."""

import re
import shutil
from itertools import pairwise

import pytest
from made_up import made_up_test
from visitor import answered

from listening_test.answer_sheets import check_sheet, read_sheets
from listening_test.bundle import write_bundle
from listening_test.collected import collect

SMALL = {"prompts": 1, "seats": 2, "traps": 0, "repeats": 0, "systems": ("alphasinger", "betasinger")}
QUICK = {"headphone_check": 0, "training": 0, "sound_check": False, "break_every": 0}


@pytest.fixture
def bundle(tmp_path):
    """A function that prepares a small test and gives it, its key, and the address of its bundle."""

    def make(form, quick=True, **options):
        options = {**SMALL, **({"checks": QUICK} if quick else {}), **options}
        test, key = made_up_test(tmp_path / f"t-{form}", form, **options)
        (folder,) = write_bundle(test, tmp_path / f"bundle-{form}")
        return test, key, (folder / "index.html").as_uri()

    return make


def saved(visitor, folder):
    """The sheet that the last page saves."""
    with visitor.page.expect_download() as download:
        visitor.page.locator("section .button.main").click()
    path = folder / download.value.suggested_filename
    download.value.save_as(path)
    (sheet,) = read_sheets(path)
    assert path.name == f"answers-{sheet.rater}.json"
    return sheet


def to_trial(visitor):
    """On to the first trial, past what stands before it."""
    while not visitor.form:
        visitor.answer().next()
    return visitor


@pytest.mark.parametrize(
    ("form", "phone", "locale"),
    [
        ("acr", False, "en-US"),
        ("preference", True, "zh-CN"),
        ("ccr", False, "zh-CN"),
        ("multistimulus", True, "en-US"),
        ("mushra", False, "en-GB"),
    ],
)
def test_a_rater_goes_through_a_form_and_the_file_holds_what_was_clicked(bundle, visit, tmp_path, form, phone, locale):
    test, key, url = bundle(form, quick=form != "acr", show={"style": True, "lyrics": True})
    visitor = visit(f"{url}?seat=1", phone=phone, locale=locale).finish()
    sheet = check_sheet(test, saved(visitor, tmp_path))
    assert sheet.seat == 1 and sheet.language == locale[:2] and sheet.finished and not sheet.withdrawn
    assert answered(sheet) == visitor.clicked
    data = collect(test, key, [sheet])
    table = data.pairs if test.protocol.pairwise else data.ratings
    assert len(table) == len(test.protocol.scales) * {"multistimulus": 3, "mushra": 4}.get(form, 1)
    columns = [name for name in table.columns if name.startswith("heard")]
    assert (table[columns] >= 0.5).all(axis=None) and (table["seconds"] > 1).all()


def test_too_little_listening_and_open_questions_are_shown_and_focused(bundle, visit):
    _, _, url = bundle("acr")
    visitor = to_trial(visit(url))
    page, number = visitor.page, visitor.number
    for group in page.locator("fieldset").all()[:-1]:
        group.locator("input").first.check()
    visitor.next(wait=False)
    missing = page.locator(".missing-list li")
    assert missing.all_inner_texts() == ["Listen to the song for 1 more second", "Answer: Lyrics"]
    assert page.evaluate("document.activeElement.getAttribute('aria-label')") == "Play the song"
    missing.nth(1).locator("button").click()
    assert page.evaluate("document.activeElement.type") == "radio"
    page.keyboard.press("2")
    visitor.listen()
    assert missing.count() == 0 and visitor.number == number
    visitor.next()


def test_a_half_filled_page_is_there_again_after_a_reload(bundle, visit):
    _, _, url = bundle("multistimulus")
    visitor = to_trial(visit(url))
    page = visitor.page
    visitor.listen()
    sliders = page.locator("input[type=range]")
    sliders.nth(1).click()
    score = sliders.nth(1).input_value()
    page.locator("textarea").fill("a <b>bold</b> remark 备注")
    visitor.reload()
    assert page.locator(".score").all_inner_texts() == ["–", score, "–"]
    assert page.locator("textarea").input_value() == "a <b>bold</b> remark 备注"
    assert page.locator(".heard.enough").count() == 3
    visitor.next(wait=False)
    assert page.locator(".missing-list li").count() == 2


def test_a_slider_counts_only_once_it_was_touched(bundle, visit):
    _, _, url = bundle("multistimulus")
    page = to_trial(visit(url)).page
    sliders, scores = page.locator("input[type=range]"), page.locator(".score")
    sliders.nth(0).click(button="right")
    assert scores.all_inner_texts() == ["–", "–", "–"]
    box = sliders.nth(0).bounding_box()
    sliders.nth(0).click(position={"x": box["width"] / 2, "y": box["height"] / 2})
    sliders.nth(1).focus()
    page.keyboard.press("Enter")
    sliders.nth(2).focus()
    page.keyboard.press("End")
    assert [int(text) for text in scores.all_inner_texts()] == [50, 50, 100]
    page.get_by_role("button", name="Sort by score").click()
    assert page.locator(".card .name").all_text_contents() == ["song C", "song A", "song B"]
    page.get_by_role("button", name="Back to A, B, C").click()
    assert page.locator(".card .name").all_text_contents() == ["song A", "song B", "song C"]


def test_versions_of_a_song_are_switched_at_the_same_place(bundle, visit):
    _, _, url = bundle("mushra")
    visitor = to_trial(visit(url))
    page = visitor.page
    page.get_by_role("button", name="Play version A").click()
    page.wait_for_function("Number(document.querySelector('.card .wave').getAttribute('aria-valuenow')) > 0.4")
    page.get_by_role("button", name="Play version B").click()
    page.wait_for_selector(".card:nth-child(2) .play.on:not(.waiting)")
    assert page.locator(".play.on").count() == 1
    assert float(page.locator(".card:nth-child(2) .wave").get_attribute("aria-valuenow")) > 0.35
    page.locator(".card:nth-child(3) .wave").click(position={"x": 5, "y": 20})
    assert float(page.locator(".card:nth-child(3) .wave").get_attribute("aria-valuenow")) < 0.3


def test_the_keyboard_alone_is_enough(bundle, visit, tmp_path):
    test, _, url = bundle("acr")
    visitor = visit(url)
    page, press = visitor.page, visitor.page.keyboard.press

    def tab_to(selector):
        for _ in range(60):
            if page.evaluate("(wanted) => document.activeElement.matches(wanted)", selector):
                return
            press("Tab")
        raise AssertionError(f"no way to {selector}")

    for _ in range(2):  # consent, background
        tab_to(".next")
        press("Enter")
        page.wait_for_timeout(100)
    press("a")
    page.wait_for_selector(".play.on")
    press("Space")
    page.wait_for_selector(".play:not(.on)")
    press("ArrowLeft")
    press("Space")
    page.wait_for_selector(".heard.enough")
    for digit in "43215":
        press(digit)
    tab_to("fieldset:last-of-type input")
    press("2")
    tab_to("textarea")
    page.keyboard.type("a1 ")
    tab_to(".next")
    press("Enter")
    page.wait_for_selector("section .button.main")
    sheet = check_sheet(test, saved(visitor, tmp_path))
    trial = sheet.entries[-1].answer
    assert [one["answer"] for one in trial["ratings"]] == [*"432152"]
    assert trial["comment"] == "a1" and trial["plays"][0]["starts"] == 2 and trial["plays"][0]["seeks"] == 1


def test_another_language_keeps_what_was_filled_in(bundle, visit):
    _, _, url = bundle("ccr")
    visitor = to_trial(visit(url))
    page = visitor.page
    page.locator("fieldset input").nth(5).check()
    page.get_by_text("Menu").click()
    page.get_by_role("button", name="中文").click()
    page.wait_for_selector("[lang=zh-Hans] .next")
    assert visitor.heading == "第 1 组，共 1 组" and page.locator("html").get_attribute("lang") == "zh-Hans"
    assert page.locator("fieldset input").nth(5).is_checked()
    assert page.locator("fieldset .name").nth(5).inner_text() == "较好"


def test_withdrawing_asks_first_and_deletes_the_answers(bundle, visit):
    _, _, url = bundle("ccr")
    visitor = to_trial(visit(url))
    page = visitor.page

    def withdraw(button):
        page.get_by_text("Menu").click()
        page.get_by_role("button", name="Stop and withdraw").click()
        page.get_by_role("dialog").get_by_role("button", name=button).click()

    withdraw("Go back")
    assert visitor.form == "ccr"
    withdraw("Withdraw and delete my answers")
    page.wait_for_function("document.querySelector('h1').textContent === 'You have withdrawn'")
    storage = page.evaluate("JSON.stringify(Object.values(localStorage))")
    assert '\\"withdrawn\\":true' in storage.replace("\\\\", "\\") and "training" not in storage
    visitor.reload()
    assert visitor.heading == "You have withdrawn"


def test_a_sound_that_does_not_load_can_be_tried_again(bundle, visit, tmp_path):
    _, _, url = bundle("acr")
    folder = tmp_path / "bundle-acr"
    shutil.move(folder / "audio", folder / "away")
    visitor = visit(url)
    visitor.expected = ("ERR_FILE_NOT_FOUND",)
    page = to_trial(visitor).page
    page.get_by_text("The sound did not load.").wait_for()
    shutil.move(folder / "away", folder / "audio")
    page.get_by_role("button", name="Try again").click()
    page.wait_for_selector(".heard.enough")
    assert page.locator(".trouble").is_hidden()


def test_answers_can_be_saved_on_the_way_and_someone_else_may_sit_down(bundle, visit, tmp_path):
    test, _, url = bundle("ccr")
    visitor = to_trial(visit(url))
    page = visitor.page
    page.get_by_text("Menu").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Save my answers so far").click()
    part = check_sheet(test, read_sheets(download.value.path().rename(tmp_path / "part.json"))[0])
    assert len(part.entries) == 2 and part.finished is None
    sheet = saved(visitor.finish(), tmp_path)
    assert sheet.rater == part.rater and check_sheet(test, sheet).finished
    page.get_by_role("button", name="Let someone else").click()
    page.wait_for_selector(".next")
    assert visitor.number == 0


def test_another_tab_of_the_same_rater_loses_nothing(bundle, visit):
    _, _, url = bundle("ccr", prompts=2)
    late = visit(url)
    visitor = visit(url, context=late.context)
    to_trial(visitor).answer().next()
    number = visitor.number
    late.next()  # its page was answered in the other tab
    assert late.number == number
    visitor.reload()
    assert visitor.number == number


def test_someone_else_sitting_down_leaves_the_other_seats_alone(bundle, visit):
    _, _, url = bundle("ccr", seats=12)
    neighbour = to_trial(visit(f"{url}?seat=10"))
    neighbour.page.locator("textarea").fill("half")
    number = neighbour.number
    visitor = visit(f"{url}?seat=1", context=neighbour.context).finish()
    visitor.page.get_by_role("button", name="Let someone else").click()
    visitor.page.wait_for_selector(".next")
    assert visitor.number == 0
    neighbour.reload()
    assert neighbour.number == number and neighbour.page.locator("textarea").input_value() == "half"


LOOK = """() => {
  const all = [...document.querySelectorAll('.songbench-listening *')].filter((node) => node.checkVisibility());
  const some = (wanted) => all.filter((node) => node.matches(wanted));
  const label = (node) => node.getAttribute('aria-label') || node.closest('label') || (node.labels || []).length;
  const small = ({ height, width }) => height < 43.5 || width < 43.5;
  const targets = some('button, summary, .tile, .check, .wave, input[type=range]');
  return {
    unnamed: some('input, textarea, [role=slider]').filter((node) => !label(node)).length,
    silent: some('button').filter((node) => !node.textContent.trim() && !node.getAttribute('aria-label')).length,
    levels: some('h1, h2, h3').map((node) => Number(node.tagName[1])),
    small: targets.filter((node) => small(node.getBoundingClientRect())).map((node) => node.outerHTML),
    wide: document.documentElement.scrollWidth - window.innerWidth,
  };
}"""


@pytest.mark.parametrize("form", ["acr", "mushra"])
def test_every_page_is_labelled_ordered_and_fits_a_phone(bundle, visit, form):
    contact = f"{'a.long.address' * 5}@example.org"
    quiet = {"listening": {"minimum_seconds": 0.0}, "contact": contact, "checks": {"break_every": 1}}
    _, _, url = bundle(form, quick=False, prompts=2, **quiet)
    visitor = visit(url, phone=True)
    while True:
        findings = visitor.page.evaluate(LOOK)
        levels = findings.pop("levels")
        assert levels[0] == 1 and levels.count(1) == 1
        assert all(after <= before + 1 for before, after in pairwise(levels))
        assert findings == {"unnamed": 0, "silent": 0, "small": [], "wide": 0}, visitor.heading
        assert "[" not in "".join(visitor.page.locator(".verses").all_inner_texts())  # tags became headings
        if not visitor.page.locator(".next").count():
            break
        visitor.answer().next()


def luminance(colour):
    parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_colours_have_the_contrast_that_wcag_asks_for():
    from listening_test.front_end.assets import stylesheet

    light, dark = (
        dict(re.findall(r"--([\w-]+): (#\w{6})", part)) for part in stylesheet().split("prefers-color-scheme: dark")
    )
    texts = [("text", "page"), ("text", "panel"), ("soft", "page"), ("soft", "panel"), ("on-accent", "accent")]
    texts += [("accent", "panel"), ("accent", "bad-soft"), ("text", "accent-soft"), ("note", "note-soft")]
    texts += [("note", "panel"), ("note", "accent-soft"), ("good", "panel"), ("good", "accent-soft")]
    texts += [("bad", "panel"), ("bad", "bad-soft"), ("soft", "accent-soft")]
    for colours in (light, light | dark):
        for front, back in texts:
            darker, lighter = sorted((luminance(colours[front]), luminance(colours[back])))
            assert (lighter + 0.05) / (darker + 0.05) >= 4.5, (front, back, colours[front], colours[back])
        for front, back in [("edge", "panel"), ("accent", "panel")]:
            darker, lighter = sorted((luminance(colours[front]), luminance(colours[back])))
            assert (lighter + 0.05) / (darker + 0.05) >= 3, (front, back)
