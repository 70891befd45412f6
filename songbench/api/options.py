"""Options of functions: the same names and the same refusals as on the command line."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from os import PathLike
from typing import Any, ParamSpec, TypeAlias, TypeVar

P = ParamSpec("P")
R = TypeVar("R")
Location: TypeAlias = str | PathLike[str]
"""A path; for a store also the URL of any fsspec file system."""


def checked_options(function: Callable[P, R]) -> Callable[P, R]:
    """A function whose options are checked when it is called: `check_options`."""

    @functools.wraps(function)
    def call(*arguments: P.args, **options: P.kwargs) -> R:
        check_options(function, options)
        return function(*arguments, **options)

    return call


def check_options(function: Callable[..., Any], options: Mapping[str, object]) -> None:
    """Refuse options that a function does not have.

    Raises:
        InputError: naming the nearest one; also for a flag, such as `retry_failed`, that is neither True nor False.
    """
    from songbench.domain.errors import InputError

    parameters = inspect.signature(function).parameters
    for option, value in options.items():
        if option not in parameters:
            raise InputError(
                f"songbench.{function.__name__} has no option '{option}'.",
                field=option,
                value=option,
                allowed=parameters,
                cure="Other settings are given as overrides=['key=value']." if "overrides" in parameters else None,
            )
        if isinstance(parameters[option].default, bool) and not isinstance(value, bool):
            raise InputError(f"Expected True or False, found {value!r}.", field=option)
