"""Suites: named, versioned lists of prompts, one JSON object per line.

The first line may describe the suite itself (``{"suite": "demo", "version": "1", …}``). Every other line is a prompt.
SongBloom's own test lines ``{"idx", "lyrics", "prompt_wav"}`` are valid prompts as they are.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from songbench.domain.checking import Number, Schema, Whole, checked, field_names
from songbench.domain.errors import InputError
from songbench.domain.foreign import foreign_line
from songbench.domain.hashing import content_key
from songbench.domain.language import Detection, check_language, contradiction, detect_language
from songbench.domain.lyric_remarks import reading_remarks, sung_remarks, take_remarks
from songbench.domain.lyrics import LyricsReading, UnknownTagsError, lyrics_from_json, read_lyrics
from songbench.domain.prompt import TRACKS, Asset, Prompt, parse_asset
from songbench.domain.reading import decode_json, json_rows, read_text
from songbench.domain.sections import LONGEST_SECONDS
from songbench.domain.suite_problems import all_problems, unknown_tags
from songbench.domain.tracks import check_track, recorded_seconds

_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_LONGEST_ID = 200
"""An id becomes part of file names, which have 255 bytes at most."""
_LENGTH_TOLERANCE_S = 0.5
_SHOWN = 5


def _printable(text: str) -> str:
    if control := _CONTROL.search(text):
        raise ValueError(f"expected text without control characters (U+{ord(control[0]):04X} is one)")
    return text


_Text = Annotated[str, AfterValidator(_printable)]
_Label = Annotated[_Text, Field(min_length=1, max_length=_LONGEST_ID)]
_Seconds = Annotated[Number, Field(gt=0, le=LONGEST_SECONDS)]
_Detect = Callable[[Iterable[str]], Detection]


class _HeaderForm(Schema):
    suite: _Label
    version: _Label | Whole | Number = "0"
    description: _Text = ""
    licence: _Text = ""
    notes: list[_Text] = Field(default=[])
    seconds_per_tag: Annotated[Number, Field(gt=0, le=60)] = 1.0


class _PromptForm(Schema):
    id: str = ""
    idx: str = ""
    lyrics: Any = None
    language: _Text | None = None
    style: _Text | None = None
    vocal: Any = None
    prompt_wav: Any = None
    reference: Any = None
    seconds: _Seconds | None = None
    tags: dict[_Label, _Text] | None = None
    licence: _Text | None = None
    track: _Text | None = None
    lyrics_known: bool = True


HEADER_FIELDS = tuple(field_names(_HeaderForm))
PROMPT_FIELDS = tuple(field_names(_PromptForm))


@dataclass(frozen=True, kw_only=True)
class Suite:
    """A named, versioned list of prompts with unique ids.

    Attributes:
        name: how the command line calls it.
        version: changes whenever a prompt does; results of two versions are never in one table.
        prompts: in file order, at least one, all of one track.
        description: one sentence for listings.
        licence: the licence of the suite as a whole.
        notes: what a reader of a leaderboard on this suite must know (printed under it).
        detected: for the prompts whose language the file does not say, by id: what says it instead.
        remarks: what looks odd in the file, for people before a run; no part of the key.
    """

    name: str
    version: str
    prompts: tuple[Prompt, ...]
    description: str = ""
    licence: str = ""
    notes: tuple[str, ...] = ()
    detected: Mapping[str, str] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()

    @property
    def track(self) -> str:
        """The one track of all its prompts; ``song`` where there are none."""
        return self.prompts[0].track if self.prompts else TRACKS[0]

    def key(self) -> str:
        """The content key of all prompts and their audio."""
        return content_key("suite", self.name, self.version, [prompt.key() for prompt in self.prompts])


def load_suite(path: str | Path, *, detect: _Detect = detect_language) -> Suite:
    """Read a suite file: a JSON object per line, or one JSON array, or objects printed over several lines.

    Args:
        path: of the file.
        detect: says the language of lyrics, as `songbench.domain.language.detect_language` does.

    Raises:
        InputError: naming file, line and field, for anything that is not a valid suite; all broken lines at once, and
            all unknown section tags of the file in one message.
    """
    path = Path(path)
    reader = _SuiteReader(path, detect)
    rows = json_rows(read_text(path, "suite file"))
    for number, row in rows:
        reader.read(number, row)
    return reader.finish()


@dataclass(frozen=True, kw_only=True)
class _Line:
    """A prompt as it was read.

    Attributes:
        number: where it stands in the file, 1-based.
        prompt: the prompt.
        reading: its lyrics, with what was changed to read them.
        detected: what says its language where the file does not; else "".
        detect: says the language of lyrics.
    """

    number: int
    prompt: Prompt
    reading: LyricsReading
    detected: str
    detect: _Detect

    def remarks(self) -> Iterator[str]:
        """What looks odd, one line each."""
        yield from reading_remarks(self.reading)
        yield from sung_remarks(self.reading.lyrics)
        if self.detected:
            return
        if against := contradiction(self.prompt.language, self.reading.lyrics.lines, self.detect):
            yield against


class _SuiteReader:
    """Reads the objects of one file and keeps what is wrong with them until all are read."""

    def __init__(self, path: Path, detect: _Detect) -> None:
        self.path, self.detect = path, detect
        self.header: _HeaderForm | None = None
        self.lines: dict[str, _Line] = {}
        self.ids: dict[str, str] = {}  # by what a disk that does not know case takes them for
        self.problems: list[InputError] = []
        self.unknown: list[tuple[int, str, UnknownTagsError]] = []

    def read(self, number: int, row: str) -> None:
        file = str(self.path)
        try:
            value = decode_json(row, file=file, line=number)
            if not isinstance(value, dict):
                raise InputError(f"Expected a JSON object, found {type(value).__name__}.")
            if "suite" in value and not self.lines and self.header is None:
                self.header = checked(_HeaderForm, value, file=file, line=number)
                return
            self._prompt(value, number)
        except UnknownTagsError as error:
            self.unknown.append((number, str(value.get("id", value.get("idx"))), error))
        except InputError as error:
            self.problems.append(error.located(file=file, line=number))

    def _prompt(self, value: dict[str, Any], number: int) -> None:
        if foreign := foreign_line(value, self.path):
            raise foreign
        if "suite" in value:
            raise InputError("A suite is described by its first line only.", field="suite")
        if not self.lines and self.header is None and value and set(value) <= set(HEADER_FIELDS) - {"licence"}:
            raise InputError(
                "The first line describes the suite, but does not name it.",
                field="suite",
                cure='Add "suite": "NAME" to it.',
            )
        per_tag = self.header.seconds_per_tag if self.header else 1.0
        line = _read_line(value, self.path.parent, per_tag, number, self.detect)
        duplicate = self.ids.get(line.prompt.id.casefold())
        if duplicate == line.prompt.id:
            raise InputError(f"The id '{duplicate}' is used twice.", field="id", cure="Ids must be unique.")
        if duplicate is not None:
            raise InputError(
                f"The ids '{duplicate}' and '{line.prompt.id}' differ in case only.",
                field="id",
                cure="Ids become file names, and some disks hold the two for one: change one.",
            )
        self.lines[line.prompt.id] = line
        self.ids[line.prompt.id.casefold()] = line.prompt.id

    def finish(self) -> Suite:
        file = str(self.path)
        if self.unknown:
            self.problems.append(unknown_tags(self.unknown, file))
        if self.problems:
            raise all_problems(sorted(self.problems, key=lambda error: error.line or 0), file)
        if not self.lines:
            raise InputError("The suite holds no prompts.", file=file)
        self._refuse_mixed_tracks()
        prompts = tuple(line.prompt for line in self.lines.values())
        header = self.header or _HeaderForm(suite=self.path.stem[:_LONGEST_ID] or "suite")
        return Suite(
            name=header.suite,
            version=str(header.version),
            prompts=prompts,
            description=header.description,
            licence=header.licence,
            notes=tuple(header.notes),
            detected={name: line.detected for name, line in self.lines.items() if line.detected},
            remarks=(
                *(f"{name}: {remark}" for name, line in self.lines.items() for remark in line.remarks()),
                *take_remarks([prompt.id for prompt in prompts]),
            ),
        )

    def _refuse_mixed_tracks(self) -> None:
        numbers: dict[str, list[str]] = {}
        for line in self.lines.values():
            numbers.setdefault(line.prompt.track, []).append(str(line.number))
        if len(numbers) > 1:
            places = [
                f"{track} in line {', '.join(of[:_SHOWN])}" + (f" and {len(of) - _SHOWN} more" if of[_SHOWN:] else "")
                for track, of in numbers.items()
            ]
            raise InputError(
                f"A suite has prompts of one track, and here are several ({'; '.join(places)}).",
                file=str(self.path),
                field="track",
                cure="Write a suite for each track.",
            )


def parse_prompt(value: Mapping[str, Any], *, folder: Path = Path(), seconds_per_tag: float = 1.0) -> Prompt:
    """One prompt from its decoded JSON object.

    Args:
        value: the object.
        folder: relative audio paths are relative to it.
        seconds_per_tag: how long one repetition of a tag without words lasts, where lyrics are text.

    Raises:
        InputError: naming the field.
    """
    return _read_line(value, folder, seconds_per_tag).prompt


def _read_line(
    value: Mapping[str, Any], folder: Path, seconds_per_tag: float, number: int = 1, detect: _Detect = detect_language
) -> _Line:
    form = checked(_PromptForm, value)
    identifier = _identifier(form)
    track = _one_of("track", form.track or "song", TRACKS)
    vocal = parse_asset(form.vocal, folder, "vocal") if form.vocal else None
    reading, seconds, lyrics_known = _words_and_length(form, track, vocal, seconds_per_tag)
    detection = detect(reading.lyrics.lines) if form.language is None else None
    language = detection.language if detection else check_language(form.language or "")
    prompt = Prompt(
        id=identifier,
        lyrics=reading.lyrics,
        language=language,
        style=form.style or "",
        vocal=vocal,
        prompt_audio=parse_asset(form.prompt_wav, folder, "prompt_wav") if form.prompt_wav else None,
        reference=parse_asset(form.reference, folder, "reference") if form.reference else None,
        seconds=seconds,
        tags=dict(form.tags or {}),
        licence=form.licence or "",
        track=track,
        lyrics_known=lyrics_known,
    )
    check_track(prompt)
    return _Line(
        number=number,
        prompt=prompt,
        reading=reading,
        detected=detection.reason if detection else "",
        detect=detect,
    )


def _words_and_length(
    form: _PromptForm, track: str, vocal: Asset | None, seconds_per_tag: float
) -> tuple[LyricsReading, float | None, bool]:
    """The lyrics, the length, and whether the lyrics are known; a recorded vocal needs none and has a length."""
    recorded = recorded_seconds(vocal) if track == "v2a" and vocal is not None else None
    if recorded is not None and form.seconds is not None and abs(form.seconds - recorded) > _LENGTH_TOLERANCE_S:
        raise InputError(
            f"The vocal lasts {recorded:g} s, not {form.seconds:g} s.",
            field="seconds",
            cure="Leave it out: an accompaniment is as long as its vocal.",
        )
    seconds = form.seconds if recorded is None else recorded
    if form.lyrics is not None:
        return _lyrics(form.lyrics, seconds_per_tag), seconds, form.lyrics_known
    if recorded is None:
        cure = "A rendered vocal sings the prompt's lyrics." if vocal is not None else None
        raise InputError("The field is missing.", field="lyrics", cure=cure)
    lyrics = lyrics_from_json({"sections": [{"tag": "inst", "seconds": recorded}]})
    return LyricsReading(lyrics), seconds, False


def _identifier(form: _PromptForm) -> str:
    if form.id and form.idx:
        raise InputError("Both 'id' and 'idx' are given.", field="id", cure="'idx' is another name of 'id': keep one.")
    identifier = form.id or form.idx
    if not _ID.fullmatch(identifier):
        raise InputError(
            f"{identifier[:60]!r} is not a valid id." if identifier else "The field is missing.",
            field="id",
            cure="Use letters (a to z), digits, '-', '_' and '.', beginning with a letter or digit.",
        )
    if len(identifier) > _LONGEST_ID:
        raise InputError(
            f"The id has {len(identifier)} characters.",
            field="id",
            cure=f"Ids become file names: use {_LONGEST_ID} at most.",
        )
    return identifier


def _lyrics(value: object, seconds_per_tag: float) -> LyricsReading:
    if isinstance(value, Mapping):
        return LyricsReading(lyrics_from_json(value))
    if not isinstance(value, str):
        cure = "Put the lines into one text, with \\n between them." if isinstance(value, list) else "Put it in quotes."
        raise InputError(f"Expected text, found {str(value)[:60]}.", field="lyrics", cure=cure)
    try:
        return read_lyrics(value, seconds_per_tag=seconds_per_tag)
    except UnknownTagsError:
        raise
    except InputError as error:
        inner = f" (line {error.line} of the lyrics)" if error.line and error.line > 1 else ""
        raise InputError(
            error.message + inner, field="lyrics", allowed=error.allowed, value=error.value, cure=error.cure
        ) from None


def _one_of(name: str, value: str, allowed: tuple[str, ...]) -> str:
    if value not in allowed:
        raise InputError(f"'{value}' is not known.", field=name, value=value, allowed=allowed)
    return value
