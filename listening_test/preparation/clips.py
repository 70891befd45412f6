"""What every stimulus is made of, before anything is rendered."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, NamedTuple, TypeAlias

from listening_test.preparation.design import ItemName
from listening_test.prepared import Role

Sort: TypeAlias = Literal["song", "style sample", "vocal", "sound check", "tones"]


class SongSource(NamedTuple):
    """Where the sound comes from.

    Attributes:
        prompt: the id of the prompt.
        system: whose song; None: the prompt's reference song.
        take: of the song.
    """

    prompt: str
    system: str | None
    take: int = 0


@dataclass(frozen=True, kw_only=True)
class ClipRecipe:
    """How something sounds; stimuli of equal recipes differ in nothing that can be heard.

    Attributes:
        sort: of sound.
        source: the song, or the prompt of a style sample or vocal; None for tones.
        excerpt: the number of the protocol's excerpt.
        effect: an anchor that changes the sound, "" for none.
        voice_text: what a voice says over it, "" for nothing.
        language: of the voice.
        tones: of the headphone check: the place (1 to 3) of the quiet tone, and of the one in antiphase.
    """

    sort: Sort
    source: SongSource | None = None
    excerpt: int = 0
    effect: str = ""
    voice_text: str = ""
    language: str = ""
    tones: tuple[int, int] = (0, 0)


@dataclass(frozen=True, kw_only=True)
class Clip:
    """A stimulus with a name of its own.

    Attributes:
        role: see `listening_test.prepared.Role`.
        recipe: how it sounds.
        anchor: which of the anchors it is, "" for none.
        of: the item it stands for, or None.
        copy: tells apart clips that are the same otherwise.
    """

    role: Role
    recipe: ClipRecipe
    anchor: str = ""
    of: ItemName | None = None
    copy: str = ""

    def again(self) -> Clip:
        """The same under another name."""
        return replace(self, copy=f"{self.copy} again".strip())


def song(item: ItemName, system: str | None, role: Role | None = None, *, anchor: str = "", effect: str = "") -> Clip:
    """The song of a system, or the reference song (None), for an item; as an anchor with that anchor's effect."""
    recipe = ClipRecipe(
        sort="song",
        source=SongSource(item.prompt, system, item.take if system else 0),
        excerpt=item.excerpt,
        effect=effect,
    )
    return Clip(role=role or ("system" if system else "reference"), recipe=recipe, anchor=anchor, of=item)
