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


class ConfigSection:
    """A decoded section whose values are taken out with errors that name them.

    Args:
        values: the section, decoded.
        name: its path in the file, such as ``model.decoder``; empty for the whole file.
    """

    def __init__(self, values: Mapping[str, Any], name: str) -> None:
        self.values, self.name = values, name

    def _path(self, key: str) -> str:
        return f"{self.name}.{key}" if self.name else key

    def value(self, key: str, kind: type, default: Any = None) -> Any:
        """The value of a key.

        Raises:
            InputError: it is missing without a default, or of another kind.
        """
        value = self.values.get(key, default)
        if value is None:
            raise InputError(f"'{self._path(key)}' is missing.", field=self._path(key))
        if kind is float and isinstance(value, int | str) and not isinstance(value, bool):
            with suppress(ValueError, OverflowError):  # YAML 1.1 takes 1e-3 for text
                return float(value)
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise InputError(
                f"'{self._path(key)}' should be {KINDS[kind]}, not {str(value)[:80]!r}.", field=self._path(key)
            )
        return value

    def section(self, key: str) -> ConfigSection:
        """The section at a key, or at a path of keys with points between; an empty path is this section."""
        first, _, rest = key.partition(".")
        if not first:
            return self
        return ConfigSection(self.value(first, dict), self._path(first)).section(rest)

    def members(self, key: str, kind: type[T]) -> tuple[T, ...]:
        """The members of a list, each of one kind."""
        members = {str(number): member for number, member in enumerate(self.value(key, list))}
        listing = ConfigSection(members, self._path(key))
        return tuple(listing.value(number, kind) for number in members)

    def only(self, key: str, allowed: Any, default: Any = None) -> None:
        """Refuse any value of a key but one.

        Raises:
            InputError: it has another.
        """
        value = self.values.get(key, default)
        if value != allowed:
            raise self.wrong(key, (str(allowed),), default)

    def wrong(self, key: str, allowed: tuple[str, ...], default: Any = None) -> InputError:
        """The error for a value that no released model has."""
        value = self.values.get(key, default)
        return InputError(
            f"'{self._path(key)}' is {value!r}, which no released model uses.",
            field=self._path(key),
            value=str(value),
            allowed=allowed,
        )
