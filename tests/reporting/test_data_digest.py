"""Digests of data: the same for equal data, in whatever process and order they came about, and for no others."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import pytest

from songbench.reporting.data_digest import DataError, add_data


class Pair(NamedTuple):
    """Two of something."""

    first: object
    second: object


@dataclass(frozen=True)
class Both:
    """The same, and no tuple."""

    first: object
    second: object


def digest(data):
    """Of one thing."""
    digest = hashlib.sha256()
    add_data(digest.update, data)
    return digest.digest()


def test_only_equal_data_have_the_same_digest():
    def data():
        """Made anew, so that nothing is one object in several places by accident."""
        word = "".join(["o", "ne"])
        return [
            *(None, True, 1, 1.0, "1", b"1", [], (), {}, [[]], [[], []], [1, 2], [[1], [2]], [[1, 2]], [[], [1, 2]]),
            *({1: 2}, {2: 1}, {1: {2: 3}}, {1: 2, 2: 3}, [{1: 2}, {2: 3}], [{1: 2, 2: 3}, {}]),
            *([word, "one"], ["oneone"]),
            *(Pair(1, 2), Both(1, 2), Pair(2, 1), (1, 2), [Pair(1, 2), Both(3, 4)], [Both(1, 2), Pair(3, 4)]),
            *([Pair(1, 2), Pair(3, 4)], [Pair(1, 3), Pair(2, 4)]),
            *([Pair(1, 2), 3, Pair(4, 5)], [Pair(1, 2), Pair(4, 5), 3]),
            *([Pair({1: Both(1, 2)}, "a"), 3.0], [Pair({1: Both(2, 1)}, "a"), 3.0], Path("a"), Path("b")),
        ]

    digests = [digest(value) for value in data()]
    assert len(set(digests)) == len(digests)
    assert digests == [digest(value) for value in data()]
    assert digest(["one"] * 2) == digest([*["one"], "".join(["o", "ne"])]), "whether it is one object does not matter"


def test_mappings_and_sets_of_any_kind_are_data():
    assert digest({"a": {"one", "two"}}) == digest({"a": {"two", "one"}})
    assert digest(MappingProxyType({"a": {1}, ("b", 3): None})) != digest(MappingProxyType({"a": {1}, ("b", 3): 0}))


def test_what_cannot_be_written_out_is_refused():
    with pytest.raises(DataError):
        digest([lambda: 1])
