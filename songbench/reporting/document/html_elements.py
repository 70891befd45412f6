"""One block as an HTML element. Every text of a block is escaped; nothing carries a style or a script."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from html import escape
from itertools import groupby
from urllib.parse import quote, urlsplit

from songbench.reporting.document.blocks import (
    BEST,
    AudioPlayer,
    Block,
    Figure,
    Fold,
    Fragment,
    Heading,
    Listing,
    NumberCell,
    Phrase,
    SideBySide,
    Table,
    TableCell,
    TableColumn,
    TableRow,
    Text,
    View,
    Views,
    fragments,
    plain,
)
from songbench.reporting.document.layout import LONG

Images = Mapping[str, bytes | str]
_PNG = b"\x89PNG"
_TAGS = {
    "strong": ("<strong>", "</strong>"),
    "code": ("<code>", "</code>"),
    "good": ('<span class="good">', "</span>"),
    "bad": ('<strong class="bad">', "</strong>"),
    "caution": ('<strong class="caution">', "</strong>"),
}
_SCROLLS = 4
"""Tables of more columns get the focus, so that the keyboard can scroll them."""


def escaped(text: str) -> str:
    """The text with everything that a browser would read as markup made visible."""
    return escape(text)


def element(block: Block, images: Images, anchor: str = "") -> str:
    """A block as HTML.

    Args:
        block: what to show.
        images: of figures, by name: PNG or SVG, or the path of the file.
        anchor: of a heading that links lead to.
    """
    match block:
        case Heading():
            identity = f' id="{anchor}"' if anchor else ""
            return f"<h{block.level}{identity}>{escaped(block.text)}</h{block.level}>"
        case Text():
            kind = "strong" if block.strong else "lead" if block.lead else ""
            return f"<p{_classes(kind)}>{phrase(block.text)}</p>"
        case Listing():
            return _listing(block)
        case Figure():
            return f'<figure><img src="{_source(images[block.name])}" alt="{escaped(block.alt)}"></figure>'
        case AudioPlayer():
            player = f'<audio controls preload="none" src="{address(block.path)}"></audio>'
            return f"<figure><figcaption>{escaped(block.title)}</figcaption>{player}</figure>"
        case Table():
            return _table(block)
        case Fold():
            inside = _elements(block.blocks, images)
            return f'<details class="fold"><summary>{phrase(block.title)}</summary>{inside}</details>'
        case SideBySide():
            parts = "".join(f"<div>{_elements(part, images)}</div>" for part in block.parts)
            return f'<div class="side-by-side">{parts}</div>'
        case Views():
            views = "".join(_view(view, images, first=not number) for number, view in enumerate(block.views))
            return f'<div class="views" data-title="{escaped(block.title)}">{views}</div>'


def phrase(text: Phrase) -> str:
    """A text with its styles and links."""
    return "".join(map(_fragment, fragments(text)))


def address(link: str) -> str:
    """Of a link, as an attribute: an https address as it is, a path with everything quoted that is not one."""
    if urlsplit(link).scheme in ("http", "https"):
        return escaped(link)
    path, mark, anchor = link.partition("#")
    return escaped(quote(path) + mark + quote(anchor))


def _elements(blocks: Sequence[Block], images: Images) -> str:
    return "".join(element(block, images) for block in blocks)


def _view(view: View, images: Images, *, first: bool) -> str:
    facts = f'data-group="{escaped(view.group)}" data-name="{escaped(view.name)}"'
    content = _elements(view.blocks, images)
    if first:
        return f'<div class="view chosen" {facts}>{content}</div>'
    return (
        f'<details class="view" {facts}><summary>{escaped(f"{view.group}: {view.name}")}</summary>{content}</details>'
    )


def _classes(*names: str) -> str:
    present = " ".join(name for name in names if name)
    return f' class="{present}"' if present else ""


def _source(image: bytes | str) -> str:
    if isinstance(image, str):
        return address(image)
    kind = "png" if image.startswith(_PNG) else "svg+xml"
    return f"data:image/{kind};base64,{base64.b64encode(image).decode()}"


def _fragment(fragment: Fragment) -> str:
    before, after = _TAGS.get(fragment.style, ("", ""))
    text = f"{before}{escaped(fragment.text)}{after}"
    if not fragment.link:
        return text
    return f'<a href="{address(fragment.link)}" rel="noopener noreferrer">{text}</a>'


def _listing(block: Listing) -> str:
    items: list[str] = []
    for line in block.lines:
        if isinstance(line, Listing) and items:
            items[-1] += _listing(line)
        else:
            items.append(_listing(line) if isinstance(line, Listing) else phrase(line))
    return f"<ul>{''.join(f'<li>{item}</li>' for item in items)}</ul>"


# -- tables --------------------------------------------------------------------------------------------------------


def _table(block: Table) -> str:
    head = "" if block.of_facts else f"<thead><tr>{''.join(map(_heading, block.columns))}</tr></thead>"
    bodies = [
        f"<tbody>{''.join(_row(row, block.columns) for row in rows)}</tbody>"
        for _, rows in groupby(block.rows, key=lambda row: row.faint)
    ]
    caption = f"<caption>{escaped(block.title)}</caption>" if block.title and not block.folded else ""
    kinds = _classes(
        "facts" if block.of_facts else "figures",
        "sortable" if block.sortable else "",
        "searchable" if block.searchable else "",
    )
    scrolls = not block.of_facts and len(block.columns) > _SCROLLS
    focus = f' tabindex="0" role="region" aria-label="{escaped(block.title or block.columns[0].name)}"'
    text = (
        f'<div class="wide"{focus if scrolls else ""}><table{kinds}>{caption}{head}{"".join(bodies)}</table></div>'
    ) + "".join(f'<p class="note">{escaped(note)}</p>' for note in block.notes)
    return f"<details><summary>{escaped(block.title)}</summary>{text}</details>" if block.folded else text


def _row(row: TableRow, columns: Sequence[TableColumn]) -> str:
    cells = [_data(cell, column) for cell, column in zip(row.cells[1:], columns[1:], strict=True)]
    return (
        f'<tr{_classes("faint" if row.faint else "")}><th scope="row">{_cell(row.cells[0])}</th>{"".join(cells)}</tr>'
    )


def _heading(column: TableColumn) -> str:
    facts = "".join(
        f' {name}="{escaped(value)}"'
        for name, value in (
            ("data-column", column.name),
            ("title", column.meaning),
            ("data-better", column.better),
        )
        if value
    )
    kinds = _classes("right" if column.align == "right" else "", "optional" if column.optional else "")
    name, at, backend = column.name.partition("@")
    parts = [
        escaped(name),
        f'<span class="backend">{escaped(at + backend)}</span>' if at else "",
        "" if column.unit is None else f'<span class="unit">{escaped(column.unit)}</span>',
    ]
    return f'<th scope="col"{kinds}{facts}>{"".join(parts)}</th>'


def _cell(cell: TableCell) -> str:
    if not isinstance(cell, NumberCell):
        return phrase(cell)
    value = f'<span class="best">{escaped(cell.value)}</span>' if cell.best else escaped(cell.value)
    marks = (f"<sup>{escaped(cell.group)}</sup>" if cell.group else "") + (
        f'<span class="star" title="best">{BEST}</span>' if cell.best else ""
    )
    pieces = [
        f'<span class="marks">{marks}</span>' if marks else "",
        f' <span class="interval">{escaped(cell.interval)}</span>' if cell.interval else "",
        f' <span class="share">{escaped(cell.share)}</span>' if cell.share else "",
    ]
    return value + "".join(pieces)


def _data(cell: TableCell, column: TableColumn) -> str:
    number = isinstance(cell, NumberCell)
    kinds = _classes(
        "number" if number else "long" if len(plain(cell)) > LONG else "",
        "right" if column.align == "right" else "",
        "optional" if column.optional else "",
    )
    by = f' data-number="{cell.number:.10g}"' if isinstance(cell, NumberCell) and cell.number is not None else ""
    return f"<td{kinds}{by}>{_cell(cell)}</td>"
