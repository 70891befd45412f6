"""One way to check what people write: pydantic models, and one form for everything that is wrong.

A file format or a group of settings is a subclass of `Schema`. `checked` turns decoded data into it, or says what is
wrong where: file, line, field, what was given, what is allowed, the nearest spelling, the cure.
"""

from __future__ import annotations

import re
import types
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, TypeAlias, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, RootModel, Strict, ValidationError
from pydantic_core import ErrorDetails

from songbench.domain.errors import InputError

Whole: TypeAlias = Annotated[int, Strict()]
"""A whole number; neither ``true`` nor ``"3"`` nor ``3.0``."""
Number: TypeAlias = Annotated[float, Strict()]
"""A finite number; neither ``true`` nor ``"3"``."""
Flag: TypeAlias = Annotated[bool, Strict()]
"""``true`` or ``false``; neither 1 nor ``"yes"``."""
Place: TypeAlias = tuple[str | int, ...]
"""The way to a value in nested data: names of fields and places in lists."""

Model = TypeVar("Model", bound=BaseModel)


class Schema(BaseModel):
    """Base of everything people write: unknown fields are errors, no NaN, and nothing changes afterwards."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


def checked(
    model: type[Model],
    value: object,
    *,
    file: str | None = None,
    line: int | None = None,
    lines: Mapping[Place, int] | None = None,
    within: str = "",
) -> Model:
    """Check decoded data against a model.

    Args:
        model: what is expected, a subclass of `Schema` (or a `RootModel` of a mapping to such).
        value: what was decoded: a mapping of names to values.
        file: named in errors.
        line: where `value` stands in `file`, 1-based.
        lines: instead of `line`, the line of every place in `value`, 1-based.
        within: the field that holds `value`, such as ``statistics``; errors then name ``statistics.confidence``.

    Raises:
        InputError: for the first thing that is wrong, in the one form; it names the other fields that are wrong too.
    """
    if not isinstance(value, Mapping):
        raise InputError(f"Expected names with values, found {_quoted(value)}.", file=file, line=line, field=within)
    if half := _half_character(value):
        place, text = half
        if lines is not None:
            line = next((lines[place[:n]] for n in range(len(place), -1, -1) if place[:n] in lines), line)
        message = f"{_EXPECTED['string_unicode']}, found {_quoted(text)}."
        raise InputError(message, file=file, line=line, field=_dotted(place, within) or None)
    try:
        return model.model_validate(dict(value))
    except ValidationError as error:
        raise input_error(error, model, file=file, line=line, lines=lines, within=within) from None


def input_error(
    error: ValidationError,
    model: type[BaseModel],
    *,
    file: str | None = None,
    line: int | None = None,
    lines: Mapping[Place, int] | None = None,
    within: str = "",
) -> InputError:
    """The one form of a validation error; arguments as of `checked`."""
    problems = error.errors(include_url=False)
    places = [_place(model, problem) for problem in problems]
    first, place = problems[0], places[0]
    if lines is not None:
        line = next((lines[place[:n]] for n in range(len(place), -1, -1) if place[:n] in lines), line)
    fields = sorted({_dotted(other, within) for other in places} - {_dotted(place, within)})
    more = f" Also wrong: {', '.join(fields[:5])}{' …' if len(fields) > 5 else ''}." if fields else ""
    allowed = _allowed(model, first, place)
    value = str(place[-1]) if first["type"] == "extra_forbidden" and place else str(first["input"]) if allowed else None
    return InputError(
        _message(first) + more,
        file=file,
        line=line,
        field=_dotted(place, within) or None,
        value=value,
        allowed=allowed,
        cure=_cure(first),
    )


def field_names(model: type[BaseModel]) -> list[str]:
    """The names under which people write a model's fields."""
    return [field.alias or name for name, field in model.model_fields.items()]


def _half_character(value: object, place: Place = ()) -> tuple[Place, str] | None:
    """Where a text with a lone surrogate stands, which no file and no key can hold, and the text."""
    if isinstance(value, str):
        return (place, value) if any("\ud800" <= sign <= "\udfff" for sign in value) else None
    inner: Iterable[tuple[str | int, object]] = ()
    if isinstance(value, Mapping):
        inner = ((name, part) for name, part in value.items() for part in (name, part))
    elif isinstance(value, list | tuple):
        inner = enumerate(value)
    return next((half for name, part in inner if (half := _half_character(part, (*place, name)))), None)


# -- what is said ------------------------------------------------------------------------------------------------------

