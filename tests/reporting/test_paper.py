"""Tables for papers: what they show, how they are laid out, and that a TeX engine takes them."""

import csv
import io
import json
import shutil
import subprocess

import pytest
from made_up_run import full_run, simple_run
from test_conditions import AUDIO, PLAIN, TEXT, made_up
from test_facets import GENRES, tagged

from songbench import statistics
from songbench.contracts.cards import Field
from songbench.domain.errors import InputError
from songbench.execution.damage import folder_damage
from songbench.reporting.document.latex import to_latex
from songbench.reporting.document.markdown import to_markdown
from songbench.reporting.document.terminal import to_text
from songbench.reporting.leaderboard import build_leaderboard
from songbench.reporting.paper.files import to_csv, write_paper_table
from songbench.reporting.paper.layout import paper_block, paper_board
from songbench.reporting.paper.specification import PaperTable
from songbench.reporting.published import load_published
from songbench.reporting.report import write_report

VALUES = {"a": [1.0, 5.0, 2.0, 9.0, 4.0], "b": [0.0, 3.0, 3.0, 8.0, 1.0], "c": [0.5, 3.5, 2.0, 7.0, 2.0]}
ENGINE = next((path for name in ("pdflatex", "xelatex", "lualatex") if (path := shutil.which(name))), None)


@pytest.fixture(scope="module")
def run():
    return tagged(full_run(), genre=GENRES)


def laid_out(run, **options):
    table = PaperTable(**options)
    board = paper_board(run, table, replicates=20)
    return board, paper_block(board, table), table


class TestSelection:
    def test_systems_are_compared_among_themselves(self):
        of_three = build_leaderboard(simple_run(VALUES), replicates=0)
        board, block, _ = laid_out(simple_run(VALUES), systems=("c", "a"))
        assert [row.cells[0] for row in block.rows] == ["c", "a"]
        (pair,) = board.comparisons
        (among_three,) = [other for other in of_three.comparisons if {other.first, other.second} == {"a", "c"}]
        assert pair.p_adjusted == pair.p, "a family of one pair"
        assert among_three.p_adjusted == statistics.holm([other.p for other in of_three.comparisons])[1]

    def test_columns_come_by_field_by_metric_and_by_name(self, run):
        board, block, _ = laid_out(run, columns=("fad@musicnn", "per", "rtf"))
        assert [column.name for column in board.columns] == ["fad@musicnn", "per@whisper-base-stem", "rtf"]
        assert [column.name for column in block.columns] == ["system", "fad", "per", "rtf"]
        assert "Columns: fad@musicnn, per@whisper-base-stem." in block.notes

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"columns": ("perr",)}, "no column 'perr'. Did you mean 'per'"),
            ({"systems": ("songblom",)}, "no system 'songblom'. Did you mean 'songbloom'"),
            ({"facet": "langage"}, "no facet 'langage'. Did you mean 'language'"),
            ({"decimals": 7}, "0 to 6 decimals"),
            ({"label": r"tab:x}\input{y"}, "cannot be a LaTeX label"),
        ],
    )
    def test_what_is_not_there_is_refused(self, run, options, message):
        with pytest.raises(InputError, match=message.replace(".", r"\.")):
            laid_out(run, **options)

    def test_decimals_are_those_of_every_number_and_of_the_best(self):
        field = Field("m", unit="", direction="lower", decimals=3)
        values = {"a": [1.04, 1.04], "b": [1.01, 1.01], "c": [1.2, 1.2]}
        _, block, _ = laid_out(simple_run(values, field), decimals=1, bold_best=True)
        numbers = [row.cells[1] for row in block.rows]
        assert [(number.value, number.best) for number in numbers] == [("1.0", True), ("1.0", True), ("1.2", False)]
        assert numbers[0].interval == "[1.0, 1.0]"

    def test_marks_that_are_left_out_are_not_explained(self):
        notes = " ".join(laid_out(simple_run(VALUES))[1].notes)
        assert "[low, high]" in notes and "a b c:" in notes and "★" not in notes
        _, block, _ = laid_out(simple_run(VALUES), intervals=False, letters=False, bold_best=True)
        notes = " ".join(block.notes)
        assert "[low, high]" not in notes and "a b c:" not in notes and "★:" in notes
        assert r"\textbf{3.00}" in to_latex([block]) or r"\textbf{4.20}" in to_latex([block])
        assert "Bold: best of" in to_latex([block]) and r"\textsuperscript" not in to_latex([block])


