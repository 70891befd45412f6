"""Lyrics with times to the symbols of each section, in frames."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from songbench.domain.errors import InputError
from songbench.domain.lyrics import Lyrics, Section
from songbench.domain.song import TimedSection
from systems.songbloom.text import check_line, one_line, phonemes_of_lyrics
from systems.songbloom.text.vocabulary import Vocabulary
from systems.songbloom.training.data.records import SectionSymbols
from systems.songbloom.training.data.songs import SymbolSection


@dataclass(frozen=True)
class SymbolWriter:
    """Writes sections as the model reads them: as at inference, but that tags without words last as long as they do.

    Attributes:
        vocabulary: of the model.
        seconds_per_tag: seconds that one tag of a section without words stands for.
        frame_rate: latent frames a second.
    """

    vocabulary: Vocabulary
    seconds_per_tag: float
    frame_rate: float

    def sections(
        self,
        lyrics: Lyrics | Sequence[SymbolSection],
        times: Sequence[TimedSection] | None,
        frames: int,
    ) -> tuple[tuple[SectionSymbols, ...], tuple[str, ...]]:
        """The sections, and the words of which nothing reaches the model.

        Args:
            lyrics: of the song.
            times: of its sections; None: each lasts as long as the song.
            frames: of the song.

        Raises:
            InputError: the lyrics are in no language that SongBloom sings, or hold nothing it knows.
            UnavailableError: there is English and its data are not set up.
        """
        parts: Sequence[Section | SymbolSection] = lyrics.sections if isinstance(lyrics, Lyrics) else lyrics
        sections, silent = [], []
        for number, part in enumerate(parts):
            span = times[number] if times is not None else None
            text = part.symbols if isinstance(part, SymbolSection) else self._symbols(part, span)
            ids = tuple(self.vocabulary.ids(text))
            if not ids:
                raise InputError(f"Section {number + 1}, [{part.tag}], has no symbol of the vocabulary.")
            silent += self.vocabulary.dropped(text)
            start, end = self._frames(span, frames)
            sections.append(SectionSymbols(tag=part.tag, start=start, end=end, symbols=ids))
        return tuple(sections), tuple(silent)

    def _symbols(self, section: Section, span: TimedSection | None) -> str:
        if not section.vocal and span is not None:
            section = replace(section, seconds=min(span.end - span.start, 3600.0))
        line = one_line(Lyrics((section,)), self.seconds_per_tag)
        check_line(line)
        return phonemes_of_lyrics(line)

    def _frames(self, span: TimedSection | None, frames: int) -> tuple[int, int]:
        if span is None:
            return 0, frames
        start = min(int(span.start * self.frame_rate), frames - 1)
        return start, max(start + 1, min(round(span.end * self.frame_rate), frames))
