"""The leaderboard as a printed table, as Markdown and as LaTeX.

Wide leaderboards are cut into blocks of columns instead of being squeezed: every block repeats the systems.
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from songbench.reporting import wording
from songbench.reporting.board import Column, Comparison, Leaderboard, Row

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

WIDTH = 110
"""How many characters wide a printed table may be."""
FAILURES_PRINTED = 8
_TEX = {
    **{character: f"\\{character}" for character in "&%$#_{}"},
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "[": "{[}",
    "]": "{]}",
    "↑": r"$\uparrow$",
    "↓": r"$\downarrow$",
    "×": r"$\times$",
    "<": "$<$",
    ">": "$>$",
    wording.BEST: r"$\star$",
}


def print_leaderboard(board: Leaderboard, console: Console | None = None) -> None:
    """Print the table with its legend, what could not be measured, the failures and the notes.

    Args:
        board: the leaderboard.
        console: where to; its width decides how many columns a block has, up to `WIDTH` characters. None: standard
            output.
    """
    from rich.console import Console
    from rich.text import Text

    console = console or Console()
    columns = _aligned(board)
    console.print(_text(f"Leaderboard: {wording.caption(board)}", bold=True))
    for number, block in enumerate(_blocks(board, columns, min(console.width, WIDTH))):
        console.print()
        console.print(_table(board, columns, block, with_songs=number == 0))
    for line in wording.legend(board):
        console.print(Text(line, style="dim"))
    failures = wording.failures(board)
    if len(failures) > FAILURES_PRINTED:
        rest = len(failures) - FAILURES_PRINTED
        failures = [*failures[:FAILURES_PRINTED], f"… and {rest} more, in leaderboard.md"]
    _listing(console, "Not applicable", wording.not_applicable(board))
    _listing(console, "Not measured", wording.unmeasured(board))
    _listing(console, "Failures", failures)
    _listing(console, "Notes", board.notes)


def to_text(board: Leaderboard, width: int = WIDTH) -> str:
    """What `print_leaderboard` prints, without colours."""
    from rich.console import Console

    stream = io.StringIO()
    print_leaderboard(board, Console(file=stream, width=width, color_system=None, force_terminal=False))
    return "".join(f"{line.rstrip()}\n" for line in stream.getvalue().splitlines())


def _listing(console: Console, title: str, lines: Sequence[str]) -> None:
    from rich.table import Table

    if not lines:
        return
    console.print()
    console.print(_text(title, bold=True))
    grid = Table.grid(padding=(0, 1))
    for line in lines:
        grid.add_row(" -", _text(line))
    console.print(grid)


def _aligned(board: Leaderboard) -> dict[str, list[str]]:
    """For each column heading and cells as text of one width, pieces below each other."""
    columns = {}
    for column in wording.shown(board):
        cells = [wording.parts(row.cells[column.name], column) for row in board.rows]
        widths = [max((len(piece) for piece in pieces), default=0) for pieces in zip(*cells, strict=True)]
        columns[column.name] = [
            " ".join(
                piece.rjust(width) if place == 0 else piece.ljust(width)
                for place, (piece, width) in enumerate(zip(pieces, widths, strict=True))
                if width
            )
            for pieces in cells
        ]
    return columns


def _heading(column: Column, width: int) -> str:
    """Name over unit and direction; the name is broken at the backend where the cells are narrower than it."""
    name = column.name if len(column.name) <= width else column.name.replace("@", "\n@", 1)
    return f"{name}\n{wording.unit(column)}"


def _blocks(board: Leaderboard, columns: Mapping[str, Sequence[str]], width: int) -> list[list[Column]]:
    from rich.cells import cell_len

    names = max((cell_len(row.system.name) for row in board.rows), default=6)
    blocks: list[list[Column]] = []
    room = 0
    for column in wording.shown(board):
        cells = max((len(cell) for cell in columns[column.name]), default=0)
        needed = max(cells, *(len(line) for line in _heading(column, cells).split("\n"))) + 3
        if not blocks or (needed > room and blocks[-1]):
            room = width - names - 3 - (9 if not blocks else 0)
            blocks.append([])
        blocks[-1].append(column)
        room -= needed
    return blocks or [[]]


def _table(
    board: Leaderboard, columns: Mapping[str, Sequence[str]], block: Sequence[Column], *, with_songs: bool
) -> Table:
    from rich import box
    from rich.table import Table

    table = Table(box=box.HORIZONTALS, header_style="bold")
    table.add_column("system", no_wrap=True)
    if with_songs:
        table.add_column("songs", justify="right", no_wrap=True)
    for column in block:
        cells = columns[column.name]
        table.add_column(_text(_heading(column, max(map(len, cells), default=0))), no_wrap=True)
    for number, row in enumerate(board.rows):
        if number and row.system.sanity and not board.rows[number - 1].system.sanity:
            table.add_section()
        head = [_text(row.system.name), *([_text(wording.songs(row))] if with_songs else [])]
        body = [_text(columns[column.name][number], bold=row.cells[column.name].best) for column in block]
        table.add_row(*head, *body, style="dim" if row.system.sanity else "")
    return table


def _text(content: str, *, bold: bool = False) -> Text:
    from rich.text import Text

    return Text(content, style="bold" if bold else "", overflow="fold")


def to_markdown(board: Leaderboard, figures: Mapping[str, str] | None = None) -> str:
    """The leaderboard as Markdown (GitHub's flavour).

    Args:
        board: the leaderboard.
        figures: path of the figure of each column that has one, relative to the Markdown file.
    """
    lines = [f"# Leaderboard: {_md(wording.caption(board))}", ""]
    columns = _aligned(board)
    for number, block in enumerate(_blocks(board, columns, WIDTH)):
        lines += [*_md_table(board, block, with_songs=number == 0), ""]
    lines += [f"- {_md(line)}" for line in [*wording.legend(board), *wording.machine(board)]]
    sections = {
        "Not applicable": wording.not_applicable(board),
        "Notes": board.notes,
        "Not measured": wording.unmeasured(board),
        "Failures": wording.failures(board),
    }
    for title, entries in sections.items():
        if entries:
            lines += ["", f"## {title}", "", *(f"- {_md(entry)}" for entry in entries)]
    lines += _md_columns(board)
    if figures:
        lines += ["", "## Figures", "", *(f"![{_md(name)}]({path})" for name, path in figures.items())]
    return "\n".join([*lines, *_md_comparisons(board)]) + "\n"


def _md_table(board: Leaderboard, block: Sequence[Column], *, with_songs: bool) -> list[str]:
    head = ["system", *(["songs"] if with_songs else [])]
    head += [f"{_md(column.name)}<br>{_md(wording.unit(column))}" for column in block]
    lines = [_md_row(head), _md_row(["---", *(["---:"] if with_songs else []), *("---" for _ in block)])]
    for row in board.rows:
        name = f"*{_md(row.system.name)}*" if row.system.sanity else _md(row.system.name)
        cells = [_md_cell(row, column) for column in block]
        lines.append(_md_row([name, *([wording.songs(row)] if with_songs else []), *cells]))
    return lines


def _md_cell(row: Row, column: Column) -> str:
    cell = row.cells[column.name]
    value, *rest = wording.parts(cell, column)
    return " ".join([f"**{value}**" if cell.best else value, *(piece for piece in rest if piece)])


def _md_row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _md_columns(board: Leaderboard) -> list[str]:
    """What every number means: the metrics with their limits and sources, their fields below them."""
    lines: list[str] = []
    for metric in dict.fromkeys(column.metric for column in board.columns):
        facts = [
            metric.summary,
            f"Limits: {metric.limits}" if metric.limits else "",
            f"Source: {metric.citation}" if metric.citation else "",
        ]
        text = " ".join(f"{fact.rstrip('.')}." for fact in facts if fact)
        lines.append(f"- **{_md(metric.id)}** (version {_md(metric.version)}). {_md(text)}")
        lines += [f"  - {_md(_meaning(column))}" for column in board.columns if column.metric == metric]
    return ["", "## Columns", "", *lines] if lines else []


def _meaning(column: Column) -> str:
    facts = ", ".join(part for part in (column.field.unit, wording.BETTER[column.field.direction]) if part)
    return f"{column.name} ({facts})" + (f": {column.field.description}" if column.field.description else "")


def _md_comparisons(board: Leaderboard) -> list[str]:
    """Every pair in the columns that are shown; those of the others are in the JSON."""
    lines: list[str] = []
    fields = {column.name: column for column in wording.shown(board)}
    for name in dict.fromkeys(pair.column for pair in board.comparisons if pair.column in fields):
        pairs = [pair for pair in board.comparisons if pair.column == name]
        head = ["first", "second", "prompts", "difference", "p (t)", "p (sign flip)", "p (Holm)"]
        lines += ["", f"<details><summary>{_md(name)}: every pair</summary>", "", _md_row(head), _md_row(["---"] * 7)]
        lines += [_md_row(_md_pair(pair, fields[name])) for pair in pairs]
        lines += ["", "</details>"]
    return ["", "## Comparisons", *lines] if lines else []


def _md_pair(pair: Comparison, column: Column) -> list[str]:
    low, high = (None if bound is None else wording.number(bound, column.field) for bound in (pair.low, pair.high))
    interval = "" if low is None or high is None else f" [{low}, {high}]"
    adjusted = wording.p_value(pair.p_adjusted)
    return [
        _md(pair.first),
        _md(pair.second),
        str(pair.n_prompts),
        f"{wording.number(pair.difference, column.field)}{interval}",
        wording.p_value(pair.p),
        "" if pair.p_flip is None else wording.p_value(pair.p_flip),
        f"**{adjusted}**" if pair.significant else adjusted,
    ]


def _md(text: str) -> str:
    return re.sub(r"([][|*<`\\])", r"\\\1", text)


def to_latex(board: Leaderboard) -> str:
    """The leaderboard as a LaTeX table for ``booktabs``; best in bold, letters raised."""
    columns = _aligned(board)
    blocks = [
        _tex_tabular(board, block, with_songs=number == 0)
        for number, block in enumerate(_blocks(board, columns, WIDTH))
    ]
    missing = wording.not_applicable(board)
    legend = " ".join(_tex(line) for line in wording.legend(board))
    legend += _tex(f" Not applicable: {'; '.join(missing)}.") if missing else ""
    return "\n".join(
        [
            r"% Needs \usepackage{booktabs}. Names in scripts other than Latin need XeLaTeX and a font.",
            r"\begin{table*}",
            r"\centering\small",
            rf"\caption{{Leaderboard, {_tex(wording.caption(board))}.}}",
            "\n\\par\\medskip\n".join(blocks),
            rf"\par\medskip\footnotesize {legend}",
            r"\end{table*}",
            "",
        ]
    )


def _tex_tabular(board: Leaderboard, block: Sequence[Column], *, with_songs: bool) -> str:
    head = ["system", *(["songs"] if with_songs else [])]
    head += [rf"\shortstack[l]{{{_tex(column.name)}\\{_tex(wording.unit(column)) or '~'}}}" for column in block]
    lines = [
        rf"\begin{{tabular}}{{l{'r' if with_songs else ''}{'l' * len(block)}}}",
        r"\toprule",
        " & ".join(head) + r" \\",
        r"\midrule",
    ]
    for number, row in enumerate(board.rows):
        if number and row.system.sanity and not board.rows[number - 1].system.sanity:
            lines.append(r"\midrule")
        cells = [_tex_cell(row, column) for column in block]
        songs = [wording.songs(row)] if with_songs else []
        lines.append(" & ".join([_tex(row.system.name), *songs, *cells]) + r" \\")
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}"])


def _tex_cell(row: Row, column: Column) -> str:
    cell = row.cells[column.name]
    value, interval, _, share = wording.parts(cell, column)
    value, interval = (_tex(piece).replace("-", "$-$") for piece in (value, interval))
    text = rf"\textbf{{{value}}}" if cell.best else value
    if interval:
        text += rf" {{\scriptsize {interval}}}"
    if cell.group:
        text += rf"\textsuperscript{{{_tex(cell.group)}}}"
    return text + (rf" {{\scriptsize ({share})}}" if share else "")


def _tex(text: str) -> str:
    return "".join(_TEX.get(character, character) for character in text)
