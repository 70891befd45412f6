"""Records of other projects: the objects of a JSON file, or the text files of a folder."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from songbench.domain.errors import InputError
from songbench.domain.language import named_language
from songbench.domain.reading import decode_json, json_rows, read_text
from songbench.suites.importing.sources import PromptSource

_SONGS_APART = re.compile(r"^[ \t]*(?:-{3,}|={3,}|\*{3,})[ \t]*$", re.M)
_LABEL = re.compile(r"^\s*(title|style(?: of music)?|styles|lyrics)\s*[:：]\s*(.*)$", re.I)


@dataclass(frozen=True, kw_only=True)
class Record:
    """One song's prompt as another project has it.

    Attributes:
        name: of the file or folder it is from; its id where it has none.
        file: where it stands.
        line: in that file, 1-based; None for a file of its own.
        fields: as decoded; lyrics and style of text files under the first names that the source has for them.
        header: the first line of a suite whose lines are imported; else empty.
    """

    name: str
    file: Path
    line: int | None
    fields: Mapping[str, Any] = field(default_factory=dict)
    header: Mapping[str, Any] = field(default_factory=dict)


def read_records(path: Path, source: PromptSource) -> list[Record]:
    """All records of a file or a folder, in the order of their names and lines.

    Raises:
        InputError: for a path that holds nothing the source writes, or a broken file.
    """
    if path.is_dir():
        files = sorted(file for file in path.rglob("*") if file.is_file() and _holds_songs(file, source))
        records = [record for file in files for record in _of_file(file, source, path)]
    else:
        records = list(_of_file(path, source, path.parent))
    if not records:
        endings = ", ".join([*source.texts, ".jsonl", ".json"])
        raise InputError(f"Nothing of {source.title} is here.", file=str(path), cure=f"Looked for: {endings}.")
    return records


def _holds_songs(file: Path, source: PromptSource) -> bool:
    if file.name.startswith("."):
        return False
    return file.suffix in (".jsonl", ".json") or _is_text(file, source)


def _is_text(file: Path, source: PromptSource) -> bool:
    """Whether a file holds the lyrics of a song; ``lyrics.txt`` also stands for ``lyrics_2.txt``."""
    name = file.name.casefold()
    if name in source.style_files:
        return False
    names = [ending for ending in source.texts if not ending.startswith(".")]
    return name.endswith(tuple(ending for ending in source.texts if ending.startswith("."))) or any(
        re.fullmatch(rf".*{Path(ending).stem}.*\{Path(ending).suffix}", name) for ending in names
    )


def _of_file(file: Path, source: PromptSource, root: Path) -> Iterator[Record]:
    if file.suffix.casefold() in (".jsonl", ".json"):
        header: dict[str, Any] = {}
        for line, row in json_rows(read_text(file, "file")):
            value = decode_json(row, file=str(file), line=line)
            if not isinstance(value, dict):
                raise InputError(f"Expected a JSON object, found {type(value).__name__}.", file=str(file), line=line)
            if "suite" in value and "lyrics" not in value:
                header = value
                continue
            yield Record(name=file.stem, file=file, line=line, fields=value, header=header)
    elif source.texts:
        yield from _of_text(file, source, root)
    else:
        raise InputError(f"{source.title} has its prompts in .jsonl or .json files.", file=str(file))


def _of_text(file: Path, source: PromptSource, root: Path) -> Iterator[Record]:
    text = read_text(file, "lyrics file")
    lyrics, style = source.fields["lyrics"][0], source.fields.get("style", ("style",))[0]
    beside = _style_beside(file, source)
    language = _language_above(file, root) if source.language_folders else ""
    songs = [song for song in _SONGS_APART.split(text) if song.strip()] if source.name == "suno" else [text]
    for number, song in enumerate(songs, start=1):
        words, labels = _labelled(song) if source.name == "suno" else (song, {})
        fields = {lyrics: words, **({style: beside} if beside else {}), **labels}
        if language:
            fields["language"] = language
        name = _name(file, source, root) + (f"-{number}" if len(songs) > 1 else "")
        yield Record(name=name, file=file, line=None, fields=fields)


def _labelled(song: str) -> tuple[str, dict[str, str]]:
    """A paste without its lines ``Title: …``, ``Style: …`` and ``Lyrics:``, and what these say."""
    rows: list[str] = []
    labels: dict[str, str] = {}
    for row in song.split("\n"):
        label = _LABEL.match(row)
        if label and not any(rows):
            name = "id" if label[1].casefold() == "title" else "style"
            if label[1].casefold() != "lyrics" and label[2].strip():
                labels[name] = label[2].strip()
            elif label[2].strip():
                rows.append(label[2])
        else:
            rows.append(row if row.strip() or any(rows) else "")
    return "\n".join(rows).strip("\n"), labels


def _style_beside(file: Path, source: PromptSource) -> str:
    """The style file that goes with a lyrics file: of the same numbering, else the only one of the folder."""
    for name in source.style_files:
        stem = Path(name).stem
        twin = file.with_name(re.sub("lyrics", stem, file.name, flags=re.I))
        for candidate in (twin, file.with_name(name)):
            if candidate != file and candidate.is_file():
                return " ".join(read_text(candidate, "style file").split())
    return ""


def _language_above(file: Path, root: Path) -> str:
    """The language after which the nearest folder above a file is named; "" where none is."""
    folders = (root.absolute().name, *file.parent.relative_to(root).parts)
    return next((code for folder in reversed(folders) if (code := named_language(folder))), "")


def _name(file: Path, source: PromptSource, root: Path) -> str:
    """The file's name; the folders' names for files that are all called ``lyrics.txt``."""
    if file.stem.casefold() != "lyrics":
        return re.sub(r"[_-]?lyrics[_-]?", "", file.stem, flags=re.I) or file.stem
    folders = file.parent.relative_to(root).parts
    return "-".join(folders) or file.parent.name or source.name
