"""The tables of the report for ``booktabs``."""

from __future__ import annotations

from collections.abc import Sequence

from listening_test.reporting.document import Block, Table, useful_columns

_SPECIAL = {
    **{character: f"\\{character}" for character in "&%$#_{}"},
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "[": "{[}",
    "]": "{]}",
    "<": "$<$",
    ">": "$>$",
    "×": r"$\times$",
    "±": r"$\pm$",
    "–": "--",
    "†": r"\textdagger{}",
    "≥": r"$\geq$",
    "…": r"\ldots{}",
}


def to_latex(blocks: Sequence[Block]) -> str:
    """Every table, each an environment of its own; headings and notes become captions."""
    tables = [_table(block) for block in blocks if isinstance(block, Table)]
    head = r"% Needs \usepackage{booktabs}. Names in scripts other than Latin need XeLaTeX and a font."
    return "\n\n".join([head, *tables]) + "\n"


def _table(block: Table) -> str:
    places = useful_columns(block)
    plain = not any(block.columns)
    widths = r"lp{0.75\linewidth}" if plain else "l" * len(places)
    head = [] if plain else [_line([block.columns[place] for place in places]), r"\midrule"]
    body = []
    for number, row in enumerate(block.rows):
        if number and row.faint and not block.rows[number - 1].faint:
            body.append(r"\midrule")
        body.append(_line([row.cells[place] for place in places]))
    note = [rf"\par\smallskip\footnotesize {escaped(block.note)}"] if block.note else []
    return "\n".join(
        [
            r"\begin{table}",
            r"\centering\small",
            rf"\caption{{{escaped(block.title)}}}",
            rf"\begin{{tabular}}{{{widths}}}",
            r"\toprule",
            *head,
            *body,
            r"\bottomrule",
            r"\end{tabular}",
            *note,
            r"\end{table}",
        ]
    )


def _line(cells: Sequence[str]) -> str:
    return " & ".join(_number(cell) for cell in cells) + r" \\"


def _number(cell: str) -> str:
    """Minus signs before digits become minus signs."""
    negative = (cell[:1] == "-" and cell[1:2].isdigit()) or "[-" in cell or ", -" in cell
    return escaped(cell).replace("-", "$-$") if negative else escaped(cell)


def escaped(text: str) -> str:
    """The text with everything that LaTeX would read as a command made visible."""
    return "".join(_SPECIAL.get(character, character) for character in text)
