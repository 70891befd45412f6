"""The settings of a run, composed: Hydra's tree, ``--set`` overrides laid over it, options over those."""

from __future__ import annotations

import copy
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cache
from importlib.metadata import version
from importlib.resources import files
from importlib.resources.abc import Traversable
from numbers import Integral
from typing import Any

from pydantic import BaseModel

from songbench.contracts import registry
from songbench.domain.errors import InputError, SongbenchError
from songbench.domain.hashing import content_key
from songbench.domain.overrides import Override, read_overrides
from songbench.execution.settings import EngineSettings, Settings, engine_settings_model
from songbench.resources.user_cache import cached, keep

_OPEN = ("system.", "metric.")
"""Plug-ins have keys of their own there; `songbench.execution.sections` looks at them."""


def compose(overrides: Sequence[str] = (), options: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The resolved configuration, its values not checked yet.

    Args:
        overrides: ``key=value``, as given with ``--set``.
        options: whole values by dotted key, as given with options of their own; None values are left out.

    Raises:
        InputError: for an override that is malformed, names an unknown key, or refers to what is not there.
    """
    files_of: dict[str, str] = {}
    engine: str | None = None
    single: list[Override] = []
    for override in read_overrides(overrides):
        _check_key(override)
        if override.key not in _groups() or isinstance(override.value, Mapping):
            single.append(override)
        elif (choice := _choice(override)) in _groups()[override.key]:
            files_of[override.key] = choice
        else:
            engine = choice
    tree = _composed(tuple(sorted(files_of.items())))
    if engine:  # of another package, which has no file here: its own defaults
        tree = {**tree, "engine": {"name": engine}}
    resolved = _resolved(tree, single) if single or _refers(tree) else copy.deepcopy(dict(tree))
    for key, value in (options or {}).items():
        if value is not None:
            *sections, name = key.split(".")
            place = resolved
            for section in sections:
                place = _section(place, section)
            place[name] = _ordinary(value)
    return resolved


def _resolved(tree: Mapping[str, Any], overrides: Sequence[Override]) -> dict[str, Any]:
    """The tree with overrides laid over it and what it refers to put in."""
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException

    try:
        config = OmegaConf.create(dict(tree))
        for override in overrides:
            OmegaConf.update(config, override.key, override.value, merge=True, force_add=True)
        resolved: dict[str, Any] = OmegaConf.to_container(  # type: ignore[assignment]
            config, resolve=True, throw_on_missing=True
        )
    except (OmegaConfBaseException, ValueError, TypeError) as error:
        raise InputError(
            f"The settings do not fit together: {str(error).splitlines()[0][:200]}.",
            field=getattr(error, "full_key", None) or "--set",
            cure="A text with '${' refers to another setting or an environment variable, which has to be there.",
        ) from None
    return resolved


def _refers(tree: Mapping[str, Any]) -> bool:
    """Whether a text of the tree refers to something else, or stands for a value that is missing."""
    text = json.dumps(tree, ensure_ascii=False)
    return "${" in text or '"???"' in text


@cache
def _composed(choices: tuple[tuple[str, str], ...]) -> Mapping[str, Any]:
    """Hydra's tree with these files of the groups, nothing that it refers to put in.

    Hydra takes a third of the time that a run with nothing to do takes, and the same files give the same.
    """
    texts = [list(entry) for entry in sorted(_texts(files("songbench.conf")))]
    key = content_key("settings", version("hydra-core"), [list(choice) for choice in choices], texts)
    if (content := cached("settings", key)) is not None:
        tree: dict[str, Any] = json.loads(content)
        return tree
    from hydra import compose as hydra_compose
    from hydra import initialize_config_module
    from omegaconf import OmegaConf

    with initialize_config_module("songbench.conf", version_base="1.3"):
        config = hydra_compose("config", overrides=[f"{group}={file}" for group, file in choices])
    tree = OmegaConf.to_container(config, resolve=False)  # type: ignore[assignment]
    keep("settings", key, json.dumps(tree).encode())
    return tree


def _texts(folder: Traversable, path: str = "") -> Iterator[tuple[str, str]]:
    """Every file of Hydra's tree, with its path and content."""
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _texts(entry, f"{path}{entry.name}/")
        elif entry.name.endswith(".yaml"):
            yield f"{path}{entry.name}", entry.read_text(encoding="utf-8")


@cache
def _groups() -> Mapping[str, tuple[str, ...]]:
    """The folders of ``songbench/conf`` and the files in each, from which ``engine=inline`` chooses."""
    folders = [one for one in files("songbench.conf").iterdir() if one.is_dir() and not one.name.startswith("_")]
    return {
        folder.name: tuple(sorted(one.name[:-5] for one in folder.iterdir() if one.name.endswith(".yaml")))
        for folder in folders
        if folder.name not in ("system", "track")  # defaults of single systems and of tracks, not alternatives
    }


def _choice(override: Override) -> str:
    allowed = _groups()[override.key]
    if override.key == "engine":
        allowed = tuple(dict.fromkeys([*allowed, *registry.names(registry.ENGINES)]))
    if override.value not in allowed:
        raise InputError(
            f"There is no {override.key} '{override.value}' to choose.",
            field=override.key,
            value=str(override.value),
            allowed=allowed,
            cure="--suite takes the path of a file." if override.key == "suite" else None,
        )
    return str(override.value)


def setting_names() -> list[str]:
    """Every setting by its dotted key; what plug-ins bring is ``system.NAME.KEY`` and ``metric.NAME.KEY``."""

    def names(model: type[BaseModel], prefix: str = "") -> list[str]:
        leaves: list[str] = []
        for name, field in model.model_fields.items():
            if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
                leaves += names(field.annotation, f"{prefix}{name}.")
            else:
                leaves.append(f"{prefix}{name}")
        return leaves

    fixed = [name for name in names(Settings) if name not in ("system", "metric")]
    of_engines = [f"engine.{name}" for model in _engine_models() for name in model.model_fields]
    return [*dict.fromkeys([*fixed, *of_engines]), "metric.select", "system.NAME.KEY", "metric.NAME.KEY"]


def _engine_models() -> list[type[EngineSettings]]:
    """What the settings of each engine are checked against; a broken plug-in has none."""
    models = []
    for name in registry.names(registry.ENGINES):
        with suppress(SongbenchError):
            models.append(engine_settings_model(name))
    return models


def _check_key(override: Override) -> None:
    settings = setting_names()
    sections = {name.partition(".")[0] for name in settings if "." in name}
    whole_section = override.key in sections and (override.key in _groups() or isinstance(override.value, Mapping))
    if override.key in settings[:-2] or override.key.startswith(_OPEN) or whole_section:
        return
    if override.key in sections:
        raise InputError(
            f"'{override.key}' holds several settings.",
            field=override.key,
            allowed=[name for name in settings if name.startswith(f"{override.key}.")],
        )
    raise InputError(f"There is no setting '{override.key}'.", field=override.key, value=override.key, allowed=settings)


def _section(tree: dict[str, Any], name: str) -> dict[str, Any]:
    """A section that an option goes into; where something else stands, checking the whole will say so."""
    if not isinstance(tree.get(name), dict):
        raise InputError(f"Expected names with values, found {tree.get(name)!r}.", field=name)
    section: dict[str, Any] = tree[name]
    return section


def _ordinary(value: Any) -> Any:
    """An option from Python as what a file could hold: paths are texts, tuples lists, numpy's integers integers."""
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if isinstance(value, tuple | list):
        return [_ordinary(one) for one in value]
    return value if isinstance(value, bool) or not isinstance(value, Integral) else int(value)