_EXPECTED = {
    "missing": "The field is missing",
    "extra_forbidden": "There is no such field",
    "model_type": "Expected names with values",
    "model_attributes_type": "Expected names with values",
    "dict_type": "Expected names with values",
    "mapping_type": "Expected names with values",
    "string_type": "Expected text",
    "string_unicode": "Expected text without lone surrogates",
    "too_short": "Expected at least one entry",
    "string_too_short": "Expected a text that is not empty",
    "int_type": "Expected a whole number",
    "int_from_float": "Expected a whole number",
    "int_parsing": "Expected a whole number",
    "float_type": "Expected a number",
    "float_parsing": "Expected a number",
    "finite_number": "Expected a finite number",
    "bool_type": "Expected true or false",
    "bool_parsing": "Expected true or false",
    "list_type": "Expected a list",
    "tuple_type": "Expected a list",
    "literal_error": "This value is not known",
    "enum": "This value is not known",
}
"""By pydantic's type of error; anything else is said in pydantic's own words."""

_BOUNDS = {"greater_than": ">", "greater_than_equal": ">=", "less_than": "<", "less_than_equal": "<="}
_BOUND_KEYS = {">": "gt", ">=": "ge", "<": "lt", "<=": "le"}


def _message(problem: ErrorDetails) -> str:
    kind, context = problem["type"], problem.get("ctx", {})
    if kind in ("missing", "extra_forbidden"):
        return f"{_EXPECTED[kind]}."
    if sign := _BOUNDS.get(kind):
        bound = context[_BOUND_KEYS[sign]]
        value = f"{bound:g}" if isinstance(bound, float) else str(bound)
        return f"Expected a number {sign} {value}, found {_quoted(problem['input'])}."
    expectation = _EXPECTED.get(kind, str(problem["msg"]).removeprefix("Value error, ").rstrip("."))
    value = "" if kind == "value_error" and isinstance(problem["input"], Mapping) else _quoted(problem["input"])
    return f"{expectation[:1].upper()}{expectation[1:]}{', found ' if value else ''}{value}."


def _cure(problem: ErrorDetails) -> str | None:
    value = problem["input"]
    if problem["type"] == "string_type" and isinstance(value, bool | int | float):
        return "Put it in quotes."
    if problem["type"] in ("int_type", "float_type") and isinstance(value, str) and re.fullmatch(r"-?\d+\.?\d*", value):
        return "Leave the quotes out."
    return None


def _quoted(value: object, most: int = 60) -> str:
    if isinstance(value, Mapping):
        return "names with values"
    text = repr(value)
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _dotted(place: Place, within: str) -> str:
    text = within
    for part in place:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


# -- where it is -------------------------------------------------------------------------------------------------------


def _place(model: type[BaseModel], problem: ErrorDetails) -> Place:
    """Pydantic's location without the marks it adds for the arms of unions and for validators."""
    arms: list[Any] = [model]
    place: list[str | int] = []
    last = len(problem["loc"]) - 1
    for number, part in enumerate(problem["loc"]):
        inner = _inner(arms, part)
        unknown = number == last and problem["type"] == "extra_forbidden"
        if inner or unknown:
            place.append(part)
            arms = inner
    return tuple(place)


def _allowed(model: type[BaseModel], problem: ErrorDetails, place: Place) -> Sequence[str]:
    if problem["type"] in ("literal_error", "enum"):
        return re.findall(r"'([^']*)'", str(problem.get("ctx", {}).get("expected", "")))
    if problem["type"] != "extra_forbidden":
        return ()
    arms: list[Any] = [model]
    for part in place[:-1]:
        arms = _inner(arms, part)
    models = [arm for arm in _arms(arms) if isinstance(arm, type) and issubclass(arm, BaseModel)]
    return list(dict.fromkeys(name for arm in models for name in field_names(arm)))


def _arms(annotations: Sequence[Any]) -> list[Any]:
    """Annotations with aliases, `Annotated`, unions and root models taken apart."""
    arms = []
    for annotation in annotations:
        origin = get_origin(annotation)
        if origin is Annotated:
            arms += _arms([get_args(annotation)[0]])
        elif origin in (Union, types.UnionType):
            arms += _arms(get_args(annotation))
        elif isinstance(annotation, type) and issubclass(annotation, RootModel):
            arms += _arms([annotation.model_fields["root"].annotation])
        else:
            arms.append(annotation)
    return arms


def _inner(annotations: Sequence[Any], part: str | int) -> list[Any]:
    """What may stand at `part` of a value with one of these annotations; empty when `part` is no place of the data."""
    inner = []
    for arm in _arms(annotations):
        origin, arguments = get_origin(arm), get_args(arm)
        if isinstance(arm, type) and issubclass(arm, BaseModel):
            inner += [field.annotation for name, field in arm.model_fields.items() if part in (name, field.alias)]
        elif isinstance(origin, type) and issubclass(origin, Mapping):
            inner += arguments[1:]
        elif isinstance(origin, type) and issubclass(origin, Sequence) and isinstance(part, int):
            by_place = len(arguments) > part and Ellipsis not in arguments and origin is tuple
            inner.append(arguments[part] if by_place else arguments[0])
    return inner
