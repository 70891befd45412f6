"""Answers and key joined into tidy frames: the one form that analysis, exports, importers and simulations share.

`RATINGS`: one row per rater, page, stimulus and scale, for forms that rate single songs. `PAIRS`: one row per rater,
page and scale, for forms that compare two. `CHECKS`: one row per trap or headphone trial. `RATERS`: one row per rater.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from listening_test.answer_sheets import AnswerSheet
from listening_test.answers import NOT_APPLICABLE, PAIR, heard_seconds
from listening_test.check_answers import TrapAnswer
from listening_test.pages import session_pages, slots
from listening_test.prepared import PreparedKey, PreparedTest, Step
from listening_test.protocol import Protocol
from songbench.domain.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

_SHARED = {
    "rater": "opaque name",
    "page": "number of the page in the session, 0-based",
    "order": "1-based place among the rater's test pages",
    "trial": "opaque id of the page's questions; two raters share it when they were asked the same",
    "kind": "test, anchor, repeat; traps and practice are not in this table",
    "repeats": "kind repeat: the trial that it repeats; else empty",
    "prompt": "id of the prompt",
    "take": "number of the take",
    "excerpt": "number of the excerpt rule",
    "scale": "id of the question",
    "value": "the answer as a number, NaN where it is none (see 'answer')",
    "answer": "the answer as given",
    "seconds": "time on the page",
    "answered": "when, in seconds since 1970",
    "comment": "the rater's remark on the page",
    "language": "of the pages",
    "prompt_language": "of the lyrics",
}
RATINGS: Mapping[str, str] = {
    **_SHARED,
    "stimulus": "opaque id",
    "role": "system, anchor or reference",
    "system": "whose song; of an anchor or reference: its name, such as lowpass-3500",
    "slot": "A, B, C … as shown",
    "heard": "seconds of it that were heard",
    "duration": "its length in seconds",
}
"""Columns of ratings of single songs. Tags of the prompt follow as ``tag_NAME``."""
PAIRS: Mapping[str, str] = {
    **_SHARED,
    "first": "system or anchor in slot A",
    "second": "system or anchor in slot B",
    "outcome": "first, second, tie, both_bad: which was better",
    "heard_first": "seconds of the first that were heard",
    "heard_second": "seconds of the second that were heard",
    "duration_first": "its length in seconds",
    "duration_second": "its length in seconds",
}
"""Columns of comparisons. ``value`` is -1, 0, 1 (first, tie, second better; NaN: both bad), or -3 to 3 for ``ccr``."""
CHECKS: Mapping[str, str] = {
    "rater": "opaque name",
    "check": "trap or headphones",
    "page": "number of the page",
    "expected": "the right answer",
    "given": "the rater's",
    "correct": "whether they agree",
}
RATERS: Mapping[str, str] = {
    "rater": "opaque name",
    "seat": "which assignment",
    "language": "of the pages",
    "started": "seconds since 1970",
    "finished": "seconds since 1970; NaN: not finished",
    "minutes": "from the first page to the last answer, pauses longer than 10 minutes left out",
    "pages_asked": "test pages of the seat",
    "pages_answered": "of these",
    "withdrawn": "took back the consent; nothing else is kept",
    "device": "what the browser said of itself",
}
"""Columns of raters. Answers about themselves follow as ``background_ID``."""

_PAUSE = 600.0


@dataclass(frozen=True, eq=False, kw_only=True)
class CollectedAnswers:
    """What a listening test brought, with names.

    Attributes:
        protocol: as declared.
        test: the digest of the prepared test, "" for imported results.
        run: the run it was made from, "" for imported results.
        systems: in the order of tables.
        ratings: see `RATINGS`; empty for forms that compare.
        pairs: see `PAIRS`; empty for forms that rate.
        checks: see `CHECKS`.
        raters: see `RATERS`.
        song_counts: per system, songs that should have been judged; empty where unknown.
        failed: per system, those that were not made.
        simulated: whether a program answered; said wherever anything of it is shown.
        notes: what a reader must know.
    """

    protocol: Protocol
    test: str
    run: str
    systems: tuple[str, ...]
    ratings: pd.DataFrame
    pairs: pd.DataFrame
    checks: pd.DataFrame
    raters: pd.DataFrame
    song_counts: Mapping[str, int]
    failed: Mapping[str, int]
    simulated: bool = False
    notes: tuple[str, ...] = ()

    def of(self, raters: Iterable[str]) -> CollectedAnswers:
        """The same with these raters only."""
        names = set(raters)
        frames = {name: getattr(self, name) for name in ("ratings", "pairs", "checks", "raters")}
        return replace(self, **{name: frame[frame["rater"].isin(names)] for name, frame in frames.items()})


def collect(
    test: PreparedTest, key: PreparedKey, sheets: Sequence[AnswerSheet], *, simulated: bool = False
) -> CollectedAnswers:
    """Join answers with the key.

    Raises:
        InputError: when a sheet belongs to another test, or two sheets have the same rater.
    """
    names: set[str] = set()
    for sheet in sheets:
        if sheet.test != key.test:
            raise InputError(
                f"The answers of rater '{sheet.rater}' belong to another test.",
                cure="Give the folder they were made with.",
            )
        if sheet.rater in names:
            raise InputError(
                f"The answers of rater '{sheet.rater}' are there twice.", cure="Name each source of answers once."
            )
        names.add(sheet.rater)
    ratings: list[dict[str, Any]] = []
    pairs: list[dict[str, Any]] = []
    checks: list[dict[str, Any]] = []
    for sheet in sheets:
        for row in _rows(test, key, sheet):
            target = checks if "check" in row else pairs if "outcome" in row else ratings
            target.append(row)
    tags = sorted({f"tag_{name}" for facts in key.prompts.values() for name in facts.tags})
    extra = sorted({f"background_{one}" for sheet in sheets for one in _background(sheet)})
    return CollectedAnswers(
        protocol=test.protocol,
        test=key.test,
        run=key.run,
        systems=key.systems,
        ratings=frame(ratings, [*RATINGS, *tags]),
        pairs=frame(pairs, [*PAIRS, *tags]),
        checks=frame(checks, [*CHECKS]),
        raters=frame([_rater(test, key, sheet) for sheet in sheets], [*RATERS, *extra]),
        song_counts=key.song_counts,
        failed=key.failed,
        simulated=simulated,
    )


def frame(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> pd.DataFrame:
    """A frame with these columns, whatever the rows hold."""
    import pandas as pd

    return pd.DataFrame(list(rows), columns=list(columns))


def value_of(form: str, answer: str) -> float:
    """An answer as a number; NaN for "not applicable" and for "both bad"."""
    if form == "preference":
        return {"A": -1.0, "tie": 0.0, "B": 1.0}.get(answer, float("nan"))
    return float("nan") if answer == NOT_APPLICABLE else float(answer)


def outcome_of(form: str, answer: str) -> str:
    """Which of two was better: first, second, tie or both_bad."""
    if form == "preference":
        return {"A": "first", "B": "second"}.get(answer, answer)
    value = float(answer)
    return "tie" if value == 0 else "second" if value > 0 else "first"


def _rows(test: PreparedTest, key: PreparedKey, sheet: AnswerSheet) -> Iterable[dict[str, Any]]:
    pages = session_pages(test, sheet.seat)
    form = test.protocol.form
    for entry in sheet.entries:
        page = pages[entry.page]
        if page.kind == "headphones":
            for expected, choice in zip(key.headphone_answers, entry.answer["choices"], strict=True):
                yield _check(sheet, "headphones", entry.page, str(expected), str(choice))
        if page.step is None or page.practice:
            continue
        played = slots(test, page, sheet.language)
        trial_key = key.trials[page.step.trial]
        ratings = entry.answer["ratings"]
        if trial_key.kind == "trap":
            yield _trap(
                sheet, entry.page, TrapAnswer(trial_key.expected or "", trial_key.expected_of), page.step, ratings
            )
            continue
        seconds_heard = {play["slot"]: heard_seconds(play["ranges"]) for play in entry.answer["plays"]}
        facts = key.prompts.get(trial_key.prompt or "")
        shared = {
            "rater": sheet.rater,
            "page": entry.page,
            "order": page.number,
            "trial": page.step.trial,
            "kind": trial_key.kind,
            "repeats": trial_key.repeats or "",
            "prompt": trial_key.prompt,
            "take": trial_key.take,
            "excerpt": trial_key.excerpt,
            "seconds": entry.answer["seconds"],
            "answered": entry.answered,
            "comment": entry.answer["comment"],
            "language": sheet.language,
            "prompt_language": facts.language if facts else "",
            **{f"tag_{name}": value for name, value in (facts.tags.items() if facts else ())},
        }
        for rating in ratings:
            answer = {"scale": rating["scale"], "answer": rating["answer"], "value": value_of(form, rating["answer"])}
            if rating["slot"] == PAIR:
                first, second = (played[slot] for slot in PAIR)
                yield {
                    **shared,
                    **answer,
                    "first": _table_name(key, first),
                    "second": _table_name(key, second),
                    "outcome": outcome_of(form, rating["answer"]),
                    "heard_first": seconds_heard.get(PAIR[0], 0.0),
                    "heard_second": seconds_heard.get(PAIR[1], 0.0),
                    "duration_first": test.stimuli[first].seconds,
                    "duration_second": test.stimuli[second].seconds,
                }
            else:
                stimulus = played[rating["slot"]]
                yield {
                    **shared,
                    **answer,
                    "stimulus": stimulus,
                    "role": key.stimuli[stimulus].role,
                    "system": _table_name(key, stimulus),
                    "slot": rating["slot"],
                    "heard": seconds_heard.get(rating["slot"], 0.0),
                    "duration": test.stimuli[stimulus].seconds,
                }


def _table_name(key: PreparedKey, stimulus: str) -> str:
    """The name in tables: the system's, or what kind of anchor it is."""
    stimulus_key = key.stimuli[stimulus]
    return stimulus_key.anchor or stimulus_key.system or stimulus_key.role


