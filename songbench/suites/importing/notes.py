"""What an import changed or left out, counted."""

from __future__ import annotations

from collections import Counter


class Notes:
    """Collects what happened, each kind with how often."""

    def __init__(self) -> None:
        """Nothing happened yet."""
        self._counts: Counter[str] = Counter()

    def add(self, text: str) -> None:
        """It happened once more."""
        self._counts[text] += 1

    def lines(self) -> list[str]:
        """In the order in which things first happened, with the number of times where it is more than one."""
        return [text if count == 1 else f"{text} ({count} times)" for text, count in self._counts.items()]
