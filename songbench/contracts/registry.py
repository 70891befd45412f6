"""Finding systems, metrics, suites, what they need, engines, report formats and commands by entry point.

Nothing is imported until it is asked for, so that a listing does not pay for every model library and a broken plug-in
breaks only itself; nor are the contracts here, as help and completion want names only. A package adds its own by
declaring entry points in the groups below.
"""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import Distribution, EntryPoint, EntryPoints, entry_points
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, cast

from songbench.domain.errors import InputError, SongbenchError

if TYPE_CHECKING:
    from songbench.contracts.metric import Metric
    from songbench.contracts.system import System
    from songbench.domain.hashing import Json

SYSTEMS = "songbench.systems"
METRICS = "songbench.metrics"
SUITES = "songbench.suites"
WEIGHTS = "songbench.weights"
ENVIRONMENTS = "songbench.environments"
CHECKOUTS = "songbench.checkouts"
COMMANDS = "songbench.commands"
REPORTS = "songbench.reports"
SINKS = "songbench.sinks"
ENGINES = "songbench.engines"


class PluginError(SongbenchError):
    """A plug-in is installed but cannot be used; the others still can."""


_ENDING = re.compile(r"\.[A-Za-z]{2,}$")
_PATH = re.compile(rf"/|{_ENDING.pattern}")


@dataclass(frozen=True)
class SystemSpec:
    """How a user names a system: ``name``, ``name:variant``, ``name=source`` or ``name:variant=source``.

    ``name:path`` is short for ``name:stem=path``; a path is known by a slash or by a file's ending, such as ``.lora``.
    """

    name: str
    variant: str | None = None
    source: str | None = None

    @classmethod
    def parse(cls, text: str) -> SystemSpec:
        """Read the written form."""
        head, _, source = text.partition("=")
        name, _, variant = head.partition(":")
        variant, source = variant.strip(), source.strip()
        if not source and _PATH.search(variant):
            variant, source = _ENDING.sub("", PurePath(variant).name), variant
        return cls(name.strip(), variant or None, source or None)

    def __str__(self) -> str:
        return self.name + (f":{self.variant}" if self.variant else "") + (f"={self.source}" if self.source else "")


@functools.cache
def _installed() -> EntryPoints:
    """Of all groups: looking through every installed package is slow, so it is done once."""
    return cast(EntryPoints, entry_points())  # in Python 3.11 a class of its own, with the same `select`


@functools.cache
def _entry_points(group: str) -> Mapping[str, EntryPoint]:
    return {entry.name: entry for entry in sorted(_installed().select(group=group), key=lambda e: e.name)}


def names(group: str) -> list[str]:
    """Every name declared in a group, sorted."""
    return list(_entry_points(group))


def package_of(group: str, name: str) -> str:
    """The package that declares a name, with its version, e.g. ``songbench 0.1.0``.

    Args:
        group: of entry points, such as `SYSTEMS`.
        name: one of its `names`.
    """
    distribution = _entry_points(group)[name].dist
    return _title(distribution) if distribution else "unknown package"


@functools.cache
def _title(distribution: Distribution) -> str:
    """Name and version, for which everything that a package says of itself is parsed."""
    return f"{distribution.name} {distribution.version}"


def module_of(group: str, name: str) -> str:
    """The module that a name is declared to be in; ``unknown`` for a name that is not declared any more.

    Args:
        group: of entry points.
        name: one of its `names`.
    """
    entry = _entry_points(group).get(name)
    return entry.module if entry else "unknown"


def plugin_name(group: str, name: str) -> str:
    """How messages name a plug-in: what it is, its id and its package, e.g. ``metric 'per@x' (songbench 0.1.0)``.

    Args:
        group: of entry points.
        name: one of its `names`.
    """
    kind = group.rpartition(".")[2].removesuffix("s")
    return f"{kind} '{name}' ({package_of(group, name)})"


def load(group: str, name: str) -> Any:
    """Import what a name stands for.

    Args:
        group: of entry points.
        name: as declared there.

    Raises:
        InputError: for an unknown name, with the nearest known one.
        PluginError: when importing it fails, naming the package at fault.
    """
    kind = group.rpartition(".")[2]
    if name not in _entry_points(group):
        raise InputError(
            f"There is no {kind.removesuffix('s')} '{name}'.",
            value=name,
            allowed=names(group),
            cure=f"'songbench {kind}' lists them." if group in (SYSTEMS, METRICS, SUITES) else None,
        )
    try:
        return _entry_points(group)[name].load()
    except Exception as error:
        raise PluginError(
            f"The {kind.removesuffix('s')} '{name}' of {package_of(group, name)} cannot be loaded"
            f" ({type(error).__name__}: {error}). Repair or uninstall that package."
        ) from error


