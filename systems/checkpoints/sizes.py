"""What configurations of models have in common, whatever their fields."""

from __future__ import annotations

import math
from dataclasses import fields
from typing import Any

from songbench.domain.errors import InputError


def check_positive(config: object, *names: str) -> None:
    """Refuse sizes that are not finite numbers above 0.

    Args:
        config: a configuration.
        names: of its fields.

    Raises:
        InputError: naming the field.
    """
    for name in names:
        value = getattr(config, name)
        if not 0 < value < math.inf:
            raise InputError(f"A model whose {name} is {value} cannot be.", field=name)


def values_of(config: Any) -> dict[str, Any]:
    """The fields of a configuration by name, not copied."""
    return {field.name: getattr(config, field.name) for field in fields(config)}
