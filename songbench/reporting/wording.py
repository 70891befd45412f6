"""How numbers, headings and marks are written, the same in every table and figure."""

from __future__ import annotations

from songbench.contracts.cards import Field
from songbench.reporting import limits
from songbench.reporting.board import Cell, Column, Leaderboard, Row
from songbench.reporting.document.blocks import BEST
from songbench.reporting.facets import facet_value_text

ARROWS = {"higher": "↑", "lower": "↓", "none": ""}
BETTER = {"higher": "higher is better", "lower": "lower is better", "none": "descriptive"}
EMPTY = {"not applicable": "n/a", "failed": "failed", "pending": "pending", "unsupported": "unsupported"}
ELSEWHERE = "What may differ on another machine: docs/runs.md."
_REASONS = 2  # that are told for one cell; the CSV and JSON count them


def number(value: float, field: Field) -> str:
    """The value with the field's decimals, never ``-0.0``."""
    text = f"{value:.{field.decimals}f}"
    return text.removeprefix("-") if float(text) == 0 else text


def interval(cell: Cell, field: Field) -> str:
    """``[low, high]``, or "" where there is none."""
    if cell.low is None or cell.high is None:
        return ""
    return f"[{number(cell.low, field)}, {number(cell.high, field)}]"


def share(cell: Cell) -> str:
    """What a number rests on: ``n/N`` where that is not every song asked for, else "".

    For a listening test: how many raters heard how many songs, e.g. ``12r 20s``.
    """
    if cell.n_raters:
        return f"{cell.n_raters}r {cell.n}s"
    return f"{cell.n}/{cell.n_possible}" if cell.partial else ""


def p_value(p: float) -> str:
    """Three decimals, ``<0.001`` below them."""
    return "<0.001" if p < 0.001 else f"{p:.3f}"


def unit(column: Column) -> str:
    """Unit and direction, e.g. ``% ↓``."""
    return " ".join(part for part in (column.field.unit, ARROWS[column.field.direction]) if part)


def songs(row: Row) -> str:
    """Songs made of songs asked, e.g. ``14/16``."""
    return f"{row.n_done}/{row.n_asked}"


def condition(row: Row) -> str:
    """The kind of style of a competitor; "" for sanity systems."""
    return "" if row.system.sanity else row.condition


def headline_columns(board: Leaderboard) -> list[Column]:
    """The columns that have a place in tables for people."""
    return [column for column in board.columns if column.field.headline]


def failures(board: Leaderboard) -> list[str]:
    """One line per system, place and cause, with how often and where."""
    groups: dict[tuple[str, str, str], list[str]] = {}
    for note in board.failures:
        place = note.metric or note.stage
        take = f" take {note.take}" if board.takes > 1 else ""
        song = "the whole set" if note.prompt is None else note.prompt + take
        groups.setdefault((note.system, place, note.cause), []).append(song)
    return [
        f"{system}, {place}: {cause} ({len(songs)}×: {', '.join(songs[:4])}{', …' if len(songs) > 4 else ''})"
        for (system, place, cause), songs in groups.items()
    ]


def unsupported(board: Leaderboard) -> list[str]:
    """One line per system and reason, with how often and where."""
    names = dict.fromkeys(song.system for song in board.unsupported)
    return [line for name in names for line in limits.listed(s for s in board.unsupported if s.system == name)]


def unmeasured(board: Leaderboard) -> list[str]:
    """One line per metric that could not run: why, and what to do about it."""
    return [
        f"{metric.id}: {reason.rstrip('.')}" + (f". To get it: {cure}" if cure else "")
        for metric, reason, cure in board.unavailable
    ]


def not_applicable(board: Leaderboard) -> list[str]:
    """One line per reason for which a metric has nothing to say about songs: the columns, the reason, the systems."""
    systems: dict[tuple[str, str], list[str]] = {}
    for column in headline_columns(board):
        for row in board.rows:
            cell = row.cells[column.name]
            share = "" if cell.n_not_applicable == cell.n_possible else f" {cell.n_not_applicable}/{cell.n_possible}"
            reasons = [*cell.not_applicable[:_REASONS], *(["…"] if len(cell.not_applicable) > _REASONS else [])]
            if reasons:
                systems.setdefault((column.name, "; ".join(reasons)), []).append(row.system.name + share)
    columns: dict[tuple[str, str], list[str]] = {}
    for (name, reason), names in systems.items():
        columns.setdefault((reason, ", ".join(names)), []).append(name)
    return [f"{', '.join(names)}: {reason} ({where})" for (reason, where), names in columns.items()]


def caption(board: Leaderboard) -> str:
    """One line: which suite, how much of it."""
    takes = f" × {board.takes} takes" if board.takes > 1 else ""
    prompts = f"{board.prompts} prompt{'s' if board.prompts != 1 else ''}"
    of_part = "" if board.facet is None or board.facet_value is None else f", {part(board.facet, board.facet_value)}"
    return f"suite {board.suite} (version {board.suite_version}), {prompts}{takes}{of_part}"


def part(facet: str, value: str) -> str:
    """A part of a run in words, e.g. ``genre pop`` or ``competitors with style as audio``."""
    return facet_value_text(facet, value)


def machine(board: Leaderboard) -> list[str]:
    """One line: where the numbers were made; none where that is not recorded."""
    return [f"Made on: {board.machine}. {ELSEWHERE}"] if board.machine else []


def legend(board: Leaderboard) -> list[str]:
    """One line for each mark that occurs in the table, and none for those that do not."""
    cells = [row.cells[column.name] for row in board.rows for column in board.columns]
    statuses = {cell.status for cell in cells}
    lines = [
        (
            any(cell.low is not None for cell in cells),
            f"[low, high]: {100 * board.confidence:g} % interval over prompts, takes nested "
            "(bootstrap-t; figures of a whole set: jackknife).",
        ),
        (
            any(cell.group for cell in cells),
            "a b c: systems of a column that share a letter do not differ significantly "
            f"(paired over prompts, Holm-corrected, p < {board.level:g}).",
        ),
        (
            any(cell.best for cell in cells),
            f"{BEST}: best of the column's competitors as printed, only if scored on every song that the others were.",
        ),
        (
            any(cell.partial for cell in cells),
            "n/N: the number rests on n of the N songs asked for; it is compared on common prompts only.",
        ),
        (
            board.has_listening_tests,
            "Columns of listening tests come last: what raters answered, with intervals and letters over raters and "
            "songs; 12r 20s: by 12 raters, of 20 songs.",
        ),
        ("not applicable" in statuses, "n/a: the metric has nothing to say about these songs, see below."),
        ("failed" in statuses, "failed: not one song could be scored; the causes are listed under failures."),
        ("pending" in statuses, "pending: not computed yet."),
        ("unsupported" in statuses, "unsupported: the system can take none of the prompts, see the notes."),
        (
            bool(cells),
            "↑ ↓: higher or lower is better; no arrow: descriptive, neither compared nor ranked.",
        ),
        (
            board.conditions_differ,
            "condition: the kind of style that a competitor's songs were really made from, see the notes.",
        ),
        (
            any(row.system.sanity for row in board.rows),
            "Sanity systems (the last rows) anchor the scale and do not compete.",
        ),
    ]
    return [line for used, line in lines if used]
