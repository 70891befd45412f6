"""What lyrics are made of, sections under tags, and the JSON form in which they travel and are hashed.

The form::

    {"sections": [{"tag": "intro", "seconds": 3.0}, {"tag": "verse", "lines": ["Morning comes in slowly"]}]}

``[intro]`` and ``[outro]`` are sung where they hold words, as in lyrics for YuE and Suno, and instrumental where they
hold none. SongBloom's own models know them without words only; `systems.songbloom.text` says what becomes of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from songbench.domain.checking import Number, Schema, checked
from songbench.domain.errors import InputError
from songbench.domain.hashing import Json
from songbench.domain.tags import TAGS, VOCAL_TAGS, WORDLESS_TAGS, SectionTag

LONGEST_SECONDS = 3600.0
"""The longest section, and the longest song, that can be asked for."""


@dataclass(frozen=True)
class Section:
    """One part of a song.

    Attributes:
        tag: one of `songbench.domain.tags.TAGS`.
        lines: the sung lines; at least one for tags that are always sung, none for those that never are.
        seconds: how long a section without lines lasts (above 0, at most `LONGEST_SECONDS`); None for a sung one, whose
            length the system decides.
    """

    tag: str
    lines: tuple[str, ...] = ()
    seconds: float | None = None

    def __post_init__(self) -> None:
        """Hold the grammar: sung sections have lines, the others a duration."""
        if self.tag not in TAGS:
            raise InputError(f"Unknown section tag [{self.tag}].", value=self.tag, allowed=TAGS)
        if self.tag in VOCAL_TAGS and not self.lines:
            raise InputError(
                f"[{self.tag}] has no lyrics.", cure="Give it lines, or use [inst] for an instrumental part."
            )
        if self.tag in WORDLESS_TAGS and self.lines:
            sung = ", ".join(f"[{tag}]" for tag in TAGS if tag not in WORDLESS_TAGS)
            raise InputError(
                f"[{self.tag}] cannot hold lyrics, but has '{self.lines[0][:40]}'.",
                cure=f"Put the words under one of {sung}.",
            )
        if self.vocal and self.seconds is not None:
            raise InputError(f"[{self.tag}] has words and a duration.", cure="Leave one of the two out.")
        if not self.vocal and not (self.seconds and 0 < self.seconds <= LONGEST_SECONDS):
            raise InputError(
                f"[{self.tag}] needs a duration above 0 and of at most {LONGEST_SECONDS:g} seconds, not {self.seconds}."
            )
        for line in self.lines:
            if not line.strip() or any(sign in line for sign in "[]\n\r"):
                raise InputError(
                    f"'{line[:40]}' is not a sung line.",
                    cure="A line has words, no line ends and no square brackets.",
                )

    @property
    def vocal(self) -> bool:
        """Whether this section is sung."""
        return bool(self.lines)

    def to_json(self) -> dict[str, Json]:
        """Tag and lines, or tag and seconds."""
        return (
            {"tag": self.tag, "lines": list(self.lines)} if self.vocal else {"tag": self.tag, "seconds": self.seconds}
        )


@dataclass(frozen=True)
class Lyrics:
    """The sections of a song in order; at least one."""

    sections: tuple[Section, ...]

    def __post_init__(self) -> None:
        """An empty song is always a mistake."""
        if not self.sections:
            raise InputError("The lyrics are empty.", cure="Write at least one section, e.g. '[verse]' and a line.")

    @property
    def lines(self) -> tuple[str, ...]:
        """All sung lines in order."""
        return tuple(line for section in self.sections for line in section.lines)

    @property
    def tags(self) -> tuple[str, ...]:
        """The tag of each section in order."""
        return tuple(section.tag for section in self.sections)

    def to_json(self) -> dict[str, Json]:
        """The JSON form; `lyrics_from_json` gives the same lyrics back."""
        return {"sections": [section.to_json() for section in self.sections]}


class _SectionForm(Schema):
    tag: SectionTag
    lines: list[Annotated[str, Field(max_length=10_000)]] = Field(default=[])
    seconds: Number | None = None


class _LyricsForm(Schema):
    sections: list[_SectionForm]


def lyrics_from_json(value: Mapping[str, object], *, file: str | None = None, line: int | None = None) -> Lyrics:
    """Read the JSON form.

    Raises:
        InputError: naming the field, for anything else and for sections against the grammar.
    """
    form = checked(_LyricsForm, value, file=file, line=line, within="lyrics")
    sections = []
    for number, section in enumerate(form.sections):
        try:
            sections.append(Section(section.tag, tuple(section.lines), section.seconds))
        except InputError as error:
            raise error.located(file=file, line=line, field=f"lyrics.sections[{number}]") from None
    return Lyrics(tuple(sections))
