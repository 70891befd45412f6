"""Answers out of a database, without a server."""

from __future__ import annotations

import json
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

from listening_test.answer_sheets import AnswerSheet
from listening_test.collection.database import Database, default_url
from listening_test.collection.overview import sheets
from listening_test.prepared import PreparedTest
from listening_test.private import write_private
from songbench.domain.errors import InputError


def read_answers(test: PreparedTest, url: str | None = None) -> list[AnswerSheet]:
    """Everything that was answered so far, by rater in the order of coming.

    Args:
        test: the public half.
        url: of the database, None for the one in the test's folder. It is never made or changed.

    Raises:
        InputError: when there is none, or it is another test's.
    """
    with closing(Database(url or default_url(test.folder), test, create=False)) as database:
        return sheets(database, test)


def write_out(path: Path, text: str, field: str) -> None:
    """Write a file that was asked for, readable by its owner only: answers, invitations.

    Args:
        path: where.
        text: the content.
        field: the option that named it.

    Raises:
        InputError: when it cannot be written there.
    """
    try:
        write_private(path, text.encode())
    except OSError as error:
        raise InputError(
            f"The file cannot be written ({error.strerror or error}).",
            file=str(path),
            field=field,
            cure="Name another.",
        ) from None


def lines(sheets: Iterable[AnswerSheet]) -> str:
    """One JSON object per line, as `collected.read_sheets` reads it."""
    return "".join(json.dumps(sheet.to_json(), ensure_ascii=False) + "\n" for sheet in sheets)
