"""From the Hydra tree, the command line's options and ``--set`` overrides to an experiment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

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
    config: Mapping[str, Any], *, metrics_required: bool = False, systems_named: bool = False
) -> Experiment:
    """Build and check everything a run needs, before any work starts.

    Args:
        config: the resolved configuration.
        metrics_required: whether an unavailable metric is an error (the user named it) or only reported.
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
        judges=appoint(list(config["metric"]["select"]), metric, required=metrics_required),
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

    Metrics that are named have to be available; of the default ones, those that are not are reported as unavailable.

    Raises:
        InputError: as `compose` and `build_experiment`.
        UnavailableError: as `build_experiment`.
    """
    options = {
        "suite.source": suite,
        "systems": systems,
        "metric.select": metrics,
        "takes": takes,
        "seed": seed,
        "name": name,
        "store": store,
        "runs": runs,
        "engine.workers": workers,
    }
    named = systems is not None or any(override.startswith("systems=") for override in overrides)
    return build_experiment(compose(overrides, options), metrics_required=metrics is not None, systems_named=named)


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
