"""Protocol files: YAML, checked, with errors that name file, line and field."""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

import yaml

from listening_test.protocol.model import Protocol
from songbench.domain.checking import Place, checked
from songbench.domain.errors import InputError
from songbench.domain.reading import read_text

MOST_VALUES = 20_000
"""In one protocol file; the largest preset has about 200."""

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
        if not path.exists():
            raise InputError(
                "No such protocol file.", file=str(path), cure="`songbench listen presets` lists those that ship."
            )
        text, file = read_text(path, "protocol"), str(path)
    else:
        text, file = preset_text(str(source)), f"preset {source}"
    value, lines = _parse(text, file)
    base = value.pop("preset", None)
    if base is not None:
        inherited, _ = _parse(preset_text(str(base), file=file, line=lines.get(("preset",))), f"preset {base}")
        value = merged(inherited, value)
    value = merged(value, overrides or {})
    try:
        return checked(Protocol, value, file=file, lines=lines)
    except InputError as error:
        if _within(overrides or {}, error.field or ""):
            raise error.elsewhere("options of the command") from None
        raise


def merged(base: Mapping[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    """`base` with `change` laid over it; mappings are merged all the way down."""
    result = dict(base)
    for name, value in change.items():
        under = result.get(name)
        result[name] = merged(under, value) if isinstance(value, Mapping) and isinstance(under, Mapping) else value
    return result


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
            value=name,
            allowed=preset_names(),
            cure="A file of your own ends in .yaml.",
        )
    return (_PRESETS / f"{name}.yaml").read_text(encoding="utf-8")


def _parse(text: str, file: str) -> tuple[dict[str, Any], dict[Place, int]]:
    """The decoded file, and the line of every field."""
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        lines: dict[Place, int] = {}
        _note_lines(node, (), lines)
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
    except InputError as error:
        raise error.located(file=file) from None
    except RecursionError:
        raise InputError("Something in this file refers to itself.", file=file, line=1) from None
    except ValueError as error:  # YAML's own reading of a number or a date that there is not
        raise InputError(
            f"A value cannot be read ({error}).", file=file, cure="Put dates and long numbers in quotes."
        ) from None
    if not isinstance(value, dict):
        raise InputError("A protocol is a mapping such as 'form: acr'.", file=file, line=1)
    return value, lines


def _note_lines(node: yaml.Node | None, place: Place, lines: dict[Place, int]) -> None:
    if node is None:
        return
    if len(lines) > MOST_VALUES:  # a few lines of aliases of aliases could stand for billions
        raise InputError(f"This file holds more than {MOST_VALUES} values.", cure="Write out what '*' stands for.")
    lines[place] = node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        fields: set[str] = set()
        for key, value in node.value:
            name, line = str(key.value), key.start_mark.line + 1
            inside = (*place, name)
            if name in fields:
                field = ".".join(map(str, inside))
                raise InputError("This field is there twice.", line=line, field=field, cure="Keep one of the two.")
            fields.add(name)
            _note_lines(value, inside, lines)
            lines[inside] = line
    elif isinstance(node, yaml.SequenceNode):
        for number, value in enumerate(node.value):
            _note_lines(value, (*place, number), lines)


def _within(overrides: Any, field: str) -> bool:
    """Whether the options say what stands at a dotted place."""
    for part in re.split(r"[.\[]", field):
        if not isinstance(overrides, Mapping):
            break
        if part not in overrides:
            return False
        overrides = overrides[part]
    return bool(field)
