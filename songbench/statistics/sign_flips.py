"""The sign-flip test: how many patterns of signs take a sum of differences as far from 0 as it is."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from songbench.statistics.arrays import Array
from songbench.statistics.means import DUST
from songbench.statistics.resampling import NUMBERS_AT_ONCE

EXACT_FLIPS = 14
"""Up to this many prompts the test visits every pattern of signs; beyond, it draws `RANDOM_FLIPS` of them."""
RANDOM_FLIPS = 9999
_WIDTH = 256
"""Signs are drawn for a multiple of this many prompts."""


def sign_flip_p(differences: Array, scales: Array, seed: int) -> Array:
    """The two-sided p of m tests, which share their patterns of signs.

    Args:
        differences: of each prompt, shape (m, n).
        scales: of the numbers whose differences they are, shape (m,): what is below `DUST` of it is rounding.
        seed: of drawn signs.

    Returns:
        In (0, 1], shape (m,).

    >>> sign_flip_p(np.array([[1.0, 2.0, 3.0], [1.0, -2.0, 1.0]]), np.array([3.0, 2.0]), seed=0)
    array([0.25, 1.  ])
    """
    n = differences.shape[1]
    least = np.abs(differences.sum(axis=1)) - DUST * scales * n
    columns = np.ascontiguousarray(differences.T)
    reached, visited = np.zeros(len(differences), dtype=np.intp), 0
    for signs in _patterns(n, seed):
        reached += np.sum(np.abs(signs @ columns) >= least, axis=0)
        visited += len(signs)
    if n <= EXACT_FLIPS:
        return reached / visited
    return (reached + 1) / (visited + 1)  # what was observed is itself one of the patterns (Phipson & Smyth 2010)


def _patterns(n: int, seed: int) -> Iterator[Array]:
    """Patterns of signs, some at a time, shape (some, n)."""
    if n * RANDOM_FLIPS <= NUMBERS_AT_ONCE:
        yield _few_patterns(n, seed)
        return
    rows = NUMBERS_AT_ONCE // n + 1
    for row in range(0, RANDOM_FLIPS, rows):
        yield _drawn_patterns(n, seed, row, min(row + rows, RANDOM_FLIPS))


@lru_cache(maxsize=4)
def _few_patterns(n: int, seed: int) -> Array:
    """All patterns for few prompts, shape (patterns, n): for tests of one pair after the other."""
    if n > EXACT_FLIPS:
        return _drawn_patterns(n, seed, 0, RANDOM_FLIPS)
    numbers = np.arange(2 ** (n - 1))[:, None]  # the last sign is fixed, as opposite patterns count the same
    signs: Array = 1.0 - 2.0 * ((numbers >> np.arange(n)) & 1)
    return signs


def _drawn_patterns(n: int, seed: int, begin: int, end: int) -> Array:
    """Those at some places, shape (end - begin, n), of ``Generator.choice([-1.0, 1.0], (RANDOM_FLIPS, n))``."""
    bits_of_all = _drawn_signs(-(-n // _WIDTH) * _WIDTH, seed)
    first, last = begin * n, end * n
    byte = first // 8
    bits = np.unpackbits(bits_of_all[byte : -(-last // 8)])[first - 8 * byte : last - 8 * byte]
    signs = bits.reshape(-1, n).astype(np.float64)
    signs *= 2.0
    signs -= 1.0
    return signs


@lru_cache(maxsize=4)
def _drawn_signs(width: int, seed: int) -> npt.NDArray[np.uint8]:
    """A bit for each of ``RANDOM_FLIPS * width`` signs, 1 for plus; those for fewer prompts are the first of these."""
    source, total = np.random.default_rng(seed), RANDOM_FLIPS * width
    block = 8 * (NUMBERS_AT_ONCE // 8)
    sizes = [min(block, total - begin) for begin in range(0, total, block)]
    return np.concatenate([np.packbits(source.integers(0, 2, size=size).astype(np.uint8)) for size in sizes])
