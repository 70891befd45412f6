"""Small tables of answers, written by hand or computed, as `collect` would make them."""

import pandas as pd

from listening_test.collected import CHECKS, PAIRS, RATERS, RATINGS, CollectedAnswers, frame
from listening_test.protocol import Protocol

ACR = {"id": "Q", "label": "Quality", "points": {value: str(value) for value in range(1, 6)}}
CCR = {"id": "Q", "label": "Better", "points": {value: str(value) for value in range(-3, 4)}}
PLAIN = {"id": "Q", "label": "Quality"}


def protocol(form="acr", **more):
    scale = {"acr": ACR, "ccr": CCR}.get(form, PLAIN)
    return Protocol.model_validate({"name": "by-hand", "form": form, "scales": [scale], **more})


def rating(rater, system, prompt, value, **more):
    """One answer; `value` None: not applicable."""
    row = {
        "rater": rater,
        "page": 0,
        "trial": f"{prompt}-{system}",
        "kind": "test",
        "repeats": "",
        "prompt": prompt,
        "take": 0,
        "excerpt": 0,
        "scale": "Q",
        "value": float("nan") if value is None else float(value),
        "answer": "na" if value is None else f"{value:g}",
        "stimulus": f"{prompt}-{system}",
        "role": "system",
        "system": system,
        "slot": "A",
    }
    return {**row, **more}


def comparison(rater, first, second, prompt, value, **more):
    """One answer about a pair: -1 or less: the first is better; None: both bad."""
    outcome = "both_bad" if value is None else "tie" if value == 0 else "second" if value > 0 else "first"
    row = rating(rater, "", prompt, value, trial=f"{prompt}-{'-'.join(sorted((first, second)))}")
    return {**row, "answer": str(value), "first": first, "second": second, "outcome": outcome, **more}


def collected(rows, form="acr", *, systems=None, checks=(), raters=None, song_counts=None, failed=None, **more):
    """A whole test from its rows."""
    declared = protocol(form, **more)
    table = pd.DataFrame(list(rows))
    names = ["first", "second"] if declared.pairwise else ["system"]
    system_names = sorted({name for column in names if column in table for name in table[column]})
    people = raters or [
        {"rater": rater, "pages_asked": 1, "pages_answered": 1, "withdrawn": False}
        for rater in sorted({row["rater"] for row in rows} | {check["rater"] for check in checks})
    ]
    return CollectedAnswers(
        protocol=declared,
        test="",
        run="by-hand",
        systems=tuple(systems or system_names),
        ratings=frame([] if declared.pairwise else list(rows), [*RATINGS]),
        pairs=frame(list(rows) if declared.pairwise else [], [*PAIRS]),
        checks=frame(list(checks), [*CHECKS]),
        raters=frame(people, [*RATERS]),
        song_counts=song_counts or {},
        failed=failed or {},
    )
