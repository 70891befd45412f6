"""What a plug-in may be told: the parameters of its factory, and whether what was given is that.

A factory's own signature is the declaration: names, annotations (a range as ``Annotated[int, Field(ge=1)]``), what has
a default. Nothing else has to be written, and a setting that is misspelt, of another kind or out of range is an error
that names it instead of a default that is measured.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
import json
import types
import typing
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model
from pydantic.errors import PydanticUserError

from songbench.domain.checking import Schema, input_error
from songbench.domain.errors import InputError
from songbench.domain.hashing import Json

Loudness: TypeAlias = Annotated[float, Field(ge=-70, le=0)]
"""A level in LUFS that songs are brought to."""
BatchSize: TypeAlias = Annotated[int, Field(ge=1, le=65_536)]
"""How many inputs a model is given at once."""

_VARIANT, _SOURCE = "variant", "source"
WRITTEN_IN_THE_NAME = (_VARIANT, _SOURCE)
"""Given as ``name:variant=source``, not as settings."""


@dataclass(frozen=True, kw_only=True)
class Parameters:
    """What a factory accepts.

    Attributes:
        names: of its keywords, in order.
        required: those of them that have no default.
        open: whether it takes keywords of any name and checks them itself.
    """

    names: tuple[str, ...]
    required: tuple[str, ...]
    open: bool
    _factory: Callable[..., Any]

    @functools.cached_property
    def _model(self) -> type[BaseModel]:
        """Made when values are there to be checked: making it takes longer than building most plug-ins."""
        return _model_of(self._factory, self.open)

    @property
    def settings(self) -> tuple[str, ...]:
        """The names without those that are written in a system's name."""
        return tuple(name for name in self.names if name not in WRITTEN_IN_THE_NAME)

    def accepts(self, name: str) -> bool:
        """Whether a keyword of this name may be given."""
        return self.open or name in self.names

    def check(self, keywords: Mapping[str, Json], plugin: str) -> None:
        """Refuse what the factory does not take.

        Args:
            keywords: what is to be given to the factory.
            plugin: for messages, such as ``system 'rulebased'``.

        Raises:
            InputError: an unknown name, a value of another kind than annotated, or one that is missing; naming it.
        """
        for name, kind in ((_VARIANT, "variants (NAME:VARIANT)"), (_SOURCE, "source (NAME=SOURCE)")):
            if name in keywords and not self.accepts(name):
                raise InputError(f"The {plugin} has no {kind}, but '{keywords[name]}' was given.", field=name)
        for name in keywords:
            if not self.accepts(name):
                raise InputError(
                    f"The {plugin} has no setting '{name}'{'' if self.settings else ', nor any other'}.",
                    field=name,
                    value=name,
                    allowed=self.settings,
                )
        if not keywords and not self.required:
            return
        try:
            self._model.model_validate_json(json.dumps(keywords), strict=True)
        except ValidationError as error:
            raise input_error(error, self._model) from None
        except (TypeError, ValueError) as error:
            raise InputError(f"A setting of the {plugin} is nothing that JSON can hold ({error}).") from None


def variants_of(factory: Callable[..., Any]) -> tuple[str, ...]:
    """The variants that a system's factory names by its annotation, ``Literal["base", "full"] | None``, if it does."""
    hint = _hints(factory).get(_VARIANT)
    parts = (
        typing.get_args(hint) if isinstance(hint, types.UnionType) or typing.get_origin(hint) is typing.Union else ()
    )
    literals = [part for part in (hint, *parts) if typing.get_origin(part) is Literal]
    return tuple(value for literal in literals for value in typing.get_args(literal) if isinstance(value, str))


def parameters_of(factory: Callable[..., Any]) -> Parameters | None:
    """What a factory accepts, by its signature; None for one that has none, such as some built-ins."""
    return _parameters(factory) if isinstance(factory, Hashable) else None


@functools.cache
def _parameters(factory: Callable[..., Any]) -> Parameters | None:
    try:
        signature = inspect.signature(factory)
    except (TypeError, ValueError):
        return None
    keywords = _keywords(signature)
    return Parameters(
        names=tuple(parameter.name for parameter in keywords),
        required=tuple(parameter.name for parameter in keywords if parameter.default is parameter.empty),
        open=any(parameter.kind is parameter.VAR_KEYWORD for parameter in signature.parameters.values()),
        _factory=factory,
    )


def _keywords(signature: inspect.Signature) -> list[inspect.Parameter]:
    return [
        parameter
        for parameter in signature.parameters.values()
        if parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY)
    ]


def _model_of(factory: Callable[..., Any], is_open: bool) -> type[BaseModel]:
    """What the keywords of a factory are checked against."""
    hints = _hints(factory)
    fields: dict[str, Any] = {
        f"p{number}": (_checkable(hints.get(parameter.name, Any)), _default(parameter))
        for number, parameter in enumerate(_keywords(inspect.signature(factory)))
    }
    base = create_model("Base", __base__=Schema, __config__=None)
    base.model_config = ConfigDict(extra="allow" if is_open else "forbid", frozen=True, allow_inf_nan=False)
    model: type[BaseModel] = create_model(getattr(factory, "__name__", "factory"), __base__=base, **fields)
    return model


def _default(parameter: inspect.Parameter) -> Any:
    """The field of a parameter: under its own name, which pydantic might keep for itself, only as an alias."""
    required = parameter.default is parameter.empty
    return Field(alias=parameter.name) if required else Field(default=None, alias=parameter.name)


def _hints(factory: Callable[..., Any]) -> Mapping[str, Any]:
    """The annotations that can be evaluated; those of a plug-in may name what exists for its type checker only."""
    function: Any = inspect.getattr_static(factory, "__init__") if isinstance(factory, type) else factory
    hints: dict[str, Any] = {}
    for name, annotation in getattr(function, "__annotations__", {}).items():
        alone = types.SimpleNamespace(__annotations__={name: annotation})
        with contextlib.suppress(Exception):
            hints |= typing.get_type_hints(alone, getattr(function, "__globals__", {}), include_extras=True)
    return hints


def _checkable(hint: Any) -> Any:
    """The annotation where pydantic can check it, else anything."""
    try:
        probe = create_model("Probe", value=(hint, ...))
    except PydanticUserError:
        return Any
    return hint if probe.__pydantic_complete__ else Any
