"""Figures as files: PNG for documents, SVG for pages, PDF for papers; the same figure gives the same bytes."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from songbench.domain.errors import InputError, StoreWriteError
from songbench.resources.files import write_atomically

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FORMATS = ("svg", "png", "pdf")
"""SVG and PDF keep text as text: SVG in the reader's fonts, PDF with the fonts in it."""
DEFAULT_FORMATS = ("svg", "png")
"""Of a report: for pages, and for Markdown."""


def encoded(figure: Figure, ending: str) -> bytes:
    """The content of a file.

    Args:
        figure: of this package.
        ending: one of `FORMATS`.
    """
    stream = io.BytesIO()
    figure.savefig(stream, format=ending)
    return stream.getvalue()


def save(figure: Figure, path: str | Path) -> Path:
    """Write a figure in the format of the path's ending, all at once: a killed program leaves the old file.

    Args:
        figure: of this package.
        path: ends in .svg, .png or .pdf; its folder is created when absent.

    Returns:
        The path.

    Raises:
        InputError: another ending.
        StoreWriteError: it cannot be written.
    """
    path = Path(path)
    ending = path.suffix.removeprefix(".").lower()
    check_formats([ending])
    try:
        write_atomically(path, encoded(figure, ending))
    except OSError as error:
        raise StoreWriteError(f"The figure '{path}' cannot be written: {error.strerror}.") from error
    return path


def check_formats(endings: Iterable[str]) -> None:
    """Refuse what is none of `FORMATS`.

    Raises:
        InputError: naming the nearest.
    """
    for ending in endings:
        if ending not in FORMATS:
            raise InputError(f"A figure cannot be a '{ending}' file.", field="figures", value=ending, allowed=FORMATS)


def file_name(name: str) -> str:
    """Of the file of a figure, without ending: of the name of its column, say."""
    return re.sub(r"[^\w.-]+", "-", name)
