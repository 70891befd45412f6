"""The tables of a document for ``booktabs``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import groupby

from songbench.reporting.document.blocks import (
    BEST,
    Block,
    NumberCell,
    Table,
    TableCell,
    TableColumn,
    leaves,
    plain,
    required_columns,
)
from songbench.reporting.document.layout import begins_faint_part, column_parts

_SPECIAL = {
    **{character: f"\\{character}" for character in "&%$#_{}"},
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "[": "{[}",
    "]": "{]}",
    "<": "$<$",
    ">": "$>$",
    "↑": r"$\uparrow$",
    "↓": r"$\downarrow$",
    "×": r"$\times$",
    "±": r"$\pm$",
    "–": "--",
    "†": r"\textdagger{}",
    "≥": r"$\geq$",
    "≤": r"$\leq$",
    "−": "$-$",
    "→": r"$\rightarrow$",
    "·": r"$\cdot$",
    "|": r"\textbar{}",
    "…": r"\ldots{}",
    BEST: r"$\star$",
}
_MINUS = re.compile(r"(?:(?<=^)|(?<=[\s\[(]))-(?=\d)")
_HEAD = r"% Needs \usepackage{booktabs}."
_HAN_HEAD = (
    r"% Chinese needs \usepackage{xeCJK} and a font (XeLaTeX), or \usepackage{CJKutf8} and CJK*{UTF8}{gbsn} around the"
    " table (pdfLaTeX)."
)
_HAN = re.compile("[\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef]")


def to_latex(blocks: Sequence[Block]) -> str:
    """Every table, each an environment of its own; titles become captions, notes stand below."""
    tables = "\n\n".join(_table(required_columns(block)) for block in leaves(blocks) if isinstance(block, Table))
    return "\n".join([_HEAD, *([_HAN_HEAD] if _HAN.search(tables) else []), tables, ""])


def escaped(text: str) -> str:
    """The text with everything that LaTeX would read as a command made visible."""
    return "".join(_SPECIAL.get(character, character) for character in text)


def _table(block: Table) -> str:
    """A table with a page width goes over both columns of a paper, with parts of that width below each other."""
    wide = block.page_width is not None
    parts = [list(range(len(block.columns)))] if block.page_width is None else column_parts(block, block.page_width)
    environment, skip = ("table*", r"\medskip") if wide else ("table", r"\smallskip")
    notes = " ".join(escaped(_with_bold(note)) for note in block.notes)
    lines = [
        rf"\begin{{{environment}}}",
        r"\centering\small",
        rf"\caption{{{escaped(block.title)}}}" + (rf"\label{{{block.label}}}" if block.label else ""),
        "\n\\par\\medskip\n".join(_tabular(block, places) for places in parts),
        *([rf"\par{skip}\footnotesize {notes}"] if notes else []),
        rf"\end{{{environment}}}",
    ]
    return "\n".join(lines)


def _tabular(block: Table, places: Sequence[int]) -> str:
    columns = [block.columns[place] for place in places]
    layout = r"lp{0.75\linewidth}" if block.of_facts else "".join(column.align[0] for column in columns)
    head = [] if block.of_facts else [*_group_lines(columns), _line(map(_heading, columns)), r"\midrule"]
    body = []
    for number, row in enumerate(block.rows):
        body += [r"\midrule"] if begins_faint_part(block, number) else []
        body.append(_line(_cell(row.cells[place]) for place in places))
    return "\n".join([rf"\begin{{tabular}}{{{layout}}}", r"\toprule", *head, *body, r"\bottomrule", r"\end{tabular}"])


def _with_bold(note: str) -> str:
    """A note on stars as one on bold numbers, which take their place here."""
    return f"Bold{note.removeprefix(BEST)}" if note.startswith(f"{BEST}:") else note


def _group_lines(columns: Sequence[TableColumn]) -> list[str]:
    """The headings that stand over several columns, each with a rule below; none where there are none."""
    if not any(column.group for column in columns):
        return []
    cells, rules, place = [], [], 1
    for group, members in groupby(columns, key=lambda column: column.group):
        count = len(list(members))
        cells.append(rf"\multicolumn{{{count}}}{{c}}{{{escaped(group)}}}" if group else " & ".join([""] * count))
        rules += [rf"\cmidrule(lr){{{place}-{place + count - 1}}}"] if group else []
        place += count
    return [_line(cells), "".join(rules)]


def _line(cells: Iterable[str]) -> str:
    return " & ".join(cells) + r" \\"


def _heading(column: TableColumn) -> str:
    name = escaped(column.name)
    return name if column.unit is None else rf"\shortstack[{column.align[0]}]{{{name}\\{escaped(column.unit) or '~'}}}"


def _cell(cell: TableCell) -> str:
    """The best number is in bold instead of having a star; letters of significance groups are raised."""
    if not isinstance(cell, NumberCell):
        return _number(plain(cell))
    text = rf"\textbf{{{_number(cell.value)}}}" if cell.best else _number(cell.value)
    if cell.interval:
        text += rf" {{\scriptsize {_number(cell.interval)}}}"
    if cell.group:
        text += rf"\textsuperscript{{{escaped(cell.group)}}}"
    return text + (rf" {{\scriptsize ({escaped(cell.share)})}}" if cell.share else "")


def _number(text: str) -> str:
    """Escaped, with hyphens before digits as minus signs."""
    return "$-$".join(escaped(part) for part in _MINUS.split(text))
