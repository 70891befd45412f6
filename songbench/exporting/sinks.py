"""Sinks: experiment trackers that are told of a run. Entry points of the group ``songbench.sinks``.

A package adds one by an entry point whose name follows ``--to`` and whose value is a class without arguments that is a
`Sink`::

    [project.entry-points."songbench.sinks"]
    notebook = "my_package.notebook:NotebookSink"
"""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, cast, runtime_checkable

from pydantic import BaseModel

from songbench.contracts import registry
from songbench.contracts.cards import READY, Availability, SystemCard, unavailable
from songbench.contracts.registry import PluginError
from songbench.domain.audio import AudioSource
from songbench.domain.checking import checked
from songbench.domain.errors import SongbenchError, UnavailableError
from songbench.domain.hashing import Json
from songbench.domain.overrides import nested, read_overrides
from songbench.execution.results import SongId
from songbench.exporting.material import RunExport

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, kw_only=True)
class ColumnFigure:
    """A system's number in one column of the leaderboard.

    Attributes:
        column: its name, e.g. ``per@whisper-base-mix``.
        value: the number.
        low: where its interval begins, or None.
        high: where that ends, or None.
        n: the songs it rests on.
    """

    column: str
    value: float
    low: float | None
    high: float | None
    n: int

    @property
    def numbers(self) -> dict[str, float]:
        """What is told of it, by a name each: the number under the column's own."""
        bounds = {"low": self.low, "high": self.high, "n": float(self.n)}
        further = {f"{self.column}/{name}": bound for name, bound in bounds.items() if bound is not None}
        return {self.column: self.value, **further}


@dataclass(frozen=True, kw_only=True)
class SystemReport:
    """What a sink is told of one system: trackers compare runs of theirs, so each system becomes one.

    Attributes:
        card: the system.
        config: what decided its numbers, flat: suite, seed, versions, parameters.
        figures: of each column that has a number for it.
        scores: its rows of `songbench.reporting.scores.scores_frame`.
        songs: what became of each of its songs, a row each.
        examples: songs to be sent along, by whose, which prompt and take.
    """

    card: SystemCard
    config: Mapping[str, Json]
    figures: tuple[ColumnFigure, ...]
    scores: pd.DataFrame
    songs: pd.DataFrame
    examples: Mapping[SongId, AudioSource]


@dataclass(frozen=True, kw_only=True)
class SinkReport:
    """What a sink is told of a run.

    Attributes:
        run: its name.
        suite: its suite's.
        leaderboard: a row per system and column, as `songbench.reporting.board.Leaderboard.to_frame`.
        systems: in the order of the leaderboard.
    """

    run: str
    suite: str
    leaderboard: pd.DataFrame
    systems: tuple[SystemReport, ...]


@runtime_checkable
class Sink(Protocol):
    """An experiment tracker.

    Attributes:
        settings_model: what ``--set`` may say, a pydantic model.
    """

    settings_model: type[BaseModel]

    def availability(self) -> Availability:
        """Whether its package is installed; if not, with the command that installs it."""

    def check(self, settings: Any, folder: Path | None) -> None:
        """Refuse what cannot work before a run is read, such as no folder where one is needed.

        Args:
            settings: of `settings_model`.
            folder: of ``--out``, or None.

        Raises:
            InputError: with the cure.
        """

    def send(self, report: SinkReport, settings: Any, folder: Path | None) -> Sequence[str]:
        """Tell the tracker; nothing goes to a network unless the user's own configuration of the tracker says so.

        Returns:
            Where it is now, a line for each thing.
        """


def package_availability(package: str, command: str) -> Availability:
    """Ready where a package is installed.

    Args:
        package: the module that is imported.
        command: what installs it.
    """
    if importlib.util.find_spec(package) is not None:
        return READY
    return unavailable(f"the package {package} is not installed", command)


