"""Words that a recogniser heard, beside those of the lyrics."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

EditKind: TypeAlias = Literal["match", "substitution", "deletion", "insertion"]
"""What became of a word: there, another word in its place, not there, or there although nobody asked for it."""


@dataclass(frozen=True, kw_only=True)
class AlignedWord:
    """One word of the lyrics with the recognised word in its place, or a recognised word that is in no place.

    Attributes:
        lyric: the word of the lyrics as it is read aloud (in Mandarin a character); "" for an insertion.
        recognised: the recognised word, likewise; "" for a deletion.
        kind: what became of the word.
        line: 0-based, among the sung lines; insertions belong to the line of the word before them, those before the
            first word to its line.
        spelling: the part of the line that the word stands for, with the signs and blanks around it: the parts
            of a line joined are the line. "" for insertions and for the further words of an expression like ``100%``.
    """

    lyric: str
    recognised: str
    kind: EditKind
    line: int
    spelling: str = ""
