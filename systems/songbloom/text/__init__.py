"""Lyrics to the symbols SongBloom reads.

Three steps, each usable by itself: `line.one_line` writes sectioned lyrics as SongBloom's one line of text,
`words.phonemes_of_lyrics` turns that line into symbols, `vocabulary.Vocabulary` turns symbols into ids. `line.encode`
does the last two and refuses, with a cure, what the model would only garble.

The symbols of English and Mandarin come from the same public dictionaries, taggers and rules as those the released
models were trained with, so that the same lyrics give the same ids.
"""

from systems.songbloom.text.line import EncodedLyrics, check_line, encode, one_line, retagged
from systems.songbloom.text.resources import SONGBLOOM_TEXT
from systems.songbloom.text.vocabulary import RELEASED, STRUCTURE_TAGS, Vocabulary
from systems.songbloom.text.words import phonemes_of_lyrics, pronounce

__all__ = [
    "RELEASED",
    "SONGBLOOM_TEXT",
    "STRUCTURE_TAGS",
    "EncodedLyrics",
    "Vocabulary",
    "check_line",
    "encode",
    "one_line",
    "phonemes_of_lyrics",
    "pronounce",
    "retagged",
]
