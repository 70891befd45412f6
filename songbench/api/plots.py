"""The figures of a run, from Python."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

from songbench.domain.errors import InputError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from songbench.reporting.board import Column, Leaderboard
    from songbench.reporting.figures.style import Sheet

SheetName: TypeAlias = Literal["page", "column"]
"""What a figure is drawn for: a page (7.6 inches wide), or one column of a paper with two (3.4 inches)."""


class LeaderboardOf(Protocol):
    """Gives the leaderboard of a run, of some systems, with its parts by a facet."""

    def __call__(self, *, facet: str | None = None, systems: Sequence[str] | None = None) -> Leaderboard:
        """The leaderboard."""
        ...


class Plots:
    """The figures of a run: ``run.plot.intervals("per")``.

    Each is a matplotlib figure of its own, which a notebook shows and ``savefig`` writes as .svg, .png or .pdf, without
    a date in the file. Names of columns are those of the table (``per@whisper-base-mix``), of metrics or of fields; a
    name that is not known is an `InputError` that names the nearest.

    Args:
        leaderboard: of the run, as `songbench.api.loaded_run.Run.leaderboard` gives it.
    """

    def __init__(self, leaderboard: LeaderboardOf) -> None:
        self._leaderboard = leaderboard

    def intervals(
        self,
        *columns: str,
        facet: str | None = None,
        systems: Sequence[str] | None = None,
        sheet: SheetName = "page",
    ) -> Figure:
        """The figure of each system with its interval and its songs, on the axis of the competitors.

        Args:
            columns: one, or several side by side. None: all ranked ones of the table.
            facet: a panel for each part of the run, of one column: ``language``, ``section_plan``, a tag …
            systems: only these.
            sheet: ``page`` or ``column``.

        Raises:
            InputError: a name is not known, a column has no number, or several columns are to have parts.
        """
        from songbench.reporting.figures.intervals import (
            columns_side_by_side,
            columns_with_figure,
            intervals,
            scored,
        )

        board = self._board(facet, systems)
        selected = _select(board, columns) if columns else columns_with_figure(board)
        for column in selected:
            if not scored(board, column):
                where = f" of a part by {facet}" if facet else " yet"
                raise InputError(f"The column '{column.name}' has no number{where}.", field="columns")
        if not selected:
            raise InputError("The run has no number yet.", field="columns")
        if len(selected) == 1:
            return intervals(board, selected[0], board.tables, _sheet(sheet))
        if facet:
            names = [column.name for column in selected]
            raise InputError("Parts are shown of one column at a time.", field="facet", allowed=names)
        return columns_side_by_side(board, selected, _sheet(sheet))

    def quality_speed(
        self, column: str | None = None, *, systems: Sequence[str] | None = None, sheet: SheetName = "page"
    ) -> Figure:
        """Each competitor as a point: real-time factor, and one column of quality.

        Args:
            column: None: the first ranked one of the table.
            systems: only these.
            sheet: ``page`` or ``column``.

        Raises:
            InputError: a name is not known, or no competitor has both numbers.
        """
        from songbench.reporting.figures.quality_speed import quality_columns, quality_speed

        board = self._board(None, systems)
        cure = "Measure both: songbench run --metrics rtf,…"
        selected = _choice(board, quality_columns(board), column, "to be drawn against speed", cure)
        return quality_speed(board, selected, _sheet(sheet))

    def error_parts(
        self,
        column: str | None = None,
        *,
        facet: str | None = None,
        systems: Sequence[str] | None = None,
        sheet: SheetName = "page",
    ) -> Figure:
        """The phoneme error rate of each system by substitutions, deletions and insertions.

        Args:
            column: of a phoneme error rate; None: the first.
            facet: a panel for each part of the run.
            systems: only these.
            sheet: ``page`` or ``column``.

        Raises:
            InputError: a name is not known, or the run has no phoneme error rate.
        """
        from songbench.reporting.figures.error_parts import columns_with_parts, error_parts

        board = self._board(facet, systems)
        selected = _choice(
            board, columns_with_parts(board), column, "of phoneme errors by kind", "songbench run --metrics per"
        )
        return error_parts(board, selected, board.tables, _sheet(sheet))

    def structure(
        self, metric: str | None = None, *, systems: Sequence[str] | None = None, sheet: SheetName = "page"
    ) -> Figure:
        """The sections that were asked for against those found, for each system.

        Args:
            metric: its id, such as ``ser@novelty``; None: the first.
            systems: only these.
            sheet: ``page`` or ``column``.

        Raises:
            InputError: a name is not known, or the run has no metric of structure.
        """
        from songbench.reporting.figures.structure import metrics_with_structure, structure

        board = self._board(None, systems)
        metrics = {card.id: card for card in metrics_with_structure(board)}
        if not metrics:
            raise InputError(
                "No metric of the run stored which sections it found.",
                field="metric",
                cure="songbench run --metrics ser",
            )
        if metric is not None and metric not in metrics:
            raise InputError(f"'{metric}' stored no sections.", field="metric", value=metric, allowed=metrics)
        return structure(board, metrics[metric] if metric else next(iter(metrics.values())), _sheet(sheet))

    def prompts(
        self, column: str | None = None, *, systems: Sequence[str] | None = None, sheet: SheetName = "page"
    ) -> Figure:
        """Each system on each prompt, the prompts in the same order for all, with their takes.

        Args:
            column: None: the first ranked one of the table.
            systems: only these.
            sheet: ``page`` or ``column``.

        Raises:
            InputError: a name is not known, or no prompts can be told apart.
        """
        from songbench.reporting.figures.prompts import columns_by_prompt, prompts

        board = self._board(None, systems)
        selected = _choice(board, columns_by_prompt(board), column, "of at least two prompts", "")
        return prompts(board, selected, _sheet(sheet))

    def _board(self, facet: str | None, systems: Sequence[str] | None) -> Leaderboard:
        return self._leaderboard(facet=facet, systems=systems)


def _select(board: Leaderboard, names: Sequence[str]) -> list[Column]:
    from songbench.reporting.selection import select_columns

    return select_columns(board.columns, names)


def _choice(board: Leaderboard, columns: Sequence[Column], name: str | None, kind: str, cure: str) -> Column:
    """The column of that name among those that can be drawn; the first one without a name."""
    if not columns:
        raise InputError(f"The run has no column {kind}.", field="column", cure=cure or None)
    if name is None:
        return columns[0]
    selected = {column.name for column in _select(board, [name])}
    matches = [column for column in columns if column.name in selected]
    names = [column.name for column in columns]
    if not matches:
        raise InputError(f"'{name}' is no column {kind}.", field="column", value=name, allowed=names)
    if len(matches) > 1:
        raise InputError(
            f"Several columns are called '{name}'.", field="column", allowed=[column.name for column in matches]
        )
    return matches[0]


def _sheet(name: str) -> Sheet:
    from songbench.reporting.figures.style import SHEETS

    if name not in SHEETS:
        raise InputError(f"There is no sheet '{name}'.", field="sheet", value=name, allowed=SHEETS)
    return SHEETS[name]
