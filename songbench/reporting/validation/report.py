"""A validation as a folder of files."""

from __future__ import annotations

import re
from pathlib import Path

from songbench.execution.store import write_atomically
from songbench.reporting.validation import figures, tables
from songbench.reporting.validation.responses import Validation

_UNSAFE = re.compile(r"[^\w.-]+")


def write_validation(validation: Validation, folder: Path) -> list[Path]:
    """Write ``validation.{md,csv,json}`` and ``figures/*.png``; the same validation gives the same bytes.

    Returns:
        The files, in the order written.
    """
    columns = [c for c in tables.shown(validation) if any(r.clean is not None for r in c.responses)]
    pictures = {column.name: f"figures/{_UNSAFE.sub('-', column.name)}.png" for column in columns}
    contents = {pictures[column.name]: figures.draw_curves(column, validation.prompts) for column in columns}
    if columns:
        pictures[""] = "figures/overview.png"
        contents[pictures[""]] = figures.draw_overview(validation)
    texts = {
        "validation.md": tables.to_markdown(validation, pictures),
        "validation.csv": tables.to_csv(validation),
        "validation.json": tables.to_json(validation),
    }
    files = {**{name: text.encode() for name, text in texts.items()}, **contents}
    for name, content in files.items():
        write_atomically(folder / name, content)
    return [folder / name for name in files]
