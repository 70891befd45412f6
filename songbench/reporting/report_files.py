"""Names of the files of a report, without the code that makes them."""

from __future__ import annotations

from songbench.execution.damage import PAGE_FILES, PUBLISHED_FILES
from songbench.reporting.figures.files import FORMATS

PAGE = "report.html"
"""The page, in the folder of a run."""
LISTENING = "listening"
"""The folder in it with results of listening tests."""
OWNED = (
    *("leaderboard.*", "scores.csv", "songs.csv", "songs.json", *(f"figures/*.{ending}" for ending in FORMATS)),
    *(PUBLISHED_FILES, *PAGE_FILES),
)
"""The files that are a report's own."""
