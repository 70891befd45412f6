"""Answers of the P.808 toolkit (ACR): one line per assignment, as downloaded from the crowd's marketplace.

A line has ``WorkerId``, and for each clip ``Answer.qN_url`` with its address and ``Answer.qN`` with the rating, 1 to 5.
``Input.tp`` and ``Input.tp_ans`` name the trapping clip and its right answer, ``Input.gold_clip`` the gold clip. Names
of columns are read whatever their case.

An assignment counts when it was accepted: ``AssignmentStatus`` is ``Approved`` or ``Accepted``, or it is
``Submitted`` still and ``Approve`` is ticked. One that is there twice (``AssignmentId``) counts once.

The system is the folder of a clip, the prompt its file name: ``…/SYSTEM/PROMPT.wav``. The trap becomes a check, the
gold clip is left out. Workers become opaque names.
"""

from __future__ import annotations

import contextlib
import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

from listening_test.importers.build import ImportedRatings, Rows, check_form, collected
from listening_test.importers.lines import CsvTable, Line, number, read_lines, without_copies
from listening_test.importers.options import DEFAULTS, Options
from listening_test.protocol import Protocol
from listening_test.reporting.wording import counted
from songbench.domain.errors import InputError

_URL = re.compile(r"answer\.(q\w*?)_url")
_GOLD = ("input.gold_clip", "input.gold_url", "input.gold_clip_url")
_STATUS, _ASSIGNMENT = "assignmentstatus", "assignmentid"
_ACCEPTED, _OPEN, _REFUSED = ("approved", "accepted"), ("submitted", "reviewable"), ("rejected",)
_LABELS = {1: "Bad", 2: "Poor", 3: "Fair", 4: "Good", 5: "Excellent"}


def read_p808(path: Path, protocol: Protocol | None = None, options: Options = DEFAULTS) -> ImportedRatings:
    """Read an answer file.

    Args:
        path: of the CSV file.
        protocol: screening and analysis, of the form ``acr`` with one scale; None: five points, default screening.
        options: ``include_rejected``.

    Raises:
        InputError: naming file and line.
    """
    check_form(protocol, "acr", 1, "These results")
    sheet, copies = without_copies(_lowered(read_lines(path)))
    questions = [match[1] for name in sheet.columns if (match := _URL.fullmatch(name))]
    questions = [name for name in questions if f"answer.{name}" in sheet.columns]
    if "workerid" not in sheet.columns or not questions:
        raise InputError(
            "Expected columns 'WorkerId', 'Answer.q1_url', 'Answer.q1', ….",
            file=str(path),
            line=1,
            cure="Give the answers of an ACR test as they were downloaded.",
        )
    declared = protocol or Protocol.model_validate(
        {
            "name": "p808",
            "source": "ITU-T P.808",
            "form": "acr",
            "scales": [{"id": "MOS", "label": "Quality", "points": _LABELS}],
        }
    )
    rows = Rows()
    if copies:
        rows.notes.append(f"{counted(copies, 'assignment')} came twice and count once.")
    sheet = _counting(sheet, rows, options.include_rejected)
    names: dict[str, str] = {}
    orders: dict[str, int] = {}
    for line in sheet.lines:
        worker = line.cells["workerid"]
        if not worker:
            raise InputError("Nothing says who answered.", file=str(path), line=line.number, field="WorkerId")
        rater = names.setdefault(worker, f"rater-{len(names) + 1:03d}")
        orders[rater] = _answers(sheet, line, rater, questions, declared, rows, orders.get(rater, 0))
    if not rows.ratings:
        raise InputError("Not one clip has a rating.", file=str(path))
    rows.notes.append("Gold clips are left out; trapping clips are checks.")
    return collected(declared, rows)


def _lowered(sheet: CsvTable) -> CsvTable:
    lines = tuple(Line(line.number, {name.lower(): cell for name, cell in line.cells.items()}) for line in sheet.lines)
    return CsvTable(sheet.path, tuple(name.lower() for name in sheet.columns), lines)


