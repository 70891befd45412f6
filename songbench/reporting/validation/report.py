"""A validation as a folder of files."""

from __future__ import annotations

from pathlib import Path

from songbench.execution.checksums import write_listed
from songbench.reporting.validation import figures, tables
from songbench.reporting.validation.responses import Validation

OWNED = ("validation.*", "figures/*.png")
"""The files that are a validation's own."""


def write_validation(validation: Validation, folder: Path) -> list[Path]:
    """Write ``validation.{md,csv,json}`` and ``figures/*.png``; the same validation gives the same bytes.

    They are listed in ``SHA256SUMS``; figures of an earlier validation that this one does not have are removed.

    Returns:
        The files, in the order written.
    """
    columns = [c for c in tables.headline_columns(validation) if any(r.clean is not None for r in c.responses)]
    pictures = {column.name: figures.draw_curves(column, validation.prompts) for column in columns}
    if columns:
        pictures[""] = figures.draw_overview(validation)
    texts = {
        "validation.md": tables.to_markdown(validation, list(pictures)),
        "validation.csv": tables.to_csv(validation),
        "validation.json": tables.to_json(validation),
    }
    contents = {name: text.encode() for name, text in texts.items()}
    contents |= {f"figures/{tables.figure_name(name)}.png": image for name, image in pictures.items()}
    return write_listed(folder, contents.items(), owned=OWNED)
