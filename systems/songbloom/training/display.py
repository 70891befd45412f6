"""How far a training is, on the terminal: a bar with the time that is left, and lines that stay."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any

from systems.songbloom.training.loop import StepRecord

if TYPE_CHECKING:
    from rich.console import Console


class TrainingDisplay:
    """A bar where there is a terminal, a line every so many steps where there is none; a context manager.

    Args:
        console: where to.
        steps: of the whole training.
        interval: steps from one line to the next without a terminal.
        visible: whether this process tells anything.
    """

    def __init__(self, console: Console, steps: int, interval: int, *, visible: bool = True) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        self.console, self.interval, self.visible = console, interval, visible
        self._bar = Progress(
            TextColumn("step"),
            MofNCompleteColumn(),
            BarColumn(),
            TimeRemainingColumn(elapsed_when_finished=True),
            TextColumn("{task.fields[figures]}", markup=False),
            console=console,
            disable=not (visible and console.is_terminal),
        )
        self._task = self._bar.add_task("", total=steps, figures="")
        self._steps = steps

    def __enter__(self) -> TrainingDisplay:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._bar.stop()

    def begin(self, step: int) -> None:
        """At which step the training goes on."""
        self._bar.reset(self._task, completed=step, total=self._steps, figures="")

    def step(self, record: StepRecord) -> None:
        """After each step."""
        figures = f"loss {record.loss:.3f}  {_text(record.numbers)}  {rate_of(record):.0f} tokens/s"
        self._bar.update(self._task, completed=record.step, figures=figures)
        last = record.step == self._steps
        if not self.console.is_terminal and (record.step % self.interval == 0 or last):
            self.line(f"step {record.step}/{self._steps}: {figures}")

    def line(self, text: str) -> None:
        """A line that stays."""
        if self.visible:
            self.console.print(text, markup=False, highlight=False, soft_wrap=True)


def rate_of(record: StepRecord) -> float:
    """Sketch tokens per second, padding not counted."""
    return record.counts.get("tokens", 0) / record.seconds


def _text(numbers: Mapping[str, Any]) -> str:
    return "  ".join(f"{name} {value:.3f}" for name, value in numbers.items())
