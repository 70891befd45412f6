"""What is written of a song in files beside its audio: ``NAME.json`` (times, lyrics) and ``NAME.txt`` (lyrics).

``NAME.json`` is written by hand, by an export of songs, or by WhisperX (``whisperx song.flac --output_format json``),
whose words, as it heard and aligned them, give the times of sections.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from songbench.domain.checking import Number, Schema, checked
from songbench.domain.errors import InputError
from songbench.domain.language import check_language
from songbench.domain.lyrics import Lyrics, Section, lyrics_from_json, parse_lyrics
from songbench.domain.reading import decode_json, read_text
from songbench.domain.song import TimedSection, TimedWord
from songbench.domain.tags import SectionTag

FIELDS = ("lyrics", "language", "sections", "words")
"""Of ``NAME.json`` that are read; an export of songs has others, and these two of its prompt."""

_Seconds = Annotated[Number, Field(ge=0)]


class _SectionForm(Schema):
    tag: SectionTag
    start: _Seconds
    end: _Seconds
    lines: list[str] = Field(default=[])


class _WordForm(Schema):
    text: str
    start: _Seconds
    end: _Seconds


class SongFacts(Schema):
    """Lyrics, language and times as people write them.

    Attributes:
        lyrics: text in either form of songbench, or ``{"sections": …}``.
        language: of the words.
        sections: with start and end in seconds; with lines they are the lyrics, too.
        words: with start and end in seconds.
    """

    lyrics: Any = None
    language: str | None = None
    sections: list[_SectionForm] | None = None
    words: list[_WordForm] | None = None


@dataclass(frozen=True, kw_only=True)
class SongTexts:
    """What is known of a song beside its audio.

    Attributes:
        lyrics: None: not known.
        language: "" : not said.
        sections: None: not known.
        words: empty: not known.
    """

    lyrics: Lyrics | None = None
    language: str = ""
    sections: tuple[TimedSection, ...] | None = None
    words: tuple[TimedWord, ...] = ()

    def completed(self, texts: SongTexts) -> SongTexts:
        """With what others know where this one knows nothing."""
        return SongTexts(
            lyrics=self.lyrics or texts.lyrics,
            language=self.language or texts.language,
            sections=self.sections if self.sections is not None else texts.sections,
            words=self.words or texts.words,
        )


def song_texts(facts: SongFacts, seconds_per_tag: float = 1.0) -> SongTexts:
    """What people wrote, read.

    Args:
        facts: as written.
        seconds_per_tag: how long one tag of a section without words lasts, where lyrics are text.

    Raises:
        InputError: lyrics or language cannot be read.
    """
    lyrics = _lyrics(facts.lyrics, seconds_per_tag)
    if lyrics is None and facts.sections and any(section.lines for section in facts.sections):
        lyrics = _lyrics_of(facts.sections)
    return SongTexts(
        lyrics=lyrics,
        language=check_language(facts.language) if facts.language else "",
        sections=None
        if facts.sections is None
        else tuple(TimedSection(section.tag, section.start, section.end) for section in facts.sections),
        words=tuple(TimedWord(word.text, word.start, word.end) for word in facts.words or ()),
    )


def _lyrics(value: object, seconds_per_tag: float) -> Lyrics | None:
    if value is None or isinstance(value, str):
        return parse_lyrics(value, seconds_per_tag=seconds_per_tag) if value else None
    if isinstance(value, Mapping):
        return lyrics_from_json(value)
    raise InputError("Lyrics are text, or an object with 'sections'.", field="lyrics")


def _lyrics_of(sections: Sequence[_SectionForm]) -> Lyrics:
    parts = []
    for section in sections:
        lines = tuple(section.lines)
        parts.append(Section(section.tag, lines, None if lines else max(section.end - section.start, 0.01)))
    return Lyrics(tuple(parts))


def read_sidecar(audio: Path, seconds_per_tag: float = 1.0) -> SongTexts:
    """What lies beside a sound file; nothing where nothing does.

    Raises:
        InputError: a file that is there cannot be read.
    """
    stem = audio.name[: -len(audio.suffix)] if audio.suffix else audio.name
    texts = SongTexts()
    notes, words = audio.with_name(f"{stem}.json"), audio.with_name(f"{stem}.txt")
    if notes.is_file():
        value = decode_json(read_text(notes, "notes of a song"), file=str(notes))
        if not isinstance(value, dict):
            raise InputError("Expected a JSON object.", file=str(notes))
        prompt = value.get("prompt")
        prompt = prompt if isinstance(prompt, dict) else {}
        fields = {name: value.get(name) or prompt.get(name) for name in FIELDS}  # an export has empty lists of times
        if "word_segments" in value:
            fields["words"] = _whisperx_words(value["word_segments"], notes)
        try:
            texts = song_texts(checked(SongFacts, fields), seconds_per_tag)
        except InputError as error:
            raise error.located(file=str(notes)) from None
    if texts.lyrics is None and words.is_file():
        lyrics = parse_lyrics(read_text(words, "lyrics"), file=str(words), seconds_per_tag=seconds_per_tag)
        texts = texts.completed(SongTexts(lyrics=lyrics))
    return texts


def _whisperx_words(value: object, file: Path) -> list[dict[str, object]]:
    """The words of WhisperX's own output; those that it could not align have no times, and are left out."""
    if not isinstance(value, list) or not all(isinstance(word, dict) and "word" in word for word in value):
        raise InputError("Expected WhisperX's list of words.", file=str(file), field="word_segments")
    timed = [word for word in value if "start" in word and "end" in word]
    return [{"text": word["word"], "start": word["start"], "end": word["end"]} for word in timed]
