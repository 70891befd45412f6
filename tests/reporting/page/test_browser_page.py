"""The front page in a real browser: sorting, columns, parts, prompts; by keyboard, on a phone, in the dark."""

import pytest

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}


@pytest.fixture
def address(run_page):
    return (run_page[0] / "report.html").as_uri()


def table(page, place=0):
    return page.locator("table.sortable").nth(place)


def names(page, place=0):
    return table(page, place).locator("tbody th").all_inner_texts()


def column(page, name, place=0):
    """The visible numbers of a column."""
    heads = table(page, place).locator("thead th")
    number = [head.get_attribute("data-column") for head in heads.all()].index(name)
    cells = table(page, place).locator(f"tbody tr td:nth-child({number + 1})")
    return [None if (value := cell.get_attribute("data-number")) is None else float(value) for cell in cells.all()]


def head(page, name, place=0):
    return table(page, place).locator(f'th[data-column="{name}"]')


def test_rows_are_sorted_by_keyboard_with_the_better_end_first_and_sanity_systems_apart(visit, address):
    page = visit(address)
    initial = names(page)
    per = head(page, "per@whisper-base-stem")
    per.locator("button").focus()
    page.keyboard.press("Enter")
    competitors = len(table(page).locator("tbody").first.locator("tr").all())
    values = column(page, "per@whisper-base-stem")
    assert values[:competitors] == sorted(values[:competitors]) and per.get_attribute("aria-sort") == "ascending"
    assert set(names(page)[:competitors]) == set(initial[:competitors])
    page.keyboard.press("Space")
    values = column(page, "per@whisper-base-stem")[:competitors]
    assert values == sorted(values, reverse=True) and per.get_attribute("aria-sort") == "descending"
    page.keyboard.press("Space")
    assert names(page) == initial and per.get_attribute("aria-sort") is None
    head(page, "similarity@musicnn").locator("button").click()
    values = column(page, "similarity@musicnn")[:competitors]
    assert values == sorted(values, reverse=True)
    assert page.locator("[role=status]").inner_text() == "Sorted by similarity@musicnn, descending"
    head(page, "system").locator("button").click()
    assert head(page, "similarity@musicnn").get_attribute("aria-sort") is None


def test_columns_are_chosen_for_every_part(visit, address):
    page = visit(address)
    assert head(page, "clipped").is_hidden() and head(page, "per@whisper-base-stem").is_visible()
    tools = page.locator(".views .tools")
    tools.locator("summary").click()
    tools.get_by_label("clipped", exact=True).check()
    tools.get_by_label("per@whisper-base-stem", exact=True).uncheck()
    assert head(page, "clipped").is_visible() and head(page, "per@whisper-base-stem").is_hidden()
    tools.get_by_label("Songs", exact=True).select_option(label="language zh")
    assert head(page, "clipped", 1).is_visible() or head(page, "clipped", 2).is_visible()
    view = page.locator(".view.chosen")
    assert view.locator('th[data-column="per@whisper-base-stem"]').is_hidden()


def test_a_part_of_the_run_takes_the_place_of_the_whole(visit, address):
    page = visit(address)
    views = page.locator(".view")
    assert [view.is_visible() for view in views.all()] == [True, False, False]
    figures = column(page, "rtf")
    page.get_by_label("Songs", exact=True).select_option(label="language en")
    part = page.locator(".view.chosen")
    assert part.get_attribute("data-name") == "language en" and part.locator("table").is_visible()
    assert [view.is_visible() for view in views.all()].count(True) == 1
    assert "4 prompts" in part.locator("caption").inner_text() and "One of 2 parts" in part.inner_text()
    page.get_by_label("Songs", exact=True).select_option(label="all songs")
    assert views.first.is_visible() and column(page, "rtf") == figures


def test_a_prompt_is_looked_for_and_opened(visit, address):
    page = visit(address)
    prompts = page.locator("table.searchable")
    page.get_by_label("Find").fill("SONG 3 en")
    visible = [row.inner_text().split()[0] for row in prompts.locator("tbody tr").all() if row.is_visible()]
    assert visible == ["p04"] and "1 of 8" in page.locator(".tools").last.inner_text()
    page.get_by_role("link", name="p04", exact=True).click()
    page.wait_for_url("**/report/prompts/p04.html")
    assert page.locator("h1").inner_text() == "p04"
    page.go_back()
    assert page.locator("h1").inner_text().startswith("demo:")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_scrolls_tables_and_not_the_page(visit, address, scheme):
    page = visit(address, color_scheme=scheme, **PHONE)
    for block in page.locator("details").all():
        block.evaluate("details => { details.open = true; }")
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    wide = page.locator(".wide").first
    assert wide.evaluate("box => box.scrollWidth > box.clientWidth")
    wide.evaluate("box => { box.scrollLeft = 200; }")
    assert table(page).locator("tbody th").first.bounding_box()["x"] < 20
    ink, paper = page.evaluate(
        "(() => { const style = getComputedStyle(document.body); return [style.color, style.backgroundColor]; })()"
    )
    assert (max(map(int, paper[4:-1].split(","))) < 60) == (scheme == "dark") and ink != paper


def test_the_first_stop_of_the_keyboard_skips_to_the_content(visit, address):
    page = visit(address)
    page.keyboard.press("Tab")
    skip = page.locator(".skip")
    assert skip.evaluate("link => link === document.activeElement") and skip.bounding_box()["x"] >= 0
    page.keyboard.press("Enter")
    assert page.url.endswith("#content")


def test_without_scripts_everything_is_there(visit, address):
    page = visit(address, java_script_enabled=False)
    assert page.locator("select, input, th button").count() == 0
    assert head(page, "clipped").is_visible()
    part = page.locator("details.view").first
    part.locator("summary").click()
    assert part.locator("table").is_visible() and page.locator(".view").first.is_visible()


def test_on_paper_there_are_no_tools(visit, address):
    page = visit(address)
    page.emulate_media(media="print")
    assert page.locator(".views .tools").is_hidden() and page.locator(".contents").is_hidden()
    assert table(page).is_visible()
