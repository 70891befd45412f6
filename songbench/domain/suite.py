"""Suites: named, versioned lists of prompts, one JSON object per line.

The first line may describe the suite itself (``{"suite": "demo", "version": "1", …}``). Every other line is a prompt.
SongBloom's own test lines ``{"idx", "lyrics", "prompt_wav"}`` are valid prompts as they are.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from songbench.domain.errors import InputError
from songbench.domain.hashing import content_key
from songbench.domain.lyrics import parse_lyrics
from songbench.domain.prompt import LANGUAGES, TRACKS, Prompt, parse_asset

HEADER_FIELDS = ("suite", "version", "description", "licence", "notes", "seconds_per_tag")
PROMPT_FIELDS = (
    "id",
    "idx",
    "lyrics",
    "language",
    "style",
    "prompt_wav",
    "reference",
    "seconds",
    "tags",
    "licence",
    "track",
)


@dataclass(frozen=True)
class Suite:
    """A named, versioned list of prompts with unique ids.

    Attributes:
        name: how the command line calls it.
        version: changes whenever a prompt does; results of two versions are never in one table.
        prompts: in file order.
        description: one sentence for listings.
        licence: the licence of the suite as a whole.
        notes: what a reader of a leaderboard on this suite must know (printed under it).
    """

    name: str
    version: str
    prompts: tuple[Prompt, ...]
    description: str = ""
    licence: str = ""
    notes: tuple[str, ...] = ()

    def key(self) -> str:
        """The content key of all prompts and their audio."""
        return content_key("suite", self.name, self.version, [prompt.key() for prompt in self.prompts])


def load_suite(path: str | Path) -> Suite:
    """Read a suite file.

    Raises:
        InputError: naming file, line and field, for anything that is not a valid suite.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise InputError("No such suite file.", file=str(path)) from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"The suite cannot be read ({error}).", file=str(path)) from None
    header: Mapping[str, Any] = {}
    prompts: dict[str, Prompt] = {}
    for number, row in enumerate(text.split("\n"), start=1):
        if not row.strip():
            continue
        value = _object(row, str(path), number)
        try:
            if "suite" in value and not prompts and not header:
                header = _header(value)
                continue
            prompt = parse_prompt(value, folder=path.parent, seconds_per_tag=header.get("seconds_per_tag", 1.0))
            if prompt.id in prompts:
                raise InputError(f"The id '{prompt.id}' is used twice.", field="id", cure="Ids must be unique.")
        except InputError as error:
            raise error.located(file=str(path), line=number) from None
        prompts[prompt.id] = prompt
    if not prompts:
        raise InputError("The suite holds no prompts.", file=str(path))
    return Suite(
        name=header.get("suite", path.stem),
        version=str(header.get("version", "0")),
        prompts=tuple(prompts.values()),
        description=header.get("description", ""),
        licence=header.get("licence", ""),
        notes=tuple(header.get("notes", ())),
    )


def parse_prompt(value: Mapping[str, Any], *, folder: Path = Path(), seconds_per_tag: float = 1.0) -> Prompt:
    """One prompt from its decoded JSON object.

    Args:
        value: the object.
        folder: relative audio paths are relative to it.
        seconds_per_tag: how long one repetition of a non-vocal tag lasts.

    Raises:
        InputError: naming the field.
    """
    for name in value:
        if name not in PROMPT_FIELDS:
            raise InputError(f"Unknown field '{name}'.", field=name, given=name, allowed=PROMPT_FIELDS)
    if "id" in value and "idx" in value:
        raise InputError("Both 'id' and 'idx' are given.", field="id", cure="'idx' is another name of 'id': keep one.")
    identifier = str(value.get("id", value.get("idx", "")))
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", identifier):
        raise InputError(
            f"{identifier!r} is not a valid id.",
            field="id",
            cure="Use letters, digits, '-', '_' and '.', beginning with a letter or digit.",
        )
    text = _take(value, "lyrics", str, None)
    try:
        lyrics = parse_lyrics(text, seconds_per_tag=seconds_per_tag)
    except InputError as error:
        inner = f" (line {error.line} of the lyrics)" if error.line and error.line > 1 else ""
        raise InputError(
            error.message + inner, field="lyrics", allowed=error.allowed, given=error.given, cure=error.cure
        ) from None
    seconds = _take(value, "seconds", (int, float), 0)
    if seconds < 0:
        raise InputError(
            f"{seconds} is not a duration.", field="seconds", cure="Give seconds above 0, or leave it out."
        )
    tags = _take(value, "tags", dict, {})
    return Prompt(
        id=identifier,
        lyrics=lyrics,
        language=_one_of(value, "language", LANGUAGES, _guess_language(text)),
        style=_take(value, "style", str, ""),
        prompt_audio=parse_asset(value["prompt_wav"], folder, "prompt_wav") if value.get("prompt_wav") else None,
        reference=parse_asset(value["reference"], folder, "reference") if value.get("reference") else None,
        seconds=float(seconds) or None,
        tags={str(name): str(tag) for name, tag in tags.items()},
        licence=_take(value, "licence", str, ""),
        track=_one_of(value, "track", TRACKS, "song"),
    )


def _guess_language(lyrics: str) -> str:
    words = re.sub(r"\[[^\]]*\]", " ", lyrics)
    chinese, latin = re.search(r"[\u4e00-\u9fff]", words), re.search(r"[A-Za-z]", words)
    return "mixed" if chinese and latin else "zh" if chinese else "en"


def _object(row: str, file: str, line: int) -> dict[str, Any]:
    try:
        value = json.loads(row)
    except json.JSONDecodeError as error:
        raise InputError(
            f"Not valid JSON: {error.msg} at column {error.colno}.",
            file=file,
            line=line,
            cure="Each line of a suite is one JSON object.",
        ) from None
    if not isinstance(value, dict):
        raise InputError(f"Expected a JSON object, found {type(value).__name__}.", file=file, line=line)
    return value


def _header(value: dict[str, Any]) -> dict[str, Any]:
    for name in value:
        if name not in HEADER_FIELDS:
            raise InputError(f"Unknown field '{name}' in the header.", field=name, given=name, allowed=HEADER_FIELDS)
    return value


def _take(value: Mapping[str, Any], name: str, kind: type | tuple[type, ...], default: Any) -> Any:
    if value.get(name) is None:
        if default is None:
            raise InputError("The field is missing.", field=name)
        return default

    if not isinstance(value[name], kind) or isinstance(value[name], bool):
        wanted = kind.__name__ if isinstance(kind, type) else "number"
        raise InputError(f"Expected {wanted}, found {value[name]!r}.", field=name)
    return value[name]


def _one_of(value: Mapping[str, Any], name: str, allowed: tuple[str, ...], default: str) -> str:
    found = str(_take(value, name, str, default))
    if found not in allowed:
        raise InputError(f"'{found}' is not known.", field=name, given=found, allowed=allowed)
    return found
