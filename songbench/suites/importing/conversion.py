"""From a record of another project to a line of a suite."""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from songbench.domain.errors import InputError
from songbench.domain.language import check_language, named_language
from songbench.domain.lyrics import Lyrics, parse_lyrics, render_block
from songbench.domain.sections import LONGEST_SECONDS
from songbench.suites.importing.headed import headed_lyrics
from songbench.suites.importing.lrc import read_lrc
from songbench.suites.importing.notes import Notes
from songbench.suites.importing.records import Record
from songbench.suites.importing.sources import PromptSource

_AUDIO = ("vocal", "reference", "prompt_wav")
_OWN_FIELDS = (*_AUDIO, "style", "seconds", "tags", "licence", "track", "language", "lyrics_known")
"""A suite's own fields, kept as they are: a suite whose tags are to be mapped loses nothing else."""


@dataclass(frozen=True)
class ConversionSettings:
    """What an import may be told.

    Attributes:
        part_seconds: how long a part without words lasts where the source does not say.
        seconds_per_tag: how long one repetition of a tag lasts in SongBloom's lines.
        folder: of the suite that is written; paths of audio are relative to it.
    """

    part_seconds: float
    seconds_per_tag: float
    folder: Path


def convert(record: Record, source: PromptSource, settings: ConversionSettings, notes: Notes) -> dict[str, Any]:
    """One line of a suite, without a unique id yet.

    Raises:
        InputError: when the record has no lyrics that can be read.
    """
    used_fields: set[str] = set()

    def first(target: str) -> Any:
        """The first field of the source that holds something; a suite's own tags, which are names, are no style."""
        for name in source.fields.get(target, ()):
            value = record.fields.get(name)
            if value not in (None, "", []) and not isinstance(value, Mapping):
                used_fields.add(name)
                return value
        return None

    row: dict[str, Any] = {"id": _identifier(first("id"), record, notes)}
    per_tag = record.header.get("seconds_per_tag")
    if isinstance(per_tag, int | float) and 0 < per_tag <= 60:
        settings = replace(settings, seconds_per_tag=float(per_tag))
    text, seconds = first("lyrics"), None
    if text is not None or "vocal" not in record.fields:
        lyrics, seconds = _lyrics(_text(text, "lyrics"), source, settings, notes)
        row["lyrics"] = _lyrics_field(lyrics)
    row["language"] = _language(first("language"), notes)
    row["style"] = _style(first("style"))
    row["prompt_wav"] = _audio(first("prompt_wav"), record, settings, notes)
    row["seconds"] = _seconds(first("seconds"), notes) or seconds
    row["tags"] = _genre(first("genre"), notes)
    row = {name: value for name, value in row.items() if value not in (None, "")}
    for name, value in record.fields.items():
        suits = name in _OWN_FIELDS and (name != "tags" or isinstance(value, Mapping))
        if suits and name not in used_fields and name not in row and value not in (None, ""):
            row[name] = _own_audio(value, record, settings, notes) if name in _AUDIO else value
        elif name not in used_fields and value not in (None, "", []):
            notes.add(f"field '{name}' is left out")
    return row


def unique(identifier: str, used_ids: set[str]) -> str:
    """The id, or with a number behind it where another has it already, in any case of letters."""
    candidate, number = identifier, 2
    while candidate.casefold() in used_ids:
        candidate, number = f"{identifier}-{number}", number + 1
    used_ids.add(candidate.casefold())
    return candidate


def _identifier(value: Any, record: Record, notes: Notes) -> str:
    original = record.name if value is None or isinstance(value, bool | list | dict) else str(value)
    plain = unicodedata.normalize("NFKD", original).encode("ascii", "ignore").decode()
    identifier = re.sub(r"[^A-Za-z0-9._-]+", "-", plain).strip("-._")[:100]
    if not re.search(r"[A-Za-z0-9]", identifier) or len(identifier) < len(original) / 2:
        identifier = f"song-{record.line}" if record.line else "song"
    if identifier != original:
        notes.add(f"id '{original[:60]}' is '{identifier}'")
    return identifier


