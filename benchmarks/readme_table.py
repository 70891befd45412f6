"""Write the tables of the demo suite in README.md from the committed results, between ``<!-- leaderboard -->`` marks.

``make results`` runs it after ``songbench report demo --to results/demo``.
"""

from __future__ import annotations

from itertools import groupby
from pathlib import Path

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
RESULTS = ROOT / "results/demo"
BY_LANGUAGE = "tables/by-language.md"
PARTS = 3
"""Of the leaderboard's table, which is laid out in several below each other; the others say how fast it was."""
_MARKS = ("<!-- leaderboard -->", "<!-- /leaderboard -->")


def tables(markdown: str) -> list[list[str]]:
    """The lines of each table of a Markdown text."""
    lines = groupby(markdown.splitlines(), key=lambda line: line.startswith("| "))
    return [list(rows) for is_table, rows in lines if is_table]


def block(results: Path = RESULTS) -> str:
    """What stands between the marks: the leaderboard, then English and Mandarin apart where the results have them."""
    every_table = tables((results / "leaderboard.md").read_text(encoding="utf-8"))
    leaderboard = [rows for rows in every_table if rows[0].startswith("| system |")]
    parts = ["\n".join(rows) for rows in leaderboard[:PARTS]]
    if (results / BY_LANGUAGE).exists():
        (apart, *_) = tables((results / BY_LANGUAGE).read_text(encoding="utf-8"))
        parts += [f"English and Mandarin apart ([what that rests on](results/demo/{BY_LANGUAGE})):", "\n".join(apart)]
    return "\n\n".join(parts)


def with_block(readme: str, text: str) -> str:
    """The README with other tables."""
    before, _, rest = readme.partition(_MARKS[0])
    _, _, after = rest.partition(_MARKS[1])
    return f"{before}{_MARKS[0]}\n\n{text}\n\n{_MARKS[1]}{after}"


if __name__ == "__main__":
    README.write_text(with_block(README.read_text(encoding="utf-8"), block()), encoding="utf-8")
