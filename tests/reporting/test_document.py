"""The document model: one set of blocks in four formats, every text escaped, nothing cut however narrow."""

import io
import json
import re
from html.parser import HTMLParser

import pytest
from made_up_run import simple_board
from rich.cells import cell_len
from rich.console import Console

from songbench.reporting import tables
from songbench.reporting.document import html, latex, markdown, terminal
from songbench.reporting.document.blocks import (
    AudioPlayer,
    Figure,
    FilledForm,
    Fold,
    Fragment,
    Heading,
    Listing,
    NumberCell,
    SideBySide,
    Table,
    TableColumn,
    TableForm,
    TableRow,
    Text,
    View,
    Views,
    leaves,
    table,
)
from songbench.reporting.document.html_elements import element
from songbench.reporting.document.layout import column_parts
from songbench.reporting.document.storage import document_from_json, document_to_json

NAMES = (
    "A|B_x_", "_x_ y", "*bold*", "<script>", "a & b &amp; c", "$x$ 50 %", "#1", r"back\slash", "[link](to)", "{x}^~",
    "`code`", "~~gone~~", "- item", "我的模型",
)  # fmt: skip


class Page(HTMLParser):
    """The text of each table cell of a page."""

    def __init__(self, text):
        super().__init__()
        self.cells, self.open = [], False
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        assert tag not in ("script", "em")
        if tag in ("td", "th"):
            self.open = True
            self.cells.append("")

    def handle_endtag(self, tag):
        self.open = self.open and tag not in ("td", "th")

    def handle_data(self, data):
        if self.open:
            self.cells[-1] += data


def unescaped(text):
    """What a reader of Markdown sees of a text without marks."""
    return re.sub(r"\\([][|*_<>`#~\\&.)+-])", r"\1", text)


def untexed(text):
    """What a reader of LaTeX sees of a text without commands."""
    text = (
        text.replace(r"\textbackslash{}", "\0").replace(r"\textasciitilde{}", "~").replace(r"\textasciicircum{}", "^")
    )
    text = (
        text.replace(r"\textbar{}", "|").replace("{[}", "[").replace("{]}", "]").replace("$<$", "<").replace("$>$", ">")
    )
    return re.sub(r"\\([&%$#_{}])", r"\1", text).replace("\0", "\\")


@pytest.mark.parametrize("name", NAMES)
class TestNames:
    def test_markdown(self, name):
        line = markdown.to_markdown([table("", ("system", "n"), [(name, "1")])]).splitlines()[2]
        cells = re.split(r"(?<!\\)\|", line)
        assert len(cells) == 4 and unescaped(cells[1].strip()) == name
        assert not re.search(r"(?<!\\)[*`~]|(?<!\\)<[a-z]|(?<![\\\w])_|&\w+;", cells[1].replace(r"\&", ""))

    def test_latex(self, name):
        text = latex.to_latex([table("", ("system", "n"), [(name, "1")])])
        line = next(line for line in text.splitlines() if line.endswith(r"& 1 \\"))
        assert untexed(line.removesuffix(r" & 1 \\")) == name
        assert text.count("{") - text.count(r"\{") == text.count("}") - text.count(r"\}")

    def test_html(self, name):
        page = Page(html.to_html([table("", ("system", "n"), [(name, "1")])], {}))
        assert page.cells == ["system", "n", name, "1"]

    def test_terminal(self, name):
        text = terminal.to_text([table("", ("system", "n"), [(name, "1")])])
        assert re.search(rf"^ +{re.escape(name)} +1$", text, re.MULTILINE)

    def test_a_leaderboard_holds_it_in_every_format(self, name):
        board = simple_board({name: [1.0, 2.0]})
        assert name in tables.to_text(board)
        rows = [line for line in tables.to_markdown(board).splitlines() if line.startswith("|")]
        assert len({len(re.findall(r"(?<!\\)\|", row)) for row in rows}) == 1 and name in unescaped(rows[2])
        assert name in untexed(tables.to_latex(board))
        assert name in Page(tables.to_html(board)).cells


