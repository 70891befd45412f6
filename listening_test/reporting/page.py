"""The report as one HTML file that needs nothing else: no script, no network, light and dark, wide and narrow."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from html import escape

from listening_test.reporting.document import Block, Heading, Listing, Picture, Table, Text, useful_columns

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
_FAINT = '<tr class="faint">'
_LONG = 40  # characters from which a cell may be broken


def to_html(blocks: Sequence[Block], figures: Mapping[str, bytes]) -> str:
    """The page.

    Args:
        blocks: of `content`.
        figures: SVG of each picture, by name.
    """
    title = next((block.text for block in blocks if isinstance(block, Heading)), "Listening test")
    headings = [block for block in blocks if isinstance(block, Heading) and block.level > 1]
    links = " ".join(f'<a href="#part-{number}">{escape(one.text)}</a>' for number, one in enumerate(headings, start=1))
    body, part = [], 0
    for block in blocks:
        if isinstance(block, Heading) and block.level > 1:
            part += 1
            body.append(f'<h2 id="part-{part}">{escape(block.text)}</h2>')
        elif isinstance(block, Heading):
            body += [f"<h1>{escape(block.text)}</h1>", f'<nav aria-label="Contents">{links}</nav>']
        else:
            body.append(_block(block, figures))
    return (
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>{escape(title)}</title>\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; img-src data:; '
        f"style-src 'unsafe-inline'\">\n<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n"
        + "\n".join(body)
        + "\n</main>\n</body>\n</html>\n"
    )


def _block(block: Text | Listing | Table | Picture | Heading, figures: Mapping[str, bytes]) -> str:
    if isinstance(block, Text):
        return f'<p class="strong">{escape(block.text)}</p>' if block.strong else f"<p>{escape(block.text)}</p>"
    if isinstance(block, Listing):
        return f"<ul>{''.join(f'<li>{escape(line)}</li>' for line in block.lines)}</ul>"
    if isinstance(block, Picture):
        data = base64.b64encode(figures[block.name]).decode()
        return f'<figure><img src="data:image/svg+xml;base64,{data}" alt="{escape(block.alt)}"></figure>'
    assert isinstance(block, Table)
    return _table(block)


def _table(block: Table) -> str:
    places = useful_columns(block)
    plain = not any(block.columns)
    headings = "".join(f'<th scope="col">{escape(block.columns[place])}</th>' for place in places)
    head = "" if plain else f"<thead><tr>{headings}</tr></thead>"
    rows = []
    for row in block.rows:
        cells = [row.cells[place] for place in places]
        first, rest = f'<th scope="row">{escape(cells[0])}</th>', "".join(_cell(cell) for cell in cells[1:])
        rows.append(f"{_FAINT if row.faint else '<tr>'}{first}{rest}</tr>")
    note = f'<p class="note">{escape(block.note)}</p>' if block.note else ""
    return (
        f'<div class="wide"><table class="{"facts" if plain else "figures"}"><caption>{escape(block.title)}</caption>'
        f"{head}<tbody>{''.join(rows)}</tbody></table></div>{note}"
    )


def _cell(text: str) -> str:
    return f'<td class="long">{escape(text)}</td>' if len(text) > _LONG else f"<td>{escape(text)}</td>"
