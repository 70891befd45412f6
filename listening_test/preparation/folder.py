"""The folder of a test: whether it is free, what an interrupted preparation left."""

from __future__ import annotations

import shutil
from pathlib import Path

from listening_test.prepared import AUDIO, KEY, SECRET, TEST, load_test
from songbench.domain.errors import InputError

TABLE, REPORT = "preparation.csv", "preparation.md"
RATINGS = "ratings.sqlite"
"""Where the server keeps answers unless told otherwise."""
_OURS = (TEST, KEY, AUDIO, SECRET, TABLE, REPORT)


def claim(folder: Path, *, force: bool = False) -> list[str]:
    """Make a folder ready to be written to.

    What an interrupted preparation left is cleared away. The secret stays, so that nothing it signed is lost. With
    `force`, a finished test is cleared away too; its answers are kept under another name.

    Returns:
        What was done, a line each, for people.

    Raises:
        InputError: when there is a finished test and not `force`, or when the folder holds anything else.
    """
    if folder.exists() and not folder.is_dir():
        raise InputError("This is a file, not a folder.", file=str(folder), cure="Name another with --out.")
    folder.mkdir(parents=True, exist_ok=True)
    finished = (folder / TEST).exists()
    if finished and not force:
        raise InputError(
            "There is a prepared test already, and it may hold ratings.",
            file=str(folder),
            cure="Name another folder with --out, or add --force to make it anew.",
        )
    others = [one.name for one in folder.iterdir() if one.name not in _OURS and not one.name.startswith(".")]
    if others and not finished:
        raise InputError(
            f"The folder holds other things ({', '.join(sorted(others)[:3])}).",
            file=str(folder),
            cure="Name an empty or new one with --out.",
        )
    told = _set_ratings_aside(folder) if finished else []
    for name in (TEST, KEY, TABLE, REPORT):  # the test first: without it the folder is not taken for whole
        (folder / name).unlink(missing_ok=True)
    shutil.rmtree(folder / AUDIO, ignore_errors=True)
    return told


def _set_ratings_aside(folder: Path) -> list[str]:
    """Answers belong to the test they were given in: they go under its digest, for whoever wants them back."""
    try:
        mark = load_test(folder).digest()[:8]
    except InputError:
        mark = "damaged"
    told = []
    for path in sorted(folder.glob(f"{RATINGS}*")):
        kept = path.with_name(path.name.replace(RATINGS, f"ratings-{mark}.sqlite"))
        path.rename(kept)
        told.append(f"answers to the test before are kept in {kept.name}")
    return told
