"""Files of figures that were drawn before: from the same data, by the same code, in the same fonts.

Drawing is most of what a report takes. A figure's files follow from its data alone, so that they are kept in the user's
cache folder under the digest of these, whichever run and folder they are asked for in.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from songbench.reporting.data_digest import add_data
from songbench.reporting.figures import style
from songbench.reporting.figures.files import encoded
from songbench.resources.files import write_atomically

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_FILES = 3000
"""Kept at once, about 100 MB; the least recently used half makes way for more."""
_DIGEST_BYTES = hashlib.sha256().digest_size


def figure_files(draw: Callable[..., Figure], data: Sequence[object], formats: Iterable[str]) -> dict[str, bytes]:
    """The files of a figure, drawn only where they are not in the cache.

    Args:
        draw: draws the figure from the data and from nothing else.
        data: its arguments: frozen dataclasses, mappings, sequences, numbers and texts.
        formats: endings of `songbench.reporting.figures.files.FORMATS`.

    Returns:
        The content by ending.
    """
    digest = hashlib.sha256(repr([draw.__module__, draw.__qualname__, _code(), style.fonts()]).encode())
    add_data(digest.update, data)
    key = digest.hexdigest()
    places = {ending: _folder() / f"{key}.{ending}" for ending in formats}
    files = {ending: content for ending, path in places.items() if (content := _read(path)) is not None}
    if len(files) < len(places):
        figure = draw(*data)
        for ending in places.keys() - files.keys():
            files[ending] = encoded(figure, ending)
            _write(places[ending], files[ending])
    return {ending: files[ending] for ending in places}


def _folder() -> Path:
    import platformdirs

    return Path(platformdirs.user_cache_dir("songbench")) / "figures"


def _read(path: Path) -> bytes | None:
    """The content, if it is there and whole; that it was used is noted."""
    try:
        data = path.read_bytes()
    except OSError:
        return None
    if data[:_DIGEST_BYTES] != _digest(data[_DIGEST_BYTES:]):
        return None
    with suppress(OSError):
        os.utime(path)
    return data[_DIGEST_BYTES:]


def _write(path: Path, content: bytes) -> None:
    """Keep a file. Where that cannot be done it is drawn again next time."""
    with suppress(OSError):
        write_atomically(path, _digest(content) + content)
        _make_room(path.parent)


def _make_room(folder: Path) -> None:
    with os.scandir(folder) as entries:
        ages = sorted((entry.stat().st_mtime_ns, entry.path) for entry in entries)
    for _, path in ages[: MOST_FILES // 2] if len(ages) > MOST_FILES else ():
        Path(path).unlink(missing_ok=True)


def _digest(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


@cache
def _code() -> str:
    """What draws: the modules of reporting, whose names and wordings figures use too, and matplotlib."""
    import matplotlib

    modules = sorted(Path(__file__).parents[1].rglob("*.py"))
    texts = [_digest(path.read_bytes()).hex() for path in modules]
    return f"matplotlib {matplotlib.__version__} {texts}"
