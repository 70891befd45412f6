"""The whole report as blocks, in the order in which it is read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from listening_test.protocol import Protocol
from listening_test.protocol.model import localized
from listening_test.reporting.agreement_blocks import agreement_blocks, breakdown_blocks
from listening_test.reporting.answer import answer
from listening_test.reporting.facts import Report
from listening_test.reporting.placement import HeardSong, Pictures, song_blocks
from listening_test.reporting.rater_blocks import (
    exclusion_in_words,
    failure_blocks,
    reliability_blocks,
    screening_blocks,
)
from listening_test.reporting.result_blocks import comparison_blocks, result_blocks
from listening_test.reporting.wording import SIMULATED, counted, screening_rules
from songbench.reporting.document.blocks import Block, Figure, Heading, Listing, Text, table
from songbench.reporting.document.terminal import print_document

if TYPE_CHECKING:
    from rich.console import Console

FORMS = {
    "acr": "absolute category rating (ITU-T P.800)",
    "preference": "preference between two songs",
    "ccr": "comparison category rating (ITU-T P.800)",
    "multistimulus": "several songs at once without a reference (ITU-R BS.2132)",
    "mushra": "MUSHRA (ITU-R BS.1534)",
}


_LIMITS = "What must not be concluded:"
ROWS = 40
"""Rows of one table that a terminal shows; the files have them all."""


def print_report(report: Report, console: Console | None = None) -> None:
    """Print what fits a terminal; long tables and figures are in the files.

    Args:
        report: on a test.
        console: where to; None: standard output.
    """
    print_document(content(report), console, most_rows=ROWS)


def content(report: Report, pictures: Sequence[Figure] = (), songs: Sequence[HeardSong] = ()) -> list[Block]:
    """Everything: the answer first, then what it rests on.

    Args:
        report: on a test.
        pictures: its figures; each stands beside the table that it draws.
        songs: those that the report can play.
    """
    placing = Pictures(pictures)
    blocks = [
        Heading(f"Listening test {report.name}{report.mark}", level=1),
        *_warning(report),
        *_answer(report),
        *result_blocks(report, placing),
        *comparison_blocks(report, placing),
        *song_blocks(report, songs),
        *screening_blocks(report, placing),
        *reliability_blocks(report),
        *failure_blocks(report),
        *agreement_blocks(report, placing),
        *breakdown_blocks(report),
    ]
    figures: list[Block] = [Heading(f"Further figures{report.mark}"), *placing.rest] if placing.rest else []
    record = table(f"What was done{report.mark}", ("", ""), facts(report))
    return [*blocks, *figures, *_notes(report), Heading(f"Record of the test{report.mark}"), record]


def _answer(report: Report) -> list[Block]:
    first = answer(report)
    limits = (_LIMITS, Listing(first.limits)) if first.limits else ()
    lines = (*first.findings, *limits)
    return [Text(first.sentence, lead=True), *([Listing(lines)] if lines else [])]


def _warning(report: Report) -> list[Block]:
    if not report.simulated:
        return []
    return [
        Text(f"{SIMULATED}: a program answered, not people. Nothing here says anything about the songs.", strong=True)
    ]


def facts(report: Report) -> list[tuple[str, str]]:
    """What identifies the test and its analysis, as name and text."""
    data, protocol = report.data, report.data.protocol
    rules = "; ".join(screening_rules(protocol)) or "none"
    lines = [
        ("test", f"{protocol.name}{': ' + title if (title := localized(protocol.title, 'en')) else ''}{report.mark}"),
        ("form", FORMS[protocol.form]),
        ("questionnaire", protocol.source),
        ("systems", ", ".join(data.systems)),
        ("run", data.run),
        ("raters", _raters(report)),
        ("screening, declared", rules),
        ("with and without exclusion", exclusion_in_words(report)),
        ("confidence", f"{100 * report.confidence:g} %"),
        ("excerpts", "; ".join(_excerpt(protocol))),
        ("loudness", f"{protocol.listening.loudness:g} LUFS" if data.test else ""),
        ("last answer", report.answered),
        ("protocol digest", protocol.digest()),
        ("test digest", data.test or "none: imported results"),
        ("answers from", ", ".join(report.sources)),
        ("computed with", ", ".join(f"{name} {version}" for name, version in report.versions.items())),
    ]
    return [(name, text) for name, text in lines if text]


def _raters(report: Report) -> str:
    text = f"{len(report.included)} counted of {report.screened}"
    return f"{text}; {counted(report.withdrawn, 'more rater')} withdrew" if report.withdrawn else text


def _excerpt(protocol: Protocol) -> list[str]:
    descriptions = []
    for rule in protocol.excerpts:
        longest = f", at most {rule.seconds:g} s" if rule.seconds else ""
        where = {
            "whole": "the whole song",
            "section": f"{rule.tag} {rule.occurrence}",
            "window": f"from {rule.start:g} s",
        }
        descriptions.append(where[rule.rule] + longest)
    return descriptions


def _notes(report: Report) -> list[Block]:
    notes = report.all_notes
    return [Heading(f"Notes{report.mark}"), Listing(tuple(notes))] if notes else []
