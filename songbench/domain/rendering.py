"""What a system was really given for a prompt, where that is not the prompt as it stands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, TypeAlias, get_args

from songbench.domain.hashing import Json

StyleUse: TypeAlias = Literal["none", "text", "audio", "both"]
STYLE_USES: tuple[str, ...] = get_args(StyleUse)


@dataclass(frozen=True, kw_only=True)
class Rendering:
    """A prompt in a system's own form, and everything that became different on the way.

    Attributes:
        lyrics: the text as the system was given it; "" where it was given none.
        style: which kind of style it was given.
        style_text: the style in words as it was given, "" where there was none.
        tags: what the system was given in the place of a section tag; None: nothing. A tag that is absent here was
            given as it is.
        dropped: sung lines that the system was not given.
        added: what it was given and nobody had asked for, such as a dummy section that keeps the last real one.
        timing: the rule by which times were invented, "" where none were.
        times: the invented times in seconds, each with its line or word.
        seconds: the length asked of the system; None: it decides.
        notes: anything else a reader should know.
    """

    lyrics: str = ""
    style: StyleUse = "none"
    style_text: str = ""
    tags: Mapping[str, str | None] = field(default_factory=dict)
    dropped: tuple[str, ...] = ()
    added: tuple[str, ...] = ()
    timing: str = ""
    times: tuple[tuple[float, str], ...] = ()
    seconds: float | None = None
    notes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Json]:
        """What is stored; `rendering_from_json` reads it back."""
        return {**asdict(self), "tags": dict(self.tags), "times": [list(pair) for pair in self.times]}

    @property
    def changes(self) -> tuple[str, ...]:
        """What became different, one clause each, for a table of songs."""
        tags = [f"[{tag}] as {name!r}" if name else f"[{tag}] left out" for tag, name in self.tags.items()]
        return (
            *([f"tags: {', '.join(tags)}"] if tags else []),
            *([f"{len(self.dropped)} lines not given"] if self.dropped else []),
            *(f"added: {text}" for text in self.added),
            *([f"times by the rule {self.timing}"] if self.timing else []),
            *self.notes,
        )


def rendering_from_json(value: Mapping[str, Any]) -> Rendering:
    """What was stored."""

    def texts(name: str) -> tuple[str, ...]:
        entries: Sequence[Any] = value.get(name, ())
        return tuple(str(text) for text in entries)

    return Rendering(
        **{
            **value,
            **{name: texts(name) for name in ("dropped", "added", "notes")},
            "times": tuple((float(seconds), str(text)) for seconds, text in value.get("times", ())),
        }
    )
