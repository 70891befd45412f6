"""What is printed and written of a listening test: parsed back, escaped, complete, marked where it is simulated."""

import csv
import dataclasses
import io
import json
import os
import re
import struct
from html.parser import HTMLParser

import pandas as pd
import pytest
from made_up_answers import EVIL, PRESETS
from matplotlib.figure import Figure
from rich.cells import cell_len
from rich.console import Console

from listening_test.protocol.model import Screening
from listening_test.reporting import canvas, export
from listening_test.reporting.content import content, print_report
from listening_test.reporting.facts import exclusion_changes
from listening_test.reporting.figures import figures
from listening_test.reporting.listening_result import listening_result_of
from listening_test.reporting.wording import RULES, SIMULATED, alpha_in_words, joined, screening_rules
from listening_test.reporting.write import write_report
from songbench.reporting.document.blocks import Figure as FigureBlock
from songbench.reporting.document.blocks import Heading, Listing, SideBySide, Table
from songbench.reporting.document.html import to_html
from songbench.reporting.document.latex import to_latex
from songbench.reporting.document.markdown import to_markdown
from songbench.reporting.figures import style

FORMS = tuple(PRESETS)


def printed(report, width=120):
    stream = io.StringIO()
    print_report(report, Console(file=stream, width=width))
    return stream.getvalue()


@pytest.fixture(scope="module")
def folders(report_of, tmp_path_factory):
    """The folders of a report on people and of one on simulated raters, whose figures are not drawn."""
    folders = {simulated: tmp_path_factory.mktemp("report") for simulated in (False, True)}
    write_report(report_of("acr"), folders[False])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(canvas, "draw", lambda name, alt, *_: canvas.Drawn(name, alt, b"", b""))
        write_report(report_of("acr", simulated=True), folders[True])
    return folders


class TestConsole:
    @pytest.mark.parametrize("form", FORMS)
    @pytest.mark.parametrize("width", [80, 200])
    def test_fits(self, report_of, form, width):
        text = printed(report_of(form), width)
        assert max(cell_len(line) for line in text.splitlines()) <= min(width, 120)

    @pytest.mark.parametrize("form", FORMS)
    def test_begins_with_the_answer(self, report_of, form):
        heading, first, further = content(report_of(form))[:3]
        assert heading.level == 1 and first.lead and isinstance(further, Listing)
        assert first.text.startswith(("songbloom won on ", "Who won on "))
        assert first.text[:40] in printed(report_of(form), 200)

    def test_is_plain_when_piped(self, report_of):
        assert "\x1b" not in printed(report_of("acr"))

    def test_says_what_was_found(self, report_of):
        text = printed(report_of("acr"))
        assert re.search(r"songbloom +\d\.\d\d \[\d\.\d\d, \d\.\d\d\] +a +1", text)
        assert re.search(r"lowpass-3500 +1\.\d\d", text)
        assert re.search(r"r11 +excluded .*answers hardly vary", text)
        assert "raters agree" in text and "alpha" in text
        assert "yue_7b failed to make songs" in text and "20.0 %" in text
        assert "OVL: declared differences" in text and "MEL: declared differences" in text
        assert re.search(r"1 rater of 12 left out: results with and without them (agree|DIFFER)", text)
        assert "per@whisper-base-stem†" in text and "DESCRIPTIVE" in text

    def test_says_it_of_pairs_too(self, report_of):
        text = printed(report_of("preference"))
        assert re.search(r"songbloom +\d\.\d\d \[.*\] +a +1 +\d\d % +\d+ %", text)
        assert re.search(r"Slot A won \d+ % of \d+ decisions", text)
        assert "OVERALL: pairs" in text and "two people who decide" in text

    def test_places_that_are_not_known_are_not_judged(self, report_of):
        report = dataclasses.replace(report_of("preference"), places_known=False)
        assert "Slot A won" not in printed(report) and "do not say which song stood where" in printed(report)

    def test_long_things_are_in_the_files(self, report_of):
        text = printed(report_of("acr"))
        assert "the same by other tests" not in text and "in the files" in text

    def test_a_run_that_is_gone_is_said(self, report_of):
        assert "Not compared: There is no run 'demo'." in printed(report_of("acr", run=False))


class TestIdentity:
    def test_everything_that_identifies_a_test_is_there(self, report_of):
        report = report_of("acr")
        for text in (printed(report), to_markdown(content(report)), export.to_json(report)):
            for fact in (report.data.protocol.digest(), report.data.test, "2023-11-14", "demo", "songbench"):
                assert fact in text.replace("\n" + " " * 28, "")
            assert "11 counted of 12" in text and "wrong traps" in text and "95 %" in text

    def test_only_rules_that_hold_for_the_form_are_told(self, report_of):
        assert not any("reference below 90" in rule for rule in screening_rules(report_of("acr").data.protocol))
        assert any("reference below 90" in rule for rule in screening_rules(report_of("mushra").data.protocol))
        assert any("same side" in rule for rule in screening_rules(report_of("preference").data.protocol))

    def test_every_rule_of_a_protocol_has_its_words(self):
        assert set(RULES) == set(Screening.model_fields)