class TestFacets:
    def test_parts_stand_side_by_side_and_sets_once(self, run):
        _, block, _ = laid_out(run, columns=("per", "fad", "rtf"), facet="language", intervals=False)
        groups = [(column.group, column.name) for column in block.columns]
        assert groups == [
            ("", "system"),
            ("en (3 prompts)", "per"),
            ("en (3 prompts)", "rtf"),
            ("zh (5 prompts)", "per"),
            ("zh (5 prompts)", "rtf"),
            ("all songs", "fad"),
        ]
        text = to_latex([block])
        assert r" & \multicolumn{2}{c}{en (3 prompts)} & \multicolumn{2}{c}{zh (5 prompts)} &" in text
        assert r"\cmidrule(lr){2-3}\cmidrule(lr){4-5}\cmidrule(lr){6-6}" in text
        assert "| en (3 prompts)<br>per<br>% ↓ |" in to_markdown([block])
        assert "en (3 prompts)   en (3 prompts)   zh (5 prompts)" in to_text([block], 200)

    def test_the_numbers_are_those_of_the_parts(self, run):
        board = build_leaderboard(run, replicates=20, facet="language")
        _, block, table = laid_out(run, columns=("per", "fad"), facet="language")
        (line,) = [line for line in csv.DictReader(io.StringIO(to_csv(_, table))) if line["system"] == "yue_7b"]
        for part in ("en", "zh"):
            cell = next(r for r in board.tables[part].rows if r.system.name == "yue_7b").cells["per@whisper-base-stem"]
            assert line[f"{part} per@whisper-base-stem"] == f"{cell.value:.1f}"
            assert line[f"{part} per@whisper-base-stem group"] == cell.group
        assert line["all songs fad@musicnn n"] == "14"
        assert len(block.rows) == 8

    def test_conditions_stand_below_each_other(self):
        run = made_up({"yue": TEXT, "levo": TEXT, "bloom": AUDIO, "anchor": PLAIN}, sanity=("anchor",))
        board, block, table = laid_out(run, facet="condition")
        assert [row.cells[:2] for row in block.rows] == [
            ("style as text", "yue"),
            ("style as text", "levo"),
            ("style as text", "anchor"),
            ("style as audio", "bloom"),
            ("style as audio", "anchor"),
        ]
        assert [line["condition"] for line in csv.DictReader(io.StringIO(to_csv(board, table)))][2:4] == [
            "text",
            "audio",
        ]


