"""Scores of songs by which they are kept, from the report of a songbench run or from a table of one's own."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from songbench.domain.errors import InputError
from songbench.domain.reading import read_text
from systems.songbloom.training.data.keep import KeepRule

_LONG = ("system", "column", "prompt", "take", "value")
"""Columns of a run's ``scores.csv``; other tables have a row per song: ``id`` and a column per score."""


def read_scores(path: Path, system: str | None = None) -> dict[str, dict[str, float]]:
    """The scores of songs by id.

    Args:
        path: a report's folder, its ``scores.csv``, or a table with the column ``id``. Error rates of songbench's own
            reports are per cent.
        system: whose songs; needed where a report has several.

    Returns:
        By id: the prompt's for take 0, ``PROMPT_s<take>`` for the others, as the songs are called.

    Raises:
        InputError: the file cannot be read or is another table; several systems and none is named.
    """
    file = path / "scores.csv" if path.is_dir() else path
    rows = list(csv.DictReader(read_text(file, "table of scores").splitlines()))
    names = list(rows[0]) if rows else []
    if set(_LONG) <= set(names):
        return _of_report(_of_system(rows, system, file), file)
    if "id" not in names:
        raise InputError(
            "This is no table of scores: it has neither the columns of a run's scores.csv nor one called 'id'.",
            file=str(file),
        )
    scores = {}
    for number, row in enumerate(rows, 2):
        cells = {name: text for name, text in row.items() if name and name != "id" and text}
        scores[row["id"]] = {name: _number(text, file, number, name) for name, text in cells.items()}
    return scores


def _of_system(rows: Sequence[dict[str, str]], system: str | None, file: Path) -> list[dict[str, str]]:
    systems = list(dict.fromkeys(row["system"] for row in rows))
    if system is None and len(systems) == 1:
        return list(rows)
    if system is None or system not in systems:
        raise InputError(
            "The scores are of several systems." if system is None else f"There are no scores of '{system}'.",
            file=str(file),
            field="--scores-of",
            value=system,
            allowed=systems,
        )
    return [row for row in rows if row["system"] == system]


def _of_report(rows: Sequence[dict[str, str]], file: Path) -> dict[str, dict[str, float]]:
    scores: dict[str, dict[str, float]] = {}
    for number, row in enumerate(rows, 2):
        take = row["take"]
        song = row["prompt"] if take in ("", "0") else f"{row['prompt']}_s{take}"
        if row["value"]:
            scores.setdefault(song, {})[row["column"]] = _number(row["value"], file, number, "value")
    return scores


def _number(text: str, file: Path, line: int, field: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if math.isnan(value):
        raise InputError(f"'{text[:40]}' is no number.", file=str(file), line=line, field=field)
    return value


class ScoreFilter:
    """A rule with the scores it judges by.

    Args:
        rule: what is asked.
        scores: of songs by id.

    Raises:
        InputError: the rule asks for a score that no song has, or that several columns could be.
    """

    def __init__(self, rule: KeepRule, scores: Mapping[str, Mapping[str, float]]) -> None:
        self.rule, self._scores = rule, scores
        columns = sorted({name for song in scores.values() for name in song})
        self._columns = {name: _column(name, columns) for name in rule.names}

    def problem(self, song: str) -> str:
        """Why a song is not kept; "" when it is."""
        song_scores = self._scores.get(song, {})
        if absent := [name for name, column in self._columns.items() if column not in song_scores]:
            return f"not kept: it has no score {', '.join(absent)}"
        values = {name: song_scores[column] for name, column in self._columns.items()}
        if self.rule.condition(values):
            return ""
        return f"not kept by {self.rule.text}: " + ", ".join(f"{name} {value:g}" for name, value in values.items())


def _column(name: str, columns: Sequence[str]) -> str:
    """The column that a name means: itself, or the only backend of a bare name."""
    if name in columns:
        return name
    backends = [column for column in columns if column.partition("@")[0] == name]
    if len(backends) == 1:
        return backends[0]
    raise InputError(
        f"'{name}' could be several scores." if backends else f"No song has a score '{name}'.",
        field="--keep",
        value=None if backends else name,
        allowed=backends or columns,
    )