class TestSimulated:
    def test_every_heading_table_and_figure_says_so(self, report_of, folders):
        blocks = content(report_of("acr", simulated=True))
        titles = [b.text for b in blocks if isinstance(b, Heading)] + [b.title for b in blocks if isinstance(b, Table)]
        titles += re.findall(r"!\[(.*?)\]\(figures/", (folders[True] / "report.md").read_text(encoding="utf-8"))
        assert len(titles) > 20 and all(SIMULATED in text for text in titles)
        assert "a program answered, not people" in printed(report_of("acr", simulated=True))

    def test_every_row_and_file_says_so(self, folders):
        for path in sorted(folders[True].glob("*.csv")):
            assert set(pd.read_csv(path)["answered_by"]) == {SIMULATED}, path.name
        value = json.loads((folders[True] / "report.json").read_text())
        assert value["simulated"] is True and value["answered_by"] == SIMULATED
        for name in ("report.md", "report.html", "tables.tex", "README.md"):
            assert SIMULATED in (folders[True] / name).read_text(encoding="utf-8"), name

    def test_people_are_not_called_simulated(self, folders):
        for path in folders[False].rglob("*.*"):
            if path.suffix not in (".png", ".svg") and path.name != "README.md":
                assert SIMULATED.encode() not in path.read_bytes(), path.name


class _Page(HTMLParser):
    def __init__(self):
        super().__init__()
        self.open, self.tags, self.text, self.sources = [], [], "", []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.sources += [value for name, value in attrs if name in ("src", "href")]
        if tag not in ("meta", "img", "link", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


class TestPage:
    def test_is_well_formed_needs_nothing_and_runs_nothing(self, folders):
        text = (folders[False] / "report.html").read_text(encoding="utf-8")
        page = _Page()
        page.feed(text)
        assert not page.open and "script" not in page.tags and page.tags.count("h1") == 1
        assert page.sources and all(
            source.startswith(("data:image/svg+xml;base64,", "#")) or source == "data:," for source in page.sources
        )
        assert "http://" not in text.replace("http://www.w3.org", "") and "default-src 'none'" in text
        assert "prefers-color-scheme: dark" in text and 'name="viewport"' in text

    def test_what_people_typed_is_text(self, report_of):
        report = report_of("acr")
        systems = tuple(EVIL if name == "rulebased" else name for name in report.data.systems)
        evil = dataclasses.replace(report, data=dataclasses.replace(report.data, systems=systems), agreement=())
        html = to_html(content(evil), {})
        assert "<script" not in html and "&lt;script&gt;" in html
        page = _Page()
        page.feed(html)
        assert EVIL in page.text

    @pytest.mark.parametrize("width", [360, 1200])
    @pytest.mark.parametrize("scheme", ["light", "dark"])
    def test_a_browser_shows_it_without_scrolling_sideways(self, browser, folders, width, scheme):
        page = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
        problems = []
        page.on("console", lambda message: problems.append(message.text))
        page.goto((folders[False] / "report.html").as_uri())
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.evaluate("[...document.images].every(one => one.complete && one.naturalWidth > 0)")
        paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert (paper == "rgb(255, 255, 255)") == (scheme == "light")
        assert not problems
        page.close()


class TestMarkdown:
    @pytest.mark.parametrize("form", FORMS)
    def test_tables_are_well_formed(self, report_of, form):
        text = to_markdown(content(report_of(form)))
        blocks = re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE)
        assert len(blocks) > 5
        for block in blocks:
            assert len({len(re.findall(r"(?<!\\)\|", line)) for line in block.splitlines()}) == 1
        assert "<script" not in text.replace(r"\<script", "")

    def test_figures_are_where_it_says(self, folders):
        text = (folders[False] / "report.md").read_text(encoding="utf-8")
        links = re.findall(r"\]\((figures/[^)]+)\)", text)
        assert len(links) > 5 and all((folders[False] / link).is_file() for link in links)


class TestLatex:
    @pytest.mark.parametrize("form", FORMS)
    def test_is_balanced_and_escaped(self, report_of, form):
        text = to_latex(content(report_of(form)))
        body = "\n".join(line for line in text.splitlines() if not line.startswith("%"))
        assert body.count("{") - body.count(r"\{") == body.count("}") - body.count(r"\}")
        assert re.findall(r"\\begin\{(\w+)", body) and body.count(r"\begin") == body.count(r"\end")
        assert not re.search(r"(?<!\\)[#%_](?!\w*\})", body) and r"yue\_7b" in body
        for layout, rows in re.findall(r"begin\{tabular\}\{(l+)\}(.*?)\\end", body, re.DOTALL):
            for row in rows.splitlines():
                if "&" in row:
                    assert len(re.findall(r"(?<!\\)&", row)) == len(layout) - 1


