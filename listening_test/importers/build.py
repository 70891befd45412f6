"""From rows of any tool to collected ratings."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from listening_test.collected import CHECKS, PAIRS, RATERS, RATINGS, CollectedAnswers, frame
from listening_test.protocol import Protocol
from songbench.domain.errors import InputError


@dataclass(frozen=True, eq=False)
class ImportedRatings:
    """Results of another tool.

    Attributes:
        data: as of a test of our own; ``test`` and ``run`` are "".
        places_known: whether the file says which song was in which slot.
    """

    data: CollectedAnswers
    places_known: bool = True


@dataclass(kw_only=True)
class Rows:
    """What a reader finds, line by line.

    Attributes:
        ratings: values of `RATINGS` that are known; the others are filled in.
        pairs: of `PAIRS`.
        checks: of `CHECKS`.
        background: per rater, answers about themselves.
        notes: what a reader of the report must know.
    """

    ratings: list[dict[str, Any]] = field(default_factory=list)
    pairs: list[dict[str, Any]] = field(default_factory=list)
    checks: list[dict[str, Any]] = field(default_factory=list)
    background: dict[str, dict[str, str]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


_UNKNOWN = {
    "take": 0,
    "excerpt": 0,
    "kind": "test",
    "repeats": "",
    "seconds": float("nan"),
    "answered": float("nan"),
    "comment": "",
    "language": "",
    "prompt_language": "",
}


def collected(protocol: Protocol, rows: Rows, *, places_known: bool = True) -> ImportedRatings:
    """Fill in what the tool does not record, count pages, name the raters.

    A second answer of a rater to the same question about the same song becomes a repetition.

    Args:
        protocol: of the results.
        rows: as found.
        places_known: whether slots are known.
    """
    pairs = [_numbered(row) for row in rows.pairs]
    ratings = [_numbered(row) for row in rows.ratings]
    _mark_repetitions(ratings, ("rater", "trial", "system", "scale"))
    _mark_repetitions(pairs, ("rater", "trial", "first", "second", "scale"))
    answered = ratings or pairs
    raters = list(dict.fromkeys(row["rater"] for row in answered))
    questions = sorted({name for one in rows.background.values() for name in one})
    tags = sorted({name for row in answered for name in row if name.startswith("tag_")})
    data = CollectedAnswers(
        protocol=protocol,
        test="",
        run="",
        systems=_systems(ratings, pairs),
        ratings=frame(ratings, [*RATINGS, *tags]),
        pairs=frame(pairs, [*PAIRS, *tags]),
        checks=frame(rows.checks, [*CHECKS]),
        raters=frame(
            [_rater(rater, answered, rows.background.get(rater, {})) for rater in raters],
            [*RATERS, *(f"background_{name}" for name in questions)],
        ),
        song_counts={},
        failed={},
        notes=("Imported results: screening uses what the file records.", *rows.notes),
    )
    return ImportedRatings(data, places_known)


def _numbered(row: Mapping[str, Any]) -> dict[str, Any]:
    common = _UNKNOWN | {"page": row["order"]} | dict(row)
    if "outcome" in row:
        return {name: float("nan") for name in PAIRS if name.startswith(("heard", "duration"))} | common
    return {"stimulus": f"{row['prompt']}/{row['system']}", "slot": "", "role": "system"} | {
        "heard": float("nan"),
        "duration": float("nan"),
    } | common  # fmt: skip


def _mark_repetitions(rows: Sequence[dict[str, Any]], key: Sequence[str]) -> None:
    counts: Counter[tuple[Any, ...]] = Counter()
    for row in rows:
        name = tuple(row[part] for part in key)
        if counts[name]:
            row |= {"kind": "repeat", "repeats": row["trial"]}
        counts[name] += 1


def _systems(ratings: Sequence[Mapping[str, Any]], pairs: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    names = {row["system"] for row in ratings if row["role"] == "system"}
    return tuple(sorted(names | {row[side] for row in pairs for side in ("first", "second")}))


def _rater(rater: str, answered: Sequence[Mapping[str, Any]], background: Mapping[str, str]) -> dict[str, Any]:
    rows = [row for row in answered if row["rater"] == rater]
    pages = len({row["page"] for row in rows})
    times = sorted(row["answered"] for row in rows if row["answered"] == row["answered"])
    return {
        "rater": rater,
        "seat": -1,
        "language": "",
        "started": times[0] if times else float("nan"),
        "finished": times[-1] if times else float("nan"),
        "minutes": float("nan"),
        "pages_asked": pages,
        "pages_answered": pages,
        "withdrawn": False,
        "device": "",
        **{f"background_{name}": value for name, value in background.items()},
    }


def scale_id(text: str) -> str:
    """A text as the id of a scale."""
    plain = re.sub(r"[^A-Za-z0-9_.-]+", "-", text).strip("-_.")[:24]
    return plain or "rating"


def check_form(protocol: Protocol | None, form: str, scales: int, results: str) -> None:
    """Make sure that a given protocol can be the one of the file.

    Raises:
        InputError: for another form or another number of scales.
    """
    if protocol is None:
        return
    if protocol.form != form:
        raise InputError(
            f"{results} are of the form '{form}', the protocol '{protocol.name}' is of the form '{protocol.form}'.",
            field="--protocol",
            cure="Leave --protocol out, or name one of this form.",
        )
    if len(protocol.scales) != scales:
        raise InputError(
            f"{results} have {scales} ratings each, the protocol '{protocol.name}' has {len(protocol.scales)} scales.",
            field="--protocol",
        )