def _build(group: str, name: str, keywords: Mapping[str, Any]) -> Any:
    from songbench.contracts.parameters import parameters_of

    factory = load(group, name)
    kind = group.rpartition(".")[2].removesuffix("s")
    if parameters := parameters_of(factory):
        parameters.check(keywords, f"{kind} '{name}'")
    try:
        return factory(**keywords)
    except SongbenchError:
        raise
    except TypeError as error:
        settings = ", ".join(f"{key}={value!r}" for key, value in keywords.items()) or "nothing"
        raise InputError(f"The {kind} '{name}' does not accept what it was given ({settings}): {error}.") from error
    except Exception as error:
        raise PluginError(
            f"The {kind} '{name}' of {package_of(group, name)} cannot be built ({type(error).__name__}: {error})."
        ) from error


def build_system(spec: SystemSpec | str, parameters: Mapping[str, Json] | None = None) -> System:
    """Build a system from its written name and parameters.

    Args:
        spec: ``name``, ``name:variant``, ``name=source`` or both, written or parsed.
        parameters: its settings.

    Raises:
        InputError: for an unknown name, variant or parameter.
        PluginError: when the plug-in is broken.
    """
    from songbench.contracts.card_checks import faults_of_system
    from songbench.contracts.system import System

    spec = SystemSpec.parse(spec) if isinstance(spec, str) else spec
    keywords = {key: value for key, value in (("variant", spec.variant), ("source", spec.source)) if value is not None}
    system = _build(SYSTEMS, spec.name, {**keywords, **(parameters or {})})
    if not _is_a(system, System):
        raise PluginError(f"'{spec.name}' of {package_of(SYSTEMS, spec.name)} is not a System (card, parameters, …).")
    _refuse_faults(SYSTEMS, spec.name, faults_of_system(property_of(system, "card", SYSTEMS, spec.name)))
    return cast("System", system)


def build_metric(name: str, parameters: Mapping[str, Json] | None = None) -> Metric:
    """Build a metric from its id and parameters.

    Args:
        name: ``name@backend``, or the bare name of a metric without backends.
        parameters: its settings.

    Raises:
        InputError: for an unknown id or parameter.
        PluginError: when the plug-in is broken.
    """
    from songbench.contracts.card_checks import faults_of_metric
    from songbench.contracts.metric import SetMetric, SongMetric

    metric = _build(METRICS, name, parameters or {})
    if not _is_a(metric, SongMetric, SetMetric):
        raise PluginError(f"'{name}' of {package_of(METRICS, name)} is neither a SongMetric nor a SetMetric.")
    if _is_a(metric, SetMetric):
        property_of(metric, "extractors", METRICS, name)
    _refuse_faults(METRICS, name, faults_of_metric(property_of(metric, "card", METRICS, name)))
    return cast("Metric", metric)


def _is_a(plugin: object, *contracts: type) -> bool:
    """Whether it has what one of the contracts asks for.

    Its properties are not run, as `isinstance` would: one may look for the devices of the machine, which takes loading
    torch.
    """
    return any(all(_has(plugin, name) for name in _members(contract)) for contract in contracts)


def _members(contract: type) -> set[str]:
    """The public names of a protocol and of those it extends."""
    return {name for part in contract.__mro__[:-1] for name in vars(part) if not name.startswith("_")}


def _has(plugin: object, name: str) -> bool:
    try:
        inspect.getattr_static(plugin, name)
    except AttributeError:  # it may make its attributes when they are asked for, and that may raise anything
        try:
            return hasattr(plugin, name)
        except Exception:
            return False
    return True


def property_of(plugin: System | Metric, attribute: str, group: str, name: str) -> Any:
    """What a property of a plug-in gives.

    Args:
        plugin: whose.
        attribute: the property, such as ``parameters``.
        group: of entry points.
        name: of the plug-in there.

    Raises:
        PluginError: the property raises something else than an error of songbench.
    """
    try:
        return getattr(plugin, attribute)
    except SongbenchError:
        raise
    except Exception as error:
        cause = f"{type(error).__name__}: {error}"
        raise PluginError(f"'{attribute}' of the {plugin_name(group, name)} cannot be read ({cause}).") from error


def _refuse_faults(group: str, name: str, faults: Sequence[str]) -> None:
    if faults:
        raise PluginError(f"The card of the {plugin_name(group, name)} cannot be used: {'; '.join(faults)}.")


def metric_ids(identifier: str) -> list[str]:
    """All ids a written metric stands for: itself, or every backend of a bare name (``per`` → ``per@…``).

    Raises:
        InputError: for an unknown name.
    """
    registered = names(METRICS)
    if identifier in registered:
        return [identifier]
    name, _, backend = identifier.partition("@")
    backends = [key for key in registered if key.partition("@")[0] == name]
    if backend and backends:
        raise InputError(f"The metric '{name}' has no backend '{backend}'.", value=identifier, allowed=backends)
    if not backends:
        load(METRICS, identifier)  # raises, with suggestions
    return backends