class TestTables:
    def test_every_column_is_in_the_dictionary(self, folders):
        text = (folders[False] / "README.md").read_text(encoding="utf-8")
        files = sorted(folders[False].glob("*.csv"))
        assert {path.stem for path in files} >= {"ratings", "raters", "checks", "songs", "results", "agreement"}
        for path in files:
            part = text.split(f"## {path.name}")[1].split("\n## ")[0]
            for column in next(csv.reader(path.open(encoding="utf-8"))):
                assert f"- `{column}`: " in part, (path.name, column)
                assert f"- `{column}`: as in report.json" not in part or path.stem == "agreement"

    @pytest.mark.skipif(os.name == "nt", reason="this system knows no modes")
    def test_tables_are_the_owners(self, folders):
        tables = [path for path in folders[False].iterdir() if path.suffix in (".csv", ".parquet")]
        assert len(tables) > 3 and {path.stat().st_mode & 0o777 for path in tables} == {0o600}

    def test_ratings_come_back_as_they_were(self, report_of, folders):
        frame = pd.read_csv(folders[False] / "ratings.csv", keep_default_na=False)
        data = report_of("acr").data.ratings
        assert len(frame) == len(data) and list(frame.columns[:-2]) == list(data.columns)
        assert frame["value"].astype(float).tolist() == data["value"].tolist()
        assert frame.loc[frame["rater"] == "r11", "included"].eq(False).all()
        assert EVIL in set(frame["comment"])

    def test_nothing_typed_can_start_a_formula(self, folders):
        devices = pd.read_csv(folders[False] / "raters.csv")["device"]
        assert set(devices) == {"'=HYPERLINK(1)"}

    def test_parquet_holds_what_the_frames_hold(self, report_of, folders):
        pytest.importorskip("pyarrow")
        frame, data = pd.read_parquet(folders[False] / "ratings.parquet"), report_of("acr").data.ratings
        shared = [name for name in data.columns if name != "comment"]
        pd.testing.assert_frame_equal(frame[shared], data[shared].reset_index(drop=True), check_dtype=False)

    def test_missing_parquet_is_said(self, folders, report_of, tmp_path, monkeypatch):
        monkeypatch.setattr(export, "parquet_possible", lambda: False)
        monkeypatch.setattr(canvas, "draw", lambda name, alt, *_: canvas.Drawn(name, alt, b"", b""))
        write_report(report_of("preference"), tmp_path)
        for folder in (tmp_path, folders[False]):
            text = (folder / "README.md").read_text(encoding="utf-8")
            assert ("parquet needs pyarrow" in text) != bool(list(folder.glob("*.parquet")))

    def test_json_holds_everything_and_no_nan(self, report_of, folders):
        text = (folders[False] / "report.json").read_text(encoding="utf-8")
        value = json.loads(text, parse_constant=pytest.fail)
        assert value["protocol"] == report_of("acr").data.protocol.to_json()
        assert (
            [row["scale"] for row in value["scales"]] == ["OVL", "MEL"] == [row["scale"] for row in value["everyone"]]
        )
        assert value["agreement"][0]["metrics"][0]["items"]["pearson"]["value"] > 0.5
        assert len(value["screening"]) == 12 and value["failed"]["yue_7b"] == 2

    def test_the_same_answers_give_the_same_bytes(self, report_of, tmp_path):
        first, second = (write_report(report_of("ccr"), tmp_path / name) for name in ("one", "two"))
        assert len(first) > 10 and [path.read_bytes() for path in first] == [path.read_bytes() for path in second]


class TestWords:
    @pytest.mark.parametrize(
        ("form", "meaning"), [("preference", "log-odds of being preferred"), ("ccr", "mean answer")]
    )
    def test_a_strength_is_called_what_it_is(self, report_of, form, meaning):
        report = report_of(form)
        assert f"strength: {meaning}" in to_markdown(content(report))
        scale = listening_result_of(report).scales[0]
        assert meaning in scale.description.lower() and scale.unit == ("points" if form == "ccr" else "log-odds")


