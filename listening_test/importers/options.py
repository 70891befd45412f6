"""What only whoever asks for an import can say."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Options:
    """How a file of another tool is to be read.

    Attributes:
        rater_columns: webMUSHRA: columns that together tell its raters apart; empty: the session does.
        include_rejected: P.808: whether assignments count that were not accepted.
    """

    rater_columns: tuple[str, ...] = ()
    include_rejected: bool = False


DEFAULTS = Options()
"""What holds when nothing is said."""
