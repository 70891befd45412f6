"""A training in a few lines, for tests."""

from pathlib import Path

from lightning_fabric import Fabric
from rich.console import Console

from systems.songbloom.checkpoint import save_checkpoint
from systems.songbloom.config import SongBloomConfig
from systems.songbloom.initialisation import initialise
from systems.songbloom.model import SongBloom
from systems.songbloom.training.display import TrainingDisplay
from systems.songbloom.training.fit import TrainingParts
from systems.songbloom.training.objective import SongBloomObjective
from systems.songbloom.training.run_log import RunLog
from systems.songbloom.training.settings import (
    BatchSettings,
    LogSettings,
    OptimiserSettings,
    SavingSettings,
    TrainingSettings,
    ValidationSettings,
)
from systems.songbloom.training.song_steps import MemorySongs, SongSteps
from systems.songbloom.training.trained import freeze_untrained
from systems.training.seeds import derived_generator


def settings(steps=4, songs=2, accumulation=1, lr=1e-3, warm_up=1, saving=2, keep=2, **changes) -> TrainingSettings:
    return TrainingSettings(
        steps=steps,
        optimiser=OptimiserSettings(lr=lr, warm_up=warm_up, **changes.pop("optimiser", {})),
        batch=BatchSettings(songs=songs, accumulation=accumulation),
        saving=SavingSettings(interval=saving, keep=keep),
        validation=ValidationSettings(interval=changes.pop("validate", 2)),
        log=LogSettings(interval=1),
        **changes,
    )


def one_process() -> Fabric:
    fabric = Fabric(accelerator="cpu", devices=1)
    fabric.launch()
    return fabric


def fresh(config: SongBloomConfig, seed=0) -> SongBloom:
    return freeze_untrained(initialise(SongBloom(config), derived_generator(seed)))


def song_steps(songs, config: SongBloomConfig, training: TrainingSettings, objective=None, processes=1) -> SongSteps:
    return SongSteps(
        MemorySongs(songs),
        config.model,
        objective or SongBloomObjective(),
        training.batch,
        processes=processes,
        seed=training.seed,
    )


def parts(folder: Path, steps: int, **options) -> TrainingParts:
    return TrainingParts(
        folder=folder,
        export=save_checkpoint,
        origin=options.pop("origin", {"data": "songs in memory"}),
        log=RunLog(folder),
        display=TrainingDisplay(Console(quiet=True), steps, 1),
        **options,
    )
