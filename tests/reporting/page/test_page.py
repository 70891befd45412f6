"""The report page as files: whole for any run, every link leads somewhere, every text is shown as it is."""

from dataclasses import replace
from urllib.parse import unquote, urlsplit

import pytest
from made_up_page import tone
from made_up_run import simple_run
from report_pages import material_of, write_page

from songbench.contracts.cards import Field
from songbench.domain.lyrics import parse_lyrics
from songbench.domain.prompt import Prompt
from songbench.domain.song import Failure
from songbench.execution.checksums import file_faults
from songbench.execution.damage import REPORT_FILES
from songbench.execution.results import SongId
from songbench.execution.store import Store
from songbench.reporting.page.song_files import write_song_files
from songbench.reporting.report import write_report

HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "\N{RIGHT-TO-LEFT OVERRIDE}ltr",
    "我的<b>模型",
    "🎵 & 'quotes'",
    "a%2f..#?",
)
RECORD = {
    "suite": {"key": "0123456789abcdef"},
    "config": {"seed": 7, "systems": ["a"], "engine": {"name": "local"}},
    "hardware": {"cpu": "A <b>processor", "cores": 2, "memory_gib": 8, "platform": "Linux", "python": "3.11"},
    "code": {"commit": "f00", "changed": True},
    "systems": {"a": {"version": "1", "package": "songbench 1", "parameters": {"tempo": 90}}},
    "packages": {"numpy": "2"},
}


def missing_files(page, folder):
    paths = [urlsplit(link) for link in (*page.links, *page.assets)]
    names = {unquote(path.path) for path in paths if not path.scheme and path.path}
    return [name for name in names if not (folder / name).is_file()]


def test_every_file_that_the_page_names_is_there_and_listed(run_page):
    folder, page = run_page
    (folder / "record.json").write_text("{}")
    assert missing_files(page, folder) == [] and file_faults(folder, REPORT_FILES) == []
    anchors = {link.removeprefix("#") for link in page.links if link.startswith("#")}
    assert anchors and anchors <= set(page.ids) and len(set(page.ids)) == len(page.ids)
    assert {"report/page.css", "report/page.js"} < set(page.assets)


def test_the_answer_comes_first_and_nothing_of_the_run_is_left_out(run_page):
    _, page = run_page
    places = [
        page.text.index(text)
        for text in (
            "songbloom is significantly better",
            "Leaderboard",
            "Figures",
            "What the columns mean",
            "Run record",
        )
    ]
    assert places == sorted(places)
    for text in (
        *("time-out after 600 s", "stem separation ran out of memory", "no vocals", "songbench setup muq-mulan"),
        *("clipped", "How much of the lyrics is sung.", "p08", "a recogniser's mistakes count as the singer's."),
    ):
        assert text in page.text


def test_texts_of_people_are_shown_as_they_are(tmp_path):
    values = {name: [1.0 + number, 2.0, 3.0 - number] for number, name in enumerate(HOSTILE)}
    results = simple_run(values, Field("m", description="a <b> c", direction="higher"))
    prompts = [
        Prompt(id=prompt.id, lyrics=parse_lyrics(f"[verse]\n{text}"), language="en", tags={"genre": text})
        for prompt, text in zip(results.suite.prompts, HOSTILE[:3], strict=True)
    ]
    results = replace(
        results,
        suite=replace(results.suite, name="<suite>", prompts=tuple(prompts), notes=HOSTILE),
        songs={**results.songs, SongId(HOSTILE[0], "p03", 0): Failure("generate", HOSTILE[1])},
    )
    page = write_page(results, tmp_path, record=RECORD)
    assert all(page.text.count(text) >= 4 for text in HOSTILE)
    assert page.tags.count("script") == 1 and page.tags.count("img") == 1 and "b" not in page.tags
    assert missing_files(page, tmp_path) == ["record.json"]
    assert "7" in page.text and "A <b>processor" in page.text and "tempo=90" in page.text


@pytest.mark.parametrize(
    "state", ["pending", Failure("generate", "no disk"), "done"], ids=["unfinished", "failed", "not scored"]
)
def test_a_run_without_a_number_has_a_page(state, tmp_path):
    results = simple_run({"a": [None, None]})
    songs = dict.fromkeys(results.songs, state)
    page = write_page(replace(results, songs=songs), tmp_path)
    assert "Leaderboard" in page.text and "The run has no record." in page.text and missing_files(page, tmp_path) == []


def test_a_later_report_without_a_page_takes_it_away(tmp_path):
    results = simple_run({"a": [1.0, 2.0]})
    write_page(results, tmp_path)
    (tmp_path / "report/notes.txt").write_text("mine")
    songs = write_song_files(tmp_path / "report", {}, {"p01": {"reference": tone(440, 0.1)}}, "copy")
    assert (tmp_path / "report" / songs.prompts["p01"]["reference"]).is_file()
    write_report(material_of(results, Store(str(tmp_path / "store"))).board, tmp_path)
    assert [path.name for path in (tmp_path / "report").rglob("*") if path.is_file()] == ["notes.txt"]
    assert not (tmp_path / "report.html").exists()


def test_parts_of_the_run_are_there_without_a_script(run_page):
    _, page = run_page
    assert "language: language en" in page.text and "language: language zh" in page.text
    assert "genre: " not in page.text and "title: " not in page.text
    assert "One of 2 parts by language" in page.text
