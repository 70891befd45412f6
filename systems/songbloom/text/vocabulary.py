"""The symbols SongBloom knows and their ids.

The released vocabulary (``vocab_g2p.yaml``, 330 entries) follows a rule, so it is built here rather than listed: the
empty symbol, seven structure tags, then 322 phones in code-point order. The phones are those of a Chinese, English and
Japanese speech front end. The Japanese ones are never made from lyrics but they are in the way: a lone word spelled
like one (``a``, ``I``, ``by``, ``my``) is taken for it, see `systems.songbloom.text.words`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import yaml

from songbench.domain.errors import InputError
from songbench.domain.tags import by_tag

TAG_SYMBOLS = by_tag(
    {
        "verse": "[verse]",
        "chorus": "[chorus]",
        "bridge": "[bridge]",
        "intro": "[intro]",
        "outro": "[outro]",
        "inst": "[inst]",
        "silence": "[silence]",
    },
    "SongBloom's vocabulary (systems.songbloom.text.vocabulary)",
)
"""The symbol that begins a section of each tag, in the order of the released ids 1 to 7."""

STRUCTURE_TAGS = tuple(dict.fromkeys(TAG_SYMBOLS.values()))

SENTENCE_MARK = "."
"""Ends a sentence inside a vocal section."""

SECTION_MARK = ","
"""Between two sections, with a space on both sides."""

EMPTY = ""
"""What two spaces in a row, or an empty lyric, are read as; id 0."""

MARKS = frozenset("!?….,-")
"""Punctuation that is a phone of its own."""

_INITIALS = "AA EE OO b c ch d f g h j k l m n p q r s sh t w x y z zh"
_FINALS = (
    "E En a ai an ang ao e ei en eng er i i0 ia ian iang iao ie in ing iong ir iu o ong ou u ua uai uan uang ui un uo "
    "v van ve vn"
)
_JAPANESE = "I N U a b by ch cl d dy e f g gy h hy i j k ky m my n ny o p py r ry s sh t ts u v w y z"
_VOWELS = "AA AE AH AO AW AY EH ER EY IH IY OW OY UH UW"
_CONSONANTS = "B CH D DH F G HH JH K L M N NG P R S SH T TH V W Y Z ZH"

INITIALS = frozenset(_INITIALS.split())
"""Mandarin initials; ``AA``, ``EE`` and ``OO`` stand before syllables without one."""

FINALS = frozenset(_FINALS.split())
"""Mandarin finals, without the tone digit 1 to 5 that follows each."""

PHONES = frozenset(
    {
        *MARKS,
        *INITIALS,
        *(final + tone for final in FINALS for tone in "12345"),
        *_JAPANESE.split(),
        *(vowel + stress for vowel in _VOWELS.split() for stress in "012"),
        *_CONSONANTS.split(),
        *("ER", "IH"),  # the only vowels that are there without stress, too
        *("_", "SP", "SP2", "SP3", "UNK"),
    }
)
"""The 322 phones: everything in the vocabulary that is neither empty nor a structure tag."""


@dataclass(frozen=True)
class Vocabulary:
    """Symbols in the order of their ids.

    Attributes:
        symbols: all different; `EMPTY`, every tag of `STRUCTURE_TAGS` and both marks are among them.

    Raises:
        InputError: a symbol is there twice, or one of those is missing.
    """

    symbols: tuple[str, ...]

    def __post_init__(self) -> None:
        """Refuse a list no model of this kind can have."""
        if len(self._index) != len(self.symbols):
            twice = sorted({symbol for symbol in self.symbols if self.symbols.count(symbol) > 1})
            raise InputError(f"The vocabulary has symbols more than once: {', '.join(map(repr, twice))}.")
        required = (EMPTY, *STRUCTURE_TAGS, SENTENCE_MARK, SECTION_MARK)
        if missing := [symbol for symbol in required if symbol not in self._index]:
            raise InputError(f"The vocabulary lacks {', '.join(map(repr, missing))}.")

    @cached_property
    def _index(self) -> dict[str, int]:
        return {symbol: number for number, symbol in enumerate(self.symbols)}

    def id_of(self, symbol: str) -> int:
        """The id of a symbol.

        Raises:
            InputError: it is not in the vocabulary.
        """
        try:
            return self._index[symbol]
        except KeyError:
            raise InputError(f"The vocabulary has no symbol '{symbol}'.") from None

    def ids(self, processed: str) -> list[int]:
        """The ids of space-separated symbols, 0-based; symbols that are not in the vocabulary are left out.

        Two spaces in a row hold an empty symbol, and so does an empty string: each gives the id of `EMPTY`, as in
        training.
        """
        return [self._index[symbol] for symbol in processed.split(" ") if symbol in self._index]

    def dropped(self, processed: str) -> list[str]:
        """The space-separated symbols that `ids` leaves out, in order."""
        return [symbol for symbol in processed.split(" ") if symbol not in self._index]

    @classmethod
    def from_yaml(cls, path: Path | str) -> Vocabulary:
        """Read a vocabulary file: a YAML list of symbols in the order of their ids.

        Raises:
            InputError: the file cannot be read, is not such a list, or lacks what every vocabulary has.
        """
        cure = "Use the vocab_g2p.yaml that was released with the model."
        try:
            # The base loader keeps every scalar a string; others would read symbols such as `no` as booleans.
            content = yaml.load(Path(path).read_text(encoding="utf-8"), Loader=yaml.BaseLoader)
        except OSError as error:
            raise InputError(f"The vocabulary cannot be read: {error.strerror}.", file=str(path), cure=cure) from error
        except (UnicodeDecodeError, yaml.YAMLError) as error:
            first = str(error).splitlines()[0]
            raise InputError(f"The vocabulary is not YAML ({first}).", file=str(path), cure=cure) from error
        if not isinstance(content, list) or not all(isinstance(symbol, str) for symbol in content):
            raise InputError("The vocabulary is not a list of symbols.", file=str(path), cure=cure)
        try:
            return cls(tuple(content))
        except InputError as error:
            raise InputError(error.message, file=str(path), cure=cure) from None


RELEASED = Vocabulary((EMPTY, *STRUCTURE_TAGS, *sorted(PHONES)))
"""The vocabulary of all released models."""
