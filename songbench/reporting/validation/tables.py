"""A validation as tables: for the terminal, as Markdown, CSV and JSON."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

from songbench.domain.damages import DAMAGES
from songbench.reporting import wording
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
_COLOURS = {"reacts": "green", "blind": "bold red", "wrong way": "bold red", "should ignore": "bold yellow"}


def shown(validation: Validation) -> list[Examined]:
    """The columns that have a place in tables for people: those in `_told` that answer to anything."""
    return [c for c in _told(validation) if any(response.verdict != "no answer" for response in c.responses)]


def _told(validation: Validation) -> list[Examined]:
    """Headline fields, and fields that say what they hear."""
    return [column for column in validation.columns if column.field.headline or column.field.hears]


def print_validation(validation: Validation, console: Console) -> None:
    """Print a row per damage, in blocks of as many columns as fit, and below what counts against whom."""
    from rich import box
    from rich.table import Table

    console.print(f"[bold]{title(validation)}[/bold]", highlight=False)
    names = [damage.name for damage in DAMAGES.values() if any(_of(c, damage.name) for c in validation.columns)]
    columns = shown(validation)
    per_block = max(1, (min(console.width, 120) - 20) // 16)
    for start in range(0, len(columns), per_block):
        block = columns[start : start + per_block]
        table = Table(box=box.HORIZONTALS, header_style="bold")
        table.add_column("damage", no_wrap=True)
        for column in block:
            table.add_column(column.name.replace("@", "\n@"))
        for name in names:
            cells = []
            for column in block:
                response = _of(column, name)
                colour = _COLOURS.get(response.verdict, "") if response else ""
                text = cell(response) if response else ""
                cells.append(f"[{colour}]{text}[/{colour}]" if colour else text)
            table.add_row(name, *cells)
        console.print(table)
    for line in legend():
        console.print(line, style="dim", highlight=False)
    console.print()
    for line in [*findings(validation), *gaps(validation)]:
        console.print(f" - {line}", highlight=False)
    for identifier, reason, cure in validation.unavailable:
        console.print(f" - not examined: {identifier}: {reason}. To get it: {cure}", highlight=False, markup=False)


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
    for column in _told(validation):
        if column not in shown(validation):
            lines.append(f"{column.name}: no answer ({next((r.reason for r in column.responses), 'nothing to judge')})")
            continue
        found = column.named("reacts")
        parts = [f"reacts to {', '.join(found)}"] if found else []
        words = {"blind": "BLIND to", "wrong way": "WRONG WAY on", "should ignore": "REACTS TO WHAT IT SHOULD IGNORE:"}
        parts += [f"{words[fault]} {', '.join(names)}" for fault in FAULTS if (names := column.named(fault))]
        hears = f" (hears {', '.join(column.hears)})" if column.hears else " (does not say what it hears)"
        aside = column.named("reacts aside")
        parts += [f"also answers to {', '.join(aside)}"] if aside else []
        lines.append(f"{column.name}{hears}: {'; '.join(parts) or 'answers to nothing'}")
    return lines


def to_markdown(validation: Validation, pictures: Mapping[str, str]) -> str:
    """The verdicts, what counts against whom, and every figure of every shown column.

    Args:
        validation: the validation.
        pictures: the path of the figure of a column, relative to the document; ``""`` is the overview.
    """
    columns = shown(validation)
    lines = [f"# {title(validation)}", ""]
    if "" in pictures:
        lines += [f"![rank correlation of every column with every damage]({pictures['']})", ""]
    lines += ["| damage | " + " | ".join(f"{c.name}<br>{_unit(c)}" for c in columns) + " |"]
    lines += ["| --- |" + " --- |" * len(columns)]
    for damage in DAMAGES.values():
        responses = [_of(column, damage.name) for column in columns]
        if any(responses):
            lines.append(f"| {damage.name} | " + " | ".join(cell(r) if r else "" for r in responses) + " |")
    lines += ["", *(f"- {line}" for line in legend()), "", "## Verdicts", ""]
    lines += [f"- {line}" for line in [*findings(validation), *gaps(validation)]]
    lines += [
        f"- not examined: {identifier}: {reason}. To get it: `{cure}`"
        for identifier, reason, cure in validation.unavailable
    ]
    lines += [
        "",
        "## Damage",
        "",
        "| damage | what is done | strengths | harms | may touch |",
        "| --- | --- | --- | --- | --- |",
    ]
    for damage in DAMAGES.values():
        strengths, harms, touches = (", ".join(part) for part in (damage.strengths, damage.harms, damage.touches))
        lines.append(f"| {damage.name} | {damage.summary} | {strengths} | {harms} | {touches} |")
    for column in columns:
        lines += ["", f"## {column.name}", "", column.field.description, ""]
        if column.name in pictures:
            lines += [f"![response curves of {column.name}]({pictures[column.name]})", ""]
        lines += ["| damage | undamaged | 1 | 2 | 3 | 4 | change at 4 | SDs | rank | p | from | verdict |"]
        lines += ["| --- |" + " ---: |" * 9 + " --- | --- |"]
        lines += [_row(column, response) for response in column.responses]
    return "\n".join(lines) + "\n"


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
                told = (change.difference, change.low, change.high) if change else (None, None, None)
                head = [column.name, r.damage.name, number + 1, label, _short(figure)]
                writer.writerow([*head, *map(_short, told), change.n if change else 0, *rest])
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
        "unavailable": [list(one) for one in validation.unavailable],
    }
    return json.dumps(value, indent=1, ensure_ascii=False) + "\n"


def _of(column: Examined, damage: str) -> Response | None:
    return next((response for response in column.responses if response.damage.name == damage), None)


def _unit(column: Examined) -> str:
    return " ".join(part for part in (column.field.unit, wording.ARROWS[column.field.direction]) if part)


def _row(column: Examined, r: Response) -> str:
    def told(value: float | None) -> str:
        return "" if value is None else wording.number(value, column.field)

    change = r.changes[-1]
    between = f"{told(change.difference)} [{told(change.low)}, {told(change.high)}]" if change else ""
    facts = [f"{r.effect:.1f}" if r.effect is not None else "", f"{r.rank + 0.0:.2f}" if r.rank is not None else ""]
    tail = [
        wording.p_value(r.p) if r.p is not None else "",
        r.onset,
        r.verdict if not r.reason else f"no answer: {r.reason}",
    ]
    return "| " + " | ".join([r.damage.name, told(r.clean), *map(told, r.figures), between, *facts, *tail]) + " |"


def _short(value: float | None) -> str:
    return "" if value is None else f"{value:.10g}"
