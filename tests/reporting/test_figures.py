"""What the figures of a leaderboard hold, and that their files are the same for the same leaderboard."""

import warnings
from dataclasses import replace

import matplotlib
import numpy as np
import pytest
from made_up_run import RTF, full_run, make_suite, set_run, simple_board

from songbench.api.plots import Plots
from songbench.contracts.cards import READY, Field, MetricCard, SystemCard
from songbench.domain.errors import InputError, StoreWriteError
from songbench.domain.score import Scores
from songbench.execution.results import MetricResults, RunResults, SongId
from songbench.reporting.figures import files, style
from songbench.reporting.figures.error_parts import columns_with_parts, error_parts
from songbench.reporting.figures.gallery import pictures_of
from songbench.reporting.figures.intervals import (
    axis_of,
    columns_side_by_side,
    columns_with_figure,
    intervals,
    scored,
)
from songbench.reporting.figures.prompts import columns_by_prompt, prompts
from songbench.reporting.figures.quality_speed import pareto_front, quality_columns, quality_speed
from songbench.reporting.figures.structure import metrics_with_structure, structure
from songbench.reporting.leaderboard import build_leaderboard

PER = Field("per", unit="%", direction="lower", low=0, decimals=1)
PER_SET = Field("m", unit="", direction="lower")


def parts_field(name, direction="none"):
    return Field(name, unit="%", direction=direction, low=0, decimals=1, headline=direction != "none")


PARTED = MetricCard(
    name="per", backend="b", version="1", summary=".",
    fields=(parts_field("per", "lower"), *map(parts_field, ("sub", "del", "ins"))),
)  # fmt: skip
SER = MetricCard(name="ser", backend="b", version="1", fields=(parts_field("ser", "lower"),), summary=".")


def parted_run(systems, sanity=("noise",), aligned=True, faster=1.0):
    """PER with its parts, SER with its sections, speed: two prompts and takes; the n-th system errs n times as much."""
    suite = make_suite(2, ())
    songs = [SongId(name, prompt.id, take) for name in systems for prompt in suite.prompts for take in (0, 1)]
    scores = {card.id: {} for card in (PARTED, SER, RTF)}
    sections = {"found": [["verse", 0, 30], ["inst", 30, 40]]}
    sections |= {"aligned": ["verse", "chorus"], "left_out": [["outro", 5.0]]} if aligned else {}
    for song in songs:
        factor = 20 if song.system in sanity else systems.index(song.system) + 1 + 0.1 * song.take
        values = {"sub": 1.0 * factor, "del": 2.0 * factor, "ins": 0.5 * factor}
        scores[PARTED.id][song] = Scores(values=values | {"per": sum(values.values())})
        scores[SER.id][song] = Scores(values={"ser": 25.0}, detail=sections)
        scores[RTF.id][song] = Scores(values={"rtf": 0.1 * factor**faster}, missing={"peak_gib": "not measured"})
    return RunResults(
        suite=suite, takes=2, songs=dict.fromkeys(songs, "done"),
        systems=tuple(
            SystemCard(name=name, version="1", summary=".", licence="MIT", sanity=name in sanity) for name in systems
        ),
        metrics=tuple(
            MetricResults(card=card, availability=READY, songs=scores[card.id], sets={}) for card in (PARTED, SER, RTF)
        ),
    )  # fmt: skip


def parted_board(systems=("a", "b", "noise"), **options):
    facet = options.pop("facet", None)
    return build_leaderboard(parted_run(systems, **options), replicates=20, facet=facet)


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

    def test_a_set_metric_has_no_figure_by_parts(self):
        songs = {SongId("a", f"p{number:02d}", 0): "done" for number in (1, 2)}
        run = set_run({"a": Scores(values={"m": 3.0}, n=2)}, PER_SET, songs)
        tagged = (replace(prompt, tags={"genre": prompt.id}) for prompt in run.suite.prompts)
        board = build_leaderboard(replace(run, suite=replace(run.suite, prompts=tuple(tagged))), facet="genre")
        assert columns_with_figure(board) and not scored(board, board.columns[0])
        assert [picture.name for picture in pictures_of(board, ())] == ["m-b"]

    def test_parts_share_the_axis(self):
        complete, part = board_of(("a", "b")), board_of(("a", "b"), songs=3)
        figure = intervals(complete, complete.columns[0], {"English": part, "Mandarin": complete})
        assert figure.axes[0].get_xlim() == figure.axes[1].get_xlim()
        assert {"English", "Mandarin"} <= set(texts(figure))

    def test_an_interval_far_beyond_the_songs_is_cut(self):
        board = simple_board({"a": [10.0, 90.0], "b": [20.0, 30.0]}, PER)
        axes = intervals(board, board.columns[0]).axes[0]
        assert board.rows[0].cells["per@b"].high > 200 > axes.get_xlim()[1]
        assert any("cut at the edge" in text for text in texts(axes.figure))

    def test_several_columns_have_axes_of_their_own(self, board):
        figure = columns_side_by_side(board, columns_with_figure(board)[:2])
        assert figure.axes[0].get_xlim() != figure.axes[1].get_xlim()
        assert {"per@whisper-base-stem % ↓", "similarity@musicnn ↑"} <= set(texts(figure))

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


