"""The figures of a training: a line of ``log.jsonl`` each, and the same to whatever sinks there are."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from songbench.resources.files import write_atomically
from systems.songbloom.training.sinks import log_audio

if TYPE_CHECKING:
    from songbench.domain.audio import Audio

LOG_FILE = "log.jsonl"


class RunLog:
    """Writes figures of one process; others of the same training write nothing.

    Args:
        folder: of the training; None: nothing is written.
        loggers: from `systems.songbloom.training.sinks.sink_loggers`.
    """

    def __init__(self, folder: Path | None, loggers: Sequence[Any] = ()) -> None:
        self.path = None if folder is None else folder / LOG_FILE
        self.loggers = list(loggers) if folder else []

    def go_on(self, step: int) -> None:
        """Forget what was told of later steps, which are going to be taken again."""
        if self.path is None or not self.path.is_file():
            return
        lines = [line for line in self.path.read_text(encoding="utf-8").splitlines() if _step(line) <= step]
        write_atomically(self.path, "".join(f"{line}\n" for line in lines).encode())

    def figures(self, step: int, group: str, figures: Mapping[str, float]) -> None:
        """Tell figures of a step.

        Args:
            step: its number.
            group: what they are of, such as ``validation``.
            figures: by name.
        """
        if self.path is None:
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        line = json.dumps({"step": step, group: dict(figures)}, ensure_ascii=False)
        with self.path.open("a", encoding="utf-8") as handle:
            handle.write(line + "\n")
        by_path = {f"{group}/{name}": value for name, value in figures.items()}
        for logger in self.loggers:
            logger.log_metrics(by_path, step)

    def song(self, step: int, name: str, audio: Audio) -> None:
        """Send a song to the sinks; the file itself is in the folder of songs already."""
        log_audio(self.loggers, f"songs/{name}", audio, step)

    def close(self) -> None:
        """Let the sinks finish."""
        for logger in self.loggers:
            logger.finalize("success")


def _step(line: str) -> float:
    """Of a line; a line that was cut when the process was killed belongs to no step."""
    try:
        return float(json.loads(line)["step"])
    except (ValueError, LookupError, TypeError):
        return float("inf")
