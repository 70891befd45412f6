"""The one line of text SongBloom reads, written from sectioned lyrics, checked, and encoded.

Its shape, after the examples the authors released::

    [intro] [intro] , [verse] First sentence. Second sentence. Third , [inst] [inst] , [chorus] 想见你.在晨曦中

Tags stand between spaces; those of parts without singing are repeated, once per `seconds_per_tag` (about 1 s for the
150 s models, about 5 s for the 240 s model). Sentences are parted by a full stop, sections by a comma between spaces.
The authors also write a full stop where a sentence has a comma, as the comma's symbol is that of a new section.

The tags are those of songbench's own lyrics, `songbench.domain.tags.TAGS`; the model was trained with no others, and
with [intro] and [outro] as parts without singing. Where other lyrics have words under these two, the words are written
under [verse], and `retagged` says so.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from songbench.domain.errors import InputError
from songbench.domain.lyrics import Lyrics, Section, parse_lyrics
from songbench.domain.tags import INSTRUMENTAL_TAGS
from systems.songbloom.text.vocabulary import EMPTY, MARKS, STRUCTURE_TAGS, TAG_SYMBOLS, Vocabulary
from systems.songbloom.text.words import HAN, phonemes_of_lyrics

LANGUAGES = ("English", "Mandarin")
"""What SongBloom sings."""

_SECTION_END = " , "
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3})")
_CLAUSE_END = re.compile(r"[.,;:!?…。，、；：！？—–]+")
# The words step would turn some of these into marks of its own; the others are not sung.
_NOT_SUNG = re.compile(r"[\"“”·/$~～|]")
_TAG = re.compile(r"\[[^\[\]]*\]")
_HAN = re.compile(f"[{HAN}]")
_SINGABLE = re.compile(f"[A-Za-z0-9{HAN}]")


@dataclass(frozen=True)
class EncodedLyrics:
    """What the model reads.

    Attributes:
        symbols: one per position.
        ids: their ids in the vocabulary.
        dropped: words, and symbols the vocabulary lacks, of which nothing reaches the model.
    """

    symbols: tuple[str, ...]
    ids: tuple[int, ...]
    dropped: tuple[str, ...]


def one_line(lyrics: Lyrics, seconds_per_tag: float) -> str:
    """Lyrics as SongBloom's one line.

    Args:
        lyrics: sections in order.
        seconds_per_tag: how long the model plays for one tag of a part without singing, in seconds (> 0). The wanted
            length is rounded to whole tags, at least one.
    """
    return _SECTION_END.join(_section(section, seconds_per_tag) for section in lyrics.sections)


def retagged(lyrics: Lyrics) -> str:
    """What `one_line` writes under another tag than the lyrics have, for people; "" when nothing."""
    tags = dict.fromkeys(f"[{section.tag}]" for section in lyrics.sections if _sung_as_verse(section))
    if not tags:
        return ""
    return f"the words of {' and '.join(tags)} are sung as [verse]: SongBloom knows these parts without words only"


def _sung_as_verse(section: Section) -> bool:
    return section.vocal and section.tag in INSTRUMENTAL_TAGS


def _section(section: Section, seconds_per_tag: float) -> str:
    tag = TAG_SYMBOLS["verse" if _sung_as_verse(section) else section.tag]
    if not section.vocal:
        return " ".join([tag] * max(1, round((section.seconds or 0) / seconds_per_tag)))
    sentences = [sentence for line in section.lines for sentence in _sentences(line)]
    text = ""
    for sentence in sentences:
        # Chinese follows a full stop without a space, as the authors write it.
        tight = text and _HAN.match(text[-1]) and _HAN.match(sentence)
        text += f"{'.' if tight else '. ' if text else ''}{sentence}"
    return f"{tag} {text}".rstrip()


def _sentences(line: str) -> list[str]:
    pieces = _CLAUSE_END.split(_NOT_SUNG.sub(" ", _THOUSANDS.sub("", line)))
    return [sentence for piece in pieces if (sentence := " ".join(piece.split()))]


def check_line(text: str) -> None:
    """Refuse one-line lyrics that the model would misread without a word.

    Raises:
        InputError: more than one line; no lyrics; an unknown tag, or one that touches a word; words before the first
            tag or under an instrumental one; a vocal section without words; letters of a script SongBloom cannot sing.
    """
    if len(text.splitlines()) > 1:
        raise InputError(
            "SongBloom's form of lyrics is one line, but this text has several.",
            cure="Write it on one line, with ' , ' between sections and '.' between sentences.",
        )
    lyrics = parse_lyrics(text)
    for tag in _TAG.finditer(text):
        if text[: tag.start()][-1:] not in {"", " "} or text[tag.end() :][:1] not in {"", " "}:
            raise InputError(
                f"The tag {tag[0]} touches other text: '{text[max(0, tag.start() - 10) : tag.end() + 10]}'.",
                cure="Put a space on both sides of it; otherwise the tag would be sung as a word.",
            )
    for number, section in enumerate(lyrics.sections, 1):
        if _sung_as_verse(section):
            raise InputError(
                f"[{section.tag}] cannot hold lyrics in SongBloom's form, but has '{section.lines[0][:40]}'.",
                cure="Put the words under [verse], [chorus] or [bridge]: the model knows this part without words only.",
            )
        for sentence in section.lines:
            _check_script(sentence, f"section {number} ([{section.tag}])")


def _check_script(sentence: str, place: str) -> None:
    foreign = [char for char in dict.fromkeys(sentence) if char.isalnum() and not _singable(char)]
    if not foreign:
        return
    scripts = dict.fromkeys(unicodedata.name(char, "unknown").split()[0].capitalize() for char in foreign)
    listing = ", ".join(f"'{char}'" for char in foreign[:8]) + (", …" if len(foreign) > 8 else "")
    raise InputError(
        f"SongBloom cannot sing {listing} ({', '.join(scripts)}) in '{sentence[:60]}', {place}. "
        f"It sings {' and '.join(LANGUAGES)}.",
        cure="Write the words in Latin letters, common Chinese characters and the digits 0 to 9.",
    )


def _singable(char: str) -> bool:
    return bool(_SINGABLE.match(unicodedata.normalize("NFD", char)))


def encode(line: str, vocabulary: Vocabulary, max_length: int) -> EncodedLyrics:
    """What the model reads for one-line lyrics.

    Args:
        line: lyrics in SongBloom's form, from `one_line` or a user's own.
        vocabulary: the model's.
        max_length: how many symbols the model reads; 600 for the 150 s models. It would silently ignore the rest.

    Raises:
        InputError: as `check_line`; nothing in the lyrics can be sung; they are too long.
        UnavailableError: there is English and its data are not set up (``songbench setup songbloom-text``).
    """
    check_line(line)
    processed = phonemes_of_lyrics(line)
    ids = vocabulary.ids(processed)
    symbols = [vocabulary.symbols[number] for number in ids]
    if not set(symbols) - {EMPTY, *STRUCTURE_TAGS, *MARKS}:
        raise InputError(
            "There is nothing to sing in these lyrics.",
            cure=f"Write at least one sung line, e.g. '[verse] la la la', in {' or '.join(LANGUAGES)}.",
        )
    if len(ids) > max_length:
        raise _too_long(symbols, max_length)
    silent = [word for word in line.split(" ") if any(map(str.isalnum, word)) and _has_no_sound(word)]
    return EncodedLyrics(tuple(symbols), tuple(ids), (*silent, *vocabulary.dropped(processed)))


def _has_no_sound(word: str) -> bool:
    return not phonemes_of_lyrics(word).strip()


def _too_long(symbols: Sequence[str], max_length: int) -> InputError:
    sections: list[str] = []
    reached = 0
    for position, symbol in enumerate(symbols):
        repeated = position > 0 and symbols[position - 1] == symbol
        if symbol in STRUCTURE_TAGS and not repeated:
            sections.append(symbol)
        if position == max_length:
            reached = len(sections)
    excess = len(symbols) - max_length
    return InputError(
        f"The lyrics have {len(symbols)} symbols, but the model reads at most {max_length}: it would stop in section "
        f"{reached} of {len(sections)}, {sections[reached - 1]}.",
        cure=f"Take out {excess} symbols or more: an English word has about four, a Chinese character two, each "
        "repetition of a tag such as [inst] one.",
    )
