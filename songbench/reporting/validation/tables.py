"""A validation as tables: for the terminal, as Markdown, CSV and JSON."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from songbench.domain.damages import DAMAGES
from songbench.reporting import wording
from songbench.reporting.document.blocks import (
    Block,
    Figure,
    Fragment,
    Heading,
    Listing,
    Phrase,
    Style,
    Table,
    TableColumn,
    TableRow,
    Text,
    table,
)
from songbench.reporting.document.markdown import to_markdown as markdown_of
from songbench.reporting.document.terminal import print_document
from songbench.reporting.figures.files import file_name
from songbench.reporting.validation.responses import FAULTS, MEANINGS, Examined, Response, Validation, Verdict

if TYPE_CHECKING:
    from rich.console import Console

MARKS: Mapping[Verdict, str] = {
    "reacts": "●",
    "blind": "✗ blind",
    "wrong way": "✗ wrong way",
    "ignores": "·",
    "should ignore": "! reacts",
    "reacts aside": "○",
    "ignores aside": "",
    "no answer": "–",
}
_STYLES: Mapping[Verdict, Style] = {"reacts": "good", "blind": "bad", "wrong way": "bad", "should ignore": "caution"}
OVERVIEW = "overview"
"""The name of the figure of all columns."""


def headline_columns(validation: Validation) -> list[Examined]:
    """The columns that have a place in tables for people: those of `_examined` that answer to anything."""
    return [c for c in _examined(validation) if any(response.verdict != "no answer" for response in c.responses)]


def _examined(validation: Validation) -> list[Examined]:
    """Headline fields, and fields that say what they hear."""
    return [column for column in validation.columns if column.field.headline or column.field.hears]


def print_validation(validation: Validation, console: Console | None = None) -> None:
    """Print a row per damage, and below what counts against whom.

    Args:
        validation: the validation.
        console: where to; its width decides which columns stand side by side. None: standard output.
    """
    blocks = [Heading(title(validation), level=1), verdict_table(validation), *_verdicts(validation)]
    print_document(blocks, console)


def title(validation: Validation) -> str:
    """One line: what was damaged and judged."""
    takes = f" × {validation.takes} takes" if validation.takes > 1 else ""
    on = f"{validation.base} on suite {validation.suite}, {validation.prompts} prompts{takes}"
    return f"How metrics answer to damage: {on}"


def cell(response: Response) -> str:
    """Mark and rank correlation, e.g. ``● 0.95``."""
    rank = "" if response.rank is None else f"{response.rank + 0.0:.2f}"
    return " ".join(part for part in (MARKS[response.verdict], rank) if part)


def legend() -> list[str]:
    """What the marks mean."""
    return [
        "Number: Spearman's rank correlation with the strength of the damage (0 to 4), mean over prompts.",
        *(f"{mark or 'no mark'}: {MEANINGS[verdict]}." for verdict, mark in MARKS.items()),
    ]


def gaps(validation: Validation) -> list[str]:
    """One line per damage whose harm no examined column says it hears."""
    lines = []
    for damage in DAMAGES.values():
        if any(_of(c, damage.name) for c in validation.columns):
            claims = [c.name for c in validation.columns if set(c.hears) & set(damage.harms)]
            if not claims:
                lines.append(f"{damage.name}: no metric here says it hears {' or '.join(damage.harms)}")
    return lines


def findings(validation: Validation) -> list[str]:
    """One line per column: what it answers to, and what counts against it."""
    lines = []
    for column in _examined(validation):
        if column not in headline_columns(validation):
            lines.append(f"{column.name}: no answer ({next((r.reason for r in column.responses), 'nothing to judge')})")
            continue
        answered = column.damages_with("reacts")
        parts = [f"reacts to {', '.join(answered)}"] if answered else []
        words = {"blind": "BLIND to", "wrong way": "WRONG WAY on", "should ignore": "REACTS TO WHAT IT SHOULD IGNORE:"}
        parts += [f"{words[fault]} {', '.join(names)}" for fault in FAULTS if (names := column.damages_with(fault))]
        hears = f" (hears {', '.join(column.hears)})" if column.hears else " (does not say what it hears)"
        aside = column.damages_with("reacts aside")
        parts += [f"also answers to {', '.join(aside)}"] if aside else []
        lines.append(f"{column.name}{hears}: {'; '.join(parts) or 'answers to nothing'}")
    return lines


def to_markdown(validation: Validation, with_figure: Sequence[str] = ()) -> str:
    """The verdicts, what counts against whom, and every figure of every shown column.

    Args:
        validation: the validation.
        with_figure: names of the columns that have a figure; ``""`` is the overview.
    """
    overview = [Figure(OVERVIEW, "rank correlation of every column with every damage")] if "" in with_figure else []
    blocks = [
        Heading(title(validation), level=1),
        *overview,
        verdict_table(validation),
        *_verdicts(validation),
        Heading("Damage"),
        _damages(validation),
    ]
    for column in headline_columns(validation):
        blocks += [Heading(column.name), Text(column.field.description)]
        if column.name in with_figure:
            blocks.append(Figure(figure_name(column.name), f"response curves of {column.name}"))
        blocks.append(_responses(column))
    return markdown_of(blocks)


def figure_name(column: str) -> str:
    """Of the file of a column's response curves, without ending; ``""`` stands for the overview."""
    return file_name(column) or OVERVIEW


