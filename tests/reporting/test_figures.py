"""What the figures of a leaderboard hold, and that their files are the same for the same leaderboard."""

import subprocess
import sys
import warnings
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from made_up_run import full_run, simple_board

from songbench.contracts.cards import Field
from songbench.domain.errors import InputError, StoreWriteError
from songbench.reporting.figures import files, style
from songbench.reporting.figures.intervals import axis_of, columns_with_figure, intervals
from songbench.reporting.leaderboard import build_leaderboard

PER = Field("per", unit="%", direction="lower", low=0, decimals=1)


@pytest.fixture(scope="module")
def board():
    return build_leaderboard(full_run(), replicates=200)


def board_of(names, sanity=(), songs=6, **options):
    rng = np.random.default_rng(3)
    level = {"noise": 250.0, "reference": 9.0}
    values = {name: list(rng.normal(level.get(name, 10.0 + 2 * place), 2, songs)) for place, name in enumerate(names)}
    return simple_board(values, PER, sanity=sanity, **options)


def texts(figure):
    """Every text that is shown, of the figure and of its axes."""
    labels = [text.get_text() for text in figure.texts]
    for axes in figure.axes:
        labels += [text.get_text() for text in [*axes.texts, *axes.get_yticklabels(), *axes.get_xticklabels()]]
        labels += [axes.get_title(loc="left"), axes.get_xlabel(), axes.get_ylabel()]
    return [text for text in labels if text]


def lines_at(axes, y):
    """The lines of a row: intervals and marks."""
    return [line for line in axes.lines if set(line.get_ydata()) == {y}]


class TestIntervals:
    def test_one_per_ranked_headline_column(self, board):
        assert [column.name for column in columns_with_figure(board)] == [
            "per@whisper-base-stem", "similarity@musicnn", "fad@musicnn", "rtf", "peak_gib",
        ]  # fmt: skip

    def test_the_competitors_fill_the_axis_and_noise_is_a_mark_at_its_edge(self):
        board = board_of(("a", "b", "noise", "reference"), sanity=("noise", "reference"))
        axes = intervals(board, board.columns[0]).axes[0]
        low, high = axes.get_xlim()
        cells = [row.cells["per@b"] for row in board.rows]
        ends = [x for cell in cells[:2] for x in (cell.low, cell.high)]
        assert low < min(ends) and max(ends) < high < 30
        assert (max(ends) - min(ends)) > 0.5 * (high - low)
        (mark,) = lines_at(axes, 2)
        assert mark.get_marker() == ">" and low < mark.get_xdata()[0] < high
        assert f"{cells[2].value:.1f}" in texts(axes.figure)
        bar, dot = lines_at(axes, 3)
        assert list(bar.get_xdata()) == [cells[3].low, cells[3].high] and dot.get_xdata() == [cells[3].value]

    def test_without_competitors_the_sanity_systems_fill_it(self):
        board = board_of(("noise", "reference"), sanity=("noise", "reference"))
        low, high = intervals(board, board.columns[0]).axes[0].get_xlim()
        assert low < 9 and high > 250

    @pytest.mark.parametrize("count", [1, 3, 15])
    def test_a_row_for_each_system(self, count):
        board = board_of([f"system-{number}" for number in range(count)])
        figure = intervals(board, board.columns[0])
        axes = figure.axes[0]
        assert [label.get_text() for label in axes.get_yticklabels()] == [row.system.name for row in board.rows]
        assert all(len(lines_at(axes, y)) == 2 for y in range(count))
        labels = texts(figure)
        assert {f"{row.cells['per@b'].value:.1f}" for row in board.rows} <= set(labels)
        assert "[%]  ↓ lower is better" in labels and ("n" in labels) and ("group" in labels) == (count > 1)

    @pytest.mark.parametrize("values", [{"s": [1.0]}, {"s": [0.0, 0.0]}, {"s": [1.0, 1.1, 1e6], "t": [1.0, 1.2, 1.1]}])
    def test_odd_values_draw(self, values):
        board = simple_board(values)
        assert files.encoded(intervals(board, board.columns[0]), "svg")

    def test_far_songs_are_counted_and_not_drawn(self):
        board = simple_board({"s": [*([1.0, 1.2] * 30), 4.0]})
        figure = intervals(board, board.columns[0])
        assert any("(1 further out)" in text for text in texts(figure))
        axis = axis_of(board.rows, board.columns[0])
        assert 0 < axis.low < 1 and 1.2 < axis.high < 4
        assert len(figure.axes[0].collections[0].get_offsets()) == 60

    def test_parts_share_the_axis(self):
        complete, part = board_of(("a", "b")), board_of(("a", "b"), songs=3)
        figure = intervals(complete, complete.columns[0], {"English": part, "Mandarin": complete})
        assert figure.axes[0].get_xlim() == figure.axes[1].get_xlim()
        assert {"English", "Mandarin"} <= set(texts(figure))

    def test_nothing_is_outside_of_the_figure(self):
        """Long names are shortened; every text lies within the page."""
        board = board_of(["a-system-with-a-very-long-name:and-a-variant-0713" + "x" * 40, "b"], songs=12)
        for sheet in style.SHEETS.values():
            figure = intervals(board, board.columns[0], sheet=sheet)
            assert figure.get_size_inches()[0] == sheet.width
            figure.draw_without_rendering()
            width, height = figure.get_size_inches() * figure.dpi
            for text in figure.findobj(matplotlib.text.Text):
                box = text.get_window_extent()
                if text.get_text() and text.get_visible():
                    assert box.x0 > -1 and box.y0 > -1 and box.x1 < width + 1 and box.y1 < height + 1, text.get_text()


