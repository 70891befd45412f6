"""The pages of prompts: what is on them, that no text becomes markup, that every file they name is there."""

import re
from html.parser import HTMLParser
from urllib.parse import unquote

import pytest
from made_up_page import HOSTILE, made_up_material

from songbench.domain.alignment import AlignedWord
from songbench.domain.lyrics import parse_lyrics
from songbench.domain.prompt import Prompt
from songbench.domain.song import TimedWord
from songbench.domain.tags import TAGS
from songbench.execution.songs import StoredAudio
from songbench.reporting.document.blocks import Recording, Recordings, leaves
from songbench.reporting.document.html_elements import element
from songbench.reporting.document.html_recordings import _COLOURS
from songbench.reporting.document.markdown import to_markdown
from songbench.reporting.page.lyric_sheets import alignment_summary, lyric_sheet, word_starts
from songbench.reporting.page.prompt_page import prompt_pages
from songbench.reporting.page.song_files import write_song_files

VOID = {"meta", "link", "img", "br", "input"}


class Page(HTMLParser):
    """The elements of a page, with their attributes, and its text."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.texts, self.open = [], [], []
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)

    @property
    def text(self):
        return " ".join("".join(self.texts).split())

    def find(self, tag, kind=""):
        elements = [attrs for name, attrs in self.elements if name == tag]
        return [attrs for attrs in elements if not kind or kind in attrs.get("class", "").split()]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("page")


@pytest.fixture(scope="module")
def material(folder):
    return made_up_material(folder)


@pytest.fixture(scope="module")
def run_folder(folder, material):
    audio = write_song_files(folder / "run/report", material.songs, material.assets, "link")
    for place, content in prompt_pages(material, audio):
        path = folder / "run" / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder / "run"


@pytest.fixture(scope="module")
def pages(run_folder):
    return {path.stem: Page(path.read_text("utf-8")) for path in (run_folder / "report/prompts").iterdir()}


def test_every_prompt_has_a_page_that_leads_to_its_neighbours(pages):
    assert set(pages) == {"p1", "p2"}
    links = [attrs["href"] for attrs in pages["p1"].find("a")]
    assert "p2.html" in links and "../../report.html" in links
    assert "p1.html" in [attrs["href"] for attrs in pages["p2"].find("a")]


def test_every_file_that_a_page_names_is_there(run_folder, pages):
    front = {"report.html", "page.css", "page.js"}  # of the front page
    for name, page in pages.items():
        places = [attrs[key] for _, attrs in page.elements for key in ("src", "href") if key in attrs]
        places.remove("data:,")  # there is no icon
        for place in places:
            path = run_folder / "report/prompts" / unquote(place)
            assert place.startswith("#") or path.name in front or path.is_file(), (name, place)
        assert all(not re.match(r"\w+:|//", place) for place in places)


def test_no_text_becomes_markup_and_nothing_is_inline(pages):
    for page in pages.values():
        scripts = page.find("script")
        assert [set(attrs) for attrs in scripts] == [{"defer", "src"}] * len(scripts)
        assert not page.find("style") and not page.find("b") and not page.find("i")
        assert not [
            attrs for _, attrs in page.elements if "style" in attrs or any(key.startswith("on") for key in attrs)
        ]
    assert HOSTILE in pages["p1"].text and "<i>folk</i>" in pages["p1"].text


def test_songs_are_players_with_waveforms_sections_and_spectrograms(pages):
    page = pages["p1"]
    assert [attrs["data-seconds"] for attrs in page.find("div", "recording")] == ["2.000"] * 3
    sources = [attrs["src"] for attrs in page.find("audio")]
    assert "../songs/singer/p1.take0.flac" in sources and "../songs/singer/p1.take0.vocals.flac" in sources
    assert "../songs/~prompts/p1.style.flac" in map(unquote, sources)
    assert all(attrs["preload"] == "none" for attrs in page.find("audio"))
    strips = [attrs["aria-label"] for attrs in page.find("svg", "strip")]
    assert "by the system: intro 0 to 0 s, verse 0 to 1 s, chorus 1 to 2 s" in strips
    assert "by ser@novelty: verse 0 to 1 s, chorus 1 to 2 s" in strips
    assert "asked, lengths free: intro, verse, chorus" in strips
    assert len(page.find("svg", "waveform")) == len(page.find("img")) == 3
    assert "−" in page.text and "LUFS" in page.text and "no loudness" in page.text


def test_what_is_missing_is_said_with_its_cause(pages):
    assert f"failed (time-out {HOSTILE})" in pages["p2"].text
    assert f"silent {HOSTILE}" in pages["p1"].text and "It clips" in pages["p1"].text


def test_the_words_are_marked_as_they_were_counted(pages):
    page = pages["p1"]
    # singer: "b" twice not heard, "the" heard as "a", "oh" added; the second system: an empty transcript
    assert "9 words asked for: 6 heard, 1 heard otherwise, 2 not heard; 1 added." in page.text
    assert "9 words asked for: 0 heard, 0 heard otherwise, 9 not heard; 0 added." in page.text
    assert page.find("ruby") and page.find("del") and page.find("ins")
    starts = [attrs["data-start"] for attrs in page.find("span", "word")]
    assert starts[:3] == ["0.00", "0.22", "0.44"] and len(starts) == 9
    assert "5 characters asked for" in pages["p2"].text or "6 characters asked for" in pages["p2"].text


PARTS = {
    "match": ("go", "go", "go "),
    "substitution": ("fire", "tire", "fire "),
    "deletion": ("now", "", "now "),
    "insertion": ("", "so", ""),
}


def aligned(kind, lyric, recognised, spelling):
    return AlignedWord(lyric=lyric, recognised=recognised, kind=kind, line=0, spelling=spelling)


def words_of(*kinds):
    return [aligned(kind, *PARTS[kind]) for kind in kinds]


def test_marks_are_no_colours_alone():
    prompt = Prompt(id="p", lyrics=parse_lyrics("[verse]\ngo fire now"))
    text = element(lyric_sheet(prompt, words_of("insertion", "match", "substitution", "deletion", "deletion")), {})
    assert '<ins><span class="status">added: </span><span aria-hidden="true">+</span>so</ins> go ' in text
    assert '<ruby>fire<rt><span class="status"> heard as </span>tire</rt></ruby> ' in text
    assert '<del><span class="status">not heard: </span>now now</del>' in text
    assert alignment_summary(words_of("match", "insertion")) == (
        "1 word asked for: 1 heard, 0 heard otherwise, 0 not heard; 1 added."
    )
    assert alignment_summary(words_of("match", "match"), "zh").startswith("2 characters asked for: 2 heard")


def test_numbers_are_shown_as_they_stand_in_the_lyrics():
    words = [
        aligned("match", "two", "two", "2 "),
        aligned("match", "hundred", "hundred", "100%!"),
        aligned("substitution", "percent", "parcels", ""),
    ]
    text = element(lyric_sheet(Prompt(id="p", lyrics=parse_lyrics("[verse]\n2 100%!")), words), {})
    assert '<p>2 <ruby>100%!<rt><span class="status"> heard as </span>hundred parcels</rt></ruby></p>' in text


def test_words_find_their_times_where_both_agree():
    words = words_of("match", "insertion", "substitution", "deletion")
    sung = (TimedWord("Go!", 0.5, 1.0), TimedWord("fire", 1.0, 1.5), TimedWord("then", 1.5, 2.0))
    assert word_starts(words, sung) == [0.5, None, 1.0, None]
    assert word_starts(words, ()) == [None] * 4


def test_every_tag_has_a_colour_in_the_style(run_folder):
    style = (run_folder / "report/players.css").read_text("utf-8")
    assert all(f"rect.{_COLOURS[tag]} {{" in style for tag in TAGS)


def test_a_report_without_audio_says_so_and_shows_the_rest(material, tmp_path):
    pages = dict(prompt_pages(material, write_song_files(tmp_path, material.songs, material.assets, "none")))
    page = Page(pages["report/prompts/p1.html"].decode())
    assert "This copy of the report has no audio" in page.text and not page.find("audio")
    assert page.find("svg", "waveform") and page.find("ruby")


def test_the_same_material_gives_the_same_pages_and_decodes_nothing_again(material, run_folder, monkeypatch):
    monkeypatch.setattr(StoredAudio, "load", lambda self: pytest.fail("decoded again"))
    audio = write_song_files(run_folder / "report", material.songs, material.assets, "link")
    for place, content in prompt_pages(material, audio):
        assert (run_folder / place).read_bytes() == content


def test_formats_without_players_link_the_songs_and_mark_words_in_brackets():
    sheet = lyric_sheet(Prompt(id="p", lyrics=parse_lyrics("[verse]\ngo fire now")), words_of("match", "substitution"))
    block = Recordings("songs", (Recording(key="1", title="singer", seconds=1.0, path="a.flac", blocks=(sheet,)),))
    assert len(list(leaves([block]))) == 3
    assert to_markdown([block]) == "[singer](a.flac)\n\n## singer\n\n- go \\[fire: tire\\]\n"
