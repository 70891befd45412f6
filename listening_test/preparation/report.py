"""What the experimenter is told: a row per stimulus, and a page to read before the first rater comes."""

from __future__ import annotations

import csv
import io
import math
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from listening_test.preparation.build import Preparation
from listening_test.preparation.coverage import Span
from listening_test.preparation.design import treatments
from listening_test.preparation.folder import REPORT, TABLE
from listening_test.preparation.planning import statement
from listening_test.private import write_private
from songbench.reporting.document.blocks import Heading, Listing, Table, Text, coded, table
from songbench.reporting.document.markdown import to_markdown

COLUMNS = (
    "id",
    "role",
    "anchor",
    "system",
    "prompt",
    "take",
    "excerpt",
    "start",
    "seconds",
    "loudness_before",
    "loudness_after",
    "gain_db",
    "true_peak_after",
    "song",
    "notes",
)
"""Of ``preparation.csv``, in seconds, LUFS, dB and dBTP. What is given for after follows from before and the gain."""

_WARNING = "This file says what is what. Keep it, `preparation.csv` and `key.json` from raters."


def write_reports(preparation: Preparation) -> tuple[Path, Path]:
    """Write ``preparation.csv`` and ``preparation.md`` into the folder of the test. Both say what is what."""
    table, page = preparation.test.folder / TABLE, preparation.test.folder / REPORT
    write_private(table, stimulus_table(preparation).encode())
    write_private(page, as_markdown(preparation).encode())
    return table, page


def stimulus_table(preparation: Preparation) -> str:
    """The text of ``preparation.csv``."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for name, stimulus in preparation.test.stimuli.items():
        key, audio = preparation.key.stimuli[name], preparation.audio[name]
        writer.writerow(
            [
                name,
                key.role,
                key.anchor,
                key.system or "",
                key.prompt or "",
                key.take,
                key.excerpt + 1,
                key.start,
                stimulus.seconds,
                _level(audio.loudness),
                _level(audio.loudness + audio.gain_db),
                round(audio.gain_db, 2),
                _level(audio.peak + audio.gain_db),
                key.song,
                key.notes,
            ]
        )
    return text.getvalue()


def power_statement(preparation: Preparation) -> str:
    """How small a difference this test can find."""
    return statement(
        preparation.test.protocol,
        raters=preparation.design.seats,
        items=len({item.prompt for item in preparation.selection.songs}),
        pages=preparation.design.pages,
        systems=len(preparation.selection.systems),
        per_page=preparation.design.per_page if preparation.design.continuous else 1,
    )


def as_markdown(preparation: Preparation) -> str:
    """The text of ``preparation.md``."""
    protocol = preparation.test.protocol
    return to_markdown(
        [
            Heading(f"{protocol.name}: a listening test over the run {preparation.key.run}", level=1),
            Text(coded(_WARNING)),
            _facts(preparation),
            Heading("What it can tell apart"),
            Text(power_statement(preparation)),
            Heading("Who hears what"),
            *_coverage(preparation),
            _pages(preparation),
            Heading("Sound"),
            Listing(tuple(_sound(preparation))),
            Heading("To know"),
            Listing(tuple(preparation.notes or ("Nothing was left out.",))),
        ]
    )


def minutes(preparation: Preparation) -> str:
    """How long sessions take."""
    low, high = min(preparation.minutes), max(preparation.minutes)
    return f"{high:.0f}" if round(low) == round(high) else f"{low:.0f} to {high:.0f}"


def _facts(preparation: Preparation) -> Table:
    protocol, design, selection = preparation.test.protocol, preparation.design, preparation.selection
    return table(
        "",
        ("", ""),
        [
            ("protocol", f"{protocol.name}, form {protocol.form}, scales {', '.join(s.id for s in protocol.scales)}"),
            ("source of the questions", protocol.source or "this project"),
            ("sha256 of the protocol", protocol.digest()),
            ("sha256 of the test", preparation.test.digest()),
            ("systems", ", ".join(selection.names)),
            ("prompts", f"{len(selection.prompts)} ({len(selection.songs)} items with takes and excerpts)"),
            ("raters", f"{design.seats} planned, {design.pages} test pages each, about {minutes(preparation)} minutes"),
            ("stimuli", str(len(preparation.test.stimuli))),
        ],
    )


def _coverage(preparation: Preparation) -> list[Table]:
    """Counted from the seats, not from what they were made to be."""
    cover, design = preparation.coverage, preparation.design
    unit = "pair of systems" if design.pairwise else "system"
    cell = "page" if design.continuous else "pair of songs" if design.pairwise else "song"
    rows: list[tuple[str, object]] = [
        ("test pages per rater", cover.pages),
        (f"a rater meets each {unit}", cover.treatments),
        (f"votes per {cell}", cover.cells),
        ("times a rater meets a lyric that it meets at all", cover.lyrics),
        ("the same lyric twice in a row", cover.beside),
    ]
    if not design.continuous and len(treatments(design)) > 1:
        rows.append((f"each {unit} directly after each other one, over all raters", cover.follows))
    if design.pairwise:
        rows.append(("a system is heard first, % of its pairs", cover.firsts))
        rows.append(("votes per song", cover.songs))
    per_system = [
        (
            name,
            preparation.selection.song_counts[name],
            preparation.selection.failed[name],
            cover.systems[name],
            cover.votes[name],
        )
        for name in design.systems
    ]
    heads = ("system", "songs asked", "not made", "times a rater meets it", "votes")
    return [_table(("counted over all seats", "times"), rows), _table(heads, per_system)]


def _pages(preparation: Preparation) -> Table:
    kinds = [Counter(preparation.key.trials[step.trial].kind for step in seat.steps) for seat in preparation.test.seats]
    practice = [len(seat.practice) for seat in preparation.test.seats]
    rows = [(kind, Span.of(one[kind] for one in kinds)) for kind in ("test", "anchor", "repeat", "trap")]
    return _table(("pages per rater", ""), [*rows, ("practice", Span.of(practice))])


def _sound(preparation: Preparation) -> list[str]:
    listening, level = preparation.test.protocol.listening, preparation.level
    gains = [one.gain_db for one in preparation.audio.values() if not one.silent]
    peaks = [one.peak + one.gain_db for one in preparation.audio.values() if not one.silent]
    changed = "" if level.actual == level.target else f" (the protocol asks for {level.target:g} LUFS; see below)"
    estimates = Counter(
        note for key in preparation.key.stimuli.values() for note in key.notes.split("; ") if "section" in note
    )
    lines = [
        f"Every stimulus: {listening.rate} Hz, two channels, 16 bit, {listening.format}, {level.actual:.2f} LUFS"
        f" integrated (ITU-R BS.1770-4){changed}.",
        f"Gains from {min(gains):+.1f} to {max(gains):+.1f} dB; highest true peak {max(peaks):.1f} dBTP.",
    ]
    return lines + [f"{count} stimuli: {note}." for note, count in estimates.items()]


def _table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> Table:
    return table("", head, [tuple(map(str, row)) for row in rows])


def _level(value: float) -> str:
    return f"{value:.2f}" if math.isfinite(value) else "-inf"
