"""Results of webMUSHRA: what its server appends to a CSV file per kind of page.

Every line begins with ``session_test_id``, then come the questions that the experimenter asked (name, age …), in newer
versions ``session_uuid``, then ``trial_id``. After it:

- ``mushra.csv``: ``rating_stimulus, rating_score, rating_time, rating_comment``; score 0 to 100; ``reference``,
  ``anchor35`` and ``anchor70`` are the hidden reference and the anchors.
- ``lms.csv`` and ``lss.csv`` (Likert): ``stimuli_rating`` or ``stimuli_rating1, stimuli_rating2 …``, then ``stimuli``,
  ``rating_time``; a rating that was left out is ``NA``.
- ``paired_comparison.csv``: ``choice_reference, choice_non_reference, choice_answer, choice_time, choice_comment``.
  There a rater says which of two is the open reference: ``correct``, ``incorrect``, ``undecided``, ``unknown``.

Times are milliseconds on the page, the same for all stimuli of it. The trial is taken as the prompt, the stimulus as
the system. Who answered is a session, or what the columns that the experimenter names say; it is never guessed, see
`participants`. Of what participants said about themselves only what cannot name them leaves this module.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from listening_test.importers.build import ImportedRatings, Rows, check_form, collected, scale_id
from listening_test.importers.lines import CsvTable, Line, number, read_lines, without_copies
from listening_test.importers.options import DEFAULTS, Options
from listening_test.importers.participants import Participants, participants
from listening_test.protocol import Protocol
from listening_test.reporting.wording import counted
from songbench.domain.errors import InputError

ANCHORS = {"anchor35": "lowpass-3500", "anchor70": "lowpass-7000"}
_MUSHRA = ("rating_stimulus", "rating_score", "rating_time", "rating_comment")
_PAIRED = ("choice_reference", "choice_non_reference", "choice_answer", "choice_time", "choice_comment")
_OTHER = {"rating_reference_score": "bs1116", "position_x": "spatial", "position_center_x": "spatial"}
_RATING = re.compile(r"stimuli_rating\d*")


def read_webmushra(path: Path, protocol: Protocol | None = None, options: Options = DEFAULTS) -> ImportedRatings:
    """Read one of webMUSHRA's result files.

    Args:
        path: of the CSV file.
        protocol: scales, screening and analysis; None: the preset of the form, or the points that were used.
        options: `Options.rater_columns` tells raters apart where sessions do not.

    Raises:
        InputError: naming file and line.
    """
    sheet, copies = without_copies(read_lines(path))
    columns = _after_trial(sheet)
    _one_test(sheet)
    people = participants(sheet, options.rater_columns)
    rows = _new_rows(people, copies)
    if set(columns) == set(_MUSHRA):
        return _mushra(sheet, people, rows, protocol)
    if set(columns) == set(_PAIRED):
        return _paired(sheet, people, rows, protocol)
    ratings = [name for name in columns if _RATING.fullmatch(name)]
    if ratings and set(columns) == {*ratings, "stimuli", "rating_time"}:
        return _likert(sheet, people, rows, protocol, ratings)
    page_kind = next((kind for name, kind in _OTHER.items() if name in columns), "")
    unknown = sorted(set(columns) - {*_MUSHRA, *_PAIRED, "stimuli"}) or sorted(columns)
    raise InputError(
        f"Results of {page_kind} pages are not read."
        if page_kind
        else f"These are not columns of a mushra, likert or paired comparison file: {', '.join(unknown)}.",
        file=str(path),
        line=1,
        cure=f"Expected after 'trial_id': {', '.join(_MUSHRA)}; or 'stimuli_rating, stimuli, rating_time'; or "
        f"{', '.join(_PAIRED)}.",
    )


def _after_trial(sheet: CsvTable) -> tuple[str, ...]:
    for name in ("session_test_id", "trial_id"):
        if name not in sheet.columns:
            raise InputError(
                f"There is no column '{name}'.",
                file=str(sheet.path),
                line=1,
                cure="Give a result file as webMUSHRA's server wrote it.",
            )
    return sheet.columns[sheet.columns.index("trial_id") + 1 :]


def _one_test(sheet: CsvTable) -> None:
    first = sheet.lines[0].cells["session_test_id"]
    for line in sheet.lines:
        if line.cells["session_test_id"] != first:
            raise InputError(
                f"Another test begins here ('{line.cells['session_test_id']}' after '{first}').",
                file=str(sheet.path),
                line=line.number,
                cure="Give each test in a file of its own.",
            )


class _Places:
    """The order of a rater's pages, by the order of lines."""

    def __init__(self) -> None:
        self._pages: dict[str, dict[str, int]] = {}

    def of(self, rater: str, trial: str) -> int:
        pages = self._pages.setdefault(rater, {})
        return pages.setdefault(trial, len(pages) + 1)


def _new_rows(people: Participants, copies: int) -> Rows:
    rows = Rows(background={rater: dict(said) for rater, said in people.background.items()})
    rows.notes.append(
        "webMUSHRA keeps no order of pages, no slots and no record of what was played; pages are numbered by line."
    )
    if copies:
        rows.notes.append(f"{counted(copies, 'line')} came twice, word for word, and count once.")
    rows.notes += people.notes
    return rows


def _shared(sheet: CsvTable, line: Line, rater: str, places: _Places, time: str) -> dict[str, object]:
    trial = line.cells["trial_id"]
    seconds = number(sheet, line, time) / 1000 if line.cells[time] else float("nan")
    return {
        "rater": rater,
        "order": places.of(rater, trial),
        "trial": trial,
        "prompt": trial,
        "seconds": seconds,
        "comment": line.cells.get("rating_comment", line.cells.get("choice_comment", "")),
    }


