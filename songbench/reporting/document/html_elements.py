"""One block as an HTML element. Every text of a block is escaped; nothing carries a style or a script."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from functools import lru_cache
from html import escape
from itertools import groupby
from operator import attrgetter
from typing import TypeAlias

from songbench.reporting.document.blocks import (
    BEST,
    AudioPlayer,
    Block,
    Figure,
    FilledForm,
    Fold,
    Fragment,
    Heading,
    Listing,
    NumberCell,
    Phrase,
    Recording,
    Recordings,
    SideBySide,
    Table,
    TableCell,
    TableColumn,
    TableForm,
    TableRow,
    Text,
    View,
    Views,
    plain,
)
from songbench.reporting.document.html_lyrics import lyric_sheet
from songbench.reporting.document.html_recordings import player, strip, waveform
from songbench.reporting.document.html_text import address, escaped
from songbench.reporting.document.layout import LONG
from songbench.reporting.document.recordings import LyricSheet

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
            return f"<figure><figcaption>{escaped(block.title)}</figcaption>{player(block.path, block.title)}</figure>"
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
        case Recordings():
            return _recordings(block, images)
        case LyricSheet():
            return lyric_sheet(block)
        case FilledForm():
            return _filled_form(block)


def phrase(text: Phrase) -> str:
    """A text with its styles and links."""
    return escaped(text) if isinstance(text, str) else "".join(map(_fragment, text))


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


def _recordings(block: Recordings, images: Images) -> str:
    longest = max((recording.seconds for recording in block.recordings), default=0.0)
    rows = "".join(_recording(recording, longest, images) for recording in block.recordings)
    parts = "".join(
        f'<section data-recording="{escaped(recording.key)}"><h2>{escaped(recording.title)}</h2>'
        f"{_elements(recording.blocks, images)}</section>"
        for recording in block.recordings
        if recording.blocks
    )
    return (
        f'<div class="recordings" data-title="{escaped(block.title)}" data-seconds="{longest:.3f}">{rows}</div>'
        f'{_elements(block.blocks, images)}<div class="recording-parts">{parts}</div>'
    )


def _recording(recording: Recording, longest: float, images: Images) -> str:
    """A row: name, facts and player, and beside them what is seen of the sound, as wide as it is long."""
    title = escaped(recording.title)
    width = f"{100 * recording.seconds / longest:.2f}%" if longest else "100%"
    graphs = [(entry.title, strip(entry, recording.seconds, width)) for entry in recording.strips]
    if recording.waveform:
        graphs.append(("", waveform(recording.waveform, f"Waveform of {recording.title}", width)))
    if recording.spectrogram:
        source = _source(images[recording.spectrogram])
        graphs.append(("", f'<img src="{source}" width="{width}" alt="Spectrogram of {title}" loading="lazy">'))
    rows = "".join(f'<span class="graph-title">{escaped(name)}</span><div>{graph}</div>' for name, graph in graphs)
    loudness = f' data-loudness="{recording.loudness:.2f}"' if recording.loudness is not None else ""
    return (
        f'<div{_classes("recording", "faint" if recording.faint else "")} data-recording="{escaped(recording.key)}" '
        f'data-seconds="{recording.seconds:.3f}"{loudness}><div class="recording-head">'
        f'<span class="recording-title">{title}</span><span class="recording-note">{escaped(recording.note)}</span>'
        f"{player(recording.path, recording.title) if recording.path else ''}</div>"
        f'<div class="graphs">{rows}</div></div>'
    )


@lru_cache(maxsize=256)
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
    looks = [(column.align, column.optional) for column in block.columns]
    bodies = [
        f"<tbody>{''.join([_row(row, looks) for row in rows])}</tbody>"
        for _, rows in groupby(block.rows, key=attrgetter("faint"))
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


_BLANK = "\0"
"""Stands for a number that is yet to be filled in; no text holds it, as HTML cannot."""


def _filled_form(block: FilledForm) -> str:
    *parts, end = _form_parts(block.form)
    cells = [
        f'{part} data-number="{number:.10g}">{escape(value)}'
        for part, (value, number) in zip(parts, block.numbers, strict=True)
    ]
    return "".join(cells) + end


@lru_cache(maxsize=8)
def _form_parts(form: TableForm) -> list[str]:
    """The table around its numbers: each part but the last ends within the tag of a cell."""
    cells = (TableRow((first, NumberCell(value=_BLANK), *texts)) for first, *texts in form.texts)
    return _table(Table(columns=form.columns, rows=tuple(cells))).split(f">{_BLANK}")


_Look: TypeAlias = tuple[str, bool]
"""Of a column: on which side its cells stand, and whether it is optional."""
_ROWS = {False: "<tr>", True: '<tr class="faint">'}
"""How a row begins that counts, and one that does not."""


def _row(row: TableRow, looks: Sequence[_Look]) -> str:
    # pages of prompts have some twenty rows for each song, so that nothing is looked up twice here
    first, *values = row.cells
    head = f'<th scope="row">{_cell(first)}</th>' if isinstance(first, NumberCell) else _head(first)
    cells = [
        _text_data(cell, look) if isinstance(cell, str) else _data(cell, look)
        for cell, look in zip(values, looks[1:], strict=True)
    ]
    return f"{_ROWS[row.faint]}{head}{''.join(cells)}</tr>"


@lru_cache(maxsize=1024)
def _head(text: Phrase) -> str:
    """What a row is about: a text, which many rows share."""
    return f'<th scope="row">{phrase(text)}</th>'


@lru_cache(maxsize=256)
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
        f'<span class="unit">{escaped(column.group)}</span>' if column.group else "",
        escaped(name),
        f'<span class="backend">{escaped(at + backend)}</span>' if at else "",
        "" if column.unit is None else f'<span class="unit">{escaped(column.unit)}</span>',
    ]
    return f'<th scope="col"{kinds}{facts}>{"".join(parts)}</th>'


def _cell(cell: NumberCell) -> str:
    if not (cell.best or cell.group or cell.interval or cell.share):
        return escape(cell.value)  # hardly one is like another, so that none is remembered
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


def _data(cell: TableCell, look: _Look) -> str:
    if not isinstance(cell, NumberCell):
        return f"<td{_data_classes(False, len(plain(cell)) > LONG, look)}>{phrase(cell)}</td>"
    by = "" if cell.number is None else f' data-number="{cell.number:.10g}"'
    return f"<td{_data_classes(True, False, look)}{by}>{_cell(cell)}</td>"


@lru_cache(maxsize=1024)
def _text_data(text: str, look: _Look) -> str:
    """Of a cell of text; units and meanings of columns stand in the table of every song."""
    return f"<td{_data_classes(False, len(text) > LONG, look)}>{escaped(text)}</td>"


@lru_cache(maxsize=16)
def _data_classes(number: bool, long: bool, look: _Look) -> str:
    align, optional = look
    return _classes(
        "number" if number else "long" if long else "",
        "right" if align == "right" else "",
        "optional" if optional else "",
    )