class TestFiles:
    def write(self, folder, run=None, name=None, figures=(), **options):
        board, _, table = laid_out(run or simple_run(VALUES), **options)
        return [path.name for path in write_paper_table(board, table, folder, name=name, figures=figures)]

    def test_other_options_have_another_name_and_the_same_have_the_same(self, tmp_path):
        names = {
            self.write(tmp_path, **options)[0]
            for options in ({}, {"decimals": 1}, {"columns": ("m",)}, {"systems": ("a", "b")}, {"label": "tab:x"})
        }
        assert len(names) == 5
        assert self.write(tmp_path, decimals=1, caption="A better one")[0] in names
        assert any(name.startswith("m-") for name in names)

    def test_a_name_is_not_given_to_another_table(self, tmp_path):
        self.write(tmp_path, name="main", decimals=1)
        before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
        with pytest.raises(InputError, match="'main' is a table with other decimals"):
            self.write(tmp_path, name="main", decimals=2)
        (tmp_path / "tables/mine.tex").write_text("by hand")
        with pytest.raises(InputError, match="'mine' is not such a table"):
            self.write(tmp_path, name="mine")
        with pytest.raises(InputError, match="cannot be the name"):
            self.write(tmp_path, name="../x")
        assert all(path.read_bytes() == content for path, content in before.items())

    def test_they_are_listed_beside_the_report_and_outlast_it(self, tmp_path):
        plain = simple_run(VALUES, Field("m", unit="", direction="none"))
        write_report(build_leaderboard(plain, replicates=0), tmp_path)
        report = {path: path.read_bytes() for path in tmp_path.glob("leaderboard.*")}
        self.write(tmp_path, plain, name="main")
        assert all(path.read_bytes() == content for path, content in report.items())
        assert list(folder_damage(tmp_path)) == []
        write_report(build_leaderboard(plain, replicates=0), tmp_path)
        assert (tmp_path / "tables/main.tex").exists() and list(folder_damage(tmp_path)) == []

    def test_the_json_holds_the_question_and_every_number(self, tmp_path):
        self.write(tmp_path, tagged(simple_run({"a": list(range(8))})), name="x", facet="language", decimals=1)
        value = json.loads((tmp_path / "tables/x.json").read_text())
        assert value["table"]["facet"] == "language" and value["table"]["decimals"] == 1
        assert [(cell["facet_value"], cell["value"]) for cell in value["cells"]] == [
            ("en", 2.0),
            ("zh", 4.4),
        ]

    def test_published_numbers_follow_and_figures_of_each_column(self, tmp_path):
        board, _, table = laid_out(simple_run(VALUES))
        published = [load_published("songbloom-table2")]
        paths = write_paper_table(board, table, tmp_path, name="x", published=published, figures=["svg", "pdf"])
        assert [path.name for path in paths] == ["x.tex", "x.md", "x.csv", "x.json", "x.m-b.svg", "x.m-b.pdf"]
        assert all("SongBloom-full-ft" in path.read_text() for path in (paths[0], paths[1], paths[3]))
        assert "Not comparable" in paths[0].read_text()

    def test_figures_follow_new_scores_like_the_numbers(self, tmp_path):
        """Else figures of earlier scores would stand beside the new numbers."""
        self.write(tmp_path, simple_run(VALUES), name="x", figures=["svg"])
        before = (tmp_path / "tables/x.m-b.svg").read_bytes()
        self.write(tmp_path, simple_run(VALUES | {"a": [9.0] * 5}), name="x")
        assert (tmp_path / "tables/x.m-b.svg").read_bytes() != before


@pytest.mark.slow
@pytest.mark.skipif(ENGINE is None, reason="no TeX engine is installed")
def test_a_tex_engine_takes_it(tmp_path):
    """With names that hold everything that TeX reads as a command; Chinese needs more packages."""
    awkward = {"a_b": [1.0, 5.0] * 4, r"50% & #1 $x^2$ {~} \\end": [0.0, 3.0] * 4, '[x] <y> |z| "q"': [2.0, -3.0] * 4}
    run = tagged(simple_run(awkward, Field("m_1", unit="% ×", direction="lower")), genre=["R&B [x]", "50%_"] * 4)
    tables = [
        (name, to_latex([paper_block(paper_board(run, table, replicates=20), table)]))
        for name, table in {
            "plain": PaperTable(caption="50% & more_of #it", label="tab:a_b"),
            "facets": PaperTable(facet="genre", intervals=False, bold_best=True, decimals=0),
        }.items()
    ]
    board = build_leaderboard(run, replicates=20)
    from songbench.reporting.tables import to_latex as leaderboard

    tables.append(("leaderboard", leaderboard(board, published=[load_published("songbloom-table2")])))
    body = "\n".join(text for _, text in tables)
    (tmp_path / "paper.tex").write_text(
        "\\documentclass{article}\n\\usepackage[a3paper,landscape]{geometry}\n\\usepackage{booktabs}\n"
        f"\\begin{{document}}\n{body}\nTable \\ref{{tab:a_b}}.\n\\end{{document}}\n",
        encoding="utf-8",
    )
    command = [ENGINE, "-interaction=nonstopmode", "-halt-on-error", "paper.tex"]
    process = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
    assert process.returncode == 0, process.stdout[-2000:]
    assert "Missing character" not in (tmp_path / "paper.log").read_text(errors="replace")
