"""What is said about lyrics that load, but look odd: one line for people each."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence

from songbench.domain.lyric_lines import KINDS, odd_lines
from songbench.domain.lyrics import Lyrics, LyricsReading
from songbench.domain.text import text_remarks

_TAKE = re.compile(r"(.+)_s\d+")


def reading_remarks(reading: LyricsReading) -> tuple[str, ...]:
    """What was changed to read the text of lyrics."""
    remarks = []
    if count := reading.written_line_ends:
        times = "once" if count == 1 else f"{count} times"
        remarks.append(f"line ends were written as a backslash and a letter ({times}) and are read as line ends")
    if reading.stamped:
        remarks.append(f"time stamps are left out ({_lines_named(reading.stamped)} of the text)")
    return tuple(remarks)


def sung_remarks(lyrics: Lyrics) -> tuple[str, ...]:
    """The sung lines that look like something else, and the words whose letters had to be guessed at."""
    odd = [f"sung line {odd.number} looks like {KINDS[odd.kind]}: '{odd.text[:60]}'" for odd in odd_lines(lyrics.lines)]
    return (*odd, *text_remarks("\n".join(lyrics.lines)))


def take_remarks(ids: Sequence[str]) -> tuple[str, ...]:
    """Ids that read like the takes of another: a file name of imported songs then has two meanings."""
    all_ids = set(ids)
    doubtful = [name for name in ids if (match := _TAKE.fullmatch(name)) and match[1] in all_ids]
    return tuple(
        f"{name}: a file called {name} may also be a take of '{_TAKE.sub(lambda match: match[1], name)}':"
        " give imported songs by a manifest, or change the id"
        for name in doubtful
    )


def _lines_named(numbers: Sequence[int]) -> str:
    listed = ", ".join(map(str, numbers[:5])) + (", …" if len(numbers) > 5 else "")
    return f"{'lines' if len(numbers) > 1 else 'line'} {listed}"


def summary(remarks: Sequence[str], source: str, most: int = 3) -> tuple[str, ...]:
    """The first remarks of a suite, for the beginning of a run, and where to see all.

    Args:
        remarks: of `songbench.domain.suite.Suite`.
        source: the suite as the user named it.
        most: how many are shown.
    """
    if not remarks:
        return ()
    rest = len(remarks) - most
    more = f" (and {rest} more)" if rest > 0 else ""
    return (
        *(f"look at {remark}" for remark in remarks[:most]),
        f"the lines as they will be sung{more}: songbench suites {shlex.quote(source)}",
    )
