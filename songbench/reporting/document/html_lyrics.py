"""A lyric sheet as HTML: what was not heard is struck out, what was heard otherwise stands above, additions have a +.

Every mark is a shape as well as a colour, and is said in words to those who do not see it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from songbench.reporting.document.html_text import escaped
from songbench.reporting.document.recordings import LyricSheet, SheetLine, SheetSection, SheetWord


def lyric_sheet(sheet: LyricSheet) -> str:
    """The sheet, a list of sections with a paragraph per line."""
    language = f' lang="{escaped(sheet.language)}"' if sheet.language else ""
    return f'<div class="lyric-sheet"{language}>{"".join(map(_section, sheet.sections))}</div>'


def _section(section: SheetSection) -> str:
    lines = "".join(f"<p>{_line(line)}</p>" for line in section.lines)
    return f'<div class="lyric-section"><span class="lyric-tag">{escaped(section.tag)}</span><div>{lines}</div></div>'


def _line(line: SheetLine) -> str:
    if not line.words:
        return escaped(line.text)
    return "".join(_run(kind, tuple(group)) for kind, group in groupby(_expressions(line.words), key=_kind))


Expression = tuple[SheetWord, ...]
"""Words that stand for one part of the line: one word, or several where a number is read aloud."""


def _expressions(words: Sequence[SheetWord]) -> Iterator[Expression]:
    group: list[SheetWord] = []
    for word in words:
        if group and (word.word.spelling or word.word.kind == "insertion"):
            yield tuple(group)
            group = []
        group.append(word)
        if word.word.kind == "insertion":
            yield tuple(group)
            group = []
    if group:
        yield tuple(group)


def _kind(expression: Expression) -> str:
    kinds = {word.word.kind for word in expression}
    return kinds.pop() if len(kinds) == 1 else "substitution"


def _run(kind: str, expressions: Sequence[Expression]) -> str:
    """Neighbours of one kind together, so that a mark is said once."""
    if kind == "insertion":
        # blanks around it, as the words beside it bring theirs only where they are neighbours in the lyrics
        text = _joined([word.word.recognised for expression in expressions for word in expression])
        return f'<ins><span class="status">added: </span><span aria-hidden="true">+</span>{escaped(text)}</ins> '
    if kind == "substitution":
        return "".join(map(_substitution, expressions))
    text = "".join(_timed(expression) + _blank(expression) for expression in expressions)
    if kind == "deletion":
        inside, blank = text.rstrip(), " " if text.endswith(" ") else ""
        return f'<del><span class="status">not heard: </span>{inside}</del>{blank}'
    return text


def _substitution(expression: Expression) -> str:
    words = _joined([word.word.recognised for word in expression if word.word.recognised]) or "–"
    above = f'<span class="status"> heard as </span>{escaped(words)}'
    return f"<ruby>{_timed(expression)}<rt>{above}</rt></ruby>{_blank(expression)}"


def _timed(expression: Expression) -> str:
    """The part of the line, as a place to seek to where its time is known."""
    text = escaped(_spelling(expression).rstrip())
    start = next((word.start for word in expression if word.start is not None), None)
    return text if start is None else f'<span class="word" data-start="{start:.2f}">{text}</span>'


def _spelling(expression: Expression) -> str:
    return expression[0].word.spelling or expression[0].word.lyric


def _blank(expression: Expression) -> str:
    return " " if _spelling(expression).endswith(" ") else ""


def _joined(words: Sequence[str]) -> str:
    """Words with blanks between those of letters; Chinese characters stand together."""
    text = ""
    for word in words:
        text += (" " if text and (text[-1].isascii() or word[:1].isascii()) else "") + word
    return text
