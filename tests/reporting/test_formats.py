"""Formats of the leaderboard: entry points, of other packages too."""

import pytest
from made_up_run import simple_board

from songbench.contracts import registry
from songbench.contracts.registry import PluginError
from songbench.domain.errors import SongbenchError
from songbench.reporting.formats import LeaderboardReport, render
from songbench.reporting.report import write_report

BOARD = simple_board({"s": [1.0, 2.0]})
REPORT = LeaderboardReport(board=BOARD)


def test_a_format_of_another_package_is_written_and_listed(tmp_path):
    assert "probe" in registry.names(registry.REPORTS)
    paths = write_report(BOARD, tmp_path)
    assert tmp_path / "leaderboard.probe" in paths
    assert (tmp_path / "leaderboard.probe").read_text() == "1 systems, 1 columns\n"
    assert "leaderboard.probe" in (tmp_path / "SHA256SUMS").read_text()


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda report: 1 / 0, "report 'probe' .songbench-probe 1.0. failed .ZeroDivisionError"),
        (lambda report: None, "neither text nor bytes, but NoneType"),
        (lambda: "", "failed .TypeError"),
    ],
)
def test_a_broken_format_is_named_and_the_others_are_written(tmp_path, monkeypatch, function, message):
    load = registry.load
    monkeypatch.setattr(registry, "load", lambda group, name: function if name == "probe" else load(group, name))
    with pytest.raises(PluginError, match=message):
        write_report(BOARD, tmp_path)
    assert {path.name for path in tmp_path.glob("leaderboard.*")} == {
        f"leaderboard.{name}" for name in registry.names(registry.REPORTS) if name != "probe"
    }


def test_bytes_are_taken_as_they_are(monkeypatch):
    monkeypatch.setattr(registry, "load", lambda group, name: lambda report: b"\0")
    assert render("probe", REPORT) == b"\0"


def test_an_installation_without_formats_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setattr(registry, "names", lambda group: [])
    with pytest.raises(SongbenchError, match="pip install -e"):
        write_report(BOARD, tmp_path)


def test_html_holds_the_figures_and_runs_nothing(tmp_path):
    page = (
        write_report(simple_board({"s": [1.0, 2.0], "t": [2.0, 4.0]}), tmp_path)[0].parent / "leaderboard.html"
    ).read_text()
    assert page.count('src="data:image/svg+xml;base64,') == 1 and "<script" not in page
    assert "<details><summary>m@b: every pair</summary>" in page
