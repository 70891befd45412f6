"""The report as Markdown (GitHub's flavour)."""

from __future__ import annotations

import re
from collections.abc import Sequence

from listening_test.reporting.document import Block, Heading, Listing, Picture, Table, Text, useful_columns


def to_markdown(blocks: Sequence[Block]) -> str:
    """Everything; figures by their path beside the file."""
    return "\n\n".join(part for block in blocks if (part := _block(block))) + "\n"


def _block(block: Block) -> str:
    if isinstance(block, Heading):
        return f"{'#' * block.level} {escaped(block.text)}"
    if isinstance(block, Text):
        return f"**{escaped(block.text)}**" if block.strong else escaped(block.text)
    if isinstance(block, Listing):
        return "\n".join(f"- {escaped(line)}" for line in block.lines)
    if isinstance(block, Picture):
        return f"![{escaped(block.alt)}](figures/{block.name}.png)"
    return _table(block)


def _table(block: Table) -> str:
    places = useful_columns(block)
    lines = [f"**{escaped(block.title)}**", ""]
    lines += [_row([block.columns[place] for place in places]), _row(["---"] * len(places), raw=True)]
    for row in block.rows:
        cells = [escaped(row.cells[place]) for place in places]
        lines.append(_row([f"*{cell}*" if row.faint and cell else cell for cell in cells], raw=True))
    return "\n".join([*lines, "", escaped(block.note)] if block.note else lines)


def _row(cells: Sequence[str], *, raw: bool = False) -> str:
    return f"| {' | '.join(cells if raw else map(escaped, cells))} |"


def escaped(text: str) -> str:
    """The text as it is, whatever marks it holds; on one line."""
    flat = " ".join(text.split())
    return re.sub(r"([][|*_<>`\\#])", r"\\\1", flat)
