"""A prompt: everything a system may be told about one song, and everything a metric may compare it with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias, cast

from songbench.domain.errors import InputError
from songbench.domain.hashing import Json, content_key, file_digest
from songbench.domain.lyrics import Lyrics, render_block

LANGUAGES = ("en", "zh", "mixed")
TRACKS = ("song", "v2a")


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
            raise InputError("No such audio file.", file=str(self.path), field="prompt_wav / reference")
        return {"file": file_digest(self.path)}


@dataclass(frozen=True)
class RenderAsset:
    """Audio that a system renders from a seed when it is first needed, so that a suite ships without sound files.

    Attributes:
        system: the name of the system that renders it; it sings the prompt's own lyrics.
        seed: its seed.
        parameters: its parameters.
    """

    system: str
    seed: int
    parameters: Mapping[str, Json] = field(default_factory=dict)

    def to_json(self) -> Json:
        """As it is written in a suite file."""
        return {"render": self.system, "seed": self.seed, "parameters": dict(self.parameters)}

    def identity(self, prompt: Prompt) -> Json:
        """What the audio depends on: the recipe and the prompt it is rendered for."""
        return {"recipe": self.to_json(), **prompt.words_to_json()}


@dataclass(frozen=True)
class CutAsset:
    """A piece of the prompt's reference song, as SongBloom's 10 s prompts are cut from complete songs.

    Attributes:
        start: where the piece begins, in seconds.
        seconds: how long it is.
    """

    start: float
    seconds: float

    def to_json(self) -> Json:
        """As it is written in a suite file."""
        return {"cut": "reference", "start": self.start, "seconds": self.seconds}

    def identity(self, prompt: Prompt) -> Json:
        """What the audio depends on: the reference song and the place."""
        if prompt.reference is None:
            raise InputError("A cut of the reference needs a 'reference'.", field="prompt_wav")
        return {"cut": self.to_json(), "of": prompt.reference.identity(prompt)}


Asset: TypeAlias = FileAsset | RenderAsset | CutAsset


@dataclass(frozen=True)
class Prompt:
    """One song to be made.

    Attributes:
        id: unique in its suite; letters, digits, ``-``, ``_`` and ``.`` only, as it becomes a file name.
        lyrics: the sectioned lyrics.
        language: the language of the words, one of `LANGUAGES`.
        style: the style in words ("" when there is none).
        prompt_audio: the style in sound (10 s by convention), or None.
        reference: a complete real song in this style, for distribution metrics, or None.
        seconds: the wanted duration, or None when the system may decide.
        tags: facets to break results down by, such as genre.
        licence: the licence of the words and the audio (an SPDX name).
        track: ``song`` (lyrics → song) or ``v2a`` (vocals → accompaniment).
    """

    id: str
    lyrics: Lyrics
    language: str = "en"
    style: str = ""
    prompt_audio: Asset | None = None
    reference: Asset | None = None
    seconds: float | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    licence: str = ""
    track: str = "song"

    def words_to_json(self) -> dict[str, Json]:
        """The part of the prompt that is text and numbers."""
        return {
            "id": self.id,
            "lyrics": render_block(self.lyrics),
            "language": self.language,
            "style": self.style,
            "seconds": self.seconds,
            "tags": dict(self.tags),
            "licence": self.licence,
            "track": self.track,
        }

    def to_json(self) -> dict[str, Json]:
        """One line of a suite file; `parse_prompt` reads it back."""
        assets = {"prompt_wav": self.prompt_audio, "reference": self.reference}
        return {**self.words_to_json(), **{name: asset.to_json() for name, asset in assets.items() if asset}}

    def key(self) -> str:
        """The content key: changes when a word, a number or a byte of the prompt's audio changes."""
        assets = {"prompt_wav": self.prompt_audio, "reference": self.reference}
        return content_key(
            "prompt",
            self.words_to_json(),
            {name: asset.identity(self) if asset else None for name, asset in assets.items()},
        )


def parse_asset(value: object, folder: Path, field_name: str) -> Asset:
    """Read the value of ``prompt_wav`` or ``reference``: a path, a render recipe or a cut of the reference.

    Args:
        value: the decoded JSON value.
        folder: relative paths are relative to it.
        field_name: named in errors.

    Raises:
        InputError: for anything else.
    """
    if isinstance(value, str) and value:
        return FileAsset((folder / value).absolute())
    if isinstance(value, dict):
        try:
            if "render" in value:
                _only(value, ("render", "seed", "parameters"), field_name)
                return RenderAsset(str(value["render"]), int(value["seed"]), dict(value.get("parameters", {})))
            if value.get("cut") == "reference":
                _only(value, ("cut", "start", "seconds"), field_name)
                return CutAsset(float(cast(Any, value["start"])), float(cast(Any, value["seconds"])))
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"The recipe is incomplete or malformed ({error!r}).", field=field_name) from None
    raise InputError(
        f"{value!r} is neither a path nor a recipe.",
        field=field_name,
        cure='Write "clip.wav", {"render": SYSTEM, "seed": N, "parameters": {…}} or '
        '{"cut": "reference", "start": S, "seconds": S}.',
    )


def _only(value: Mapping[str, object], allowed: tuple[str, ...], field_name: str) -> None:
    for name in value:
        if name not in allowed:
            raise InputError(f"Unknown key '{name}' in the recipe.", field=field_name, given=name, allowed=allowed)
