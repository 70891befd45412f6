"""The settings of a training, composed: Hydra's tree in ``conf``, a recipe, ``--set`` laid over both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from importlib.resources import files
from typing import Any, TypeVar

from songbench.domain.checking import checked
from songbench.domain.errors import InputError
from songbench.domain.overrides import read_overrides
from systems.songbloom.training.objective import SongBloomObjective
from systems.songbloom.training.preference.objective import PreferenceObjective
from systems.songbloom.training.settings import TrainingSettings

_TREE = "systems.songbloom.training.conf"


def choices(group: str) -> tuple[str, ...]:
    """The names of the files of a group, ``recipe`` or ``optimiser``."""
    return tuple(sorted(file.name[:-5] for file in files(_TREE).joinpath(group).iterdir()))


def compose_settings(recipe: str, overrides: Sequence[str] = ()) -> TrainingSettings:
    """The settings of a training.

    Args:
        recipe: a name of ``--config``.
        overrides: ``key=value``, as given with ``--set``; ``optimiser=NAME`` chooses a preset.

    Raises:
        InputError: an unknown recipe, key or value.
    """
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException

    read = read_overrides(overrides, example="optimiser.lr=1e-4")
    presets = [one for one in read if one.key == "optimiser" and not isinstance(one.value, Mapping)]
    config = _composed(_choice("recipe", recipe))
    for preset in presets:  # as it was asked for, it wins over what the recipe says of the optimiser
        file = files(_TREE).joinpath("optimiser", f"{_choice('optimiser', preset.value)}.yaml")
        config.optimiser = OmegaConf.create(file.read_text(encoding="utf-8"))
    try:
        for override in read:
            if override not in presets:
                OmegaConf.update(config, override.key, override.value, merge=True, force_add=True)
        tree: Any = OmegaConf.to_container(config, resolve=True, throw_on_missing=True)
    except (OmegaConfBaseException, ValueError, TypeError) as error:
        raise InputError(
            f"The settings do not fit together: {str(error).splitlines()[0][:200]}.", field="--set"
        ) from None
    settings = checked(TrainingSettings, tree)
    settings.check_schedule()
    return settings


def objective_settings(settings: TrainingSettings) -> SongBloomObjective:
    """The objective that the settings describe.

    Raises:
        InputError: an unknown setting of it, or a value that cannot be.
    """
    return objective_of(settings, SongBloomObjective)


Objective = TypeVar("Objective", SongBloomObjective, PreferenceObjective)


def objective_of(settings: TrainingSettings, form: type[Objective]) -> Objective:
    """The same of any form that objectives have.

    Raises:
        InputError: an unknown setting of it, or a value that cannot be.
    """
    allowed = tuple(field.name for field in fields(form))
    for name in settings.objective:
        if name not in allowed:
            raise InputError(f"The objective has no setting '{name}'.", field="objective", value=name, allowed=allowed)
    try:
        return form(**settings.objective)
    except TypeError as error:
        raise InputError(f"The objective cannot be so: {error}.", field="objective") from None


def _composed(recipe: str) -> Any:
    from hydra import compose, initialize_config_module
    from omegaconf import OmegaConf

    with initialize_config_module(_TREE, version_base="1.3"):
        config = compose("config", overrides=[f"recipe={recipe}"])
    OmegaConf.set_struct(config, False)
    return config


def _choice(group: str, name: object) -> str:
    allowed = choices(group)
    if name not in allowed:
        field = "--config" if group == "recipe" else group
        raise InputError(f"There is no {group} '{name}'.", field=field, value=str(name), allowed=allowed)
    return str(name)
