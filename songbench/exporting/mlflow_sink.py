"""MLflow: a run of theirs for each system in one experiment; in a local database unless the user says otherwise."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from songbench.contracts.cards import Availability
from songbench.domain.checking import Schema
from songbench.domain.errors import InputError
from songbench.exporting.sinks import SinkReport, SystemReport, package_availability
from songbench.reporting.audio_files import to_flac
from songbench.reporting.file_names import readable_names

_NOT_IN_NAMES = re.compile(r"[^\w\-. :/]", re.ASCII)
_LONGEST_NAME = 250
_LONGEST_PARAMETER = 6000
_BATCH = 100
"""Parameters that MLflow takes at once."""


class MlflowSettings(Schema):
    """What ``--set`` may say.

    Attributes:
        tracking_uri: where MLflow keeps runs; None: as the variable ``MLFLOW_TRACKING_URI`` says, else a database in
            the folder of ``--out``.
        experiment: of MLflow.
    """

    tracking_uri: str | None = None
    experiment: str = "songbench"


class MlflowSink:
    """A `Sink`."""

    settings_model = MlflowSettings

    def availability(self) -> Availability:
        """See `Sink.availability`."""
        return package_availability("mlflow", "pip install mlflow")

    def check(self, settings: MlflowSettings, folder: Path | None) -> None:
        """See `Sink.check`."""
        if folder is None and not _configured_uri(settings):
            raise InputError(
                "Name the folder of the database: --to mlflow --out FOLDER.",
                field="out",
                cure="Or a server of your own: --set tracking_uri=… or the variable MLFLOW_TRACKING_URI.",
            )

    def send(self, report: SinkReport, settings: MlflowSettings, folder: Path | None) -> Sequence[str]:
        """See `Sink.send`."""
        os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")  # it would tell its makers that it is used
        from mlflow.tracking import MlflowClient

        uri, artifacts = _configured_uri(settings), None
        if not uri:
            assert folder is not None
            folder.mkdir(parents=True, exist_ok=True)
            uri, artifacts = (
                f"sqlite:///{(folder / 'mlflow.db').absolute()}",
                (folder / "artifacts").absolute().as_uri(),
            )
        client = MlflowClient(tracking_uri=uri)
        experiment = client.get_experiment_by_name(settings.experiment)
        identifier = (
            experiment.experiment_id if experiment else client.create_experiment(settings.experiment, artifacts)
        )
        runs = [_send(client, identifier, system, report) for system in report.systems]
        return [f"{name}: run {run} of the experiment '{settings.experiment}' in {uri}" for name, run in runs]


def _configured_uri(settings: MlflowSettings) -> str | None:
    return settings.tracking_uri or os.environ.get("MLFLOW_TRACKING_URI") or None


def _send(client: Any, experiment: str, system: SystemReport, report: SinkReport) -> tuple[str, str]:
    from mlflow.entities import Metric, Param, RunTag

    tags = {"songbench.run": report.run, "songbench.suite": report.suite}
    run = client.create_run(experiment, run_name=system.card.name, tags=tags)
    identifier, milliseconds = run.info.run_id, run.info.start_time
    # 1. config and figures; MLflow takes fewer signs in names than we have
    parameters = [Param(_name(key), str(value)[:_LONGEST_PARAMETER]) for key, value in system.config.items()]
    for start in range(0, len(parameters), _BATCH):
        client.log_batch(identifier, params=parameters[start : start + _BATCH])
    numbers = {key: number for figure in system.figures for key, number in figure.numbers.items()}
    client.log_batch(
        identifier, metrics=[Metric(_name(key), number, milliseconds, 0) for key, number in numbers.items()]
    )
    units = {_name(figure.column): figure.column for figure in system.figures if _name(figure.column) != figure.column}
    client.log_batch(identifier, tags=[RunTag(f"songbench.column.{name}", column) for name, column in units.items()])
    # 2. tables and songs
    with tempfile.TemporaryDirectory() as scratch:
        for name, frame in {"scores": system.scores, "songs": system.songs}.items():
            path = Path(scratch) / f"{name}.csv"
            frame.to_csv(path, index=False, lineterminator="\n")
            client.log_artifact(identifier, str(path))
        names = readable_names(song.prompt for song in system.examples)
        for song, source in system.examples.items():
            path = Path(scratch) / f"{names[song.prompt]}.take{song.take}.flac"
            path.write_bytes(to_flac(source.load()))
            client.log_artifact(identifier, str(path), "examples")
    client.set_terminated(identifier)
    return system.card.name, identifier


def _name(text: str) -> str:
    """A name that MLflow takes: ``per:whisper-base-mix`` for ``per@whisper-base-mix``."""
    return _NOT_IN_NAMES.sub("_", text.replace("@", ":"))[:_LONGEST_NAME]
