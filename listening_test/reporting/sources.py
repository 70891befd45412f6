"""Where answers come from: the server's database, exports, files of bundles, simulated raters."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from listening_test.answer_sheets import AnswerSheet, read_sheets
from listening_test.prepared import PreparedTest
from listening_test.reporting.wording import counted
from songbench.domain.errors import InputError

PREFIX = "simulated-"
"""Begins the names of raters that a program played."""
_ENDINGS = (".json", ".jsonl")


class Answers(NamedTuple):
    """Sheets with what they are.

    Attributes:
        sheets: as answered, checked.
        simulated: whether a program gave them.
        sources: where from, in words.
    """

    sheets: tuple[AnswerSheet, ...]
    simulated: bool
    sources: tuple[str, ...]


class _Source(NamedTuple):
    name: str
    sheets: list[AnswerSheet]
    simulated: bool


def find_answers(test: PreparedTest, db: str | None, files: Sequence[Path]) -> Answers:
    """Every answer sheet of a prepared test.

    Args:
        test: the public half.
        db: URL of the database; None: ``FOLDER/ratings.sqlite`` where it exists, unless all files are simulated.
        files: exports (JSON Lines), files of bundles (JSON), ``simulated.jsonl``, or folders of them.

    Raises:
        InputError: when there are none, a file is none of these, or answers of people and of a program are mixed.
    """
    file_sources = [_read(test, path) for path in _expanded(files)]
    pretence = (
        bool(file_sources) and db is None and all(_played(source) == len(source.sheets) for source in file_sources)
    )
    sources = [source for source in [*([] if pretence else _from_database(test, db)), *file_sources] if source.sheets]
    if not sources:
        raise InputError(
            "There are no answers yet.",
            file=str(test.folder),
            cure="`songbench listen serve` collects them; --answers names files of them, --db another database.",
        )
    sheets = [sheet for source in sources for sheet in source.sheets]
    played = sum(_played(source) for source in sources)
    if played and played < len(sheets):
        raise InputError(
            f"{played} of {counted(len(sheets), 'rater')} are simulated; answers of people and of a program are never "
            "mixed.",
            field="--answers",
            cure="Report them apart, each with its own --to.",
        )
    descriptions = tuple(f"{source.name} ({counted(len(source.sheets), 'rater')})" for source in sources)
    return Answers(tuple(sheets), bool(played), descriptions)


def _played(source: _Source) -> int:
    """How many of its raters a program played."""
    return len(source.sheets) if source.simulated else sum(one.rater.startswith(PREFIX) for one in source.sheets)


def _from_database(test: PreparedTest, db: str | None) -> Iterator[_Source]:
    from listening_test.collection.database import DATABASE
    from listening_test.collection.export import read_answers

    if db is not None or (test.folder / DATABASE).exists():
        yield _Source("database" if db else DATABASE, list(read_answers(test, db)), False)


def _expanded(files: Sequence[Path]) -> Iterator[Path]:
    for path in files:
        if path.is_dir():
            inside = sorted(one for one in path.iterdir() if one.suffix in _ENDINGS and one.is_file())
            if not inside:
                raise InputError("No .json or .jsonl file in this folder.", file=str(path), field="--answers")
            yield from inside
        else:
            yield path


def _read(test: PreparedTest, path: Path) -> _Source:
    from listening_test.answer_sheets import check_sheet

    sheets = read_sheets(path)
    try:
        # A rater beyond the planned ones sits on the same seat as an earlier one; see `prepared.PreparedTest.seats`.
        checked = [check_sheet(test, replace(sheet, seat=sheet.seat % len(test.seats))) for sheet in sheets]
    except InputError as error:
        raise error.located(file=str(path)) from None
    return _Source(path.name, checked, _says_simulated(path))


def _says_simulated(path: Path) -> bool:
    """By its name, or by ``"simulated": true`` in any of its objects."""
    if path.stem.startswith("simulated"):
        return True
    text = path.read_text(encoding="utf-8")
    rows = [text] if path.suffix == ".json" else text.split("\n")
    return any(json.loads(row).get("simulated") is True for row in rows if row.strip())