class TestErrorParts:
    def test_the_bars_are_the_numbers_of_the_table(self):
        board = parted_board()
        (column,) = columns_with_parts(board)
        figure = error_parts(board, column)
        widths = {}
        for bar in figure.axes[0].patches:
            widths.setdefault(round(bar.get_y() + bar.get_height() / 2), []).append(bar.get_width())
        for y, row in enumerate(board.rows):
            assert widths[y] == pytest.approx([row.cells[f"{part}@b"].value for part in ("sub", "del", "ins")])
            assert f"{row.cells['per@b'].value:.1f}" in texts(figure)
        low, high = figure.axes[0].get_xlim()
        assert low == 0 and board.rows[1].cells["per@b"].value < high < board.rows[2].cells["per@b"].value
        assert any(line.get_marker() == ">" for line in figure.axes[0].lines)
        assert [text.get_text() for text in figure.legends[0].get_texts()] == [
            "substitutions", "deletions", "insertions",
        ]  # fmt: skip
        hatches = {bar.get_hatch() for bar in figure.axes[0].patches}
        assert len(hatches) == 3, "told apart without colours"

    def test_a_panel_for_each_part_of_the_run(self):
        board = parted_board(facet="language")
        figure = error_parts(board, columns_with_parts(board)[0], board.tables)
        assert len(figure.axes) == len(board.tables) > 0

    def test_a_rate_without_parts_has_no_figure(self, board):
        assert columns_with_parts(board) == []


class TestStructure:
    def test_a_row_of_the_matrix_is_where_the_time_went(self):
        board = parted_board(("a",))
        (table,) = board.structures
        assert table.n == 4 and table.share("verse", "verse") == 1 and table.share("chorus", "inst") == 1
        assert table.share("outro", None) == 1 and table.share("bridge", "bridge") is None
        for tag in table.requested:
            assert sum(table.share(tag, label) for label in (*table.labels, None)) == pytest.approx(1)
        figure = structure(board, metrics_with_structure(board)[0])
        axes = figure.axes[0]
        assert [label.get_text() for label in axes.get_yticklabels()] == ["verse", "chorus", "outro"]
        assert [label.get_text() for label in axes.get_xticklabels()] == ["verse", "inst", "missing"]
        numbers = {
            (round(t.get_position()[1]), round(t.get_position()[0])) for t in axes.texts if t.get_text() == "100"
        }
        assert numbers == {(0, 0), (1, 1), (2, 2)} and "  25.0 %" in texts(figure)

    def test_scores_without_an_alignment_have_none(self, board):
        assert metrics_with_structure(parted_board(aligned=False)) == []
        assert metrics_with_structure(board) == []


class TestQualityAndSpeed:
    def test_each_competitor_is_at_its_numbers_and_the_front_joins_the_best(self):
        board = parted_board(("a", "b", "c", "noise"), faster=-1.0)
        columns = {column.name: column for column in quality_columns(board)}
        assert list(columns) == ["per@b", "ser@b"]
        axes = quality_speed(board, columns["per@b"]).axes[0]
        places = [(row.cells["rtf"].value, row.cells["per@b"].value) for row in board.rows[:3]]
        points = [(line.get_xdata()[0], line.get_ydata()[0]) for line in axes.lines if len(line.get_xdata()) == 1]
        assert points == places and axes.get_xscale() == "log"
        front = next(line for line in axes.lines if len(line.get_xdata()) == 3)
        assert sorted(zip(front.get_xdata(), front.get_ydata(), strict=True)) == sorted(places)
        markers = {line.get_marker() for line in axes.lines if len(line.get_xdata()) == 1}
        assert len(markers) == 3, "told apart without colours"

    def test_there_is_none_without_speed(self):
        board = simple_board({"a": [1.0, 2.0], "b": [2.0, 3.0]})
        assert quality_columns(board) == []

    def test_the_front(self):
        points = [(1.0, 5.0), (2.0, 3.0), (2.0, 4.0), (3.0, 3.0), (4.0, 1.0)]
        assert pareto_front(points, higher=False) == [0, 1, 4]
        assert pareto_front(points, higher=True) == [0]

    def test_names_of_many_systems_do_not_cover_each_other(self):
        board = parted_board([f"system-{number}" for number in range(12)], sanity=())
        figure = quality_speed(board, quality_columns(board)[0])
        figure.draw_without_rendering()
        boxes = [t.get_window_extent().padded(-1) for t in figure.axes[0].texts if t.get_text().startswith("system")]
        assert len(boxes) == 12
        assert not any(a.overlaps(b) for place, a in enumerate(boxes) for b in boxes[:place])
        narrow = quality_speed(board, quality_columns(board)[0], style.COLUMN)
        assert len(narrow.legends[0].get_texts()) == 12 and not narrow.axes[0].texts


