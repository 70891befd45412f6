"""Prompts of other projects as suites: ``songbench suites import FILE --from SOURCE --to suite.jsonl``."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from songbench.domain.errors import InputError
from songbench.domain.suite import Suite, load_suite
from songbench.suites.importing.conversion import ConversionSettings, convert, unique
from songbench.suites.importing.notes import Notes
from songbench.suites.importing.records import read_records
from songbench.suites.importing.sources import SOURCES
from songbench.suites.importing.stems import STEMS, stem_rows

__all__ = ["SOURCES", "ImportedSuite", "import_suite"]

_SHOWN = 10


@dataclass(frozen=True)
class ImportedSuite:
    """What an import wrote.

    Attributes:
        path: the suite file.
        suite: read back from it.
        changes: what was changed or left out, one line each.
    """

    path: Path
    suite: Suite
    changes: tuple[str, ...]

    @property
    def languages(self) -> dict[str, int]:
        """How many prompts each language has, most frequent first; what was detected from the words says so."""
        detected = self.suite.detected
        counted = Counter(
            f"{prompt.language} (detected)" if prompt.id in detected else prompt.language
            for prompt in self.suite.prompts
        )
        return dict(counted.most_common())


def import_suite(
    path: Path,
    source: str,
    to: Path,
    *,
    force: bool = False,
    part_seconds: float = 5.0,
    seconds_per_tag: float = 1.0,
) -> ImportedSuite:
    """Convert a file or folder of another project to a suite file that loads.

    Args:
        path: the file, or a folder of such files.
        source: whose it is, one of `SOURCES`, or `STEMS`.
        to: the suite file to write; its name without ending is the suite's.
        force: replace the file where there is one.
        part_seconds: how long a part without words lasts where the source does not say, in seconds.
        seconds_per_tag: how long one repetition of a tag lasts in SongBloom's lines, in seconds.

    Raises:
        InputError: an unknown source, a file that is there already, records that cannot be read (all of them named).
    """
    if source not in (*SOURCES, STEMS):
        allowed = (*SOURCES, STEMS)
        raise InputError(f"There is no importer for '{source}'.", field="--from", value=source, allowed=allowed)
    if to.suffix != ".jsonl":
        raise InputError("A suite is a .jsonl file.", file=str(to), field="--to")
    if to.exists() and not force:
        raise InputError("This file is there already.", file=str(to), field="--to", cure="--force replaces it.")
    if source == STEMS:
        rows = stem_rows(path, to.parent)
        description = f"Vocals of {path.name} with their accompaniments."
        return ImportedSuite(
            to, _write([{"suite": to.stem, "version": "1", "description": description}, *rows], to), ()
        )
    notes, rows, problems, used_ids = Notes(), [], [], set[str]()
    records = read_records(path, SOURCES[source])
    set_size = SOURCES[source].count
    if set_size and len(records) != set_size:
        notes.add(
            f"{SOURCES[source].title} has {set_size} prompts, here are {len(records)}: published figures are of all"
        )
    for record in records:
        try:
            row = convert(record, SOURCES[source], ConversionSettings(part_seconds, seconds_per_tag, to.parent), notes)
            rows.append({**row, "id": unique(row["id"], used_ids)})
        except InputError as error:
            problems.append(error.located(file=str(record.file), line=record.line))
    if problems:
        raise problems[0] if len(problems) == 1 else _combined(problems)
    header_fields = {
        name: value for name, value in records[0].header.items() if name not in ("suite", "seconds_per_tag")
    }
    header = {"version": "1", "description": f"Imported from {path.name} ({SOURCES[source].title}).", **header_fields}
    return ImportedSuite(to, _write([{"suite": to.stem, **header}, *rows], to), tuple(notes.lines()))


def _combined(problems: list[InputError]) -> InputError:
    rows = [f"  {error}" for error in problems[:_SHOWN]]
    more = [f"  and {len(problems) - _SHOWN} more"] if len(problems) > _SHOWN else []
    return InputError(f"{len(problems)} songs cannot be imported:\n" + "\n".join([*rows, *more]))


def _write(rows: Sequence[Mapping[str, Any]], to: Path) -> Suite:
    """Write the suite beside its place, read it back, and only then put it there."""
    text = "\n".join(json.dumps(row, ensure_ascii=False) for row in rows) + "\n"
    to.parent.mkdir(parents=True, exist_ok=True)
    draft = to.with_name(f".{to.name}.draft")
    try:
        draft.write_text(text, encoding="utf-8")
        suite = load_suite(draft)
        draft.replace(to)
    finally:
        draft.unlink(missing_ok=True)
    return suite
