"""What is printed and written: parsed back, escaped, explained, the same bytes every time."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from made_up_run import full_run, simple_board
from rich.cells import cell_len

from songbench.contracts import registry
from songbench.contracts.cards import Field
from songbench.domain.errors import StoreWriteError
from songbench.domain.score import NotApplicable
from songbench.reporting import export, tables, wording
from songbench.reporting.figures.files import FORMATS
from songbench.reporting.figures.gallery import pictures_of
from songbench.reporting.leaderboard import build_leaderboard
from songbench.reporting.report import write_report

FOLDER = Path(__file__).parent


class TestPrinted:
    @pytest.mark.parametrize("width", [60, 80, 110, 160, 200])
    def test_fits(self, board, width):
        text = tables.to_text(board, width)
        assert all(row.system.name in text for row in board.rows)
        for column in wording.headline_columns(board):
            assert all(part in text for part in column.name.split("@"))
        assert max(cell_len(line) for line in text.splitlines()) <= width
        table = text.split("[low, high]")[0]
        assert max(cell_len(line) for line in table.splitlines()) <= tables.WIDTH

    def test_says_everything(self, board):
        text = tables.to_text(board)
        for column in wording.headline_columns(board):
            assert column.name in text
        assert "clipped" not in text.split("Notes")[0]  # not a headline field
        assert re.search(r"songbloom +16/16 +\d+\.\d \[\d+\.\d, \d+\.\d\] +ab ★", text)
        assert re.search(r"rulebased +16/16 +\d+\.\d \[.*?\] +d +12/16", text)
        assert "我的模型" in text and "songbench setup muq-mulan" in text
        assert "rulebased, per@whisper-base-stem: stem separation ran out of memory" in text

    def test_competitors_and_sanity_are_apart(self, board):
        lines = tables.to_text(board).splitlines()
        rulebased = next(number for number, line in enumerate(lines) if line.startswith("  rulebased"))
        assert set(lines[rulebased + 1].strip()) == {"─"} and lines[rulebased + 2].startswith("  silence")

    def test_legend_explains_the_marks_that_occur_and_no_others(self, board):
        everything = " ".join(wording.legend(board))
        assert all(mark in everything for mark in ("[low, high]", "★", "n/N", "n/a", "failed", "↑ ↓", "Sanity"))
        plain = " ".join(wording.legend(simple_board({"s": [1.0]}, Field("m"))))
        assert not any(mark in plain for mark in ("[low, high]", "★:", "n/N", "n/a", "failed", "Sanity"))

    def test_n_a_says_why(self, board):
        text = " ".join(tables.to_text(board).split())
        assert "rtf, peak_gib: nothing was generated (silence, noise, copy_prompt, reference)" in text
        assert "similarity@musicnn, copied@musicnn, lufs: silent (silence)" in text
        assert "per@whisper-base-stem: no vocals (rulebased 2/16)" in text

    def test_many_failures_are_cut_with_a_pointer(self, board):
        many = tuple(board.failures[0]._replace(cause=f"cause {number}") for number in range(20))
        text = tables.to_text(dataclasses.replace(board, failures=many))
        assert "cause 7" in text and "cause 8" not in text and "12 more, in leaderboard.md" in text

    def test_a_board_without_columns_prints(self, board):
        assert "songbloom" in tables.to_text(dataclasses.replace(board, columns=(), comparisons=()))


@pytest.mark.parametrize(
    ("value", "decimals", "text"), [(-0.001, 1, "0.0"), (-0.06, 1, "-0.1"), (12.345, 2, "12.35"), (7.4, 0, "7")]
)
def test_numbers_have_the_decimals_of_their_field(value, decimals, text):
    assert wording.number(value, Field("m", decimals=decimals)) == text


class TestMarkdown:
    def test_tables_are_well_formed(self, board):
        blocks = re.findall(r"(?:^\|.*\n)+", tables.to_markdown(board), re.MULTILINE)
        assert len(blocks) > 3
        for block in blocks:
            cells = [len(re.findall(r"(?<!\\)\|", line)) for line in block.splitlines()]
            assert len(set(cells)) == 1

    def test_best_is_bold_and_sanity_is_in_italics(self, board):
        text = tables.to_markdown(board)
        assert re.search(r"\| songbloom \| 16/16 \| \*\*\d+\.\d\*\* \[", text)
        assert "| *reference* |" in text and "| *songbloom* |" not in text

    def test_n_a_says_why(self, board):
        section = tables.to_markdown(board).split("## Not applicable")[1].split("##")[0]
        assert "- similarity@musicnn, copied@musicnn, lufs: silent (silence)" in section.splitlines()
        assert "## Not applicable" not in tables.to_markdown(simple_board({"s": [1.0, 2.0]}))

    def test_many_reasons_are_cut(self):
        board = simple_board({"s": [1.0, *(NotApplicable(f"reason {number}") for number in range(5))]})
        assert "- m@b: reason 0; reason 1; … (s 5/6)" in tables.to_markdown(board)

    def test_names_the_machine(self, run):
        run_on_machine = dataclasses.replace(run, machine="AMD EPYC (x86_64, AVX2), 2 cores")
        board = build_leaderboard(run_on_machine, replicates=10)
        assert "- Made on: AMD EPYC (x86_64, AVX2), 2 cores." in tables.to_markdown(board)
        assert json.loads(export.to_json(board))["machine"] == run_on_machine.machine
        assert "Made on" not in tables.to_markdown(build_leaderboard(run, replicates=10))

    def test_special_characters_are_escaped(self):
        board = simple_board({"a|b*c": [1.0, 2.0]})
        assert r"a\|b\*c" in tables.to_markdown(board)

    def test_every_pair_is_there(self, board):
        assert tables.to_markdown(board).count("| songbloom | silence |") == 1  # per; silence has no other number
        assert tables.to_markdown(board).count(": every pair</summary>") == 5  # headline columns


class TestLatex:
    def test_names_and_units_are_escaped(self, board):
        text = tables.to_latex(board)
        assert r"yue\_7b" in text and r"copy\_prompt" in text and r"peak\_gib" in text and r"\% $\downarrow$" in text
        assert "per@whisper-base-stem" in text and "我的模型" in text
        body = "\n".join(line for line in text.splitlines() if not line.startswith("%"))
        assert not re.search(r"(?<!\\)[_#%^~]", body.replace(r"\\~", ""))

    def test_n_a_says_why(self, board):
        assert r"rtf, peak\_gib: nothing was generated (silence, noise, copy\_prompt, reference)" in tables.to_latex(
            board
        )

    def test_braces_and_environments_balance(self, board):
        text = tables.to_latex(board)
        assert text.count("{") == text.count("}")
        assert re.findall(r"\\begin\{(\w+)", text)[1:] == re.findall(r"\\end\{(\w+)", text)[:-1]

    def test_every_line_has_the_columns_of_its_tabular(self, board):
        for layout, body in re.findall(r"begin\{tabular\}\{(\w+)\}(.*?)\\end", tables.to_latex(board), re.DOTALL):
            for line in body.splitlines():
                if "&" in line:
                    assert len(re.findall(r"(?<!\\)&", line)) == len(layout) - 1

    def test_best_is_bold_and_minus_is_a_minus(self, board):
        text = tables.to_latex(board)
        assert re.search(r"songbloom & 16/16 & \\textbf\{\d", text)
        assert "$-$14" in text

    def test_every_special_character(self):
        assert tables.to_latex(simple_board({r"&%$#_{}\\~^[<": [1.0]})).count(
            r"\&\%\$\#\_\{\}\textbackslash{}\textbackslash{}\textasciitilde{}\textasciicircum{}{[}$<$"
        )


class TestCsv:
    def test_reads_back(self, board):
        frame = pd.read_csv(io.StringIO(export.to_csv(board)), keep_default_na=False, na_values=[""])
        assert list(frame.columns) == list(board.to_frame().columns)
        for name in ("value", "low", "high", "n", "n_failed"):
            pd.testing.assert_series_equal(
                frame[name].astype(float), board.to_frame()[name].astype(float), check_exact=False, rtol=1e-9
            )
        assert frame["best"].dtype == bool
        cell = frame[(frame["system"] == "我的模型") & (frame["column"] == "fad@musicnn")].iloc[0]
        assert (cell["n"], cell["n_pending"], cell["n_possible"], cell["kind"]) == (14, 2, 16, "set")

    def test_songs_read_back_to_the_figures(self, board):
        frame = pd.read_csv(io.StringIO(export.scores_to_csv(board)))
        per = frame[(frame["system"] == "yue_7b") & (frame["column"] == "per@whisper-base-stem")]
        micro = (per["value"] * per["weight"]).sum() / per["weight"].sum()
        assert len(per) == 14
        assert micro == pytest.approx(board.rows[1].cells["per@whisper-base-stem"].value)

    def test_causes_with_commas_survive(self):
        board = simple_board({"s": [NotApplicable('a, "b"'), 1.0]})
        line = next(csv.DictReader(io.StringIO(export.to_csv(board))))
        assert line["reason"] == '1 not applicable (a, "b")'


class TestJson:
    def test_has_everything(self, board):
        value = json.loads(export.to_json(board))
        assert value["schema"] == "songbench.leaderboard/1"
        assert sorted(value) == [
            "columns", "comparisons", "failures", "machine", "notes", "rows", "schema", "settings", "suite",
            "unavailable", "variance",
        ]  # fmt: skip
        assert value["suite"] == {"name": "demo", "version": "1", "prompts": 8, "takes": 2}
        assert len(value["comparisons"]) == len(board.comparisons)
        first = value["rows"][0]
        assert first["songs"] == {"asked": 16, "done": 16, "failed": 0, "pending": 0} and first["completion"] == 1
        assert first["cells"]["per@whisper-base-stem"]["best"] is True
        assert first["cells"]["per@whisper-base-stem"]["value"] == pytest.approx(
            board.rows[0].cells["per@whisper-base-stem"].value, rel=1e-9
        )
        silence = next(row for row in value["rows"] if row["system"]["name"] == "silence")
        assert silence["cells"]["fad@musicnn"]["status"] == "failed"
        assert silence["cells"]["rtf"]["status"] == "not applicable"

    def test_keys_are_sorted_and_rounding_dust_is_gone(self, board):
        text = export.to_json(board)
        assert text == json.dumps(json.loads(text), indent=1, sort_keys=True, ensure_ascii=False) + "\n"
        assert not re.search(r"\d\.\d{17}", text)


class TestReport:
    FORMATS = ("csv", "html", "json", "md", "tex", "txt")

    @pytest.fixture(scope="class")
    def paths(self, board, tmp_path_factory):
        """A folder's files with nothing else in it, which nobody changes."""
        return write_report(board, tmp_path_factory.mktemp("deep") / "report", figures=FORMATS)

    def test_writes_every_file_and_nothing_else(self, board, paths):
        folder = paths[0].parent
        present = {path for path in folder.parent.rglob("*") if path.is_file()}
        assert set(paths) == present - {folder / "SHA256SUMS"} != present
        names = [f"leaderboard.{name}" for name in registry.names(registry.REPORTS)]
        assert {f"leaderboard.{name}" for name in self.FORMATS} <= set(names)
        tables_of_songs = ["scores.csv", "songs.csv", "songs.json"]
        assert [path.name for path in paths[: len(names) + 3]] == [*names, *tables_of_songs]
        pictures = pictures_of(board)
        assert len(paths) == len(names) + 3 + 3 * len(pictures)
        assert [path.name for path in paths[len(names) + 3 :][:3]] == [f"{pictures[0].name}.{e}" for e in FORMATS]

    def test_markdown_points_at_the_figures(self, paths):
        folder = paths[0].parent
        targets = re.findall(r"!\[.*?\]\((.*?)\)", (folder / "leaderboard.md").read_text(encoding="utf-8"))
        assert len(targets) == 8 and all((folder / target).is_file() for target in targets)

    def test_same_scores_same_bytes_in_another_process(self, paths, tmp_path):
        """Also where sets are in another order, by the seed of hashes."""
        code = (
            "import sys; sys.path.insert(0, sys.argv[1]); from made_up_run import full_run\n"
            "from songbench.reporting.leaderboard import build_leaderboard\n"
            "from songbench.reporting.report import write_report\n"
            "from songbench.reporting.figures.files import FORMATS\n"
            "write_report(build_leaderboard(full_run(), replicates=500), sys.argv[2], figures=FORMATS)\n"
        )
        path = os.pathsep.join(map(str, (FOLDER.parents[1], FOLDER.parent / "plugins")))
        subprocess.run(
            [sys.executable, "-c", code, str(FOLDER), str(tmp_path)],
            env={"PYTHONHASHSEED": "1", "PATH": "", "PYTHONPATH": path, "XDG_CACHE_HOME": str(tmp_path / "cache")},
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        for path in paths:
            assert (tmp_path / path.relative_to(paths[0].parent)).read_bytes() == path.read_bytes()

    def test_holds_no_path_of_this_machine(self, paths):
        for path in paths:
            assert str(paths[0].parent).encode() not in path.read_bytes()

    def test_a_failed_write_leaves_the_old_file(self, board, paths, tmp_path, monkeypatch):
        shutil.copytree(paths[0].parent, tmp_path, dirs_exist_ok=True)
        before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}

        def full(self, target):
            raise OSError(28, "No space left on device")

        monkeypatch.setattr("pathlib.Path.replace", full)
        monkeypatch.setattr("songbench.reporting.report.pictures_of", lambda *_, **__: [])  # nothing of them is written
        with pytest.raises(StoreWriteError, match="No space"):
            write_report(dataclasses.replace(board, notes=("new",)), tmp_path)
        assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_importing_the_room_loads_nothing_heavy():
    code = (
        "import sys, songbench.reporting.report, songbench.reporting.leaderboard; "
        "print([name for name in ('pandas', 'matplotlib', 'scipy', 'rich', 'torch') if name in sys.modules])"
    )
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert process.stdout.strip() == "[]"