def _counting(sheet: CsvTable, rows: Rows, include_rejected: bool) -> CsvTable:
    """The sheet with the assignments that count.

    Raises:
        InputError: when nothing says which were accepted, or none was, or one is there twice with different answers.
    """
    line_numbers: dict[str, int] = {}
    for line in sheet.lines:
        name = line.cells.get(_ASSIGNMENT, "")
        if name and name in line_numbers:
            raise InputError(
                f"The assignment '{name}' is also in line {line_numbers[name]}, with something else in it.",
                file=str(sheet.path),
                line=line.number,
                cure="Leave one of the two out.",
            )
        line_numbers[name] = line.number
    if include_rejected:
        rows.notes.append("Assignments count whether they were accepted or not (--include-rejected).")
        return sheet
    if _STATUS not in sheet.columns:
        raise InputError(
            "Nothing says which assignments were accepted: there is no column 'AssignmentStatus'.",
            file=str(sheet.path),
            line=1,
            cure="Give the file as the marketplace wrote it; --include-rejected takes all assignments.",
        )
    accepted = tuple(line for line in sheet.lines if _accepted(sheet, line))
    left_out = len(sheet.lines) - len(accepted)
    if not accepted:
        raise InputError(
            f"Not one of {counted(left_out, 'assignment')} was accepted.",
            file=str(sheet.path),
            cure="Review them first; --include-rejected takes all.",
        )
    if left_out:
        rows.notes.append(f"{counted(left_out, 'assignment')} not accepted: left out.")
    return sheet._replace(lines=accepted)


def _accepted(sheet: CsvTable, line: Line) -> bool:
    status = line.cells[_STATUS].lower()
    if status not in (*_ACCEPTED, *_OPEN, *_REFUSED):
        raise InputError(
            f"'{line.cells[_STATUS]}' is not the status of an assignment.",
            file=str(sheet.path),
            line=line.number,
            field="AssignmentStatus",
            allowed=[name.capitalize() for name in (*_ACCEPTED, *_OPEN, *_REFUSED)],
        )
    ticked = bool(line.cells.get("approve")) and not line.cells.get("reject")
    return status in _ACCEPTED or (status in _OPEN and ticked)


def _answers(
    sheet: CsvTable, line: Line, rater: str, questions: list[str], protocol: Protocol, rows: Rows, order: int
) -> int:
    """Add one assignment's answers; the number of pages the rater has answered by then."""
    scale = protocol.scales[0]
    trap = line.cells.get("input.tp", "")
    gold = [line.cells[name] for name in _GOLD if line.cells.get(name)]
    for question in questions:
        url, answer = line.cells[f"answer.{question}_url"], line.cells[f"answer.{question}"]
        if not url or not answer or any(one in url for one in gold):
            continue
        value = number(sheet, line, f"answer.{question}")
        if value not in scale.points:
            raise InputError(
                f"'{answer}' is not a point of the scale.",
                file=str(sheet.path),
                line=line.number,
                field=f"answer.{question}",
                allowed=map(str, sorted(scale.points)),
            )
        order += 1
        if trap and trap in url:
            expected = line.cells.get("input.tp_ans", "")
            right = expected != "" and number(sheet, line, "input.tp_ans") == value
            rows.checks.append(
                {
                    "rater": rater,
                    "check": "trap",
                    "page": order,
                    "expected": expected,
                    "given": answer,
                    "correct": right,
                }
            )
            continue
        system, prompt = _clip(sheet, line, url)
        rows.ratings.append(
            {
                **{"rater": rater, "order": order, "trial": f"{system}/{prompt}", "prompt": prompt, "scale": scale.id},
                **{"value": value, "answer": f"{value:g}", "system": system},
            }
        )
    return order


def _clip(sheet: CsvTable, line: Line, url: str) -> tuple[str, str]:
    parts: list[str] = []
    with contextlib.suppress(ValueError):  # brackets where no IPv6 address is
        parts = [part for part in unquote(urlsplit(url).path).split("/") if part]
    if len(parts) < 2:
        raise InputError(
            f"The address '{url}' names no folder and file.",
            file=str(sheet.path),
            line=line.number,
            cure="The folder of a clip is taken as its system, the file name as its prompt: …/SYSTEM/PROMPT.wav.",
        )
    return parts[-2], parts[-1].rpartition(".")[0] or parts[-1]
