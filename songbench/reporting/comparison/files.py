"""A comparison as a file, in the format that its ending names."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from songbench.domain.errors import InputError
from songbench.reporting.comparison.blocks import comparison_blocks
from songbench.reporting.comparison.compare import RunComparison
from songbench.reporting.document.blocks import Block, Heading, Table
from songbench.reporting.document.html import to_html
from songbench.reporting.document.latex import to_latex
from songbench.reporting.document.markdown import to_markdown
from songbench.reporting.document.terminal import to_text
from songbench.resources.files import write_atomically

_FORMATS: Mapping[str, Callable[[RunComparison], str]] = {
    ".md": lambda comparison: to_markdown(comparison_blocks(comparison)),
    ".html": lambda comparison: to_html(comparison_blocks(comparison), {}),
    ".tex": lambda comparison: to_latex(_captioned(comparison)),
    ".txt": lambda comparison: to_text(comparison_blocks(comparison)),
    ".csv": lambda comparison: comparison.to_frame().to_csv(index=False, lineterminator="\n"),
    ".json": lambda comparison: (
        json.dumps(comparison_to_json(comparison), indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    ),
}


def write_comparison(comparison: RunComparison, path: Path) -> None:
    """Write a comparison.

    Args:
        comparison: what was compared.
        path: of the file; replaced at once when it exists.

    Raises:
        InputError: its ending names no format.
    """
    if path.suffix not in _FORMATS:
        raise InputError(
            f"'{path.name}' names no format of a comparison.", field="--to", value=path.suffix, allowed=_FORMATS
        )
    write_atomically(path, _FORMATS[path.suffix](comparison).encode())


def _captioned(comparison: RunComparison) -> list[Block]:
    """The table with the title of the comparison as its own, for formats that lay out tables alone."""
    title, *blocks = comparison_blocks(comparison)
    caption = title.text if isinstance(title, Heading) else ""
    return [replace(block, title=f"{caption}.") if isinstance(block, Table) else block for block in blocks]


def comparison_to_json(comparison: RunComparison) -> dict[str, object]:
    """Everything for programs."""
    frame = comparison.to_frame().astype(object)
    rows = frame.where(frame.notna(), None).to_dict("records")
    return {
        "schema": "songbench.comparison/1",
        "prompts": comparison.prompts,
        "confidence": comparison.confidence,
        "differences": rows,
        "notes": list(comparison.notes),
    }
