"""``system.NAME.KEY`` and ``metric.NAME.KEY``: settings of plug-ins, which must not be lost without a word."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from songbench.contracts import registry
from songbench.contracts.parameters import WRITTEN_IN_THE_NAME, Parameters, parameters_of
from songbench.domain.errors import InputError
from songbench.execution.settings import Settings


def check_sections(settings: Settings) -> None:
    """Refuse settings of systems and metrics that do not exist or take no part: nobody would read them.

    Raises:
        InputError: naming the section, with the nearest name.
    """
    system_names = [registry.SystemSpec.parse(text).name for text in settings.systems]
    _check_names("system", settings.system_sections, registry.names(registry.SYSTEMS), system_names)
    metric_names = [name.partition("@")[0] for name in registry.names(registry.METRICS)]
    selected_names = [name.partition("@")[0] for name in settings.selected_metrics]
    _check_names("metric", settings.metric_sections, metric_names, selected_names)


def _check_names(
    kind: str, sections: Mapping[str, Mapping[str, Any]], names: Sequence[str], taking_part: Sequence[str]
) -> None:
    for name, section in sections.items():
        if name not in names:
            raise InputError(
                f"There is no {kind} '{name}' to set anything of.",
                field=f"{kind}.{name}",
                value=name,
                allowed=dict.fromkeys(names),
            )
        if section and name not in taking_part:
            raise InputError(
                f"The {kind} '{name}' takes no part in this run, so its settings would change nothing.",
                field=f"{kind}.{name}.{next(iter(section))}",
                cure=f"Add it to --{kind}s, or leave the setting out.",
            )


def system_parameters(name: str, section: Mapping[str, Any]) -> dict[str, Any]:
    """The keywords of a system.

    Args:
        name: as registered.
        section: ``system.NAME``.

    Raises:
        InputError: for what belongs into the written name.
    """
    for key in WRITTEN_IN_THE_NAME:
        if key in section:
            raise InputError(
                f"The {key} of a system is no setting.",
                field=f"system.{name}.{key}",
                cure=f"Write it in --systems: {name}:VARIANT, {name}:NAME=SOURCE.",
            )
    return dict(section)


def metric_parameters(identifiers: Sequence[str], name: str, section: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The keywords of each backend of a metric: what it takes of the section they share.

    Args:
        identifiers: the backends that score, ``name@backend``.
        name: the bare name.
        section: ``metric.NAME``.

    Raises:
        InputError: for a key that none of them takes.
    """
    declared = {identifier: parameters_of(registry.load(registry.METRICS, identifier)) for identifier in identifiers}
    for key in section:
        if not any(_takes(parameters, key) for parameters in declared.values()):
            allowed = dict.fromkeys(name for parameters in declared.values() if parameters for name in parameters.names)
            raise InputError(
                f"{' and '.join(declared)} {'have' if len(declared) > 1 else 'has'} no setting '{key}'.",
                field=f"metric.{name}.{key}",
                value=key,
                allowed=allowed,
            )
    return {
        identifier: {key: value for key, value in section.items() if _takes(parameters, key)}
        for identifier, parameters in declared.items()
    }


def _takes(declared: Parameters | None, key: str) -> bool:
    return declared is None or declared.accepts(key)