def _trap(
    sheet: AnswerSheet, page: int, trap: TrapAnswer, step: Step, ratings: Sequence[Mapping[str, str]]
) -> dict[str, Any]:
    answers = trap.counted(step.order, ratings)
    row = _check(sheet, "trap", page, trap.expected, ",".join(dict.fromkeys(answers)))
    return row | {"correct": trap.is_right(step.order, ratings)}


def _check(sheet: AnswerSheet, check: str, page: int, expected: str, answer: str) -> dict[str, Any]:
    return {
        "rater": sheet.rater,
        "check": check,
        "page": page,
        "expected": expected,
        "given": answer,
        "correct": expected == answer,
    }


def _rater(test: PreparedTest, key: PreparedKey, sheet: AnswerSheet) -> dict[str, Any]:
    pages = session_pages(test, sheet.seat)
    test_pages = {number for number, page in enumerate(pages) if page.number}
    return {
        "rater": sheet.rater,
        "seat": sheet.seat,
        "language": sheet.language,
        "started": sheet.started,
        "finished": sheet.finished if sheet.finished is not None else float("nan"),
        "minutes": _minutes(sheet),
        "pages_asked": len(test_pages),
        "pages_answered": sum(entry.page in test_pages for entry in sheet.entries),
        "withdrawn": sheet.withdrawn,
        "device": sheet.device,
        **{f"background_{name}": value for name, value in _background(sheet).items()},
    }


def _background(sheet: AnswerSheet) -> Mapping[str, str]:
    return next((entry.answer["answers"] for entry in sheet.entries if "answers" in entry.answer), {})


def _minutes(sheet: AnswerSheet) -> float:
    times = sorted([sheet.started, *(entry.answered for entry in sheet.entries)])
    return sum(gap for one, two in pairwise(times) if (gap := two - one) <= _PAUSE) / 60
