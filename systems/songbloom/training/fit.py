"""A whole training in a folder: the loop, and what happens beside it every so many steps.

The folder is a checkpoint in the released layout from the first save on, so that it can be sung with while it is
trained; ``best`` in it is another one, of the step that did best on the validation songs. What a training that was
interrupted goes on from is in ``training``, its figures in ``log.jsonl``, what it sang in ``songs``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from songbench.domain.errors import InputError
from songbench.resources.files import sweep
from systems.songbloom.model import SongBloom
from systems.songbloom.training.display import TrainingDisplay, rate_of
from systems.songbloom.training.loop import StepRecord, TrainingLoop
from systems.songbloom.training.run_log import RunLog
from systems.songbloom.training.settings import TrainingSettings
from systems.songbloom.training.state_files import StateFiles, explained_writing
from systems.songbloom.training.step_objective import StepBatch, StepObjective
from systems.songbloom.training.sung_songs import Singer
from systems.songbloom.training.validation import Compute

if TYPE_CHECKING:
    from lightning_fabric import Fabric

STATES = "training"
BEST = "best"
SONGS = "songs"


@dataclass(frozen=True, kw_only=True)
class TrainingParts:
    """What a training does beside its steps.

    Attributes:
        folder: where everything goes.
        export: writes the model's weights of the moment as a checkpoint into a folder.
        origin: what the training rests on (data, checkpoint it starts from), for recognising its states.
        log: for figures.
        display: for whoever waits.
        validate: numbers on songs that are not trained on, ``loss`` among them; None: there are none.
        singer: sings, in the first process; None: nothing is sung, or another process does it.
    """

    folder: Path
    export: Callable[[SongBloom, Path], None]
    origin: Mapping[str, Any]
    log: RunLog
    display: TrainingDisplay
    validate: Callable[[Compute], dict[str, float]] | None = None
    singer: Singer | None = None


def fit(
    fabric: Fabric,
    model: SongBloom,
    objective: StepObjective[StepBatch],
    settings: TrainingSettings,
    parts: TrainingParts,
) -> TrainingLoop[StepBatch]:
    """Train, going on from the state in the folder where there is one.

    Args:
        fabric: launched.
        model: see `TrainingLoop`.
        objective: what is minimised.
        settings: how.
        parts: what is done beside it.

    Returns:
        The loop after its last step; the folder is the finished checkpoint.

    Raises:
        InputError: the folder holds another training; or as `TrainingLoop.run`.
        StoreWriteError: there is no room for a state or a checkpoint.
    """
    return _Fit(fabric, model, objective, settings, parts).run()


class _Fit:
    def __init__(
        self,
        fabric: Fabric,
        model: SongBloom,
        objective: StepObjective[Any],
        settings: TrainingSettings,
        parts: TrainingParts,
    ) -> None:
        self.fabric, self.model, self.settings, self.parts = fabric, model, settings, parts
        self.states = StateFiles(parts.folder / STATES, settings.saving.keep)
        self.best: tuple[float, int] | None = None
        state = self.states.latest()
        if state is not None:
            self._check(state)
        self.loop = TrainingLoop(fabric, model, objective, settings)
        if state is not None:
            self.loop.load_state_dict(state)
            self.best = state["best"]

    def run(self) -> TrainingLoop[Any]:
        parts, begin = self.parts, self.loop.step
        if self.fabric.is_global_zero:
            sweep(parts.folder)
            parts.log.go_on(begin)
        with parts.display as display:
            display.begin(begin)
            if begin:
                display.line(f"Going on from step {begin}.")
            self.loop.run([self._tell, self._validate, self._save, self._sing])
            if begin == self.settings.steps:  # it may have been stopped between the last state and the checkpoint
                self._export(parts.folder)
        parts.log.close()
        return self.loop

    # -- after each step -----------------------------------------------------------------------------------------------

    def _tell(self, record: StepRecord) -> None:
        self.parts.display.step(record)
        if self._due(record.step, self.settings.log.interval):
            rates = {"learning_rate": record.learning_rate, "gradient": record.gradient}
            pace = {"seconds": record.seconds, "tokens_per_second": rate_of(record)}
            self.parts.log.figures(record.step, "train", {"loss": record.loss, **record.numbers, **rates, **pace})

    def _validate(self, record: StepRecord) -> None:
        parts = self.parts
        if parts.validate is None or not self._due(record.step, self.settings.validation.interval):
            return
        with self._weights_to_use():
            numbers = parts.validate(self.loop.compute)
        parts.log.figures(record.step, "validation", numbers)
        parts.display.line(f"step {record.step}, validation: {figures_text(numbers)}")
        if self.best is None or numbers["loss"] < self.best[0]:
            self.best = (numbers["loss"], record.step)
            self._export(parts.folder / BEST)

    def _save(self, record: StepRecord) -> None:
        if not self._due(record.step, self.settings.saving.interval):
            return
        state = self.loop.state_dict()
        if self.fabric.is_global_zero:
            facts = {"best": self.best, "binding": self.settings.binding(), "origin": dict(self.parts.origin)}
            self.states.save(record.step, state | facts)
        self._export(self.parts.folder)

    def _sing(self, record: StepRecord) -> None:
        parts = self.parts
        if not self._due(record.step, self.settings.songs.interval):
            return
        place = parts.folder / SONGS / "checkpoint"
        self._export(place)
        if parts.singer is not None:
            sung = parts.singer(place, record.step)
            parts.log.figures(record.step, "songs", sung.figures)
            for name, audio in sung.songs.items():
                parts.log.song(record.step, name, audio)
            text = sung.remark or figures_text(sung.figures)
            parts.display.line(f"step {record.step}, {len(sung.songs)} songs: {text}")
        self.fabric.barrier()

    def _due(self, step: int, interval: int) -> bool:
        return bool(interval) and (step % interval == 0 or step == self.settings.steps)

    # -- checkpoints ---------------------------------------------------------------------------------------------------

    @contextmanager
    def _weights_to_use(self) -> Iterator[None]:
        """Have in the model what is handed out: the average, where one is kept."""
        if self.loop.average is None:
            yield
            return
        with self.loop.average.in_place():
            yield

    def _export(self, folder: Path) -> None:
        with self._weights_to_use():
            model = self.loop.whole_model()
            if self.fabric.is_global_zero:
                with explained_writing(folder, f"the states in '{self.states.folder}' are kept"):
                    self.parts.export(model, folder)
        self.fabric.barrier()

    def _check(self, state: Mapping[str, Any]) -> None:
        """Refuse to go on from another training."""
        for name, now in {**self.settings.binding(), **self.parts.origin}.items():
            before = {**state["binding"], **state["origin"]}.get(name)
            if _plain(before) != _plain(now):
                raise InputError(
                    f"The folder holds a training with another {name}: {before!r}, now {now!r}.",
                    file=str(self.parts.folder),
                    field=name,
                    cure="Give another folder, or the settings it was begun with.",
                )


def _plain(value: Any) -> Any:
    """Lists and tuples alike, as a state does not tell them apart."""
    if isinstance(value, Mapping):
        return {name: _plain(inner) for name, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, list | tuple) else value


def figures_text(figures: Mapping[str, float]) -> str:
    """Figures in one line."""
    return ", ".join(f"{name} {value:.4g}" for name, value in figures.items())
