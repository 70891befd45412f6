"""The one normal form of text: what lyrics, transcripts and voices are compared and sung in.

The same words reach us in many spellings of their letters: curly, slanting or full-width apostrophes, accents as
separate marks, soft hyphens, HTML entities, letters of mathematics, a Cyrillic ``о`` for a Latin one. `normal_text`
gives all of them the one spelling; `text_remarks` says which words it had to guess at. It changes signs, never words:
numbers, punctuation, case and brackets stay as they are written.

SongBloom's own reading of text (`systems.songbloom.text`) is the one the model was trained with and stays apart.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterator

LATIN = r"A-Za-zÀ-ÖØ-öø-ʯᴀ-ᵿᶀ-ᶿḀ-ỿⱠ-Ɀꜣ-ꞇꞎ-ꟿ"
"""Latin letters in the normal form, as the inside of a character class of a regular expression."""

HAN = r"\u3005\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
"""Chinese characters, likewise; the repetition mark 々 and the zero 〇 are among them."""

_APOSTROPHES = "‘’‛‚ʹʻʼʽʾʿˈˊˋ`´΄᾽᾿῾´`′‵՚׳ߴߵꞋꞌ❛❜＇｀ʹ"
_LINE_ENDS = re.compile(r"\r\n?|[\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
_UNSEEN = re.compile(
    # Controls, soft hyphen, joiners and bidirectional marks, fillers, variation selectors, tags, keycaps.
    r"[\x00-\x08\x0e-\x1b\x1f\x7f-\x84\x86-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f"
    r"\u202a-\u202e\u2060-\u206f\u20d0-\u20ff\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3"
    r"\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
_AMPERSANDS = re.compile(r"&(?:(?:amp|#0*38|#x0*26);)+", re.IGNORECASE)
_ENTITY = re.compile(
    r"&(?:#\d{1,7};?|#[xX][\da-fA-F]{1,6};?|(?:amp|quot|apos|lt|gt|nbsp)\b;?|[A-Za-z][A-Za-z\d]{1,31};)"
)
_ESCAPE = re.compile(r"""(?<!\\)\\+(?:u([\da-fA-F]{4})|(['"`‘’“”]))""")
_SIGNS = str.maketrans(
    {
        **dict.fromkeys(_APOSTROPHES, "'"),
        **dict(zip("ᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘʀꜱᴛᴜᴠᴡʏᴢ", "ABCDEFGHIJKLMNOPRSTUVWYZ", strict=True)),
        **{chr(first + place): chr(ord("A") + place) for first in (0x1F150, 0x1F170) for place in range(26)},
        **{"״": '"', "™": "", "℠": "", "⁄": "/", "∕": "/", "\t": " "},
    }
)
_SPACED_ACCENT = re.compile(r"(?<=\w) [\u0300\u0301\u0313\u0314\u0340\u0341\u0343](?=\w)")
# Bytes of UTF-8 read as Windows-1252: Ã©, Â , â€™. Other beginnings also stand in real words (CAFÉ’S).
_MISREAD = re.compile(r"[ÂÃ][\x80-\xbfŒœŠšŸŽžƒˆ˜–—‘-‚“-„†‡•…‰‹›€™]|â[€‚„\x80-\x84][\x80-\xff‚-…€œ“”™˜¦]")
_UNSPACED = re.compile(r"[^ \n\t]+")
_SURROGATE = re.compile(r"[\ud800-\udfff]")
# One figure after another would become one number: 1½ is not 11/2, nor 10² 102.
_RAISED = re.compile(r"(?<=\w)(?=[¼-¾⅐-⅞↉²³¹⁰-⁹₀-₉])|(?<=[\d])(?=[①-⓿])")

_LOOK_ALIKES = {
    **dict(zip("АВЕЅІЈКМНОРСТУХԌԚԜаесһіјкоԛрѕѵԝхуԁӏ", "ABESIJKMHOPCTYXGQWaechijkoqpsvwxydl", strict=True)),
    **dict(zip("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧαικνορτυ", "ABEZHIKMNOPTYXaikvoptu", strict=True)),
    **dict(zip("ЁЇёїϳϲ", "ËÏëïjc", strict=True)),
    **dict(zip("ՕՍօսոհցլ", "OUounhgl", strict=True)),
    **dict(zip("ᎪᏴᏟᎠᎬᎻᎫᏦᏞᎷᏢᎡᏚᎢᏙᎳᏃ", "ABCDEHJKLMPRSTVWZ", strict=True)),
}
_FOLD = str.maketrans({**_LOOK_ALIKES, "ɡ": "g", "ɑ": "a", "ꓳ": "O"})
_FOLDED = re.compile("[" + "".join(map(chr, _FOLD)) + "]")
_WORD = re.compile(r"[^\W\d_]+")
_LATIN_LETTER = re.compile(f"[{LATIN}]")
_MOST_ROUNDS = 8


def normal_text(text: str) -> str:
    r"""The normal form of a text; applied again it changes nothing.

    - Line ends of every kind (``\r\n``, U+2028 …) are ``\n``, tabs are spaces; other characters that are not seen (soft
      hyphens, zero-width and bidirectional marks, byte order marks, controls, variation selectors) are gone.
    - Text in UTF-8 that was read as Windows-1252 (``donâ€™t``) is decoded again.
    - HTML entities are resolved, however often they were escaped, and so are ``\'`` and ``\u2019`` written out.
    - Every sign used as an apostrophe (U+2018, U+2019, U+02BC, U+00B4, the backtick, U+2032 …) is ``'``. Quotation in
      such signs keeps them; who splits a text into words takes them off the outside of a word.
    - The rest is NFKC: accents composed, full-width, circled, raised and mathematical letters and figures plain.
    - Letters of other scripts that look like Latin ones are Latin where the word, or all other words of its line, are;
      `text_remarks` names these words.

    Args:
        text: any text, one line or many.
    """
    if text.isascii() and not re.search(r"[&\\`\x00-\x09\x0b-\x1f\x7f]", text):
        return text
    for _ in range(_MOST_ROUNDS):
        once = _without_look_alikes(_plain_signs(text))
        if once == text:
            return text
        text = once
    # Escapes within escapes without end: what is still escaped is taken out, so that the form is a form.
    return _without_look_alikes(_plain_signs(re.sub(r"[&\\]", " ", text)))


def text_remarks(text: str) -> tuple[str, ...]:
    """What a person should look at before these words are sung or judged: one sentence per remark, in reading order.

    Named are words with letters of another script (with the word they are read as, where they look alike), text that
    was decoded wrongly (``donâ€™t``) and characters that stand for lost ones.

    Args:
        text: as it was written, not in the normal form, which no longer shows look-alikes.
    """
    plain = text
    for _ in range(_MOST_ROUNDS):
        plain, before = _plain_signs(plain), plain
        if plain == before:
            break
    remarks = [remark for line in plain.split("\n") for remark in _script_remarks(line)]
    remarks += [
        f"'{word}' looks like text in UTF-8 that was read as Windows-1252: it is read as '{normal_text(word)}'."
        for word in _UNSPACED.findall(text)
        if _decoded_again(word) != word
    ]
    if "\ufffd" in plain:
        remarks.append("The text holds U+FFFD, which stands for letters that were lost when it was decoded.")
    return tuple(dict.fromkeys(remarks))


def _plain_signs(text: str) -> str:
    if _MISREAD.search(text):
        text = _UNSPACED.sub(lambda word: _decoded_again(word[0]), text)
    text = _UNSEEN.sub("", _LINE_ENDS.sub("\n", _SURROGATE.sub("\ufffd", text)))
    text = _ESCAPE.sub(lambda match: chr(int(match[1], 16)) if match[1] else str(match[2]), text)
    text = _ENTITY.sub(_resolved, _AMPERSANDS.sub("&", text))
    text = _SPACED_ACCENT.sub("'", _RAISED.sub(" ", text.translate(_SIGNS)))
    return unicodedata.normalize("NFKC", text).translate(_SIGNS)


def _resolved(entity: re.Match[str]) -> str:
    return html.unescape(entity[0] if entity[0].endswith(";") else f"{entity[0]};")


def _without_look_alikes(text: str) -> str:
    if not _FOLDED.search(text):
        return text
    return "\n".join(_folded(line) for line in text.split("\n"))


def _folded(line: str) -> str:
    swapped = dict(_look_alikes(line))
    return _WORD.sub(lambda word: swapped.get(word[0], word[0]), line) if swapped else line


def _look_alikes(line: str) -> Iterator[tuple[str, str]]:
    """Words of a line that are Latin in disguise, with the Latin word."""
    words = list(dict.fromkeys(_WORD.findall(line)))
    latin_line = any(map(_is_latin, words)) and all(
        _is_latin(word) or _is_latin(word.translate(_FOLD)) for word in words
    )
    for word in words:
        latin = word.translate(_FOLD)
        if latin != word and _is_latin(latin) and (latin_line or _LATIN_LETTER.search(word)):
            yield word, latin


def _is_latin(word: str) -> bool:
    return len(_LATIN_LETTER.findall(word)) == len(word)


def _script_remarks(line: str) -> Iterator[str]:
    if line.isascii():  # all of its letters are Latin, and none of them is read as another
        return
    swapped = dict(_look_alikes(line))
    for word in dict.fromkeys(_WORD.findall(line)):
        foreign = [letter for letter in dict.fromkeys(word) if not _LATIN_LETTER.match(letter)]
        letters = ", ".join(f"'{letter}' ({unicodedata.name(letter, 'unknown letter').lower()})" for letter in foreign)
        if word in swapped:
            letters = letters or "look-alike letters"
            yield f"'{word}' holds {letters}, which look like Latin letters: it is read as '{swapped[word]}'."
        elif foreign and _LATIN_LETTER.search(word) and not re.fullmatch(f"[{LATIN}{HAN}]+", word):
            yield f"'{word}' mixes Latin letters with {letters}: write the word in the letters of one script."


def _decoded_again(word: str) -> str:
    """A word as it was before it was decoded wrongly; the word itself where it was not."""
    if not _MISREAD.search(word):
        return word
    try:
        # Five bytes have no character in Windows-1252 and were kept as controls.
        raw = b"".join(sign.encode("latin-1" if "\x80" <= sign <= "\x9f" else "cp1252") for sign in word)
        return raw.decode("utf-8")
    except UnicodeError:
        return word
