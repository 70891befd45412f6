"""From the Hydra tree, the command line's options and ``--set`` overrides to an experiment."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from songbench.contracts import registry
from songbench.domain.errors import InputError
from songbench.execution.experiment import (
    EngineSettings,
    Experiment,
    appoint,
    check_assets,
    enter,
    find_suite,
    without_unfed,
)

_OPEN = ("system.", "metric.")  # plug-ins bring keys of their own there


def compose(overrides: Sequence[str] = (), options: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The resolved configuration.

    Args:
        overrides: ``key=value`` in Hydra's grammar, as given with ``--set``.
        options: whole values by dotted key, as given with options of their own; None values are left out.

    Raises:
        InputError: for an override that is malformed or names an unknown key.
    """
    from hydra import compose as hydra_compose
    from hydra import initialize_config_module
    from hydra.errors import HydraException
    from omegaconf import OmegaConf

    for override in overrides:
        if "=" not in override:
            raise InputError(f"'{override}' is not an override.", field="--set", cure="Write key=value.")
    opened = [f"++{o}" if o.startswith(_OPEN) else o for o in overrides]
    try:
        with initialize_config_module("songbench.conf", version_base="1.3"):
            config = hydra_compose("config", overrides=opened)
    except HydraException as error:
        known = _leaves(compose()) if overrides else []
        keys = [override.lstrip("+~").partition("=")[0] for override in overrides]
        unknown = next((key for key in keys if key not in known and not key.startswith(_OPEN)), None)
        if unknown:
            raise InputError(f"There is no setting '{unknown}'.", field="--set", given=unknown, allowed=known) from None
        raise InputError(f"The overrides cannot be read: {str(error).splitlines()[0]}", field="--set") from None
    OmegaConf.set_struct(config, False)
    for key, value in (options or {}).items():
        if value is not None:
            OmegaConf.update(config, key, value)
    resolved: dict[str, Any] = OmegaConf.to_container(config, resolve=True)  # type: ignore[assignment]
    return resolved


def _leaves(config: Mapping[str, Any], prefix: str = "") -> list[str]:
    leaves = []
    for key, value in config.items():
        if isinstance(value, Mapping):
            leaves += [f"{prefix}{key}", *_leaves(value, f"{prefix}{key}.")]
        else:
            leaves.append(f"{prefix}{key}")
    return leaves


def build_experiment(
    config: Mapping[str, Any], *, required_metrics: Collection[str] = (), systems_named: bool = False
) -> Experiment:
    """Build and check everything a run needs, before any work starts.

    Args:
        config: the resolved configuration.
        required_metrics: those of ``metric.select`` that the user named: it is an error when they are not available.
            Others are only reported then.
        systems_named: whether the user named the systems; of the default ones, those that cannot do anything with the
            suite are left out.

    Raises:
        InputError: a broken suite, an unknown system or metric, a value out of range.
        UnavailableError: a system, or a required metric, that cannot run here.
    """
    takes = config["takes"]
    if not isinstance(takes, int) or takes < 1:
        raise InputError(f"{takes!r} is not a number of takes.", field="takes", cure="Give a whole number from 1.")
    suite = find_suite(str(config["suite"]["source"]))
    check_assets(suite)
    metric = {key: value for key, value in config["metric"].items() if key != "select"}
    systems = {name: value or {} for name, value in config["system"].items()}
    if str(config["store"]).startswith("memory:") and config["engine"]["name"] != "inline":
        raise InputError(
            "A store in memory cannot be shared with worker processes.", field="store", cure="Add --set engine=inline."
        )
    entrants = enter(list(config["systems"]), systems)
    remarks: tuple[str, ...] = ()
    if not systems_named:
        entrants, remarks = without_unfed(entrants, suite)
    return Experiment(
        name=_run_name(config["name"] or suite.name),
        suite=suite,
        entrants=entrants,
        remarks=remarks,
        judges=appoint(list(config["metric"]["select"]), metric, required=required_metrics),
        takes=takes,
        seed=int(config["seed"]),
        store=str(config["store"]),
        runs=Path(config["runs"]),
        engine=_engine(config["engine"]),
        statistics=dict(config["statistics"]),
        config={**config, "systems": [entrant.spec for entrant in entrants]},
    )


