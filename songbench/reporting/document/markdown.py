"""Blocks as Markdown (GitHub's flavour)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from songbench.reporting.document.blocks import (
    AudioPlayer,
    Block,
    Figure,
    Fragment,
    Heading,
    Leaf,
    Listing,
    NumberCell,
    Phrase,
    Table,
    TableCell,
    TableColumn,
    TableRow,
    Text,
    leaves,
    required_columns,
)
from songbench.reporting.document.layout import column_parts

_MARKS = re.compile(
    r"(?P<interval>\[-?[\d.]+, -?[\d.]+\](?![(:\[]))|[][|*`\\~]|<(?!\d)|(?<![^\W_])_|_(?![^\W_])|&(?=#?\w+;)"
)
"""What would be read as a mark. Not so: intervals, ``<`` before digits, underscores inside of words."""
_LINE_START = re.compile(r"^([#>+-]+|\d+[.)])(?=\s|$)")
"""What would make a text a heading, a quotation or an item of a list."""


def to_markdown(blocks: Sequence[Block]) -> str:
    """Everything; figures and audio by their path beside the file."""
    text = ""
    for block in leaves(blocks):
        part = _block(block)
        beside = isinstance(block, Figure) and block.beside
        text += ("" if not text or not part else "\n" if beside else "\n\n") + part
    return text + "\n"


def escaped(text: str) -> str:
    """The text as it is, whatever marks it holds; on one line."""
    flat = _MARKS.sub(lambda match: match["interval"] or f"\\{match[0]}", " ".join(text.split()))
    return _LINE_START.sub(lambda match: f"{match[1][:-1]}\\{match[1][-1]}", flat)


def _block(block: Leaf) -> str:
    match block:
        case Heading():
            return f"{'#' * block.level} {escaped(block.text)}"
        case Text():
            return f"**{_phrase(block.text)}**" if block.strong else _phrase(block.text)
        case Listing():
            return "\n".join(_listing(block))
        case Figure():
            return f"![{escaped(block.alt)}]({_target(block.path)})"
        case AudioPlayer():
            return f"[{escaped(block.title)}]({_target(block.path)})"
        case Table():
            return _table(required_columns(block))


def _target(path: str) -> str:
    """Of a link: paths with spaces, brackets or angles stand in angle brackets."""
    if re.fullmatch(r"[^\s()<>]+", path):
        return path
    safe = re.sub(r"([<>])", r"\\\1", path)
    return f"<{safe}>"


def _phrase(phrase: Phrase) -> str:
    if isinstance(phrase, str):
        return escaped(phrase)
    return "".join(_linked(fragment) for fragment in phrase)


def _linked(fragment: Fragment) -> str:
    span = _span(fragment.text, fragment.style)
    return f"[{span}]({_target(fragment.link)})" if fragment.link else span


def _span(text: str, style: str) -> str:
    if style == "code":
        fence = "``" if "`" in text else "`"
        return f"{fence}{text}{fence}"
    before, after = text[: len(text) - len(text.lstrip())], text[len(text.rstrip()) :]
    inner = escaped(text)
    return f"{before}**{inner}**{after}" if style == "strong" and inner else f"{before}{inner}{after if inner else ''}"


def _listing(block: Listing, indent: str = "") -> list[str]:
    lines = []
    for line in block.lines:
        lines += _listing(line, f"{indent}  ") if isinstance(line, Listing) else [f"{indent}- {_phrase(line)}"]
    return lines


def _table(block: Table) -> str:
    parts = [list(range(len(block.columns)))] if block.page_width is None else column_parts(block, block.page_width)
    tables = ["\n".join(_lines(block, places)) for places in parts]
    if block.folded:
        tables = [f"<details><summary>{escaped(block.title)}</summary>", *tables]
    elif block.title:
        tables = [f"**{escaped(block.title)}**", *tables]
    if len(block.notes) > 1:
        tables.append("\n".join(f"- {escaped(note)}" for note in block.notes))
    elif block.notes:
        tables.append(escaped(block.notes[0]))
    return "\n\n".join([*tables, "</details>"] if block.folded else tables)


def _lines(block: Table, places: Sequence[int]) -> list[str]:
    columns = [block.columns[place] for place in places]
    lines = [_line(map(_heading, columns)), _line("---:" if column.align == "right" else "---" for column in columns)]
    return lines + [_line(_cell(row, place, block.columns[place]) for place in places) for row in block.rows]


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _heading(column: TableColumn) -> str:
    lines = (column.group, column.name, column.unit)
    return "<br>".join(escaped(line) for place, line in enumerate(lines) if line or (place == 2 and line is not None))


def _cell(row: TableRow, place: int, column: TableColumn) -> str:
    """Texts of a faint row are in italics; its numbers, which may be bold, are not."""
    cell: TableCell = row.cells[place]
    if isinstance(cell, NumberCell):
        value = f"**{escaped(cell.value)}**" if cell.best else escaped(cell.value)
        return " ".join([value, *(escaped(piece) for piece in (cell.interval, cell.marks, cell.share) if piece)])
    text = _phrase(cell)
    return f"*{text}*" if row.faint and text and column.align == "left" else text
