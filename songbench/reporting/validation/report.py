"""A validation as a folder of files."""

from __future__ import annotations

import re
from pathlib import Path

from songbench.execution.checksums import write_listed
from songbench.reporting.validation import figures, tables
from songbench.reporting.validation.responses import Validation

OWNED = ("validation.*", "figures/*.png")
"""The files that are a validation's own."""
_UNSAFE = re.compile(r"[^\w.-]+")


def write_validation(validation: Validation, folder: Path) -> list[Path]:
    """Write ``validation.{md,csv,json}`` and ``figures/*.png``; the same validation gives the same bytes.

    They are listed in ``SHA256SUMS``; figures of an earlier validation that this one does not have are removed.

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
    return write_listed(folder, files, owned=OWNED)
