"""Text and JSON as people bring them: read where there is one meaning, refused with the cure where there is not."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from songbench.domain.errors import InputError

_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16's, which is its beginning
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_LINE_END = re.compile(r"\r\n|\n|\r")
_DEEPEST = 100
_SAMPLE = 65_536  # bytes that an encoding is guessed from; the guess takes seconds for megabytes


def read_bytes(path: str | Path, kind: str = "file") -> bytes:
    """The bytes of a file.

    Raises:
        InputError: when it is absent, a folder, or not readable, naming it.
    """
    path = Path(path)
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise InputError(f"No such {kind}.", file=str(path)) from None
    except IsADirectoryError:
        raise InputError(f"This is a folder, not a {kind}.", file=str(path)) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(f"The {kind} cannot be read ({reason}).", file=str(path)) from None


def read_text(path: str | Path, kind: str = "file") -> str:
    """The text of a file in UTF-8, or in UTF-16 or UTF-32 with a byte order mark; the mark itself is left out.

    Args:
        path: where.
        kind: what it should be, for messages: ``suite file``, ``manifest``.

    Raises:
        InputError: when it is absent, in another encoding (naming the likely one and the cure) or not text.
    """
    return decoded_text(read_bytes(path, kind), file=str(path))


def decoded_text(data: bytes, *, file: str | None = None) -> str:
    """As `read_text`, for bytes that are here already.

    Raises:
        InputError: as `read_text`.
    """
    mark, encoding = next((pair for pair in _BYTE_ORDER_MARKS if data.startswith(pair[0])), (b"", "utf-8"))
    body = data[len(mark) :]
    try:
        text = body.decode(encoding)
    except UnicodeDecodeError as error:
        raise _not_decoded(body, encoding, error, file) from None
    if "\0" in text:
        line = text[: text.index("\0")].count("\n") + 1
        cure = "Save it as UTF-8." if _looks_like_utf16(body) else "It may be cut or of another kind: make it again."
        guess = " It looks like UTF-16 without a byte order mark." if _looks_like_utf16(body) else ""
        raise InputError(f"This is not text: it holds NUL characters.{guess}", file=file, line=line, cure=cure)
    return text


def likely_encoding(data: bytes) -> str | None:
    """The most likely legacy encoding of text that is not UTF-8 (a Python codec's name), or None."""
    from charset_normalizer import from_bytes

    for encoding, usual in _EAST_ASIAN:
        try:
            signs = re.findall(r"[^\x00-\x7f]", data.decode(encoding))
        except UnicodeDecodeError:
            continue
        if signs and sum(map(usual, signs)) >= _USUAL_SHARE * len(signs):
            return encoding
    best = from_bytes(data[:_SAMPLE]).best()
    return best.encoding if best else None


def _is_hangul(sign: str) -> bool:
    return "\uac00" <= sign <= "\ud7a3"


def _is_kana(sign: str) -> bool:
    return "\u3000" <= sign <= "\u30ff" or "\u4e00" <= sign <= "\u9fff"


def _is_simplified(sign: str) -> bool:
    """The 3,755 most frequent simplified characters, and punctuation."""
    code = sign.encode("gb2312", "ignore")
    return code[:1] < b"\xa4" or b"\xb0" <= code[:1] <= b"\xd7" if code else False


def _is_traditional(sign: str) -> bool:
    """The 5,401 most frequent traditional characters, and punctuation."""
    code = sign.encode("big5", "ignore")
    return b"\xa1" <= code[:1] <= b"\xc6"


_EAST_ASIAN = (
    ("shift_jis", _is_kana),
    ("cp949", _is_hangul),
    ("gbk", _is_simplified),
    ("gb18030", _is_simplified),
    ("big5", _is_traditional),
)
_USUAL_SHARE = 0.9


def _looks_like_utf16(data: bytes) -> bool:
    sample = data[:4096]
    return max(sample[0::2].count(0), sample[1::2].count(0)) > len(sample) // 5


def _not_decoded(data: bytes, encoding: str, error: UnicodeDecodeError, file: str | None) -> InputError:
    line = data[: error.start].count(b"\n") + 1
    guess = likely_encoding(data) if encoding == "utf-8" else None
    likely = f" It looks like {guess}." if guess else ""
    return InputError(
        f"This is not {encoding.upper()} text: byte 0x{data[error.start]:02x} at {error.start} cannot be read.{likely}",
        file=file,
        line=line,
        cure="Save it as UTF-8 (editors: 'save with encoding'; Excel: 'CSV UTF-8'"
        + (f"; or: iconv -f {guess} -t utf-8)." if guess else ")."),
    )


def text_lines(text: str) -> list[str]:
    """The lines of a text file, whatever its line ends; U+2028 and its like stand inside lines, as JSON has them."""
    return _LINE_END.split(text)


def decode_json(text: str, *, file: str | None = None, line: int | None = None) -> Any:
    """Decode JSON more strictly than the standard library does.

    Raises:
        InputError: for text that is not JSON, a name that stands twice in one object, NaN and infinities (``1e999`` is
            one), lone surrogates, nesting deeper than 100, and numbers of thousands of digits; naming file and line.
    """
    try:
        value = json.loads(
            text, object_pairs_hook=_object, parse_constant=_NoNumber, parse_float=_finite, parse_int=_integer
        )
        _check_values(value)
    except json.JSONDecodeError as error:
        where = f"column {error.colno}" if error.lineno == 1 else f"line {error.lineno}, column {error.colno}"
        raise InputError(f"Not valid JSON: {error.msg} at {where}.", file=file, line=line) from None
    except RecursionError:
        raise InputError("Not valid JSON: it is nested too deep.", file=file, line=line) from None
    except InputError as error:
        raise error.located(file=file, line=line) from None
    return value


def json_lines(text: str, *, file: str | None = None) -> Iterator[tuple[int, Any]]:
    """Every line that is not blank, decoded, with its 1-based number.

    Raises:
        InputError: as `decode_json`, when that line is reached.
    """
    for number, row in enumerate(text_lines(text), start=1):
        if row.strip():
            yield number, decode_json(row, file=file, line=number)


def json_rows(text: str) -> list[tuple[int, str]]:
    """The JSON values of a text, each still as text, with the 1-based line on which it begins.

    One value per line is the rule. A file that is one JSON array gives its elements, and one whose first value goes
    over several lines gives all values in a row; where that fails, the lines are given as they are.
    """
    rows = [(number, row) for number, row in enumerate(text_lines(text), start=1) if row.strip()]
    first = rows[0][1].strip() if rows else ""
    if not first.startswith(("{", "[")) or (first.startswith("{") and first.endswith("}")):
        return rows
    try:
        return list(_values(text, first.startswith("[")))
    except (ValueError, RecursionError):
        return rows


_BLANK = re.compile(r"[ \t\r\n]*")


def _values(text: str, array: bool) -> Iterator[tuple[int, str]]:
    """The values of a text, or the elements of the array that it is.

    Raises:
        ValueError: for text that is neither.
    """
    decoder = json.JSONDecoder()
    place, line, counted = text.index("[") + 1 if array else 0, 1, 0
    while (begin := _BLANK.match(text, place).end()) < len(text):  # type: ignore[union-attr]  # always matches
        if array and text[begin] == "]" and not text[begin + 1 :].strip():
            return
        _, place = decoder.raw_decode(text, begin)
        line, counted = line + text.count("\n", counted, begin), begin
        yield line, text[begin:place]
        place = _BLANK.match(text, place).end()  # type: ignore[union-attr]
        if array and text[place : place + 1] == ",":
            place += 1
        elif array and text[place : place + 1] != "]":
            raise ValueError("an array whose elements are not set apart")
    if array:
        raise ValueError("an array without an end")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise InputError("This name stands twice in one object.", field=twice, cure="Keep one of the two.")
    return value


class _NoNumber(str):
    """NaN, an infinity or a number as large, kept until it is known where it stands."""

    __slots__ = ()


def _finite(digits: str) -> float | _NoNumber:
    value = float(digits)
    return _NoNumber(digits) if abs(value) == float("inf") else value


def _integer(digits: str) -> int:
    if len(digits) > 40:
        raise InputError(f"A number of {len(digits)} digits is too large.")
    return int(digits)


def _check_values(value: Any, place: str = "", depth: int = 0) -> None:
    if depth > _DEEPEST:
        raise InputError("Not valid JSON: it is nested too deep.")
    if isinstance(value, _NoNumber):
        kind = "too large to be a number" if value[-1:].isdigit() else "not a number that JSON can hold"
        raise InputError(f"{value[:20]} is {kind}.", field=place, cure="Leave the field out, or write null.")
    if isinstance(value, str):
        _check_string(value, place)
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            _check_string(name, place)
            _check_values(inner, f"{place}.{name}" if place else name, depth + 1)
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            _check_values(inner, f"{place}[{number}]", depth + 1)


def _check_string(text: str, place: str) -> None:
    half = next((sign for sign in text if "\ud800" <= sign <= "\udfff"), None)
    if half:
        raise InputError(
            f"The text holds half a character (\\u{ord(half):04x}, a lone surrogate).",
            field=place,
            cure="Write the character again, or remove it.",
        )