def _mushra(sheet: CsvTable, people: Participants, rows: Rows, protocol: Protocol | None) -> ImportedRatings:
    stimuli = {line.cells["rating_stimulus"] for line in sheet.lines}
    form = "mushra" if "reference" in stimuli else "multistimulus"
    check_form(protocol, form, 1, "These results")
    declared = protocol or _preset(form, sheet)
    places = _Places()
    for line in sheet.lines:
        stimulus, score = line.cells["rating_stimulus"], number(sheet, line, "rating_score")
        if not stimulus or not 0 <= score <= 100:
            raise InputError(
                f"Expected a stimulus and a score of 0 to 100, found '{stimulus}' and {score:g}.",
                file=str(sheet.path),
                line=line.number,
            )
        role = "reference" if stimulus == "reference" else "anchor" if stimulus in ANCHORS else "system"
        rows.ratings.append(
            _shared(sheet, line, people.names[line.number], places, "rating_time")
            | {
                "scale": declared.scales[0].id,
                "system": ANCHORS.get(stimulus, stimulus),
                "role": role,
                "value": score,
                "answer": line.cells["rating_score"],
            }
        )
    return collected(declared, rows)


def _preset(form: str, sheet: CsvTable) -> Protocol:
    from listening_test.protocol import load_protocol

    return load_protocol(form, {"name": f"webmushra-{scale_id(sheet.lines[0].cells['session_test_id'])}"})


def _likert(
    sheet: CsvTable, people: Participants, rows: Rows, protocol: Protocol | None, columns: Sequence[str]
) -> ImportedRatings:
    check_form(protocol, "acr", len(columns), "These results")
    declared = protocol or _likert_protocol(sheet, columns)
    places = _Places()
    if protocol is None:
        low, high = declared.range(declared.scales[0].id)
        rows.notes.append(f"The file does not say which points there were; {low:g} to {high:g} is taken.")
    for line in sheet.lines:
        shared = _shared(sheet, line, people.names[line.number], places, "rating_time")
        for column, scale in zip(columns, declared.scales, strict=True):
            value = _point(sheet, line, column)
            if value == value and int(value) not in scale.points:
                raise InputError(
                    f"{value:g} is not a point of the scale {scale.id}.",
                    file=str(sheet.path),
                    line=line.number,
                    field=column,
                    allowed=map(str, sorted(scale.points)),
                )
            answer = {"value": value, "answer": "na" if value != value else f"{value:g}"}
            rows.ratings.append(shared | answer | {"scale": scale.id, "system": line.cells["stimuli"]})
    return collected(declared, rows)


def _point(sheet: CsvTable, line: Line, column: str) -> float:
    if line.cells[column] in ("NA", ""):
        return float("nan")
    value = number(sheet, line, column)
    if value != int(value):
        raise InputError(
            f"'{line.cells[column]}' is not a whole number.", file=str(sheet.path), line=line.number, field=column
        )
    return value


def _likert_protocol(sheet: CsvTable, columns: Sequence[str]) -> Protocol:
    values = [_point(sheet, line, column) for line in sheet.lines for column in columns]
    points = [int(value) for value in values if value == value]
    if not points or max(points) - min(*points, 1) > 10:
        raise InputError(
            "The ratings are no points of a scale.",
            file=str(sheet.path),
            cure="Name the protocol with its points: --protocol FILE.yaml.",
        )
    low, high = min(1, *points), max(5, *points)
    names = {"stimuli_rating": "rating"}
    return Protocol.model_validate(
        {
            "name": f"webmushra-{scale_id(sheet.lines[0].cells['session_test_id'])}",
            "source": "webMUSHRA",
            "form": "acr",
            "scales": [
                {
                    "id": names.get(column, column.replace("stimuli_", "")),
                    "label": "Rating",
                    "points": {point: str(point) for point in range(low, high + 1)},
                    "not_applicable": True,
                }
                for column in columns
            ],
        }
    )


def _paired(sheet: CsvTable, people: Participants, rows: Rows, protocol: Protocol | None) -> ImportedRatings:
    check_form(protocol, "preference", 1, "These results")
    declared = protocol or _preset("preference", sheet)
    places = _Places()
    rows.notes.append(
        "In webMUSHRA's paired comparison a rater says which of two is the reference: 'better' here means 'taken for "
        "the reference'."
    )
    outcomes = {"correct": ("first", -1.0), "incorrect": ("second", 1.0), "undecided": ("tie", 0.0)}
    left_out = 0
    for line in sheet.lines:
        answer = line.cells["choice_answer"]
        if answer == "unknown":
            left_out += 1
            continue
        if answer not in outcomes:
            raise InputError(
                f"'{answer}' is not an answer.",
                file=str(sheet.path),
                line=line.number,
                field="choice_answer",
                allowed=[*outcomes, "unknown"],
            )
        outcome, value = outcomes[answer]
        rows.pairs.append(
            _shared(sheet, line, people.names[line.number], places, "choice_time")
            | {"scale": declared.scales[0].id, "outcome": outcome, "value": value, "answer": answer}
            | {"first": line.cells["choice_reference"], "second": line.cells["choice_non_reference"]}
        )
    if left_out:
        rows.notes.append(f"{left_out} comparisons without an answer are left out.")
    if not rows.pairs:
        raise InputError("Not one comparison has an answer.", file=str(sheet.path))
    return collected(declared, rows, places_known=False)