class TestMarkdown:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("copy_prompt", "copy_prompt"),
            ("[1.3, 29.9]", "[1.3, 29.9]"),
            ("[1, 2](x)", r"\[1, 2\](x)"),
            ("<0.001", "<0.001"),
            ("1. first", r"1\. first"),
            ("two\nlines", "two lines"),
            ("fish & chips", "fish & chips"),
        ],
    )
    def test_only_what_would_be_a_mark_is_escaped(self, text, expected):
        assert markdown.escaped(text) == expected

    def test_parts_of_a_text(self):
        phrase = (Fragment("Run "), Fragment("a`b", "code"), Fragment(" now", "strong"), Fragment("!", "bad"))
        assert markdown.to_markdown([Text(phrase)]) == "Run ``a`b`` **now**!\n"

    def test_blocks(self):
        blocks = [
            Heading("Title", level=1),
            Text("Attention", strong=True),
            Listing(("one", Listing(("deeper",)), "two")),
            Figure("a", "first"),
            Figure("b", "second", beside=True),
            AudioPlayer("audio/a b.wav", "a song"),
        ]
        assert markdown.to_markdown(blocks) == (
            "# Title\n\n**Attention**\n\n- one\n  - deeper\n- two\n\n![first](figures/a.png)\n![second](figures/b.png)"
            "\n\n[a song](<audio/a b.wav>)\n"
        )

    def test_a_folded_table_has_its_title_on_it(self):
        block = Table(columns=(TableColumn(name="a"),), rows=(TableRow(("1",)),), title="all", folded=True)
        assert markdown.to_markdown([block]) == (
            "<details><summary>all</summary>\n\n| a |\n| --- |\n| 1 |\n\n</details>\n"
        )


def test_html_holds_figures_lists_and_audio():
    blocks = [
        Heading("Title", level=1),
        Heading("Part"),
        Listing(("one", Listing(("deeper",)))),
        Figure("a", 'a "quoted" one'),
        AudioPlayer("audio/a b.wav", "a <song>"),
    ]
    page = html.to_html(blocks, {"a": b"\x89PNG"})
    assert "<title>Title</title>" in page and '<h2 id="part-1">Part</h2>' in page
    assert "<ul><li>one<ul><li>deeper</li></ul></li></ul>" in page
    assert 'src="data:image/png;base64,' in page and 'alt="a &quot;quoted&quot; one"' in page
    assert (
        '<audio controls preload="none" src="audio/a%20b.wav" aria-label="a &lt;song&gt;">' in page
        and "a &lt;song&gt;" in page
    )
    assert "media-src 'self'" in page and "media-src" not in html.to_html(blocks[:3], {})


def test_latex_has_minus_signs_before_numbers_only():
    text = latex.to_latex([table("", ("a", "b"), [("stand-in", "-0.5 [-1, 2-3]")])])
    assert "stand-in & $-$0.5 {[}$-$1, 2-3{]}" in text


def wide_table(columns, rows=3):
    number = NumberCell(value="-12.3", interval="[-14.0, -10.1]", group="ab", best=True, share="3/4")
    return Table(
        columns=(
            TableColumn(name="system"),
            *(TableColumn(name=f"metric{i}@backend", unit="% ↓") for i in range(columns)),
        ),
        rows=tuple(TableRow((f"system-{n}", *[number] * columns), faint=n == 2) for n in range(rows)),
    )


class TestNarrow:
    @pytest.mark.parametrize("width", [20, 60, 80, 160])
    def test_columns_are_moved_and_nothing_is_cut(self, width):
        text = terminal.to_text([wide_table(7)], width)
        assert max(map(cell_len, text.splitlines())) <= width
        assert "…" not in text
        characters = re.sub(r"\s", "", text)
        assert characters.count("[-14.0,-10.1]") == 21 or width < 40
        if width >= 60:
            assert all(f"metric{i}" in text for i in range(7))
            assert text.count("-12.3 [-14.0, -10.1] ab ★ 3/4") == 21

    def test_every_part_repeats_the_keys(self):
        parts = column_parts(wide_table(7), 80)
        assert [part[0] for part in parts] == [0] * len(parts) and len(parts) > 1
        assert [place for part in parts for place in part[1:]] == list(range(1, 8))

    @pytest.mark.parametrize("width", [60, 80, 160])
    def test_long_texts_are_broken_at_words(self, width):
        cause = "the recogniser ran out of memory while it read the second half of a very long song"
        text = terminal.to_text([table("", ("rater", "n", "why not"), [("r01", "12", cause)])], width)
        assert max(map(cell_len, text.splitlines())) <= width
        assert all(word in text for word in cause.split())

    def test_a_name_wider_than_the_terminal_is_whole(self):
        text = terminal.to_text([table("", ("system", "n"), [("x" * 90, "1")])], 60)
        assert text.count("x") == 90 and max(map(cell_len, text.splitlines())) <= 60

    def test_a_pipe_gets_neither_colours_nor_controls(self):
        stream = io.StringIO()
        name = "evil\x1b[31m\x07name"
        terminal.print_document([Heading(name), table("", ("a", "b"), [(name, "1")])], Console(file=stream, width=80))
        assert "\x1b" not in stream.getvalue() and "\x07" not in stream.getvalue()
        assert stream.getvalue().count("evil�[31m�name") == 2

    def test_more_rows_than_asked_for_are_counted(self):
        stream = io.StringIO()
        block = table("", ("a", "b"), [(f"row {n}", "1") for n in range(50)])
        terminal.print_document([block], Console(file=stream, width=80), most_rows=40)
        assert "row 39" in stream.getvalue() and "row 40" not in stream.getvalue()
        assert "10 more rows, in the files" in stream.getvalue()
        assert "row 49" in terminal.to_text([block])


