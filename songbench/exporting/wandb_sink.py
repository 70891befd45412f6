"""Weights & Biases: a run of theirs for each system, in one group; offline unless the user says otherwise."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from songbench.contracts.cards import Availability
from songbench.domain.checking import Schema
from songbench.exporting.sinks import SinkReport, SystemReport, package_availability

if TYPE_CHECKING:
    import pandas as pd


class WandbSettings(Schema):
    """What ``--set`` may say.

    Attributes:
        project: of W&B.
        entity: a user or team of W&B; None: as W&B is configured.
        group: the runs of all systems are in it; None: the name of the run.
        tags: of each run.
        mode: ``online`` sends to W&B's server; None: as the variable ``WANDB_MODE`` says, else ``offline``.
    """

    project: str = "songbench"
    entity: str | None = None
    group: str | None = None
    tags: tuple[str, ...] = ()
    mode: Literal["offline", "online", "disabled", "shared"] | None = None


class WandbSink:
    """A `Sink`."""

    settings_model = WandbSettings

    def availability(self) -> Availability:
        """See `Sink.availability`."""
        return package_availability("wandb", "pip install wandb")

    def check(self, settings: WandbSettings, folder: Path | None) -> None:
        """Nothing can be wrong beforehand: without a folder it is the working folder, as W&B has it."""

    def send(self, report: SinkReport, settings: WandbSettings, folder: Path | None) -> Sequence[str]:
        """See `Sink.send`; ``wandb sync`` sends what was written offline."""
        mode: Any = settings.mode or os.environ.get("WANDB_MODE") or "offline"
        if mode == "offline":
            os.environ.setdefault("WANDB_ERROR_REPORTING", "false")  # it would report its own errors to its makers
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
        return [_send(system, report, settings, folder, mode) for system in report.systems]


def _send(system: SystemReport, report: SinkReport, settings: WandbSettings, folder: Path | None, mode: Any) -> str:
    import wandb

    run: Any = wandb.init(
        project=settings.project,
        entity=settings.entity,
        group=settings.group or report.run,
        name=system.card.name,
        tags=list(settings.tags),
        config=dict(system.config),
        dir=None if folder is None else str(folder),
        mode=mode,
        reinit="create_new",
        # Nothing of the user's machine, code or output belongs to the figures of a benchmark.
        settings=wandb.Settings(
            console="off",
            silent=True,
            disable_git=True,
            disable_code=True,
            x_disable_stats=True,
            x_disable_machine_info=True,
        ),
    )
    try:
        for figure in system.figures:
            run.summary.update(figure.numbers)
        tables = {"scores": system.scores, "songs": system.songs}
        media: dict[str, Any] = {name: wandb.Table(dataframe=_plain(frame)) for name, frame in tables.items()}
        if system.examples:
            media["examples"] = [
                wandb.Audio(audio.samples.T, sample_rate=audio.rate, caption=f"{song.prompt} take {song.take}")
                for song, audio in ((song, source.load()) for song, source in system.examples.items())
            ]
        run.log(media)
    finally:
        run.finish()
    place = str(run.url) if mode == "online" else f"{Path(run.dir).parent} ('wandb sync' sends it)"
    return f"{system.card.name}: {place}"


def _plain(frame: pd.DataFrame) -> pd.DataFrame:
    """Types that W&B knows: objects and None instead of pandas' own missing values."""
    plain = frame.astype(object)
    return plain.where(frame.notna(), None)
