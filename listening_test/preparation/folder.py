"""The folder of a test: whether it is free, what an interrupted preparation left."""

from __future__ import annotations

import os
import shutil
from itertools import count
from pathlib import Path

from listening_test.check_answers import CHECKS
from listening_test.panel.settings import PANEL
from listening_test.prepared import AUDIO, KEY, SECRET, TEST, load_test
from listening_test.private import FOLDER, make_private
from songbench.domain.errors import InputError

TABLE, REPORT = "preparation.csv", "preparation.md"
RATINGS = "ratings.sqlite"
"""Where the server keeps answers unless told otherwise."""
_MADE = (TEST, KEY, CHECKS, PANEL, TABLE, REPORT, AUDIO)
_OURS = (*_MADE, SECRET)


def writable(folder: Path, field: str) -> None:
    """Make a folder, and make sure that files can be written into it.

    Args:
        folder: which; folders above it are made too.
        field: the option that names it.

    Raises:
        InputError: when it is a file, or nothing can be written there.
    """
    cure = f"Name another with {field}."
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileExistsError:
        raise InputError("This is a file, not a folder.", file=str(folder), cure=cure) from None
    except OSError as error:
        raise InputError(f"The folder cannot be made ({error.strerror}).", file=str(folder), cure=cure) from None
    if not os.access(folder, os.W_OK | os.X_OK):
        raise InputError("Nothing may be written into this folder.", file=str(folder), cure=cure)


def claim(folder: Path, *, force: bool = False) -> Path | None:
    """Make a folder ready to be written to, and its owner's only.

    What an interrupted preparation left is cleared away. The secret stays, so that nothing it signed is lost. With
    `force`, a finished test is moved into a folder of its own inside, with its key and its answers.

    Returns:
        Where the finished test is now; None where there was none.

    Raises:
        InputError: when there is a finished test and not `force`, when the folder holds anything else, or when nothing
            can be written there.
    """
    writable(folder, "--out")
    finished = (folder / TEST).exists()
    if finished and not force:
        raise InputError(
            "There is a prepared test already, and it may hold ratings.",
            file=str(folder),
            cure="Name another folder with --out, or add --force to make it anew.",
        )
    strangers = [one.name for one in folder.iterdir() if one.name not in _OURS and not one.name.startswith(".")]
    if strangers and not finished:
        raise InputError(
            f"The folder holds other things ({', '.join(sorted(strangers)[:3])}).",
            file=str(folder),
            cure="Name an empty or new one with --out.",
        )
    make_private(folder)
    earlier = _set_aside(folder) if finished else None
    _clear(folder)
    return earlier


def give_up(folder: Path, earlier: Path | None = None) -> None:
    """Undo `claim` after a preparation that failed: nothing half-made is left, and a test set aside is put back."""
    _clear(folder)
    if earlier:
        for path in earlier.iterdir():
            if path.name == SECRET:
                path.unlink()
            else:
                path.rename(folder / path.name)
        earlier.rmdir()
    elif not any(one.name != SECRET for one in folder.iterdir()):
        shutil.rmtree(folder)


def _clear(folder: Path) -> None:
    for name in _MADE[:-1]:  # the test first: without it the folder is not taken for whole
        (folder / name).unlink(missing_ok=True)
    shutil.rmtree(folder / AUDIO, ignore_errors=True)


def _set_aside(folder: Path) -> Path:
    """Answers are worth nothing without the test they were given in and its key: all move together."""
    try:
        mark = load_test(folder).digest()[:8]
    except InputError:
        mark = "damaged"
    names = (f"before-{mark}{'' if number == 1 else f'-{number}'}" for number in count(1))
    earlier = next(folder / name for name in names if not (folder / name).exists())
    earlier.mkdir(mode=FOLDER)
    for path in [folder / name for name in _MADE if (folder / name).exists()] + sorted(folder.glob(f"{RATINGS}*")):
        path.rename(earlier / path.name)
    if (folder / SECRET).exists():
        shutil.copy2(folder / SECRET, earlier / SECRET)
    return earlier
