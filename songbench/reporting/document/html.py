"""Blocks as one HTML file that needs nothing else: no script, no network, light and dark, wide and narrow."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from html import escape
from urllib.parse import quote

from songbench.reporting.document.blocks import (
    BEST,
    AudioPlayer,
    Block,
    Figure,
    Heading,
    Listing,
    NumberCell,
    Phrase,
    Table,
    TableCell,
    TableColumn,
    Text,
    fragments,
    plain,
)
from songbench.reporting.document.layout import LONG

_STYLE = """
:root { color-scheme: light dark; --ink: #1b1f24; --soft: #57606a; --paper: #ffffff; --line: #d0d7de; --band: #f6f8fa;
  --accent: #0072b2; --alarm: #b3261e; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6edf3; --soft: #9aa4af; --paper: #0d1117; --line: #30363d;
  --band: #161b22; --accent: #56b4e9; --alarm: #ff8a80; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Noto Sans CJK SC", sans-serif; }
main { max-width: 72rem; margin: 0 auto; padding: 1rem 1rem 4rem; }
h1 { font-size: 1.7rem; line-height: 1.25; margin: 1rem 0; }
h2 { font-size: 1.25rem; margin: 2.5rem 0 .5rem; padding-top: .5rem; border-top: 1px solid var(--line); }
p, li { max-width: 60rem; }
.strong { color: var(--alarm); font-weight: 700; border: 2px solid var(--alarm); border-radius: 6px;
  padding: .6rem .8rem; }
.wide { overflow-x: auto; margin: 1rem 0; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .92rem; }
caption { caption-side: top; text-align: left; font-weight: 600; padding: .2rem 0 .4rem; }
th, td { text-align: left; padding: .3rem .9rem .3rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
th { border-bottom: 2px solid var(--line); white-space: nowrap; }
tbody th { border-bottom: 1px solid var(--line); font-weight: 600; }
td { white-space: nowrap; }
.facts td, .facts th, td.long { white-space: normal; overflow-wrap: anywhere; }
.facts th { color: var(--soft); font-weight: 400; width: 11rem; white-space: normal; }
tr.faint td, tr.faint th { color: var(--soft); font-style: italic; font-weight: 400; }
.note { color: var(--soft); font-size: .88rem; margin: .2rem 0 1.2rem; }
figure { margin: 1.2rem 0; }
figure img { max-width: 100%; height: auto; background: #ffffff; border-radius: 6px; padding: 4px; }
nav { font-size: .92rem; color: var(--soft); }
nav a { color: var(--accent); margin-right: .9rem; white-space: nowrap; }
@media (max-width: 40rem) { body { font-size: 15px; } main { padding: .6rem .8rem 3rem; }
  figure { overflow-x: auto; } figure img { max-width: none; width: 38rem; }
  .facts th { width: 7rem; } th, td { padding-right: .6rem; } }
@media print { nav { display: none; } h2 { break-after: avoid; } table, figure { break-inside: avoid; } }
"""
_PNG = b"\x89PNG"
_TAGS = {"strong": "strong", "code": "code", "bad": "strong", "caution": "strong"}


def to_html(blocks: Sequence[Block], images: Mapping[str, bytes]) -> str:
    """The page.

    Args:
        blocks: of the document; its first heading is the title.
        images: PNG or SVG of each figure, by its name; they become part of the page. AudioPlayer stays beside it.
    """
    title = next((block.text for block in blocks if isinstance(block, Heading)), "Report")
    headings = [block for block in blocks if isinstance(block, Heading) and block.level > 1]
    links = " ".join(
        f'<a href="#part-{number}">{escaped(heading.text)}</a>' for number, heading in enumerate(headings, start=1)
    )
    body, part = [], 0
    for block in blocks:
        if isinstance(block, Heading) and block.level > 1:
            part += 1
            body.append(f'<h{block.level} id="part-{part}">{escaped(block.text)}</h{block.level}>')
        elif isinstance(block, Heading):
            body += [f"<h1>{escaped(block.text)}</h1>", f'<nav aria-label="Contents">{links}</nav>']
        else:
            body.append(_block(block, images))
    sources = "img-src data:; " + (
        "media-src 'self' file:; " if any(isinstance(b, AudioPlayer) for b in blocks) else ""
    )
    return (
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>{escaped(title)}</title>\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; {sources}'
        f"style-src 'unsafe-inline'\">\n<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n"
        + "\n".join(body)
        + "\n</main>\n</body>\n</html>\n"
    )


def escaped(text: str) -> str:
    """The text with everything that a browser would read as markup made visible."""
    return escape(text)


def _block(block: Text | Listing | Table | Figure | AudioPlayer, images: Mapping[str, bytes]) -> str:
    match block:
        case Text():
            return f'<p class="strong">{_phrase(block.text)}</p>' if block.strong else f"<p>{_phrase(block.text)}</p>"
        case Listing():
            return _listing(block)
        case Figure():
            return f'<figure><img src="{_source(images[block.name])}" alt="{escaped(block.alt)}"></figure>'
        case AudioPlayer():
            player = f'<audio controls preload="none" src="{escaped(quote(block.path))}"></audio>'
            return f"<figure><figcaption>{escaped(block.title)}</figcaption>{player}</figure>"
        case Table():
            return _table(block)


def _source(image: bytes) -> str:
    kind = "png" if image.startswith(_PNG) else "svg+xml"
    return f"data:image/{kind};base64,{base64.b64encode(image).decode()}"


def _phrase(phrase: Phrase) -> str:
    parts = []
    for fragment in fragments(phrase):
        tag = _TAGS.get(fragment.style)
        parts.append(f"<{tag}>{escaped(fragment.text)}</{tag}>" if tag else escaped(fragment.text))
    return "".join(parts)


def _listing(block: Listing) -> str:
    items: list[str] = []
    for line in block.lines:
        if isinstance(line, Listing) and items:
            items[-1] += _listing(line)
        else:
            items.append(_listing(line) if isinstance(line, Listing) else _phrase(line))
    return f"<ul>{''.join(f'<li>{item}</li>' for item in items)}</ul>"


def _table(block: Table) -> str:
    head = "" if block.of_facts else f"<thead><tr>{''.join(map(_heading, block.columns))}</tr></thead>"
    rows = []
    for row in block.rows:
        cells = [_data(cell, column) for cell, column in zip(row.cells[1:], block.columns[1:], strict=True)]
        line = f'<th scope="row">{_cell(row.cells[0])}</th>{"".join(cells)}</tr>'
        rows.append(('<tr class="faint">' if row.faint else "<tr>") + line)
    caption = f"<caption>{escaped(block.title)}</caption>" if block.title and not block.folded else ""
    text = (
        f'<div class="wide"><table class="{"facts" if block.of_facts else "figures"}">{caption}'
        f"{head}<tbody>{''.join(rows)}</tbody></table></div>"
    ) + "".join(f'<p class="note">{escaped(note)}</p>' for note in block.notes)
    return f"<details><summary>{escaped(block.title)}</summary>{text}</details>" if block.folded else text


def _heading(column: TableColumn) -> str:
    unit = "" if column.unit is None else f"<br>{escaped(column.unit)}"
    return f'<th scope="col">{escaped(column.name)}{unit}</th>'


def _cell(cell: TableCell) -> str:
    if not isinstance(cell, NumberCell):
        return _phrase(cell)
    pieces = [
        f"<strong>{escaped(cell.value)}</strong>" if cell.best else escaped(cell.value),
        f"<small>{escaped(cell.interval)}</small>" if cell.interval else "",
        f"<sup>{escaped(cell.group)}</sup>" if cell.group else "",
        BEST if cell.best else "",
        f"<small>{escaped(cell.share)}</small>" if cell.share else "",
    ]
    return " ".join(piece for piece in pieces if piece)


def _data(cell: TableCell, column: TableColumn) -> str:
    long = ' class="long"' if len(plain(cell)) > LONG and not isinstance(cell, NumberCell) else ""
    right = ' style="text-align: right"' if column.align == "right" else ""
    return f"<td{long}{right}>{_cell(cell)}</td>"
