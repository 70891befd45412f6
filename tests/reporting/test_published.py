import csv
import io
import re
from pathlib import Path

import pytest
from made_up_run import simple_board
from rich.cells import cell_len

from songbench.cli.leaderboards import published_blocks
from songbench.contracts.cards import Field
from songbench.domain.errors import InputError
from songbench.execution.damage import folder_damage
from songbench.reporting import export, formats, published
from songbench.reporting.document.markdown import to_markdown
from songbench.reporting.document.terminal import to_text
from songbench.reporting.report import write_report

FOLDER = Path(__file__).parents[2] / "results/published"


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.csv")), ids=lambda path: path.stem)
def test_every_value_is_a_number_with_a_source_and_no_cell_holds_two(path):
    block = published.load_published(str(path))
    cells = [(v.system, v.condition, v.field) for v in block.values]
    assert len(cells) == len(set(cells))
    assert {v.provenance for v in block.values} <= {"paper", "repository", "second hand"}
    assert {v.direction for v in block.values} <= {"higher", "lower", "none"}
    assert all(v.direction == "none" for v in block.values if v.field == "PC")


def test_songbloom_table_2_has_the_paper_s_columns_in_its_order():
    block = published.load_published("songbloom-table2")
    assert [field for field, _, _ in block.fields] == ["PER", "MCC", "FAD", "SER", "CE", "CU", "PC", "PQ", "RTF"]
    row = ("SongBloom-full-ft", "10 s wav")
    assert " ".join(block.of(row, field) for field in block.fields) == "5.49 0.86 3.20 14.50 7.79 7.96 5.88 8.47 1.649"
    assert block.of(("Suno-v4.5", "text"), ("RTF", "s/s", "lower")) == ""


class TestLadaband:
    """The tables of LaDA-Band's paper, with what it says twice and differently."""

    COLUMNS = ("FAD", "Clarity", "Naturalness", "Onset F1", "HPCP similarity")
    COLUMNS += ("Coherence", "CLaMP", "Musicality", "Memorability", "RTF")

    def test_table_1_has_the_paper_s_columns_in_its_order(self):
        block = published.load_published("ladaband-table1")
        assert tuple(field for field, _, _ in block.fields) == self.COLUMNS
        row = ("LaDA-Band-3.0B", "Suno70k; full song, full conditions")
        texts = " ".join(block.of(row, field) for field in block.fields)
        assert texts == "14.80 3.76 3.69 82.0 94.8 3.95 22.70 3.67 3.87 0.26"

    def test_overall_is_the_mean_of_the_three_scales(self):
        block = published.load_published("ladaband-table4")
        for row in block.rows:
            *scales, overall = (float(block.of(row, field).partition(" ")[0]) for field in block.fields)
            assert overall == pytest.approx(sum(scales) / 3, abs=6e-4)

    @pytest.mark.parametrize("name", ["html", "json", "md", "tex", "txt", "csv"])
    def test_every_format_names_the_contradictions(self, name):
        board = simple_board({"a": [1.0, 2.0], "b": [2.0, 2.5]}, Field("m", unit="", direction="none"))
        numbers = tuple(published.load_published(f"ladaband-table{number}") for number in (1, 2, 3))
        content = formats.render(name, formats.LeaderboardReport(board=board, published=numbers)).decode()
        words = " ".join(content.split())
        for phrase in (
            "Tables 1 and 3 print FAD 14.80 and CLaMP 22.70",
            "0.26 (Table 1), 0.12 (section 5.5) and 0.318",
            "below what accompaniments of unrelated songs reach",
        ):
            assert phrase in words


def test_blocks_are_set_apart_and_warn():
    blocks = published.published_blocks([published.load_published("songbloom-table3")])
    for text in (to_markdown(blocks), to_text(blocks, 110)):
        assert "Published elsewhere: songbloom-table3" in text
        assert "Not comparable with the table above" in " ".join(text.split())
        assert "3.91 ± 0.26" in text
    assert published.published_blocks([]) == []


