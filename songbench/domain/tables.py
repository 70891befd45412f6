"""Standing data: YAML tables beside the modules they belong to, read and checked as everything that people write."""

from __future__ import annotations

from importlib import resources
from typing import Any

import yaml

from songbench.domain.checking import Model, checked
from songbench.domain.errors import InputError


class _UniqueKeys(yaml.SafeLoader):
    """Refuses a name that stands twice in one mapping, of which YAML would keep the second."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        names = [self.construct_object(key, deep=True) for key, _ in node.value]
        if repeated := next((name for number, name in enumerate(names) if name in names[:number]), None):
            raise yaml.constructor.ConstructorError(problem=f"'{repeated}' stands twice", problem_mark=node.start_mark)
        return super().construct_mapping(node, deep)


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
        table = yaml.load(text, Loader=_UniqueKeys)  # a subclass of SafeLoader
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else None
        raise InputError(f"This is not valid YAML ({error.problem}).", file=file, line=line) from None
    return checked(model, table, file=file)
