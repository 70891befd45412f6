"""Taking values out of decoded settings, with errors that name them."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any, TypeVar

from songbench.domain.errors import InputError

KINDS = {
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    str: "text",
    list: "a list",
    dict: "a section",
}
"""What the types of settings are called."""


T = TypeVar("T")


class Section:
    """A decoded section whose values are taken out with errors that name them."""

    def __init__(self, values: Mapping[str, Any], name: str) -> None:
        self.values, self.name = values, name

    def _path(self, key: str) -> str:
        return f"{self.name}.{key}" if self.name else key

    def value(self, key: str, kind: type, default: Any = None) -> Any:
        """The value of a key.

        Raises:
            InputError: it is missing without a default, or of another kind.
        """
        found = self.values.get(key, default)
        if found is None:
            raise InputError(f"'{self._path(key)}' is missing.", field=self._path(key))
        if kind is float and isinstance(found, int | str) and not isinstance(found, bool):
            with suppress(ValueError, OverflowError):  # YAML 1.1 takes 1e-3 for text
                return float(found)
        if not isinstance(found, kind) or (kind is int and isinstance(found, bool)):
            raise InputError(
                f"'{self._path(key)}' should be {KINDS[kind]}, not {str(found)[:80]!r}.", field=self._path(key)
            )
        return found

    def all(self, key: str, kind: type[T]) -> tuple[T, ...]:
        """The members of a list, each of one kind."""
        listed = self.value(key, list)
        each = Section({str(number): one for number, one in enumerate(listed)}, self._path(key))
        return tuple(each.value(number, kind) for number in each.values)

    def only(self, key: str, allowed: Any, default: Any = None) -> None:
        """Refuse any value of a key but one.

        Raises:
            InputError: it has another.
        """
        found = self.values.get(key, default)
        if found != allowed:
            raise self.wrong(key, found, (str(allowed),))

    def wrong(self, key: str, given: Any, allowed: tuple[str, ...]) -> InputError:
        """The error for a value that no released model has."""
        return InputError(
            f"'{self._path(key)}' is {given!r}, which no released model uses.",
            field=self._path(key),
            value=str(given),
            allowed=allowed,
        )
