"""The formats of a leaderboard: entry points of the group ``songbench.reports``, one file ``leaderboard.NAME`` each.

A package adds a format by an entry point whose name is the ending of its file and whose value is a function of a
`LeaderboardReport` that returns the file's content, as text or bytes::

    [project.entry-points."songbench.reports"]
    xlsx = "my_package.sheets:to_xlsx"
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from songbench.contracts import registry
from songbench.contracts.registry import PluginError
from songbench.domain.errors import SongbenchError
from songbench.reporting import export, tables
from songbench.reporting.board import Leaderboard
from songbench.reporting.figures.gallery import Picture
from songbench.reporting.published import Published

_ENDING = re.compile(r"[\w-]+(\.[\w-]+)*")


@dataclass(frozen=True, kw_only=True)
class LeaderboardReport:
    """What a format lays out.

    Attributes:
        board: the leaderboard.
        published: numbers from papers, to be shown apart.
        pictures: its figures, each in one format or several, PNG among them.
    """

    board: Leaderboard
    published: tuple[Published, ...] = ()
    pictures: tuple[Picture, ...] = ()


def render(name: str, report: LeaderboardReport) -> bytes:
    """The content of the file in a format.

    Args:
        name: of the format, the ending of its file.
        report: what to lay out.

    Raises:
        PluginError: the format is no function of a report, fails, or gives neither text nor bytes.
    """
    plugin = registry.plugin_name(registry.REPORTS, name)
    if not _ENDING.fullmatch(name):
        raise PluginError(f"The {plugin} has a name that cannot be the ending of a file.")
    try:
        content = registry.load(registry.REPORTS, name)(report)
    except SongbenchError:
        raise
    except Exception as error:
        raise PluginError(f"The {plugin} failed ({type(error).__name__}: {error}).") from error
    if isinstance(content, str):
        return content.encode()
    if isinstance(content, bytes):
        return content
    raise PluginError(f"The {plugin} gave neither text nor bytes, but {type(content).__name__}.")


def text(report: LeaderboardReport) -> str:
    """``leaderboard.txt``: as printed."""
    return tables.to_text(report.board, published=report.published)


def markdown(report: LeaderboardReport) -> str:
    """``leaderboard.md``: everything for people."""
    return tables.to_markdown(report.board, report.pictures, published=report.published)


def html(report: LeaderboardReport) -> str:
    """``leaderboard.html``: the same as one page that holds its figures."""
    return tables.to_html(report.board, report.pictures, published=report.published)


def latex(report: LeaderboardReport) -> str:
    """``leaderboard.tex``: for papers."""
    return tables.to_latex(report.board, published=report.published)


def csv(report: LeaderboardReport) -> str:
    """``leaderboard.csv``: one row per system and column."""
    return export.to_csv(report.board, report.published)


def json(report: LeaderboardReport) -> str:
    """``leaderboard.json``: everything for programs."""
    return export.to_json(report.board, report.published)