class TestFiles:
    def test_the_same_whatever_the_user_configured(self, board):
        column = columns_with_figure(board)[0]
        plain = files.encoded(intervals(board, column), "png")
        with matplotlib.rc_context({"font.size": 20, "axes.facecolor": "red"}):
            before = dict(matplotlib.rcParams)
            assert files.encoded(intervals(board, column), "png") == plain
            assert dict(matplotlib.rcParams) == before

    def test_chinese_names_and_dollars_draw_without_warnings(self):
        board = board_of(["我的歌曲生成模型", "$a$b"])
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            figure = intervals(board, board.columns[0])
            svg = {ending: files.encoded(figure, ending) for ending in files.FORMATS}["svg"].decode()
        assert ">我的歌曲生成模型</text>" in svg and ">$a$b</text>" in svg and "sans-serif" in svg

    def test_the_same_bytes_in_another_process(self, tmp_path):
        code = (
            "import sys; sys.path.insert(0, sys.argv[1]); from test_figures import *\n"
            "board = board_of(['a', 'b'])\n"
            "for ending in files.FORMATS: files.save(intervals(board, board.columns[0]), f'{sys.argv[2]}/f.{ending}')\n"
        )
        subprocess.run([sys.executable, "-c", code, str(Path(__file__).parent), str(tmp_path)], check=True)
        board = board_of(["a", "b"])
        figure = intervals(board, board.columns[0])
        for ending in files.FORMATS:
            assert (tmp_path / f"f.{ending}").read_bytes() == files.encoded(figure, ending)

    def test_another_ending_is_refused_and_a_bad_folder_named(self, board, tmp_path):
        figure = intervals(board, columns_with_figure(board)[0])
        with pytest.raises(InputError, match=r"'gif'.*png"):
            files.save(figure, tmp_path / "a.gif")
        (tmp_path / "file").touch()
        with pytest.raises(StoreWriteError, match="cannot be written"):
            files.save(figure, tmp_path / "file" / "a.svg")

    def test_shows_itself_in_a_notebook(self, board):
        assert intervals(board, columns_with_figure(board)[0])._repr_png_().startswith(b"\x89PNG")


def test_a_series_has_a_look_of_its_own():
    assert len({style.look(number) for number in range(64)}) == 64