class TestPrompts:
    def test_every_panel_has_the_prompts_from_easy_to_hard(self):
        board = simple_board({"a": [9.0, 1.0, 5.0], "b": [8.0, 2.0, 4.0]}, PER)
        figure = prompts(board, columns_by_prompt(board)[0])
        assert len(figure.axes) == 2
        for axes in figure.axes:
            assert [label.get_text() for label in axes.get_xticklabels()] == ["p02", "p03", "p01"]
        background, songs = figure.axes[0].lines
        assert sorted(zip(songs.get_xdata(), songs.get_ydata(), strict=True)) == [(0, 1.0), (1, 5.0), (2, 9.0)]
        assert sorted(background.get_ydata()) == [2.0, 4.0, 8.0]

    def test_many_prompts_are_means_over_takes(self):
        board = build_leaderboard(full_run(prompts=50), replicates=5)
        column = columns_by_prompt(board)[0]
        means = prompts(board, column).axes[0].lines[-1]
        assert len(means.get_xdata()) == 50

    def test_one_prompt_has_nothing_to_be_told_apart(self):
        assert columns_by_prompt(simple_board({"a": [1.0]})) == []


class TestGallery:
    def test_a_report_has_what_there_is(self):
        names = [picture.name for picture in pictures_of(parted_board(facet="language"), ["svg"])]
        assert names == [
            "per-b", "per-b-by-language", "ser-b", "ser-b-by-language", "rtf", "rtf-by-language", "error-parts-per-b",
            "error-parts-per-b-by-language", "structure-ser-b", "speed-per-b", "speed-ser-b",
        ]  # fmt: skip

    def test_a_single_system_has_no_plane(self):
        pictures = pictures_of(parted_board(("a",)), [])
        assert not any(picture.name.startswith("speed") for picture in pictures)
        assert pictures[0].alt == "per@b, lower is better: a 3.7" and list(pictures[0].files) == ["png"]


class TestPlots:
    """``run.plot`` of a run that is made up."""

    @pytest.fixture(scope="class")
    def plots(self):
        return Plots(lambda facet, systems: parted_board(systems or ("a", "b", "noise"), facet=facet))

    def test_each_gives_a_figure(self, plots):
        assert len(plots.intervals("per").axes) == 1
        assert len(plots.intervals("per", "ser").axes) == 2 and len(plots.intervals().axes) == 3
        assert plots.intervals("per", facet="language", sheet="column").get_size_inches()[0] == 3.4
        assert len(plots.structure(systems=["a"]).axes) == 1
        for figure in (plots.quality_speed(), plots.error_parts("per"), plots.prompts("ser@b")):
            assert isinstance(figure, matplotlib.figure.Figure)

    @pytest.mark.parametrize(
        ("call", "message"),
        [
            (lambda plots: plots.intervals("pre"), "no column 'pre'. Did you mean 'per'"),
            (lambda plots: plots.intervals("peak_gib"), "no number"),
            (lambda plots: plots.intervals("per", "ser", facet="language"), "one column at a time"),
            (lambda plots: plots.quality_speed("rtf"), "'rtf' is no column to be drawn against speed.*per@b"),
            (lambda plots: plots.structure("ser@x"), "Did you mean 'ser@b'"),
            (lambda plots: plots.error_parts("ser"), "is no column of phoneme errors"),
            (lambda plots: plots.prompts(sheet="pages"), "Did you mean 'page'"),
        ],
    )
    def test_a_bad_name_is_named_with_the_nearest(self, plots, call, message):
        with pytest.raises(InputError, match=message):
            call(plots)


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
