"""Pieces of songs: sketch, latents and lyrics cut together at patches, and the style prompt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch

from songbench.domain.errors import InputError
from systems.songbloom.training.data.records import SectionSymbols, SongEntry


@dataclass(frozen=True, kw_only=True)
class CropSettings:
    """How pieces are cut.

    Attributes:
        patch: frames per patch of the model; pieces begin and end at patches.
        max_seconds: longest piece; longer songs are cut.
        style_frames: latent frames of a style prompt.
        place: where a piece of a longer song begins: ``start`` of the song; a ``section`` at random, so that what is
            sung is what is written (sections that leave less than half a piece are not begun with); or a ``random``
            patch, where the words of the section under way are missing, as only sections that begin inside are kept.
        style_place: where the style prompt lies in the song: ``start``, or ``random``. At the start intros are
            over-represented. A prompt out of the piece itself rewards copying either way.
    """

    patch: int
    max_seconds: float
    style_frames: int
    place: Literal["start", "random", "section"] = "section"
    style_place: Literal["start", "random"] = "random"

    def __post_init__(self) -> None:
        """Refuse what cuts nothing."""
        if self.patch < 1 or self.style_frames < 1 or not self.max_seconds > 0:
            raise InputError("Patches, pieces and style prompts must have a length above 0.")

    def longest(self, frame_rate: float) -> int:
        """Frames of the longest piece, whole patches, at least one."""
        return max(1, int(self.max_seconds * frame_rate + 1e-6) // self.patch) * self.patch


@dataclass(frozen=True)
class FrameSpan:
    """Frames of a song: the first, and the one after the last."""

    start: int
    end: int

    def __len__(self) -> int:
        return self.end - self.start


def fits(song: SongEntry, settings: CropSettings, frame_rate: float) -> str:
    """Why a song gives no piece; "" when it does."""
    if song.frames < settings.patch:
        return f"it has {song.frames} frames, less than a patch of {settings.patch}"
    extent = song.frames // settings.patch * settings.patch
    if not song.timed and extent > settings.longest(frame_rate):
        return (
            f"it lasts {song.seconds:.1f} s and must be cut to {settings.max_seconds:g} s, but nothing says when its"
            " sections are sung"
        )
    return ""


def piece_of(song: SongEntry, settings: CropSettings, frame_rate: float, generator: torch.Generator) -> FrameSpan:
    """Where a piece lies, in whole patches of the song; one number is drawn whatever the song.

    Raises:
        InputError: the song gives no piece (`fits`).
    """
    draw = float(torch.rand((), generator=generator, dtype=torch.float64))
    if problem := fits(song, settings, frame_rate):
        raise InputError(f"The song '{song.id}' cannot be trained on: {problem}.", field=song.id)
    patch, longest = settings.patch, settings.longest(frame_rate)
    extent = song.frames // patch * patch
    if extent <= longest:
        return FrameSpan(0, extent)
    starts = [0]
    if settings.place == "section":
        begins = {section.start // patch * patch for section in song.sections}
        starts = sorted({0, *(start for start in begins if extent - start >= longest / 2)})
    elif settings.place == "random":
        grid = range(0, extent - longest + 1, patch)
        starts = [start for start in grid if sections_in(song, FrameSpan(start, start + longest))] or [0]
    start = starts[int(draw * len(starts))]
    return FrameSpan(start, min(start + longest, extent))


def sections_in(song: SongEntry, piece: FrameSpan) -> list[SectionSymbols]:
    """The sections that begin inside a piece; of a song without times, all of them."""
    if not song.timed:
        return list(song.sections)
    return [section for section in song.sections if piece.start <= section.start < piece.end]


def symbols_in(song: SongEntry, piece: FrameSpan, section_mark: int, empty_symbol: int) -> tuple[int, ...]:
    """The lyrics of a piece as ids, sections parted by their mark; the empty symbol where nothing begins inside.

    Of a section without words, whose tag is repeated for its length, as much is kept as lies inside.
    """
    symbols: list[int] = []
    for section in sections_in(song, piece):
        ids = section.symbols
        if song.timed and section.end > piece.end and len(set(ids)) == 1:
            inside = (piece.end - section.start) / (section.end - section.start)
            ids = ids[: max(1, round(len(ids) * inside))]
        symbols += [section_mark, *ids] if symbols else ids
    return tuple(symbols) or (empty_symbol,)


def style_of(song: SongEntry, settings: CropSettings, generator: torch.Generator) -> FrameSpan:
    """Where the style prompt lies among the frames that it is cut from; shorter where there are fewer."""
    room = max(0, song.style_frames - settings.style_frames)
    draw = float(torch.rand((), generator=generator, dtype=torch.float64))
    start = int(draw * (room + 1)) if settings.style_place == "random" else 0
    return FrameSpan(start, min(start + settings.style_frames, song.style_frames))