class TestNests:
    WHOLE = Table(
        columns=(TableColumn(name="name"), TableColumn(name="n"), TableColumn(name="further", optional=True)),
        rows=(TableRow(("a", NumberCell(value="1.0", number=1.04), "x")), TableRow(("b", "2.0", "y"), faint=True)),
        sortable=True,
    )
    BLOCKS = (
        Heading("Title", level=1),
        Text("The answer", lead=True),
        Heading("Part"),
        Views("Songs", (View("everything", (WHOLE,)), View("zh", (Text("of zh"),), "language"))),
        Fold("More", (Text((Fragment("a page", link="songs/a b#c.html"),)),)),
        SideBySide(((Figure("f", "a figure"),), (Text("beside it"),))),
    )

    def test_html_folds_them_and_links_what_lies_beside_the_page(self):
        page = html.to_html(
            self.BLOCKS,
            {"f": "figures/f.svg"},
            linked=html.LinkedFiles(("page.css",), ("page.js",)),
            trail=(Fragment("top", link="../report.html"), Fragment("here")),
        )
        assert '<script defer src="page.js"></script>' in page and "script-src 'self' file:" in page
        assert "<style>" not in page and "style=" not in page and 'src="figures/f.svg"' in page
        assert '<p class="lead">The answer</p>\n<nav class="contents"' in page
        assert '<details class="view" data-group="language" data-name="zh"><summary>language: zh</summary>' in page
        assert '<td class="number" data-number="1.04">1.0</td><td class="optional">x</td>' in page
        assert page.count("<tbody>") == 2 and '<a href="songs/a%20b#c.html" rel="noopener noreferrer">' in page
        assert '<a href="../report.html" rel="noopener noreferrer">top</a> / here' in page

    def test_other_formats_show_everything_that_must_be_there_below_each_other(self):
        text = markdown.to_markdown(self.BLOCKS)
        assert "| name | n |" in text and "further" not in text
        assert "**language: zh**\n\nof zh\n\n**More**\n\n[a page](<songs/a b#c.html>)\n\n![a figure]" in text
        printout = terminal.to_text(self.BLOCKS)
        assert "of zh" in printout and "further" not in printout
        assert "further" not in latex.to_latex(self.BLOCKS)


def test_a_document_that_was_stored_is_shown_as_before():
    board = simple_board({"up": [1.0, 2.0, 4.0], "down": [2.0, 2.5, 3.0]})
    blocks = [*tables.terminal_blocks(board), Figure("a", "b"), AudioPlayer("c.flac", "d")]
    blocks += [Fold("more", (Listing(("one", Listing(((Fragment("two", "code", "https://x"),),)))),))]
    content = json.loads(json.dumps(document_to_json(blocks)))
    assert document_from_json(content) == list(leaves(blocks))
    assert terminal.to_text(document_from_json(content)) == terminal.to_text(blocks)


@pytest.mark.parametrize("content", [[{"kind": "Path"}], [{}], [{"kind": "Heading"}], [{"kind": "Text", "more": 1}], 3])
def test_what_is_no_document_is_refused(content):
    with pytest.raises(ValueError, match="no document"):
        document_from_json(content)


def test_a_filled_form_looks_like_the_table_that_it_is():
    columns = (TableColumn(name="score"), TableColumn(name="value", align="right"), TableColumn(name="unit"))
    form = TableForm(columns, tuple(((Fragment(name, "strong"),), name) for name in NAMES))
    for shift in (0.0, 1e9):
        numbers = tuple((f"<{place}>", shift - place / 3) for place in range(len(NAMES)))
        block = FilledForm(form, numbers)
        assert [row.cells[1] for row in block.table.rows] == [NumberCell(value=v, number=n) for v, n in numbers]
        assert element(block, {}) == element(block.table, {})
        for render in (markdown.to_markdown, terminal.to_text, latex.to_latex):
            assert render([block]) == render([block.table])
    assert element(FilledForm(TableForm(columns, ()), ()), {}) == element(Table(columns=columns, rows=()), {})
