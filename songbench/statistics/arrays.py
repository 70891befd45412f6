"""The arrays that everything here works on, and codes: which group each value belongs to."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import pandas as pd

Array: TypeAlias = npt.NDArray[np.float64]
Codes: TypeAlias = npt.NDArray[np.intp]
"""Numbers 0, 1, …, one per value, that say to which level of a grouping (which rater, which prompt) it belongs."""


def codes_of(column: pd.Series[str]) -> tuple[tuple[str, ...], Codes]:
    """The sorted names of a column of n rows, and the number of each row's name, shape (n,).

    A row without a name counts as one named "".

    >>> import pandas as pd
    >>> codes_of(pd.Series(["lena", "ada", "lena"]))
    (('ada', 'lena'), array([1, 0, 1]))
    """
    names, codes = np.unique(column.fillna("").astype(str).to_numpy(dtype=np.str_), return_inverse=True)
    return tuple(map(str, names)), np.asarray(codes, dtype=np.intp)


def pair_codes(first: Codes, second: Codes) -> Codes:
    """Codes of the combinations of two groupings, numbered in order of their first code, then the second.

    Args:
        first: shape (n,).
        second: shape (n,).

    Returns:
        Shape (n,).

    >>> pair_codes(np.array([0, 0, 1, 1]), np.array([0, 2, 0, 0]))
    array([0, 1, 2, 2])
    """
    _, codes = np.unique(first * (int(second.max(initial=0)) + 1) + second, return_inverse=True)
    return np.asarray(codes, dtype=np.intp)
