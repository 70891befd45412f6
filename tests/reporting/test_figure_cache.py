from dataclasses import dataclass, replace

import pytest
from matplotlib.figure import Figure

from songbench.reporting.figures import cache, gallery
from songbench.reporting.figures.frame import new_figure

CALLS = []


@dataclass(frozen=True)
class Bar:
    name: str
    height: float


def draw(title: str, bars: list[Bar]) -> Figure:
    CALLS.append(title)
    figure = new_figure(2, 1)
    axes = figure.add_subplot()
    axes.bar([bar.name for bar in bars], [bar.height for bar in bars])
    axes.set_title(title)
    return figure


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(cache, "_folder", lambda: tmp_path / "figures")
    CALLS.clear()
    return tmp_path / "figures"


DATA = ("heights", [Bar("a", 1.0), Bar("b", 2.5)])


def test_the_same_data_are_drawn_once():
    first = cache.figure_files(draw, DATA, ["svg", "png"])
    again = cache.figure_files(draw, ("heights", [Bar("a", 1.0), Bar("b", 2.5)]), ["png", "svg"])
    assert first == again
    assert list(again) == ["png", "svg"]
    assert CALLS == ["heights"]
    assert first["png"].startswith(b"\x89PNG") and b"<svg" in first["svg"]


def test_another_number_or_text_is_another_figure():
    cache.figure_files(draw, DATA, ["svg"])
    finer = cache.figure_files(draw, ("heights", [Bar("a", 1.0), Bar("b", 2.5000000001)]), ["svg"])
    cache.figure_files(draw, ("widths", DATA[1]), ["svg"])
    assert CALLS == ["heights", "heights", "widths"]
    assert finer["svg"]


def test_another_format_is_added():
    cache.figure_files(draw, DATA, ["svg"])
    assert cache.figure_files(draw, DATA, ["svg", "pdf"])["pdf"].startswith(b"%PDF")
    assert len(CALLS) == 2


@pytest.mark.parametrize("harm", [lambda data: data[:40], lambda data: data[:-1] + b"?", lambda data: b""])
def test_a_damaged_file_is_drawn_again(folder, harm):
    files = cache.figure_files(draw, DATA, ["png"])
    (path,) = folder.iterdir()
    path.write_bytes(harm(path.read_bytes()))
    assert cache.figure_files(draw, DATA, ["png"]) == files
    assert len(CALLS) == 2
    assert cache.figure_files(draw, DATA, ["png"]) == files
    assert len(CALLS) == 2


def test_where_nothing_can_be_kept_figures_are_drawn_all_the_same(folder):
    folder.write_text("a file where the folder should be")
    assert cache.figure_files(draw, DATA, ["png"]) == cache.figure_files(draw, DATA, ["png"])
    assert len(CALLS) == 2


def test_the_least_recently_used_half_makes_way(folder, monkeypatch):
    monkeypatch.setattr(cache, "MOST_FILES", 4)
    for number in range(5):
        cache.figure_files(draw, (f"figure {number}", DATA[1]), ["svg"])
    assert len(list(folder.iterdir())) == 3
    cache.figure_files(draw, ("figure 4", DATA[1]), ["svg"])
    assert len(CALLS) == 5


def test_a_leaderboard_is_drawn_again_only_where_a_figure_of_it_changed(board, monkeypatch):
    first = {picture.name: picture.files for picture in gallery.pictures_of(board, ["svg"])}
    columns = []
    real = gallery.intervals
    monkeypatch.setattr(gallery, "intervals", lambda *data: columns.append(data[1].name) or real(*data))
    monkeypatch.setattr(gallery.intervals, "__module__", real.__module__)
    monkeypatch.setattr(gallery.intervals, "__qualname__", real.__qualname__)
    assert {p.name: p.files for p in gallery.pictures_of(replace(board, notes=("!",)), ["svg"])} == first
    assert not columns
    column = next(column.name for column in gallery.columns_with_figure(board))
    row = board.rows[0]
    cell = replace(row.cells[column], value=row.cells[column].value + 1)
    changed = replace(board, rows=(replace(row, cells={**row.cells, column: cell}), *board.rows[1:]))
    gallery.pictures_of(changed, ["svg"])
    assert columns == [column]