def plan_experiment(
    *,
    suite: str | None = None,
    systems: Sequence[str] | None = None,
    metrics: Sequence[str] | None = None,
    takes: int | None = None,
    seed: int | None = None,
    name: str | None = None,
    store: str | None = None,
    runs: str | None = None,
    workers: int | None = None,
    overrides: Sequence[str] = (),
) -> Experiment:
    """Build an experiment from the defaults and whatever is given; the command line's options by their names.

    Metrics that are named have to be available; of the default ones and those of a preset, such as ``paper``, those
    that are not are reported as unavailable.

    Raises:
        InputError: as `compose` and `build_experiment`.
        UnavailableError: as `build_experiment`.
    """
    wanted, required = _expanded(metrics or ())
    options = {
        "suite.source": suite,
        "systems": systems,
        "metric.select": wanted if metrics is not None else None,
        "takes": takes,
        "seed": seed,
        "name": name,
        "store": store,
        "runs": runs,
        "engine.workers": workers,
    }
    named = systems is not None or any(override.startswith("systems=") for override in overrides)
    config = compose(overrides, options)
    for preset in metric_presets().keys() & set(metrics or ()):
        own = {key: value for key, value in metric_presets()[preset].items() if key != "select"}
        config["metric"] = _beneath(config["metric"], own)
    return build_experiment(config, required_metrics=required, systems_named=named)


def metric_presets() -> dict[str, dict[str, Any]]:
    """The files of ``songbench/conf/metric`` by name: ``select`` lists metrics, other keys are their parameters."""
    from importlib.resources import files

    import yaml

    folder = files("songbench.conf") / "metric"
    found = [file for file in folder.iterdir() if file.name.endswith(".yaml")]
    return {
        file.name.removesuffix(".yaml"): yaml.safe_load(file.read_text(encoding="utf-8"))
        for file in sorted(found, key=lambda file: file.name)
    }


def metric_selection(names: Sequence[str]) -> list[str]:
    """The ids that written metrics stand for, each once, in the order given.

    Args:
        names: ids (``per@whisper-base-stem``), bare names (``per``: all backends) or presets (``embedded``).

    Raises:
        InputError: for anything else, with the nearest spelling.
    """
    wanted, _ = _expanded(names)
    return list(dict.fromkeys(identifier for name in wanted for identifier in registry.metric_ids(name)))


def _expanded(names: Sequence[str]) -> tuple[list[str], frozenset[str]]:
    """Presets written out, and which of the result was named and not merely in a preset."""
    presets, known = metric_presets(), registry.names(registry.METRICS)
    wanted: list[str] = []
    for name in names:
        wanted += presets[name]["select"] if name in presets else [name]
        if name not in presets and "@" not in name and all(name != one.partition("@")[0] for one in known):
            allowed = dict.fromkeys([*presets, *known, *(one.partition("@")[0] for one in known)])
            raise InputError(
                f"There is no metric '{name}', nor a preset of that name.",
                given=name,
                allowed=allowed,
                cure="'songbench metrics' lists them.",
            )
    return list(dict.fromkeys(wanted)), frozenset(name for name in names if name not in presets)


def _beneath(above: Mapping[str, Any], below: Mapping[str, Any]) -> dict[str, Any]:
    """One tree laid over another: what both have comes from the one above."""
    merged = {**below, **above}
    for key in above.keys() & below.keys():
        if isinstance(above[key], Mapping) and isinstance(below[key], Mapping):
            merged[key] = _beneath(above[key], below[key])
    return merged


def _run_name(name: str) -> str:
    if not name or "/" in name or name.startswith("."):
        raise InputError(
            f"'{name}' cannot name a run.", field="name", cure="It becomes a folder: no '/', no leading '.'."
        )
    return name


def _engine(settings: Mapping[str, Any]) -> EngineSettings:
    allowed = ("local", "inline")
    if settings["name"] not in allowed:
        raise InputError(
            f"There is no engine '{settings['name']}'.", field="engine", given=settings["name"], allowed=allowed
        )
    for key in ("workers", "batch"):
        if settings[key] is not None and (not isinstance(settings[key], int) or settings[key] < 1):
            raise InputError(
                f"{settings[key]!r} is out of range.", field=f"engine.{key}", cure="Give a whole number from 1."
            )
    return EngineSettings(**settings)
