"""Every setting of a run, with its range: the model that files, options, ``--set`` and records are checked against."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from pydantic import Field, Strict

from songbench.contracts import registry
from songbench.domain.checking import Flag, Number, Schema, Whole, checked
from songbench.domain.errors import InputError

MOST_TAKES = 10_000
MOST_WORKERS = 1024
MOST_BATCH = 65_536
MOST_RETRIES = 100
LONGEST_TIMEOUT_S = 30 * 24 * 3600.0
FEWEST_REPLICATES = 100
"""Below, the ends of a 95 % interval hang on two or three replicates."""
MOST_REPLICATES = 1_000_000
MOST_CONFIDENCE = 0.999
LARGEST_SEED = 2**63 - 1
LONGEST_NAME = 200
"""Bytes of a run's name; a folder's name may have 255, and files beside it have longer ones."""
LONGEST_PART, LONGEST_PATH = 255, 4000
DEFAULT_ENGINE = "local"

Text = Annotated[str, Strict(), Field(min_length=1)]
Seed = Annotated[Whole, Field(ge=0, le=LARGEST_SEED)]
Section = Mapping[str, Any]
"""Settings of one plug-in; its own signature says what they may be (`songbench.contracts.parameters`)."""


class SuiteSettings(Schema):
    """Which prompts.

    Attributes:
        source: a registered suite, or the path of a suite file.
    """

    source: Text


class EngineSettings(Schema):
    """Where and how units of work run; an engine adds its own settings in a subclass.

    Attributes:
        shares_memory: whether jobs run in this process, so that a store in memory can be used.
        name: of the engine, an entry point of the group ``songbench.engines``.
        workers: how many at once; None: one per accelerator, or one per CPU core without one.
        batch: songs handed over at once; None: many on an accelerator, few on CPU cores.
        retries: how often a unit is tried again after a crash, an exception or a time-out.
        timeout_s: how long one song may take before its worker is ended; an engine without time-outs ignores it.
    """

    shares_memory: ClassVar[bool] = False

    name: Text
    workers: Annotated[Whole, Field(ge=1, le=MOST_WORKERS)] | None = None
    batch: Annotated[Whole, Field(ge=1, le=MOST_BATCH)] | None = None
    retries: Annotated[Whole, Field(ge=0, le=MOST_RETRIES)] = 1
    timeout_s: Annotated[Number, Field(ge=0, le=LONGEST_TIMEOUT_S)] = 1800.0


class StatisticsSettings(Schema):
    """How the leaderboard tells differences from chance.

    Attributes:
        confidence: of every interval.
        replicates: of the bootstrap.
        seed: of the bootstrap.
    """

    confidence: Annotated[Number, Field(ge=0.5, le=MOST_CONFIDENCE)] = 0.95
    replicates: Annotated[Whole, Field(ge=FEWEST_REPLICATES, le=MOST_REPLICATES)] = 2000
    seed: Seed = 0


class Settings(Schema):
    """A whole run, as resolved from files, options and ``--set``.

    Attributes:
        suite: which prompts.
        systems: as the user wrote them: ``name``, ``name:variant``, ``name:variant=source``.
        system: per registered system, its parameters.
        metric: ``select``: ids or bare names; everything else: per bare metric name, its parameters.
        takes: songs per prompt and system.
        seed: from which the seeds of all takes follow.
        name: of the run and its folder; None: the suite's.
        store: any fsspec URL.
        runs: the folder of run folders.
        retry_failed: whether to try again what is stored as failed.
        engine: where and how work is done.
        statistics: of the leaderboard.
    """

    suite: SuiteSettings
    systems: Annotated[list[Text], Field(min_length=1)]
    system: Mapping[str, Section | None] = Field(default_factory=dict)
    metric: Mapping[str, Any]
    takes: Annotated[Whole, Field(ge=1, le=MOST_TAKES)] = 1
    seed: Seed = 0
    name: Text | None = None
    store: Text
    runs: Text
    retry_failed: Flag = False
    engine: EngineSettings
    statistics: StatisticsSettings = StatisticsSettings()

    @property
    def selected_metrics(self) -> list[str]:
        """Ids or bare names, as written."""
        return list(self.metric["select"])

    @property
    def system_sections(self) -> dict[str, dict[str, Any]]:
        """Parameters by registered system name."""
        return {name: dict(section or {}) for name, section in self.system.items()}

    @property
    def metric_sections(self) -> dict[str, dict[str, Any]]:
        """Parameters by bare metric name."""
        return {name: dict(section or {}) for name, section in self.metric.items() if name != "select"}


class _Selection(Schema):
    select: list[Text]


class _Sections(Schema):
    metric: Mapping[str, Section | None]


def read_settings(config: Mapping[str, Any], *, file: str | None = None) -> Settings:
    """Check a resolved configuration.

    Args:
        config: decoded: names, texts, numbers, lists.
        file: where it was recorded, for errors.

    Raises:
        InputError: for an unknown setting, one of another kind or out of its range; naming it.
    """
    settings = checked(Settings, {**config, "engine": _engine_settings(config, file)}, file=file)
    checked(_Selection, {"select": settings.metric.get("select")}, file=file, within="metric")
    checked(_Sections, {"metric": {k: v for k, v in settings.metric.items() if k != "select"}}, file=file)
    for field in ("system", "metric"):
        _decodable(getattr(settings, field), field, file)
    for field, text in (("store", settings.store), ("runs", settings.runs), ("suite.source", settings.suite.source)):
        _usable_path(text, field, file)
    return settings


def engine_settings_model(name: str) -> type[EngineSettings]:
    """What the settings of an engine are checked against.

    Raises:
        InputError: there is no engine of this name.
        PluginError: it cannot be imported, or songbench was changed since it was installed.
    """
    if DEFAULT_ENGINE not in registry.names(registry.ENGINES):
        raise registry.PluginError(
            "The installed entry points of songbench are older than its code. Install it again: pip install -e ."
        )
    model: type[EngineSettings] = registry.load(registry.ENGINES, name).settings_model
    return model


def _engine_settings(config: Mapping[str, Any], file: str | None) -> Any:
    """The section ``engine``, checked by the model of the engine it names; as it is where it is no section."""
    section = config.get("engine", {})
    if not isinstance(section, Mapping):
        return section
    section = {"name": DEFAULT_ENGINE, **section}
    if not isinstance(section["name"], str):
        return checked(EngineSettings, section, file=file, within="engine")
    try:
        model = engine_settings_model(section["name"])
    except InputError as error:
        raise error.located(file=file, field="engine.name") from None
    return checked(model, section, file=file, within="engine")


def _usable_path(text: str, field: str, file: str | None) -> None:
    if "\0" in text:
        raise InputError("A path cannot hold a NUL character.", file=file, field=field)
    if any(len(part.encode(errors="replace")) > LONGEST_PART for part in text.split("/")) or len(text) > LONGEST_PATH:
        raise InputError(
            f"The path '{text[:60]}…' is too long.",
            file=file,
            field=field,
            cure=f"File systems take {LONGEST_PART} bytes between two '/', and {LONGEST_PATH} in all.",
        )


def _decodable(value: Any, field: str, file: str | None, depth: int = 0) -> None:
    """Refuse what JSON cannot hold: the values become part of keys and of the record.

    Raises:
        InputError: naming the field.
    """
    if depth > 50:
        raise InputError("The value is nested too deep.", file=file, field=field)
    if isinstance(value, float) and not abs(value) < float("inf"):
        raise InputError(f"Expected a finite number, found {value}.", file=file, field=field)
    if isinstance(value, str) and any("\ud800" <= sign <= "\udfff" for sign in value):
        raise InputError("Expected text without lone surrogates.", file=file, field=field)
    if isinstance(value, Mapping):
        for name, inner in value.items():
            if not isinstance(name, str):
                raise InputError(f"Names are text, found {name!r}.", file=file, field=field, cure="Put it in quotes.")
            _decodable(inner, f"{field}.{name}", file, depth + 1)
    elif isinstance(value, list | tuple):
        for number, inner in enumerate(value):
            _decodable(inner, f"{field}[{number}]", file, depth + 1)
    elif not isinstance(value, str | bool | int | float | None):
        raise InputError(
            f"Expected text, a number, a list or names with values, found {value!r}.", file=file, field=field
        )
