"""From options and settings to an experiment, everything checked before work starts."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from songbench.contracts import registry
from songbench.domain.errors import InputError
from songbench.domain.lyric_remarks import summary
from songbench.domain.overrides import read_overrides
from songbench.domain.suite import Suite
from songbench.execution.composition import compose
from songbench.execution.experiment import (
    AssetRemark,
    Experiment,
    build_metrics,
    build_systems,
    check_assets,
    find_suite,
    usable_systems,
)
from songbench.execution.recorded_keys import RecordedKeys
from songbench.execution.sections import check_sections
from songbench.execution.settings import LONGEST_NAME, read_settings
from songbench.execution.tracks import metrics_of_other_tracks, track_defaults


def build_experiment(
    config: Mapping[str, Any],
    *,
    required_metrics: Collection[str] = (),
    systems_named: bool = False,
    metrics_named: bool = False,
    file: str | None = None,
    recorded_keys: RecordedKeys | None = None,
) -> Experiment:
    """Build and check everything a run needs, before any work starts.

    Args:
        config: the resolved configuration.
        required_metrics: those of ``metric.select`` that the user named: it is an error when they are not available.
            Others are only reported then.
        systems_named: whether the user named the systems; of the default ones, those that cannot do anything with the
            suite are left out.
        metrics_named: whether the user named the metrics.
        file: where the configuration was recorded, for errors.
        recorded_keys: of an earlier run that is only read: then it is no error if a system or the suite's audio is not
            here.

    Raises:
        InputError: a broken suite, a system or metric that is unknown or of another track, a value of the wrong kind or
            out of range.
        UnavailableError: a system, or a required metric, that cannot run here.
    """
    # 1. settings
    settings = read_settings(config, file=file)
    if settings.store.startswith("memory:") and not settings.engine.shares_memory:
        raise InputError(
            "A store in memory cannot be shared with worker processes.", field="store", cure="Add --set engine=inline."
        )
    # 2. the suite and its audio
    suite = find_suite(settings.suite.source)
    asset_remarks = _remarks_on_assets(suite, reading=recorded_keys is not None)
    config = _with_track_defaults(config, suite.track, systems=not systems_named, metrics=not metrics_named)
    settings = read_settings(config, file=file)
    # 3. systems and metrics
    systems = build_systems(settings.systems, settings.system_sections, suite=suite, recorded_keys=recorded_keys)
    remarks: tuple[str, ...] = ()
    if not systems_named:
        systems, remarks = usable_systems(systems, suite)
    foreign, of_tracks = metrics_of_other_tracks(settings.selected_metrics, suite, required_metrics)
    metrics = build_metrics(
        settings.selected_metrics, settings.metric_sections, required=required_metrics, without=foreign
    )
    return Experiment(
        name=_run_name(settings.name or suite.name),
        suite=suite,
        systems=systems,
        remarks=(*summary(suite.remarks, settings.suite.source), *remarks, *of_tracks),
        asset_remarks=asset_remarks,
        metrics=metrics,
        takes=settings.takes,
        seed=settings.seed,
        store=settings.store,
        runs=Path(settings.runs),
        engine=settings.engine,
        statistics=settings.statistics.model_dump(),
        config={**config, "systems": [system.spec for system in systems]},
        recorded_keys=recorded_keys,
    )


def _with_track_defaults(config: Mapping[str, Any], track: str, *, systems: bool, metrics: bool) -> dict[str, Any]:
    """The configuration with the systems and metrics of the track where the user named none."""
    defaults = track_defaults(track)
    filled = dict(config)
    if systems and defaults:
        filled["systems"] = defaults["systems"]
    if metrics and defaults:
        filled["metric"] = {**config["metric"], **metric_presets()[defaults["metrics"]]}
    return filled


def _remarks_on_assets(suite: Suite, *, reading: bool) -> tuple[AssetRemark, ...]:
    try:
        return check_assets(suite)
    except InputError:
        if reading:  # the songs were made already
            return ()
        raise


def plan_experiment(
    *,
    suite: str | os.PathLike[str] | None = None,
    systems: Sequence[str] | None = None,
    metrics: Sequence[str] | None = None,
    takes: int | None = None,
    seed: int | None = None,
    name: str | None = None,
    store: str | os.PathLike[str] | None = None,
    runs: str | os.PathLike[str] | None = None,
    workers: int | None = None,
    overrides: Sequence[str] | None = (),
) -> Experiment:
    """Build an experiment from the defaults and whatever is given; the command line's options by their names.

    Metrics that are named have to be available; of the default ones and those of a preset, such as ``paper``, those
    that are not are reported as unavailable.

    Raises:
        InputError: as `compose` and `build_experiment`.
        UnavailableError: as `build_experiment`.
    """
    for option, texts in (("systems", systems), ("metrics", metrics), ("overrides", overrides)):
        _check_texts(option, texts)
    overrides = overrides or ()
    selected, required = _expanded(metrics or ())
    options = {
        "suite.source": suite,
        "systems": systems,
        "metric.select": selected if metrics is not None else None,
        "takes": takes,
        "seed": seed,
        "name": name,
        "store": store,
        "runs": runs,
        "engine.workers": workers,
    }
    config = compose(overrides, options)
    settings = read_settings(config)
    check_sections(settings)
    for preset in metric_presets().keys() & set(metrics or ()):
        parameters = {key: value for key, value in metric_presets()[preset].items() if key != "select"}
        config["metric"] = _beneath(config["metric"], parameters)
    overridden = {override.key for override in read_overrides(overrides)}
    return build_experiment(
        config,
        required_metrics=required,
        systems_named=systems is not None or "systems" in overridden,
        metrics_named=metrics is not None or not overridden.isdisjoint(("metric", "metric.select")),
    )


def _check_texts(option: str, texts: Any) -> None:
    """Refuse what is no list of texts; of one text, each letter would be taken for a name."""
    listed = isinstance(texts, Sequence) and not isinstance(texts, str | bytes)
    if texts is not None and not (listed and all(isinstance(one, str) for one in texts)):
        cure = f"Write {option}=[{texts!r}]." if isinstance(texts, str) else None
        raise InputError(f"Expected a list of texts, found {repr(texts)[:80]}.", field=option, cure=cure)


def metric_presets() -> dict[str, dict[str, Any]]:
    """The files of ``songbench/conf/metric`` by name: ``select`` lists metrics, other keys are their parameters."""
    import yaml

    folder = files("songbench.conf") / "metric"
    paths = [file for file in folder.iterdir() if file.name.endswith(".yaml")]
    return {
        file.name.removesuffix(".yaml"): yaml.safe_load(file.read_text(encoding="utf-8"))
        for file in sorted(paths, key=lambda file: file.name)
    }


def metric_selection(names: Sequence[str]) -> list[str]:
    """The ids that written metrics stand for, each once, in the order given.

    Args:
        names: ids (``per@whisper-base-stem``), bare names (``per``: all backends) or presets (``embedded``).

    Raises:
        InputError: for anything else, with the nearest spelling.
    """
    selected, _ = _expanded(names)
    return list(dict.fromkeys(identifier for name in selected for identifier in registry.metric_ids(name)))


def _expanded(names: Sequence[str]) -> tuple[list[str], frozenset[str]]:
    """Presets written out, and which of the result was named and not merely in a preset."""
    presets, identifiers = metric_presets(), registry.names(registry.METRICS)
    selected: list[str] = []
    for name in names:
        selected += presets[name]["select"] if name in presets else [name]
        if name not in presets and "@" not in name and all(name != one.partition("@")[0] for one in identifiers):
            allowed = dict.fromkeys([*presets, *identifiers, *(one.partition("@")[0] for one in identifiers)])
            raise InputError(
                f"There is no metric '{name}', nor a preset of that name.",
                value=name,
                allowed=allowed,
                cure="'songbench metrics' lists them.",
            )
    return list(dict.fromkeys(selected)), frozenset(name for name in names if name not in presets)


def _beneath(above: Mapping[str, Any], below: Mapping[str, Any]) -> dict[str, Any]:
    """One tree laid over another: what both have comes from the one above."""
    merged = {**below, **above}
    for key in above.keys() & below.keys():
        if isinstance(above[key], Mapping) and isinstance(below[key], Mapping):
            merged[key] = _beneath(above[key], below[key])
    return merged


def _run_name(name: str) -> str:
    unusable = "/" in name or "\0" in name or name.startswith(".") or not name.isprintable()
    if unusable or len(name.encode(errors="replace")) > LONGEST_NAME:
        raise InputError(
            f"'{name[:60]}' cannot name a run.",
            field="name",
            cure=f"It becomes a folder: no '/', no leading '.', at most {LONGEST_NAME} bytes.",
        )
    return name
