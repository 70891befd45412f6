"""Standing data: YAML tables beside the modules they belong to, read and checked as everything that people write."""

from __future__ import annotations

from importlib import resources
from typing import Any

import yaml

from songbench.domain.checking import Model, checked
from songbench.domain.errors import InputError

# libyaml's parser where there is one: ten times as fast, and some tables are read when a command starts.
_Loader: Any = type("_Loader", (getattr(yaml, "CSafeLoader", yaml.SafeLoader),), {})


def _mapping(loader: Any, node: yaml.MappingNode) -> dict[Any, Any]:
    """A mapping without repetitions; of a name that stands twice YAML would keep the second value."""
    pairs = loader.construct_pairs(node, deep=True)
    names = [name for name, _ in pairs]
    if repeated := next((name for number, name in enumerate(names) if name in names[:number]), None):
        raise yaml.constructor.ConstructorError(problem=f"'{repeated}' stands twice", problem_mark=node.start_mark)
    return dict(pairs)


_Loader.add_constructor("tag:yaml.org,2002:map", _mapping)


def read_table(package: str, name: str, model: type[Model]) -> Model:
    """A table that ships with the code.

    Args:
        package: the package the file lies in, such as ``songbench.domain``.
        name: of the file, a YAML mapping.
        model: what it holds: a subclass of `songbench.domain.checking.Schema`, or for rows that are named
            ``RootModel[dict[str, Row]]`` of such a subclass.

    Raises:
        InputError: naming file and field, for a file that does not parse, a name that stands twice and everything that
            is not as `model` says.
    """
    file = f"{package.replace('.', '/')}/{name}"
    text = (resources.files(package) / name).read_text(encoding="utf-8")
    try:
        table = yaml.load(text, Loader=_Loader)  # a kind of SafeLoader
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else None
        raise InputError(f"This is not valid YAML ({error.problem}).", file=file, line=line) from None
    return checked(model, table, file=file)


def split_words(value: object) -> object:
    """Words that a table writes as one text with blanks between them, for a `pydantic.BeforeValidator`."""
    return value.split() if isinstance(value, str) else value