class TestFigures:
    def test_each_stands_beside_its_table(self, report_of):
        report = report_of("acr")
        names = ("means-OVL", "answers-OVL", "raters", "agreement-OVL", "songs-OVL", "unknown")
        blocks = content(report, [FigureBlock(name, name) for name in names])
        rows = [block.parts for block in blocks if isinstance(block, SideBySide)]
        beside = {figure.name: table[0].title for table, drawings in rows for figure in drawings}
        assert set(beside) == set(names) - {"unknown"}
        assert beside["means-OVL"].startswith("OVL") and beside["raters"].startswith("Screening")
        assert [block.name for block in blocks if isinstance(block, FigureBlock)] == ["unknown"]

    def test_every_question_has_its_figures(self, report_of, folders):
        names = {path.stem for path in (folders[False] / "figures").glob("*.svg")}
        assert names >= {"means-OVL", "answers-OVL", "means-MEL", "raters", "agreement-OVL", "songs-OVL"}
        assert names == {path.stem for path in (folders[False] / "figures").glob("*.png")}

    def test_repetitions_are_not_counted_among_the_answers(self, report_of, monkeypatch):
        report, labels = report_of("acr"), []
        rows = report.data.ratings
        again = rows[rows["kind"] == "test"].assign(kind="repeat")
        data = dataclasses.replace(report.data, ratings=pd.concat([rows, again]))
        monkeypatch.setattr(style, "rows", lambda axes, names, *_, **__: labels.append(tuple(names)))
        monkeypatch.setattr(canvas, "draw", lambda name, alt, size, paint: paint(Figure(size)))
        figures(report)
        plain = labels.copy()
        labels.clear()
        figures(dataclasses.replace(report, data=data))
        assert plain == labels and any("n=" in label for label in plain[0])

    @pytest.mark.parametrize(
        ("form", "names"),
        [
            ("preference", {"strengths-OVERALL", "preferences-OVERALL", "agreement-OVERALL"}),
            ("mushra", {"means-BAQ", "answers-BAQ", "raters"}),
        ],
    )
    def test_other_forms_have_others(self, report_of, form, names):
        pictures = figures(report_of(form, run=form != "mushra"))
        assert {item.name for item in pictures} >= names
        for item in pictures:
            width, height = struct.unpack(">II", item.png[16:24])
            assert item.png[:8] == b"\x89PNG\r\n\x1a\n" and 300 < width < 2500 and 100 < height < 3000
            assert item.alt and b"<svg" in item.svg and b"<script" not in item.svg


class TestExclusion:
    def test_what_it_changed_is_compared_scale_by_scale(self, report_of):
        report = report_of("acr")
        included, everyone = report.analysed.scales[0], report.analysed.everyone[0]
        equal = dataclasses.replace(report.analysed, scales=(included,), everyone=(included,))
        assert exclusion_changes(equal)[0].same_order and exclusion_changes(equal)[0].largest[1] == 0
        best, *rest = everyone.means
        turned = dataclasses.replace(everyone, means=(dataclasses.replace(best, mean=1.0), *rest), differences=())
        changed = exclusion_changes(dataclasses.replace(report.analysed, scales=(included,), everyone=(turned,)))[0]
        assert not changed.same_order and not changed.same_pairs
        assert changed.largest == (best.system, pytest.approx(included.means[0].mean - 1.0))

    def test_when_nobody_passes_that_is_not_called_agreement(self, report_of):
        report = report_of("acr")
        excluded = tuple(dataclasses.replace(item, included=False) for item in report.analysed.screening)
        empty = dataclasses.replace(report, analysed=dataclasses.replace(report.analysed, screening=excluded))
        assert "No rater passed" in printed(empty) and "agree (same order" not in printed(empty)


def test_words():
    assert joined(["a"]) == "a" and joined(["a", "b", "c"]) == "a, b and c"
    assert joined(list("abcdefgh"), 4) == "a, b, c and 5 more"
    words = [alpha_in_words(x) for x in (-0.1, 0.1, 0.52, 0.7, 0.9)]
    assert words == ["do not agree at all", "hardly agree", "agree moderately", "agree well", "agree very well"]


class TestResultOfPairs:
    def test_a_comparison_counts_the_prompts_that_the_two_shared(self, report_of):
        report = report_of("preference")
        first, second = report.data.systems[:2]
        table = report.data.pairs
        included = table[table["rater"].isin(report.included)]
        met = {frozenset(pair): set() for pair in zip(included["first"], included["second"], strict=True)}
        for name, opponent, prompt in zip(included["first"], included["second"], included["prompt"], strict=True):
            met[frozenset((name, opponent))].add(prompt)
        dropped = min(met[frozenset((first, second))])
        of_pair = table["first"].isin([first, second]) & table["second"].isin([first, second])
        fewer = dataclasses.replace(report.data, pairs=table[~(of_pair & (table["prompt"] == dropped))])
        expected = {pair: len(prompts) for pair, prompts in met.items()}
        assert self.counted(report) == expected
        expected[frozenset((first, second))] -= 1
        assert self.counted(dataclasses.replace(report, data=fewer)) == expected

    def counted(self, report):
        comparisons = listening_result_of(report).scales[0].comparisons
        return {frozenset((pair.first, pair.second)): pair.n_prompts for pair in comparisons}
