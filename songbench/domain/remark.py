"""Remarks on a sound: what a reader of its numbers should know, short enough to stand under a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from songbench.domain.hashing import Json


@dataclass(frozen=True)
class Remark:
    """Something odd about one recording.

    Attributes:
        code: the kind, the same for all recordings it is said of, such as ``antiphase``.
        text: the same in words, with this recording's numbers.
    """

    code: str
    text: str


def remarks_to_json(remarks: Sequence[Remark]) -> list[Json]:
    """What is stored: ``[[code, text], …]``."""
    return [[remark.code, remark.text] for remark in remarks]


def remarks_from_json(value: Sequence[Any]) -> tuple[Remark, ...]:
    """What was stored."""
    return tuple(Remark(str(code), str(text)) for code, text in value)
