"""Structure asked for against structure found: for each system a matrix of section tags."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from songbench.contracts.cards import MetricCard
from songbench.domain.tags import TAGS
from songbench.reporting import wording
from songbench.reporting.board import Leaderboard
from songbench.reporting.figures import style
from songbench.reporting.figures.frame import Frame
from songbench.reporting.figures.style import EDGE, PAGE, Sheet
from songbench.reporting.structure import FIELD, StructureTable

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ABSENT = "missing"
"""The heading of the last column: nothing in the song is aligned with the section that was asked for."""
_LEAST = 0.005  # shares below are not written


def metrics_with_structure(board: Leaderboard) -> list[MetricCard]:
    """The metrics of structure that stored what they found."""
    return list(dict.fromkeys(table.metric for table in board.structures))


def structure(board: Leaderboard, metric: MetricCard, sheet: Sheet = PAGE) -> Figure:
    """A matrix for each system: of the time under each tag that was asked for (rows), what was found instead (columns).

    Rows add up to 100 %. The diagonal, in blue, is as it was asked for; what is off it, in orange, is not.

    Args:
        board: the leaderboard.
        metric: one of `metrics_with_structure`.
        sheet: what it is drawn for.
    """
    with style.drawing(sheet.points):
        return _Matrices(board, metric, sheet).figure()


@dataclass(frozen=True)
class _Matrices:
    board: Leaderboard
    metric: MetricCard
    sheet: Sheet

    def figure(self) -> Figure:
        """As many matrices beside each other as there is room for."""
        sheet, tables = self.sheet, self._tables
        # All matrices have the same tags, so that they can be compared at sight.
        requested = [tag for tag in TAGS if any(tag in table.requested for table in tables)]
        labels = [tag for tag in TAGS if any(tag in table.labels for table in tables)]
        cell = 2.0 * sheet.points / 72
        margin = style.widest([*requested, *labels, ABSENT], sheet.small) + 0.1 + 1.5 * sheet.points / 72
        block = cell * (len(labels) + 1)
        room = sheet.width - EDGE - margin
        across = max(1, min(len(tables), int(room / (block + 2 * EDGE))))
        frame = Frame(
            sheet=sheet,
            title=f"{self.metric.column(FIELD)}: asked for and found",
            subtitle="% of the time under each requested tag",
            notes=[
                "blue: found as asked for",
                "orange: as something else, or nothing in its place",
                f"beside the names: {self.metric.column(FIELD)}, the mean over songs",
            ],
            width=max(sheet.width, margin + block + 3 * EDGE),
            panel=cell * len(requested) + margin + 1.8 * sheet.points / 72,
            lines=-(-len(tables) // across),
        )
        figure = frame.figure()
        for place, table in enumerate(tables):
            x = EDGE + margin + (place % across) * (block + 2 * EDGE)
            y = frame.bottom(place // across) + margin
            axes = frame.axes(figure, x, y, block, cell * len(requested))
            self._matrix(axes, table, requested, labels, leftmost=place % across == 0)
            self._name(axes, table, block)
        return figure

    @property
    def _tables(self) -> list[StructureTable]:
        places = {row.system.name: number for number, row in enumerate(self.board.rows)}
        tables = [t for t in self.board.structures if t.metric == self.metric and t.system in places]
        return sorted(tables, key=lambda table: places[table.system])

    def _matrix(
        self, axes: Axes, table: StructureTable, requested: list[str], labels: list[str], *, leftmost: bool
    ) -> None:
        from matplotlib.patches import Rectangle

        headings: list[str | None] = [*labels, None]
        for y, tag in enumerate(requested):
            for x, label in enumerate(headings):
                share = table.share(tag, label)
                colour = style.COMPETITOR if tag == label else style.WRONG
                face = "#FFFFFF" if share is None else _tint(colour, share)
                axes.add_patch(Rectangle((x - 0.47, y - 0.47), 0.94, 0.94, facecolor=face, linewidth=0))
                if share is not None and share >= _LEAST:
                    axes.text(
                        x, y, f"{100 * share:.0f}", ha="center", va="center", size=self.sheet.small,
                        color="white" if share > 0.6 else style.INK,
                    )  # fmt: skip
        axes.set_xlim(-0.5, len(headings) - 0.5)
        axes.set_ylim(len(requested) - 0.5, -0.5)
        axes.axvline(len(labels) - 0.5, color=style.LINE, linewidth=0.8)
        axes.set_xticks(range(len(headings)), [label or ABSENT for label in headings], rotation=90)
        axes.set_yticks(range(len(requested)), requested if leftmost else [""] * len(requested))
        axes.tick_params(length=0, labelsize=self.sheet.small, pad=2)
        axes.spines[:].set_visible(False)
        axes.set_xlabel("found", size=self.sheet.small, labelpad=1)
        axes.set_ylabel("asked for" if leftmost else "", size=self.sheet.small, labelpad=1)

    def _name(self, axes: Axes, table: StructureTable, room: float) -> None:
        """The system over its matrix, with its error rate; in so many inches."""
        row = next(row for row in self.board.rows if row.system.name == table.system)
        column = next((c for c in self.board.columns if c.metric == self.metric and c.field.name == FIELD), None)
        value = row.cells[column.name].value if column else None
        figure = f"  {wording.number(value, column.field)} {column.field.unit}" if column and value is not None else ""
        name = style.shortened(
            table.system, room - style.inches(figure, self.sheet.points), style.BOLD * self.sheet.points
        )
        axes.annotate(
            name, (0, 1), (0, 0.35 * self.sheet.points), xycoords="axes fraction", textcoords="offset points",
            weight="bold", va="bottom", color=style.SOFT if row.system.sanity else style.INK,
        )  # fmt: skip
        axes.annotate(
            figure, (1, 1), (0, 0.35 * self.sheet.points), xycoords="axes fraction", textcoords="offset points",
            ha="right", va="bottom", color=style.SOFT,
        )  # fmt: skip


def _tint(colour: str, share: float) -> str:
    """The colour, the paler the smaller the share; light grey for nothing."""
    from matplotlib.colors import to_hex, to_rgb

    if share < _LEAST:
        return "#F4F4F4"
    strength = 0.12 + 0.88 * share
    red, green, blue = (1 - strength * (1 - part) for part in to_rgb(colour))
    return to_hex((red, green, blue))
