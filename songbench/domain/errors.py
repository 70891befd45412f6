"""Errors that a user can act on: what is wrong, where, what is allowed, and the cure."""

from __future__ import annotations

import difflib
import errno
from collections.abc import Iterable

DISK_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""What the operating system says when there is no room: on the disk, in the quota, in one file."""


class SongbenchError(Exception):
    """Base of every error songbench raises on purpose; the command line prints it without a traceback.

    Attributes:
        exit_code: what the command line exits with when this error ends it.
    """

    exit_code = 2


class InputError(SongbenchError):
    """Something the user gave cannot be used as it stands.

    Args:
        message: what is wrong, one sentence.
        file: the file it was read from, if any.
        line: 1-based line in that file.
        field: the field or option at fault.
        allowed: the values that would have been accepted.
        value: the value at fault; with `allowed`, the nearest valid spelling is suggested.
        cure: what to do, one sentence.
    """

    def __init__(
        self,
        message: str,
        *,
        file: str | None = None,
        line: int | None = None,
        field: str | None = None,
        allowed: Iterable[str] = (),
        value: str | None = None,
        cure: str | None = None,
    ) -> None:
        """Keep the parts and compose the message from them."""
        self.message, self.file, self.line, self.field = message, file, line, field
        self.allowed, self.value, self.cure = tuple(allowed), value, cure
        super().__init__(self._text())

    def _text(self) -> str:
        place = [part for part in (self.file, f"line {self.line}" if self.line else None) if part]
        if self.field:
            place.append(f"field '{self.field}'")
        return (", ".join(place) + ": " if place else "") + self.explanation

    @property
    def explanation(self) -> str:
        """What is wrong, what is allowed and the cure, without the place."""
        text = self.message
        guess = nearest(self.value, self.allowed) if self.value else None
        if guess:
            text += f" Did you mean '{guess}'?"
        if self.allowed:
            text += f" Allowed: {', '.join(self.allowed)}."
        if self.cure:
            text += f" {self.cure}"
        return text

    def located(self, *, file: str | None = None, line: int | None = None, field: str | None = None) -> InputError:
        """The same error with the place filled in where it was not known yet."""
        return InputError(
            self.message,
            file=self.file or file,
            line=self.line or line,
            field=self.field or field,
            allowed=self.allowed,
            value=self.value,
            cure=self.cure,
        )

    def elsewhere(self, file: str) -> InputError:
        """The same error, but what is wrong came from `file`, at no line of it."""
        return InputError(
            self.message, file=file, field=self.field, allowed=self.allowed, value=self.value, cure=self.cure
        )

    def within(self, section: str) -> InputError:
        """The same error with its field named as a part of `section`."""
        return InputError(
            self.message,
            file=self.file,
            line=self.line,
            field=f"{section}.{self.field}" if self.field else section,
            allowed=self.allowed,
            value=self.value,
            cure=self.cure,
        )


class UnsupportedError(InputError):
    """A system cannot take what was asked of it. That is no failure: it is planned out, and shown."""


class UnavailableError(SongbenchError):
    """A system or metric that was asked for cannot run here; the message says how to get it."""

    exit_code = 4


class StoreBusyError(SongbenchError):
    """Another run is writing to the same store."""

    exit_code = 3


class StoreError(SongbenchError):
    """The store can no longer be used, so nothing sensible can go on; everything stored before is safe."""

    exit_code = 5


class StoreReadError(StoreError):
    """The store cannot be read (not reached, no permission)."""


class StoreWriteError(StoreError):
    """The store cannot be written (full disk, no permission)."""


class DamageError(SongbenchError):
    """Something stored is no longer what was stored: gone, cut or altered. A run makes it again.

    Args:
        place: of the file, below the root of the store.
        problem: what is wrong with it, to follow its name: ``is gone``.
    """

    def __init__(self, place: str, problem: str) -> None:
        """Keep the parts."""
        self.place, self.problem = place, problem
        super().__init__(
            f"{place} in the store {problem}. 'songbench run' makes it again; 'songbench verify' names all damage."
        )


def one_line(text: str, most: int = 300) -> str:
    """The text on one line without control characters, cut at `most` characters."""
    flat = " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())
    return flat if len(flat) <= most else flat[: most - 1] + "…"


def cause_of(error: BaseException) -> str:
    """Type and text of an exception, on one line; an exception may raise another when it is asked for its text."""
    try:
        return one_line(f"{type(error).__name__}: {error}")
    except Exception:
        return f"{type(error).__name__}, whose own text cannot be had"


def nearest(word: str, allowed: Iterable[str]) -> str | None:
    """The allowed spelling closest to a word, or None when nothing is close."""
    spellings = {spelling.casefold(): spelling for spelling in allowed}
    matches = difflib.get_close_matches(word.casefold(), spellings, n=1)
    return spellings[matches[0]] if matches else None
