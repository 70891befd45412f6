"""Protocol files: YAML, checked, with errors that name file, line and field."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from listening_test.protocol.model import Protocol
from songbench.domain.errors import InputError

_PRESETS = resources.files("listening_test.protocol") / "presets"


def preset_names() -> list[str]:
    """Every preset, in alphabetical order."""
    return sorted(one.name.removesuffix(".yaml") for one in _PRESETS.iterdir() if one.name.endswith(".yaml"))


def load_protocol(source: str | Path, overrides: Mapping[str, Any] | None = None) -> Protocol:
    """Read a protocol: the name of a preset or a YAML file.

    A file may say ``preset: songbloom`` and then only what differs: mappings are merged, everything else replaced.

    Args:
        source: which.
        overrides: more of the same, e.g. ``{"raters": {"planned": 20}}``; they win.

    Raises:
        InputError: for an unknown preset, an unreadable file, YAML that does not parse, an unknown or impossible field;
            naming file, line and field.
    """
    path = Path(source)
    if path.suffix in (".yaml", ".yml") or path.is_file():
        text, file = _read(path), str(path)
    else:
        text, file = preset_text(str(source)), f"preset {source}"
    value, lines = _parse(text, file)
    base = value.pop("preset", None)
    if base is not None:
        inherited, _ = _parse(preset_text(str(base), file=file, line=lines.get(("preset",))), f"preset {base}")
        value = merged(inherited, value)
    value = merged(value, overrides or {})
    try:
        return Protocol.model_validate(value)
    except ValidationError as error:
        raise _explained(error, file, lines, overrides or {}) from None


def merged(base: Mapping[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    """`base` with `change` laid over it; mappings are merged all the way down."""
    result = dict(base)
    for name, value in change.items():
        under = result.get(name)
        result[name] = merged(under, value) if isinstance(value, Mapping) and isinstance(under, Mapping) else value
    return result


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise InputError(
            "No such protocol file.", file=str(path), cure="`songbench listen presets` lists those that ship."
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"The protocol cannot be read ({error}).", file=str(path), cure="It has to be a text file in UTF-8."
        ) from None


def preset_text(name: str, *, file: str | None = None, line: int | None = None) -> str:
    """The YAML of a preset.

    Raises:
        InputError: for an unknown one; `file` and `line` say where it was asked for.
    """
    if name not in preset_names():
        raise InputError(
            f"There is no preset '{name}'.",
            file=file,
            line=line,
            given=name,
            allowed=preset_names(),
            cure="A file of your own ends in .yaml.",
        )
    return (_PRESETS / f"{name}.yaml").read_text(encoding="utf-8")


def _parse(text: str, file: str) -> tuple[dict[str, Any], dict[tuple[str | int, ...], int]]:
    """The decoded file, and the line of every field."""
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        value = yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        raise InputError(
            f"This is not valid YAML ({error.problem or error.context}).",
            file=file,
            line=mark.line + 1 if mark else None,
            cure="Indent with spaces, and put texts with a colon in quotes.",
        ) from None
    except yaml.YAMLError:
        raise InputError("This is not a text file: it holds control characters.", file=file) from None
    if not isinstance(value, dict) or node is None:
        raise InputError("A protocol is a mapping such as 'form: acr'.", file=file, line=1)
    lines: dict[tuple[str | int, ...], int] = {}
    try:
        _note_lines(node, (), lines)
    except InputError as error:
        raise error.located(file=file) from None
    except RecursionError:
        raise InputError("Something in this file refers to itself.", file=file, line=1) from None
    return value, lines


def _note_lines(node: yaml.Node, place: tuple[str | int, ...], lines: dict[tuple[str | int, ...], int]) -> None:
    lines[place] = node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        here: set[str] = set()
        for key, value in node.value:
            name, line = str(key.value), key.start_mark.line + 1
            inside = (*place, name)
            if name in here:
                field = ".".join(map(str, inside))
                raise InputError("This field is there twice.", line=line, field=field, cure="Keep one of the two.")
            here.add(name)
            _note_lines(value, inside, lines)
            lines[inside] = line
    elif isinstance(node, yaml.SequenceNode):
        for number, value in enumerate(node.value):
            _note_lines(value, (*place, number), lines)


_EXPECTED = {
    "model_type": "Expected fields with values, e.g. {planned: 12}",
    "dict_type": "Expected names with values, e.g. {en: text}",
    "mapping_type": "Expected names with values, e.g. {en: text}",
    "string_pattern_mismatch": "Expected a short name of letters, digits, '_', '.' and '-', without spaces",
    "tuple_type": "Expected a list, e.g. [a, b]",
}
"""In the words of a YAML file."""


def _explained(
    error: ValidationError,
    file: str,
    lines: Mapping[tuple[str | int, ...], int],
    overrides: Mapping[str, Any],
) -> InputError:
    """The first thing that is wrong, where it stands, and how many more there are."""
    problems = error.errors(include_url=False)
    first = problems[0]
    place = tuple(
        part
        for part in first["loc"]
        if not (isinstance(part, str) and part.startswith(("function-", "tuple[", "literal[")))
    )
    line = next((lines[place[:n]] for n in range(len(place), -1, -1) if place[:n] in lines), None)
    if _within(overrides, place):
        file, line = "options of the command", None
    said = _EXPECTED.get(first["type"], str(first["msg"]).removeprefix("Value error, "))
    if first["type"] == "extra_forbidden":
        allowed = _fields_at(place[:-1])
        return InputError(
            "There is no such field.",
            file=file,
            line=line,
            field=".".join(map(str, place)),
            given=str(place[-1]),
            allowed=allowed,
        )
    more = f" ({len(problems) - 1} more after this one.)" if len(problems) > 1 else ""
    given = "" if isinstance(first["input"], dict) else f", found {first['input']!r}"
    unquoted = first["type"] == "string_type" and not isinstance(first["input"], dict | list | None)
    return InputError(
        f"{said[:1].upper()}{said[1:]}{given}.{more}",
        file=file,
        line=line,
        field=".".join(map(str, place)) or None,
        cure="Put it in quotes: YAML reads some words and numbers as something else than text." if unquoted else None,
    )


def _within(overrides: Any, place: Sequence[str | int]) -> bool:
    """Whether the options say what stands at this place."""
    for part in place:
        if not isinstance(overrides, Mapping):
            break
        if part not in overrides:
            return False
        overrides = overrides[part]
    return bool(place)


def _fields_at(place: tuple[str | int, ...]) -> list[str]:
    """The fields of the part of a protocol that lies at `place`."""
    from listening_test.protocol import model

    parts: dict[str, type[Any]] = {
        "scales": model.Scale,
        "excerpts": model.Excerpt,
        "items": model.Items,
        "show": model.Show,
        "listening": model.Listening,
        "checks": model.Checks,
        "raters": model.Raters,
        "screening": model.Screening,
        "analysis": model.Analysis,
        "background": model.Question,
    }
    part = parts.get(str(place[0]), Protocol) if place else Protocol
    return [field.alias or name for name, field in part.model_fields.items()]
