"""Manifests: tables that say which file is which take of which prompt, as JSON lines or as spreadsheets write them."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, StringConstraints

from songbench.domain.checking import Schema, Whole, checked
from songbench.domain.errors import InputError
from songbench.domain.reading import json_lines, read_text, text_lines
from systems.imported.files import Take, TakeFile

SUFFIXES = (".jsonl", ".csv", ".tsv")
_DELIMITERS = (",", ";", "\t", "|")
_NAMES = {"idx": "id"}
"""Other names of fields."""

_Text = Annotated[str, StringConstraints(strict=True, strip_whitespace=True, min_length=1)]


class ManifestLine(Schema):
    """One line of a manifest.

    Attributes:
        id: of the prompt.
        audio: the path of the file, relative to the manifest.
        take: 0-based.
    """

    id: _Text
    audio: _Text
    take: Annotated[Whole, Field(ge=0)] = 0


class Manifest:
    """The files that a manifest names.

    Args:
        path: a ``.jsonl`` file of objects, or a ``.csv`` or ``.tsv`` table (commas, semicolons or tabs) with the fields
            of `ManifestLine`; ``idx`` is another name of ``id``, and capitals and spaces around names do not matter.

    Raises:
        InputError: naming file, line and field, for anything that is not a manifest.
    """

    def __init__(self, path: Path) -> None:
        if path.suffix.lower() not in SUFFIXES:
            raise InputError(
                f"A manifest ends in {', '.join(SUFFIXES)}, not '{path.suffix}'.",
                file=str(path),
                cure="Or give a folder.",
            )
        self._files: dict[Take, TakeFile] = {}
        text = read_text(path, "manifest")
        rows = json_lines(text, file=str(path)) if path.suffix.lower() == ".jsonl" else _table(text, path)
        for number, row in rows:
            line = checked(ManifestLine, _with_known_names(row, path, number), file=str(path), line=number)
            take = Take(line.id, line.take)
            file = TakeFile(_located(line.audio, path, number), number)
            if earlier := self._files.get(take):
                raise InputError(
                    f"{earlier.path.name} and {file.path.name} are the same take; the first is on line {earlier.line}.",
                    file=str(path),
                    line=number,
                    cure="Give one of them another id or take.",
                )
            self._files[take] = file
        if not self._files:
            raise InputError("The manifest names no file.", file=str(path))

    def of(self, take: Take) -> TakeFile | None:
        """See `Files.of`."""
        return self._files.get(take)

    def paths(self) -> Sequence[Path]:
        """See `Files.paths`."""
        return [file.path for file in self._files.values()]


def manifest_in(folder: Path) -> Path | None:
    """The manifest of a folder, a file ``manifest`` with one of `SUFFIXES`; None where there is none.

    Raises:
        InputError: there are several.
    """
    paths = [path for suffix in SUFFIXES if (path := folder / f"manifest{suffix}").is_file()]
    if len(paths) > 1:
        names = " and ".join(path.name for path in paths)
        raise InputError(f"The folder has {names}.", file=str(folder), cure="Remove one, or name the one that counts.")
    return paths[0] if paths else None


def _with_known_names(row: Any, path: Path, number: int) -> Any:
    """The row with the names of its fields in small letters, without spaces around them."""
    if not isinstance(row, Mapping):
        return row
    fields: dict[str, Any] = {}
    for name, value in row.items():
        plain = str(name).strip().casefold()
        plain = _NAMES.get(plain, plain)
        if plain not in ManifestLine.model_fields:
            allowed = [*ManifestLine.model_fields, *_NAMES]
            raise InputError(
                "There is no such field.", file=str(path), line=number, field=str(name), value=plain, allowed=allowed
            )
        if plain in fields:
            raise InputError(
                f"Two columns are called '{plain}'.", file=str(path), line=number, cure="'idx' is another name of 'id'."
            )
        fields[plain] = value
    return fields


# -- tables ------------------------------------------------------------------------------------------------------------


def _table(text: str, path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """The rows of a table that are not blank, with their line numbers; blank cells are left out."""
    rows = _cells(text, path)
    header = next((cells for _, cells in rows if any(cells)), None)
    if header is None:
        raise InputError("The manifest is empty.", file=str(path))
    for number, cells in rows:
        if not any(cells):
            continue
        if len(cells) > len(header) and any(cells[len(header) :]):
            raise InputError(
                f"The line has {len(cells)} cells, the header has {len(header)}.",
                file=str(path),
                line=number,
                cure="Put cells that hold the separator in quotes.",
            )
        row: dict[str, Any] = {name: cell for name, cell in zip(header, cells, strict=False) if cell}
        if unnamed := row.pop("", None):
            raise InputError(f"The column of '{unnamed}' has no name.", file=str(path), line=number)
        for name in row:
            if name.casefold() == "take" and re.fullmatch(r"\d{1,9}(\.0+)?", row[name]):
                row[name] = int(float(row[name]))
        yield number, row


def _cells(text: str, path: Path) -> Iterator[tuple[int, list[str]]]:
    """Every row of a table, its cells without spaces around them."""
    delimiter = _delimiter(text_lines(text))
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True, strict=True)
    number = 1
    try:
        for cells in reader:
            if not re.fullmatch(r"sep=.?", "".join(cells).strip()):  # Excel's own first line
                yield number, [cell.strip() for cell in cells]
            number = reader.line_num + 1
    except csv.Error as error:
        raise InputError(
            f"This is no table: {error}.",
            file=str(path),
            line=number,
            cure="Close every quotation mark; double those inside a cell.",
        ) from None


def _delimiter(lines: Iterable[str]) -> str:
    """What separates the names of the header, or what Excel's first line says it is."""
    header = next((line for line in lines if line.strip()), "")
    if declaration := re.fullmatch(r"sep=(.)\s*", header):
        return declaration[1]
    names_of_fields = {*ManifestLine.model_fields, *_NAMES}

    def recognised(delimiter: str) -> tuple[int, int]:
        names = [name.strip(' "\r\n').casefold() for name in header.split(delimiter)]
        return sum(name in names_of_fields for name in names), len(names)

    return max(_DELIMITERS, key=recognised)


# -- paths -------------------------------------------------------------------------------------------------------------


def _located(audio: str, manifest: Path, line: int) -> Path:
    """The path that a manifest means, whether it exists or not.

    Raises:
        InputError: for addresses, folders, and paths of another machine or that no machine allows.
    """

    def refuse(message: str, cure: str) -> InputError:
        return InputError(message, file=str(manifest), line=line, field="audio", cure=cure)

    if re.match(r"[A-Za-z][A-Za-z0-9+.-]+:/", audio):
        raise refuse(f"'{audio}' is an address, not a file.", "Download it and give its path.")
    if re.match(r"[A-Za-z]:[\\/]|\\\\", audio):
        raise refuse(f"'{audio}' is a path on a Windows machine.", "Give paths relative to the manifest.")
    audio_path = Path(audio).expanduser() if audio.startswith("~/") else Path(audio)
    forms = [audio_path, Path(str(audio_path).replace("\\", "/"))]
    forms += [Path(unicodedata.normalize(form, str(path))) for path in forms for form in ("NFC", "NFD")]
    try:
        paths = [manifest.parent / path for path in forms]
        path = next((path for path in paths if path.exists()), paths[0])
        if path.is_dir():
            raise refuse(f"'{audio}' is a folder, not a file.", "Name the file itself.")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise refuse(f"'{audio[:80]}' cannot be a path ({reason}).", "Correct it.") from None
    return path
