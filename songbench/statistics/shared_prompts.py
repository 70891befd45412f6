"""Which prompts two systems share, and their values on these: each found once, however many pairs ask."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from songbench.statistics.arrays import Array, Codes
from songbench.statistics.takes import Takes, linear_values

_REMEMBERED = 256
"""How many systems' values on shared prompts are kept at a time: pairs of one column follow each other."""


class _PromptSet(NamedTuple):
    """The prompts of one or more systems.

    Attributes:
        codes: their places among all prompts, in order, shape (k,).
        mask: whether each of all prompts is one of them.
    """

    codes: Codes
    mask: npt.NDArray[np.bool_]


class SharedPrompts:
    """Pairs among some samples.

    Systems as a rule have the same prompts, or few different sets of them: what two sets share is found once for all
    pairs of systems that have them.
    """

    def __init__(self, samples: Iterable[Takes]) -> None:
        self._set_of: dict[Takes, int] = {}  # takes are told apart by identity
        labels: list[npt.NDArray[np.str_]] = []
        numbers: dict[tuple[str, bytes], int] = {}
        for takes in samples:
            if takes not in self._set_of:
                prompts = takes.prompts[takes.starts]
                number = numbers.setdefault((prompts.dtype.str, prompts.tobytes()), len(labels))
                if number == len(labels):
                    labels.append(prompts)
                self._set_of[takes] = number
        everything = np.unique(np.concatenate(labels)) if labels else np.array([], dtype=np.str_)
        self._sets: list[_PromptSet] = []
        for prompts in labels:
            codes = np.searchsorted(everything, prompts)
            mask = np.zeros(len(everything), dtype=np.bool_)
            mask[codes] = True
            self._sets.append(_PromptSet(codes, mask))
        self._counts: dict[tuple[int, int], int] = {}
        self._values = lru_cache(maxsize=_REMEMBERED)(self._values_on)

    def count(self, first: Takes, second: Takes) -> int:
        """How many prompts both have."""
        numbers = self._set_of[first], self._set_of[second]
        if numbers not in self._counts:
            self._counts[numbers] = int(np.sum(self._sets[numbers[0]].mask & self._sets[numbers[1]].mask))
        return self._counts[numbers]

    def values(self, first: Takes, second: Takes) -> tuple[Array, Array]:
        """`prompt_values` of each on the prompts that both have, of which there is at least one, in one order."""
        numbers = self._set_of[first], self._set_of[second]
        return self._values(first, numbers[1]), self._values(second, numbers[0])

    def _values_on(self, takes: Takes, number: int) -> Array:
        """Of the prompts that are in a set, too."""
        keep = self._sets[number].mask[self._sets[self._set_of[takes]].codes]
        return linear_values(takes if keep.all() else takes.of_prompts(keep))
