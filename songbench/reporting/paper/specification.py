"""What a table for a paper is to show, and the name under which that is found again."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass

from songbench.domain.errors import InputError
from songbench.domain.hashing import bytes_digest
from songbench.reporting.file_names import safe_names

_NAME = re.compile(r"[A-Za-z0-9][\w.-]{0,99}")
_LABEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9:._/+-]*")
_MOST_DECIMALS = 6


@dataclass(frozen=True, kw_only=True)
class PaperTable:
    """What a table shows.

    Attributes:
        systems: rows, in this order; comparisons are among these alone. Empty: every system of the run.
        columns: names as `songbench.reporting.selection.select_columns` takes them; empty: the leaderboard's.
        facet: a group of columns for each part of the run; None: none.
        decimals: of every number, 0 to 6; None: as each field has them.
        intervals: print them.
        letters: print those of significance groups.
        bold_best: set the best of each column in bold.
        caption: plain text; "": which suite, how much of it.
        label: by which LaTeX refers to the table; "" for none.

    Raises:
        InputError: the decimals or the label are impossible.
    """

    systems: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    facet: str | None = None
    decimals: int | None = None
    intervals: bool = True
    letters: bool = True
    bold_best: bool = False
    caption: str = ""
    label: str = ""

    def __post_init__(self) -> None:
        """Refuse what LaTeX or a reader could not take."""
        if self.decimals is not None and not 0 <= self.decimals <= _MOST_DECIMALS:
            raise InputError(f"Expected 0 to {_MOST_DECIMALS} decimals, found {self.decimals}.", field="decimals")
        if self.label and not _LABEL.fullmatch(self.label):
            raise InputError(
                f"'{self.label}' cannot be a LaTeX label.",
                field="label",
                cure="Use letters, digits and : . _ / + -, as in tab:results.",
            )

    @property
    def default_name(self) -> str:
        """From what it shows: the columns, the facet, and a digest of everything but the caption."""
        shows = {name: value for name, value in asdict(self).items() if name != "caption"}
        digest = bytes_digest(json.dumps(shows, sort_keys=True).encode())[:8]
        words = [*(column.partition("@")[0] for column in self.columns), *([f"by {self.facet}"] if self.facet else [])]
        text = " ".join(words)[:60].strip() or "leaderboard"
        return f"{safe_names({text: text})[text]}-{digest}"


def check_name(name: str) -> str:
    """The name of a table, which becomes that of its files.

    Raises:
        InputError: it cannot be.
    """
    if not _NAME.fullmatch(name):
        raise InputError(
            f"'{name[:100]}' cannot be the name of a table.",
            field="name",
            cure="Use letters, digits, - _ and . (at most 100), a letter or digit first.",
        )
    return name