def test_scores_are_lines_as_the_csv_module_writes_them():
    results = full_run()
    names = dict(
        zip((prompt.id for prompt in results.suite.prompts), ('a,"b"', "c\nd", " e", "我", "f;g"), strict=False)
    )

    def renamed(songs):
        return {song._replace(prompt=names.get(song.prompt, song.prompt)): content for song, content in songs.items()}

    results = dataclasses.replace(
        results,
        songs=renamed(results.songs),
        suite=dataclasses.replace(
            results.suite,
            prompts=tuple(dataclasses.replace(p, id=names.get(p.id, p.id)) for p in results.suite.prompts),
        ),
        metrics=tuple(dataclasses.replace(metric, songs=renamed(metric.songs)) for metric in results.metrics),
    )
    board = build_leaderboard(results, replicates=20)
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(("system", "column", "prompt", "take", "value", "weight"))
    for row in board.rows:
        for column in board.columns:
            for point in row.cells[column.name].points:
                numbers = [export.rounded(point.value), export.rounded(point.weight)]
                writer.writerow((row.system.name, column.name, point.prompt, point.take, *numbers))
    assert export.scores_to_csv(board) == stream.getvalue() and '"a,""b"""' in stream.getvalue()
    assert export.scores_to_csv(dataclasses.replace(board, rows=())) == ""