@pytest.mark.parametrize("name", [path.stem for path in sorted(FOLDER.glob("*.csv"))])
@pytest.mark.parametrize("width", [60, 80, 160])
def test_narrow_terminals_move_columns_and_cut_nothing(name, width):
    numbers = published.load_published(name)
    text = to_text(published.published_blocks([numbers]), width)
    assert max(cell_len(line) for line in text.splitlines()) <= width
    characters = re.sub(r"\s", "", text)
    for value in numbers.values:
        assert re.sub(r"\s", "", value.system)[:12] in characters and value.value in text
    assert text.count("…") == sum(note.count("…") for note in numbers.notes)


def write(path, *rows):
    with open(path, "w", encoding="utf-8", newline="") as handle:
        csv.writer(handle).writerows(rows)
    return str(path)


def test_a_broken_file_is_named_with_its_line(tmp_path):
    good = ["a", "", "PER", "%", "lower", "3.0", "", "a paper", "paper", ""]
    with pytest.raises(InputError, match=r"line 1.*must name the columns"):
        published.load_published(write(tmp_path / "a.csv", ["system", "value"], ["a", "1"]))
    with pytest.raises(InputError, match=r"line 3, field 'value'.*'high' is not a number"):
        published.load_published(write(tmp_path / "b.csv", published.COLUMNS, good, [*good[:5], "high", *good[6:]]))
    with pytest.raises(InputError, match=r"line 2.*needs its source"):
        published.load_published(write(tmp_path / "c.csv", published.COLUMNS, [*good[:7], "", *good[8:]]))
    with pytest.raises(InputError, match="songbloom-table2"):
        published.load_published("songblom-table2")


class TestReport:
    """Numbers from papers stand in every format, and stay until they are taken away."""

    @pytest.fixture(scope="class")
    def board(self):
        return simple_board({"a": [1.0, 2.0], "b": [2.0, 2.5]}, Field("m", unit="", direction="none"))

    @pytest.fixture(scope="class")
    def numbers(self):
        return published.load_published("songbloom-table2")

    @pytest.mark.parametrize("name", ["csv", "html", "json", "md", "tex", "txt"])
    def test_every_format_has_them_and_says_that_they_are_of_other_songs(self, board, numbers, name):
        content = formats.render(name, formats.LeaderboardReport(board=board, published=(numbers,))).decode()
        assert "SongBloom-full-ft" in content and "24.67" in content
        assert "published" in content.casefold() and (name == "csv" or "Not comparable" in " ".join(content.split()))

    def test_in_the_csv_they_are_a_kind_of_their_own(self, board, numbers):
        rows = list(csv.DictReader(io.StringIO(export.to_csv(board, [numbers]))))
        assert [row["system"] for row in rows if row["kind"] != "published"] == ["a", "b"]
        (row,) = [r for r in rows if (r["system"], r["field"]) == ("SongBloom-full-ft", "PER")]
        assert (row["value"], row["published"], row["published_condition"]) == ("5.49", "songbloom-table2", "10 s wav")
        assert "arXiv 2506.07634" in row["source"] and row["n"] == ""

    def test_a_later_report_shows_them_until_they_are_taken_away(self, board, numbers, tmp_path):
        write_report(board, tmp_path, [numbers])
        assert published.remembered(tmp_path) == (numbers,)
        write_report(board, tmp_path)
        assert all("24.67" in (tmp_path / f"leaderboard.{name}").read_text() for name in ("tex", "csv", "md"))
        assert list(folder_damage(tmp_path)) == []
        write_report(board, tmp_path, [])
        assert published.remembered(tmp_path) == () and "24.67" not in (tmp_path / "leaderboard.md").read_text()

    def test_the_command_line_keeps_replaces_and_removes(self):
        assert published_blocks(None) is None and published_blocks("none") == []
        assert [block.name for block in published_blocks("songbloom-table3,songbloom-table2")] == [
            "songbloom-table3",
            "songbloom-table2",
        ]
        with pytest.raises(InputError, match="Did you mean 'songbloom-table2'"):
            published_blocks("songbloom-table22")
