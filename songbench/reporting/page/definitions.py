"""What every column means: the card of each metric, with its limits, its source and its licence."""

from __future__ import annotations

import re
from collections.abc import Sequence

from songbench.contracts.cards import ASPECTS, Field, MetricCard
from songbench.reporting import wording
from songbench.reporting.board import Column, Leaderboard
from songbench.reporting.document.blocks import Fold, Fragment, Phrase, Table, TableColumn, TableRow

_ADDRESS = re.compile(r"(https?://[^\s;,)]+[^\s;,.)])")


def definitions(board: Leaderboard) -> list[Fold]:
    """One for each metric that has a column."""
    metrics = dict.fromkeys(column.metric for column in board.columns)
    return [_definition(metric, [column for column in board.columns if column.metric == metric]) for metric in metrics]


def _definition(metric: MetricCard, columns: Sequence[Column]) -> Fold:
    facts = {
        "what it is": metric.summary,
        "limits": metric.limits,
        "reacts to": "; ".join(ASPECTS.get(aspect, aspect) for aspect in metric.hears),
        "backend": _backend(metric),
        "languages": ", ".join(metric.languages),
        "source": metric.citation,
        "licence": metric.licence,
        "procedure": str(metric.procedure) if metric.procedure else "",
        "compared with upstream": metric.verified,
        "version": metric.version,
    }
    rows = tuple(TableRow((name, linked(text))) for name, text in facts.items() if text)
    fields = Table(
        columns=tuple(TableColumn(name=name) for name in ("column", "unit", "direction", "range", "meaning")),
        rows=tuple(TableRow(_field(column)) for column in columns),
    )
    title = (Fragment(metric.id, "strong"), Fragment(f"  {metric.summary}"))
    return Fold(title, (fields, Table(columns=(TableColumn(name=""), TableColumn(name="")), rows=rows)))


def _backend(metric: MetricCard) -> str:
    if not metric.backend:
        return "none: facts of the signal and of the run"
    kind = "the one that papers use" if metric.reference else "a stand-in: compare with other runs of it only"
    return f"{metric.backend}, {kind}"


def _field(column: Column) -> tuple[str, ...]:
    field = column.field
    return column.name, field.unit, wording.BETTER[field.direction], _range(field), field.description


def _range(field: Field) -> str:
    low, high = (None if bound is None else f"{bound:g}" for bound in (field.low, field.high))
    if low is None and high is None:
        return ""
    return f"{low} to {high}" if low and high else f"from {low}" if low else f"up to {high}"


def linked(text: str) -> Phrase:
    """A text whose addresses margin where they say."""
    parts = [part for part in _ADDRESS.split(text) if part]
    return tuple(Fragment(part, link=part if _ADDRESS.fullmatch(part) else "") for part in parts)
