"""A prompt: everything a system may be told about one song, and everything a metric may compare it with."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Annotated, Any, TypeAlias, TypeVar

from pydantic import Field

from songbench.domain.checking import Number, Schema, Whole, checked
from songbench.domain.errors import InputError
from songbench.domain.hashing import Json, content_key, file_digest
from songbench.domain.lyrics import Lyrics

TRACKS = ("song", "v2a")
ASSETS = ("vocal", "reference", "prompt_wav")
"""The audio a prompt may have, by the names of a suite file, in the order in which it is made."""
ACCOMPANIMENT = "accompaniment"
"""The stem of a rendered song that is everything but its vocals."""


@dataclass(frozen=True)
class FileAsset:
    """Audio in a file beside the suite."""

    path: Path

    def to_json(self) -> Json:
        """As it is written in a suite file."""
        return str(self.path)

    def identity(self, prompt: Prompt) -> Json:
        """What the audio depends on: the bytes of the file."""
        if not self.path.is_file():
            problem = "This is a folder, not an audio file." if self.path.is_dir() else "No such audio file."
            names = " / ".join(name for name, asset in prompt.assets.items() if _uncut(asset) == self) or "audio"
            raise InputError(problem, file=str(self.path), field=f"{names}' of prompt '{prompt.id}")
        return {"file": file_digest(self.path)}


@dataclass(frozen=True)
class RenderAsset:
    """Audio that a system renders from a seed when it is first needed, so that a suite ships without sound files.

    Attributes:
        system: the name of the system that renders it; it sings the prompt's own lyrics.
        seed: its seed.
        parameters: its parameters.
        stem: which part of the song: a stem that the system gives, such as ``vocals``; `ACCOMPANIMENT`: the sum of all
            stems but the vocals; "": the mix.
    """

    system: str
    seed: int
    parameters: Mapping[str, Json] = field(default_factory=dict)
    stem: str = ""

    def to_json(self) -> Json:
        """As it is written in a suite file."""
        stem: dict[str, Json] = {"stem": self.stem} if self.stem else {}
        return {"render": self.system, "seed": self.seed, "parameters": dict(self.parameters), **stem}

    def identity(self, prompt: Prompt) -> Json:
        """What the audio depends on: the recipe and the prompt it is rendered for."""
        return {"recipe": self.to_json(), **prompt.words_to_json()}


@dataclass(frozen=True)
class CutAsset:
    """A piece of other audio, as SongBloom's 10 s prompts are cut from complete songs.

    Attributes:
        start: where the piece begins, in seconds.
        seconds: how long it is.
        recording: what it is cut from; None: the prompt's reference.
    """

    start: float
    seconds: float
    recording: FileAsset | RenderAsset | None = None

    def to_json(self) -> Json:
        """As it is written in a suite file."""
        recording = "reference" if self.recording is None else self.recording.to_json()
        return {"cut": recording, "start": self.start, "seconds": self.seconds}

    def identity(self, prompt: Prompt) -> Json:
        """What the audio depends on: what it is cut from, and the place."""
        if self.recording is not None:
            return {"cut": {"start": self.start, "seconds": self.seconds}, "of": self.recording.identity(prompt)}
        if prompt.reference is None:
            raise InputError("A cut of the reference needs a 'reference'.", field="prompt_wav")
        return {"cut": self.to_json(), "of": prompt.reference.identity(prompt)}


Asset: TypeAlias = FileAsset | RenderAsset | CutAsset


def _uncut(asset: Asset) -> FileAsset | RenderAsset | None:
    return asset.recording if isinstance(asset, CutAsset) else asset


@dataclass(frozen=True, kw_only=True)
class Prompt:
    """One song to be made.

    Attributes:
        id: unique in its suite; letters, digits, ``-``, ``_`` and ``.`` only, as it becomes a file name.
        lyrics: the sectioned lyrics.
        language: the language of the words, as `songbench.domain.language.check_language` gives it.
        style: the style in words ("" when there is none).
        vocal: track ``v2a``: the vocal to accompany; else None.
        prompt_audio: the style in sound (10 s by convention), or None; track ``v2a``: an accompaniment, but nothing of
            the prompt's own one.
        reference: a complete real song in this style, for distribution metrics, or None; track ``v2a``: the true
            accompaniment of the vocal, which is held back from systems.
        seconds: the wanted duration, or None when the system may decide.
        tags: facets to break results down by, such as genre.
        licence: the licence of the words and the audio (an SPDX name).
        track: ``song`` (lyrics → song) or ``v2a`` (vocals → accompaniment).
        lyrics_known: False for finished audio and vocals of which nobody says what they should sing: `lyrics` then only
            holds their length, and no metric compares it with them.
    """

    id: str
    lyrics: Lyrics
    language: str = "en"
    style: str = ""
    vocal: Asset | None = None
    prompt_audio: Asset | None = None
    reference: Asset | None = None
    seconds: float | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    licence: str = ""
    track: str = "song"
    lyrics_known: bool = True

    @property
    def section_plan(self) -> str:
        """The section plan: its tags in order, neighbours of one tag joined, e.g. ``intro verse chorus outro``."""
        return " ".join(tag for tag, _ in groupby(self.lyrics.tags))

    @property
    def assets(self) -> dict[str, Asset]:
        """The audio it has, by the names and in the order of `ASSETS`."""
        assets = (self.vocal, self.reference, self.prompt_audio)
        return {name: asset for name, asset in zip(ASSETS, assets, strict=True) if asset is not None}

    def words_to_json(self) -> dict[str, Json]:
        """The part of the prompt that is text and numbers."""
        return {
            "id": self.id,
            "lyrics": self.lyrics.to_json(),
            "language": self.language,
            "style": self.style,
            "seconds": self.seconds,
            "tags": dict(self.tags),
            "licence": self.licence,
            "track": self.track,
            **({} if self.lyrics_known else {"lyrics_known": False}),
        }

    def origin(self, asset: Asset) -> FileAsset | RenderAsset:
        """The file or the recipe that audio of the prompt comes from, whatever is cut from it.

        Raises:
            InputError: for a cut of a reference that the prompt does not have.
        """
        if not isinstance(asset, CutAsset):
            return asset
        recording = asset.recording or self.reference
        if recording is None:
            raise InputError("A cut of the reference needs a 'reference'.", field="prompt_wav")
        return self.origin(recording)

    def to_json(self) -> dict[str, Json]:
        """One line of a suite file; `parse_prompt` reads it back."""
        return {**self.words_to_json(), **{name: asset.to_json() for name, asset in self.assets.items()}}

    def key(self) -> str:
        """The content key: changes when a word, a number or a byte of the prompt's audio changes."""
        always: dict[str, Json] = {"prompt_wav": None, "reference": None}
        return content_key(
            "prompt",
            self.words_to_json(),
            {**always, **{name: asset.identity(self) for name, asset in self.assets.items()}},
        )