@dataclass(frozen=True)
class SinkTarget:
    """A sink with its settings, checked.

    Attributes:
        name: of the entry point.
        sink: what it names.
        settings: of its model.
        folder: of ``--out``, or None.
    """

    name: str
    sink: Sink
    settings: BaseModel
    folder: Path | None

    def write(self, export: RunExport, *, audio: int, force: bool) -> list[str]:
        """Tell the sink of a run; returns where it is now.

        Args:
            export: the run.
            audio: songs of each system to send along.
            force: means nothing to sinks.

        Raises:
            SongbenchError: as the sink says.
            PluginError: the sink failed otherwise.
        """
        report = sink_report(export, audio)
        try:
            return [str(line) for line in self.sink.send(report, self.settings, self.folder)]
        except SongbenchError:
            raise
        except Exception as error:
            plugin = registry.plugin_name(registry.SINKS, self.name)
            raise PluginError(f"The {plugin} failed ({type(error).__name__}: {error}).") from error


def open_sink(name: str, *, out: Path | None, settings: Sequence[str]) -> SinkTarget:
    """A sink, ready to be told.

    Args:
        name: of the entry point.
        out: the folder of ``--out``.
        settings: of ``--set``.

    Raises:
        InputError: there is no such sink, or a setting is wrong.
        UnavailableError: its package is not installed, with the command that installs it.
        PluginError: it is broken.
    """
    plugin = registry.load(registry.SINKS, name)
    try:
        sink = plugin()
        is_sink = isinstance(sink, Sink)
    except Exception as error:
        raise PluginError(
            f"The {registry.plugin_name(registry.SINKS, name)} cannot be built ({type(error).__name__}: {error})."
        ) from error
    if not is_sink:
        raise PluginError(f"The {registry.plugin_name(registry.SINKS, name)} is not a Sink (settings_model, check, …).")
    sink = cast(Sink, sink)
    values = checked(sink.settings_model, nested(read_overrides(settings, "project=songs")))
    state = sink.availability()
    if not state.ready:
        raise UnavailableError(f"Runs cannot be exported to '{name}': {state.reason}. To get it: {state.cure}")
    sink.check(values, out)
    return SinkTarget(name, sink, values, out)


# -- what is told --------------------------------------------------------------------------------------------------


def sink_report(export: RunExport, audio: int = 0) -> SinkReport:
    """What sinks are told of a run.

    Args:
        export: the run.
        audio: how many songs of each system are sent along, the first ones of the suite.
    """
    return SinkReport(
        run=export.name,
        suite=export.results.suite.name,
        leaderboard=export.board.to_frame(),
        systems=tuple(_system_report(export, row.system, audio) for row in export.board.rows),
    )


def _system_report(export: RunExport, card: SystemCard, audio: int) -> SystemReport:
    row = next(row for row in export.board.rows if row.system == card)
    figures = [
        ColumnFigure(column=column, value=cell.value, low=cell.low, high=cell.high, n=cell.n)
        for column, cell in row.cells.items()
        if cell.value is not None
    ]
    examples = [song for song in export.songs if song.system == card.name][:audio]
    scores, songs = export.scores, export.song_table
    return SystemReport(
        card=card,
        config=_config(export, card),
        figures=tuple(figures),
        scores=scores[scores["system"] == card.name].reset_index(drop=True),
        songs=songs[songs["system"] == card.name].reset_index(drop=True),
        examples={song: export.songs[song].source for song in examples},
    )


def _config(export: RunExport, card: SystemCard) -> dict[str, Json]:
    from songbench import __version__

    suite, experiment = export.results.suite, export.experiment
    facts: dict[str, Json] = {
        "run": export.name,
        "suite": suite.name,
        "suite_version": suite.version,
        "prompts": len(suite.prompts),
        "takes": export.results.takes,
        "seed": experiment.seed,
        "system": card.name,
        "system_version": card.version,
        "licence": card.licence,
        "sanity": card.sanity,
        "songbench": __version__,
        "commit": export.record.get("code", {}).get("commit") or "",
        "machine": export.results.machine,
    }
    recorded_system = export.record.get("systems", {}).get(card.name, {})
    facts |= {f"parameters.{name}": value for name, value in recorded_system.get("parameters", {}).items()}
    facts |= {f"statistics.{name}": value for name, value in experiment.statistics.items()}
    return facts | {f"metric.{metric.card.id}": metric.card.version for metric in export.results.metrics}
