"""The settings of a decorated function, and the object that takes its place."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeVar

Plugin_co = TypeVar("Plugin_co", covariant=True)


class Factory(Generic[Plugin_co]):
    """Builds a plug-in from a function and its settings; an entry point may name it.

    The settings are the function's keyword-only parameters: their annotations and ranges are checked as those of every
    factory are (`songbench.contracts.parameters`).

    Args:
        function: the decorated function.
        build: makes the plug-in of all settings.
        positional: what the function is called with, for messages; it has to take exactly as much.

    Attributes:
        function: as it was written, for calling it directly.

    Raises:
        TypeError: the function takes other positional arguments, or a setting has no default.
    """

    def __init__(
        self, function: Callable[..., Any], build: Callable[[Mapping[str, Any]], Plugin_co], positional: str
    ) -> None:
        self.function, self._build = function, build
        self._defaults = defaults_of(function, positional)
        signature = inspect.signature(function)
        settings = [parameter for name, parameter in signature.parameters.items() if name in self._defaults]
        self.__name__, self.__qualname__ = function.__name__, function.__qualname__
        self.__module__, self.__doc__ = function.__module__, function.__doc__
        self.__annotations__ = {name: function.__annotations__.get(name, Any) for name in self._defaults}
        self.__globals__ = function.__globals__  # where the annotations mean something
        self.__signature__ = signature.replace(parameters=settings, return_annotation=signature.empty)

    def default(self, setting: str) -> Any:
        """The default of a setting, None where the function has no such setting."""
        return self._defaults.get(setting)

    def __call__(self, **settings: Any) -> Plugin_co:
        """The plug-in with these settings; defaults for the others.

        Raises:
            TypeError: the function has no such setting.
        """
        if unknown := [name for name in settings if name not in self._defaults]:
            allowed = ", ".join(self._defaults) or "none"
            raise TypeError(f"{self.__name__} has no setting '{unknown[0]}'; it has {allowed}")
        return self._build({**self._defaults, **settings})


def defaults_of(function: Callable[..., Any], positional: str) -> dict[str, Any]:
    """The keyword-only parameters of a function with their defaults.

    Args:
        function: takes some arguments by position and settings by keyword.
        positional: the names of the former as a message shows them, e.g. ``song, centroid``.

    Raises:
        TypeError: it takes more or fewer positional arguments, or a setting has no default.
    """
    parameters = inspect.signature(function).parameters.values()
    by_position = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    expected = len(positional.split(", "))
    if len(by_position) != expected or any(p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD) for p in parameters):
        raise TypeError(
            f"{function.__name__} must be a function of ({positional}), then of settings that are keyword-only:"
            f" def {function.__name__}({positional}, *, setting=…)"
        )
    settings = [p for p in parameters if p.kind is p.KEYWORD_ONLY]
    if required := [p.name for p in settings if p.default is p.empty]:
        raise TypeError(f"the setting '{required[0]}' of {function.__name__} needs a default")
    return {p.name: p.default for p in settings}


def summary_of(function: Callable[..., Any]) -> str:
    """The first line of a function's docstring, "" without one."""
    return (inspect.getdoc(function) or "").partition("\n")[0]


def card_facts(facts: Mapping[str, Any]) -> dict[str, Any]:
    """What a decorator was told, as cards hold it: collections as tuples.

    A set is sorted, as its own order is another one in each process. A text stands for no collection of its letters: it
    stays, and the check of cards refuses it by name where a collection belongs.
    """
    sets = {name: tuple(sorted(value, key=str)) for name, value in facts.items() if isinstance(value, set | frozenset)}
    lists = {name: tuple(value) for name, value in facts.items() if isinstance(value, list)}
    return {**facts, **sets, **lists}