def _text(value: Any, name: str) -> str:
    if isinstance(value, list) and value and all(isinstance(row, str) for row in value):
        return "\n".join(value)
    if not isinstance(value, str) or not value.strip():
        raise InputError("There are no lyrics.", field=name)
    return value


def _lyrics(text: str, source: PromptSource, settings: ConversionSettings, notes: Notes) -> tuple[Lyrics, float | None]:
    if source.form == "lrc":
        song = read_lrc(text, notes)
        return song.lyrics, song.seconds
    if source.form == "line":
        return parse_lyrics(text, seconds_per_tag=settings.seconds_per_tag), None
    return headed_lyrics(text, notes, settings.part_seconds, settings.seconds_per_tag), None


def _lyrics_field(lyrics: Lyrics) -> str | dict[str, Any]:
    """Text where it says the same, as people read it; sections where a duration is no whole number of seconds."""
    text = render_block(lyrics)
    try:
        return text if parse_lyrics(text) == lyrics else dict(lyrics.to_json())
    except InputError:
        return dict(lyrics.to_json())


def _language(value: Any, notes: Notes) -> str | None:
    if not isinstance(value, str) or value.casefold() in ("", "unknown", "auto"):
        return None
    try:
        return named_language(value) or check_language(value)
    except InputError:
        notes.add(f"language '{value[:40]}' is left out: it is no language code")
        return None


def _genre(value: Any, notes: Notes) -> dict[str, str] | None:
    """The class of LeVo's automatic prompts as a facet; ``Auto``, any of them, says nothing."""
    if value is None:
        return None
    if not isinstance(value, str) or value.casefold() == "auto":
        notes.add(f"LeVo's automatic prompt '{str(value)[:40]}' is left out: it is a sound that only LeVo has")
        return None
    notes.add("LeVo's automatic prompt is the tag 'genre': its sound is only in LeVo")
    return {"genre": value.casefold()}


def _style(value: Any) -> str:
    if isinstance(value, list):
        value = ", ".join(str(part) for part in value)
    return " ".join(str(value).split()) if value is not None else ""


def _seconds(value: Any, notes: Notes) -> float | None:
    if value is None:
        return None
    try:
        seconds = float(value) if not isinstance(value, bool) else 0.0
    except (TypeError, ValueError):
        seconds = 0.0
    if 0 < seconds <= LONGEST_SECONDS:
        return seconds
    notes.add(f"the duration {str(value)[:20]} is left out: it is none")
    return None


def _own_audio(value: Any, record: Record, settings: ConversionSettings, notes: Notes) -> Any:
    """Audio of a suite's line: a path, a cut of a path, or a recipe, which is left as it is."""
    if isinstance(value, Mapping) and isinstance(value.get("cut"), str) and value["cut"] != "reference":
        return {**value, "cut": _audio(value["cut"], record, settings, notes)}
    return _audio(value, record, settings, notes) if isinstance(value, str) else value


def _audio(value: Any, record: Record, settings: ConversionSettings, notes: Notes) -> str | None:
    """The path of a prompt's audio, relative to the suite; looked for beside the record and above it."""
    if value is None:
        return None
    text = str(value).replace("\\", "/")
    if not isinstance(value, str) or "://" in text or any(ord(sign) < 32 for sign in text):
        notes.add(f"prompt audio '{text[:60]}' is left out: it is no path")
        return None
    bases = [record.file.parent, *record.file.absolute().parents[1:4]]
    path = next((base / text for base in bases if (base / text).is_file()), None)
    if path is None:
        notes.add(f"prompt audio '{text[:60]}' is not there: put it beside the suite before a run")
        return text
    return Path(os.path.relpath(path, settings.folder)).as_posix()
