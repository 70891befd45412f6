"""A suite for people: what each prompt asks for, the lines as they will be sung, statistics, and what looks odd."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from songbench.domain.lyric_similarity import similarity_remarks
from songbench.domain.prompt import Prompt
from songbench.domain.suite import Suite
from songbench.reporting.suite_card import statistics_lines


def suite_sheet(suite: Suite) -> Group:
    """The prompts of a suite in a table, their lyrics with sung lines numbered, its statistics and what looks odd."""
    return Group(
        _prompts(suite),
        *(part for prompt in suite.prompts for part in _lyrics(prompt, suite)),
        _statistics(suite),
        _remarks(suite),
    )


def _prompts(suite: Suite) -> Table:
    table = Table(title=escape(f"{suite.name} {suite.version}: {suite.description}".rstrip(": ")), title_justify="left")
    for column in ("id", "language", "seconds", "sections", "style"):
        table.add_column(column)
    for prompt in suite.prompts:
        language = f"{prompt.language} (detected)" if prompt.id in suite.detected else prompt.language
        seconds = "" if prompt.seconds is None else f"{prompt.seconds:g}"
        table.add_row(escape(prompt.id), language, seconds, " ".join(prompt.lyrics.tags), escape(prompt.style))
    return table


def _lyrics(prompt: Prompt, suite: Suite) -> Iterator[RenderableType]:
    detected = suite.detected.get(prompt.id)
    yield Text(f"\n{prompt.id}: {prompt.language}" + (f", detected: {detected}" if detected else ""), style="bold")
    number = 0
    for section in prompt.lyrics.sections:
        yield Text(f"  [{section.tag}]" + ("" if section.vocal else f" {section.seconds:g} s"), style="cyan")
        for line in section.lines:
            number += 1
            yield Text(f"  {number:3}  {line}")


def _statistics(suite: Suite) -> RenderableType:
    rows = Table(show_header=False, title=f"\n{len(suite.prompts)} prompts", title_justify="left")
    for name, text in statistics_lines(suite):
        rows.add_row(escape(name), escape(text))
    return rows


def _remarks(suite: Suite) -> Text:
    remarks = (*suite.remarks, *similarity_remarks(suite.prompts))
    if not remarks:
        return Text("\nNothing looks odd.")
    return Text("\n".join(["", f"{len(remarks)} to look at:", *(f"  {remark}" for remark in remarks)]))
