"""The figure that all functions return: it saves and shows itself in the look it was drawn in."""

from __future__ import annotations

import io
from typing import Any

from matplotlib.figure import Figure

from songbench.reporting.figures import style

_UNDATED: dict[str, dict[str, None]] = {
    "png": {"Software": None},
    "svg": {"Date": None, "Creator": None},
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
}


class DrawnFigure(Figure):
    """A matplotlib figure without pyplot whose files hold no date, no version and no setting of the user's.

    Notebooks show it as it is, without ``%matplotlib inline``.
    """

    def savefig(self, fname: Any, **keywords: Any) -> None:
        """As `matplotlib.figure.Figure.savefig`; the format follows from the ending of the name."""
        ending = str(keywords.get("format") or str(fname).rpartition(".")[2]).lower()
        with style.drawing():
            super().savefig(fname, **{"metadata": _UNDATED.get(ending), "dpi": self.dpi, **keywords})

    def _repr_png_(self) -> bytes:
        stream = io.BytesIO()
        self.savefig(stream, format="png")
        return stream.getvalue()