_Form = TypeVar("_Form", bound=Schema)


class _RenderForm(Schema):
    render: Annotated[str, Field(min_length=1)]
    seed: Annotated[Whole, Field(ge=0, lt=2**63)]
    parameters: dict[str, Any] = Field(default={})
    stem: str = ""


class _CutForm(Schema):
    cut: Any
    start: Annotated[Number, Field(ge=0)]
    seconds: Annotated[Number, Field(gt=0)]


_LONGEST_NAME = 255
"""Bytes that a file's name has at most on the usual file systems."""


def parse_asset(value: object, folder: Path, field_name: str) -> Asset:
    """Read the value of one of `ASSETS`: a path, a render recipe or a cut of either or of the reference.

    Args:
        value: the decoded JSON value.
        folder: relative paths are relative to it.
        field_name: named in errors.

    Raises:
        InputError: for anything else, a path that can name no file, and a reference that is cut from itself.
    """
    if isinstance(value, Mapping) and "cut" in value:
        cut = _recipe(_CutForm, value, field_name)
        return CutAsset(cut.start, cut.seconds, _cut_recording(cut.cut, folder, field_name))
    if asset := _uncut_asset(value, folder, field_name):
        return asset
    raise InputError(
        f"{value!r} is neither a path nor a recipe.",
        field=field_name,
        cure='Write "clip.wav", {"render": SYSTEM, "seed": N, "parameters": {…}} or '
        '{"cut": "reference", "start": S, "seconds": S}.',
    )


def _uncut_asset(value: object, folder: Path, field_name: str) -> FileAsset | RenderAsset | None:
    """A path or a render recipe; None for anything else."""
    if isinstance(value, str) and value.strip():
        return FileAsset(_path(value, folder, field_name))
    if isinstance(value, Mapping) and "render" in value:
        form = _recipe(_RenderForm, value, field_name)
        return RenderAsset(form.render, form.seed, dict(form.parameters), form.stem)
    return None


def _cut_recording(value: object, folder: Path, field_name: str) -> FileAsset | RenderAsset | None:
    """What a cut is cut from; None: the reference."""
    if value != "reference":
        if recording := _uncut_asset(value, folder, field_name):
            return recording
        raise InputError(
            f"There is no cut of {value!r}.",
            field=field_name,
            cure='Write {"cut": "reference", …}, {"cut": "song.wav", …} or {"cut": {"render": SYSTEM, "seed": N}, …}.',
        )
    if field_name == "prompt_wav":
        return None
    raise InputError(
        "The reference cannot be cut from itself."
        if field_name == "reference"
        else "A vocal cannot be cut from the reference.",
        field=field_name,
        cure="Cut it from a file or a render recipe; prompt_wav may be a cut of the reference.",
    )


def _recipe(form: type[_Form], value: Mapping[str, object], field_name: str) -> _Form:
    try:
        return checked(form, value)
    except InputError as error:
        raise InputError(
            f"The recipe is incomplete or malformed: '{error.field}': {error.message}",
            field=field_name,
            value=error.value,
            allowed=error.allowed,
            cure=error.cure,
        ) from None


def _path(text: str, folder: Path, field_name: str) -> Path:
    """Where a path in a suite leads; ``~`` is the home folder."""
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]+://", text):
        raise InputError(
            f"'{text[:80]}' is an address, not a file.", field=field_name, cure="Download it and give the file's path."
        )
    if re.search("[\x00-\x1f\x7f]", text):
        raise InputError(f"{text[:80]!r} holds a control character.", field=field_name)
    if any(len(part.encode()) > _LONGEST_NAME for part in re.split(r"[/\\]", text)):
        raise InputError(f"A name in this path is longer than {_LONGEST_NAME} bytes.", field=field_name)
    path = (folder / Path(text).expanduser()).absolute() if text.startswith("~/") else (folder / text).absolute()
    if "\\" in text and not path.exists():
        raise InputError(
            f"'{text[:80]}' has backslashes.", field=field_name, cure=f"Write {text.replace(chr(92), '/')[:80]}."
        )
    return path