def verdict_table(validation: Validation) -> Table:
    """Damages x columns, each with its mark and the rank correlation."""
    columns = headline_columns(validation)
    rows = []
    for damage in DAMAGES.values():
        responses = [_of(column, damage.name) for column in columns]
        if any(responses):
            rows.append(TableRow((damage.name, *(_verdict(response) for response in responses))))
    heads = [TableColumn(name=column.name, unit=_unit(column)) for column in columns]
    return Table(columns=(TableColumn(name="damage"), *heads), rows=tuple(rows), notes=tuple(legend()))


def _verdict(response: Response | None) -> Phrase:
    if response is None:
        return ""
    return (Fragment(cell(response), _STYLES.get(response.verdict, "plain")),)


def _verdicts(validation: Validation) -> list[Block]:
    lines: list[Phrase | Listing] = [*findings(validation), *gaps(validation)]
    for identifier, reason, cure in validation.unavailable:
        lines.append((Fragment(f"not examined: {identifier}: {reason}. To get it: "), Fragment(cure, "code")))
    return [Heading("Verdicts"), Listing(tuple(lines))]


def _damages(validation: Validation) -> Table:
    rows = [
        (damage.name, damage.summary, *(", ".join(part) for part in (damage.strengths, damage.harms, damage.touches)))
        for damage in DAMAGES.values()
        if any(_of(column, damage.name) for column in validation.columns)
    ]
    return table("", ("damage", "what is done", "strengths", "harms", "may touch"), rows)


def _responses(column: Examined) -> Table:
    texts = ("damage", *_NUMBERS, "from", "verdict")
    heads = [TableColumn(name=name, align="right" if name in _NUMBERS else "left") for name in texts]
    return Table(columns=tuple(heads), rows=tuple(TableRow(_row(column, response)) for response in column.responses))


_NUMBERS = ("undamaged", "1", "2", "3", "4", "change at 4", "SDs", "rank", "p")


def to_csv(validation: Validation) -> str:
    """One line per column, damage and strength (0: undamaged)."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    names = ("column", "damage", "strength", "label", "figure", "change", "low", "high", "n")
    writer.writerow([*names, "rank", "effect", "p", "verdict", "reason"])
    for column in validation.columns:
        for r in column.responses:
            rest = [_short(r.rank), _short(r.effect), _short(r.p), r.verdict, r.reason]
            writer.writerow([column.name, r.damage.name, 0, "undamaged", _short(r.clean), "", "", "", r.n, *rest])
            for number, (label, figure, change) in enumerate(
                zip(r.damage.strengths, r.figures, r.changes, strict=True)
            ):
                interval = (change.difference, change.low, change.high) if change else (None, None, None)
                head = [column.name, r.damage.name, number + 1, label, _short(figure)]
                writer.writerow([*head, *map(_short, interval), change.n if change else 0, *rest])
    return stream.getvalue()


def to_json(validation: Validation) -> str:
    """Verdicts by column and damage, for programs."""
    value = {
        "schema": "songbench.validation/1",
        "suite": validation.suite,
        "base": validation.base,
        "prompts": validation.prompts,
        "takes": validation.takes,
        "columns": {
            column.name: {
                "hears": list(column.hears),
                "verdicts": {response.damage.name: response.verdict for response in column.responses},
            }
            for column in validation.columns
        },
        "unavailable": [list(gap) for gap in validation.unavailable],
    }
    return json.dumps(value, indent=1, ensure_ascii=False) + "\n"


def _of(column: Examined, damage: str) -> Response | None:
    return next((response for response in column.responses if response.damage.name == damage), None)


def _unit(column: Examined) -> str:
    return " ".join(part for part in (column.field.unit, wording.ARROWS[column.field.direction]) if part)


def _row(column: Examined, response: Response) -> tuple[str, ...]:
    def printed(value: float | None) -> str:
        return "" if value is None else wording.number(value, column.field)

    change = response.changes[-1]
    return (
        response.damage.name,
        printed(response.clean),
        *map(printed, response.figures),
        f"{printed(change.difference)} [{printed(change.low)}, {printed(change.high)}]" if change else "",
        _effect(response.effect),
        f"{response.rank + 0.0:.2f}" if response.rank is not None else "",
        wording.p_value(response.p) if response.p is not None else "",
        response.onset,
        response.verdict if not response.reason else f"no answer: {response.reason}",
    )


def _effect(effect: float | None) -> str:
    """Infinite where the undamaged songs have no spread to compare with: all of them have the same figure."""
    if effect is None:
        return ""
    return f"{effect:.1f}" if math.isfinite(effect) else "no spread"


def _short(value: float | None) -> str:
    return "" if value is None else f"{value:.10g}"
