"""FAD, the Fréchet audio distance, on arrays of embeddings, built so that leaving songs out is cheap.

A set is seen as songs, each with several embeddings. What a song contributes, its moments, is computed once; any subset
of the songs is then a sum of contributions.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from metrics.functional.checks import Embeddings, two_sets
from metrics.functional.extrapolation import Extrapolation, extrapolate, extrapolate_parts, partitions
from songbench.domain.errors import InputError
from songbench.domain.hashing import derived_seed

Array: TypeAlias = npt.NDArray[np.float64]

Subsets: TypeAlias = Literal["windows", "parts"]
"""The subsets behind an extrapolation: many, where a distance takes milliseconds, or six, where it takes 0.1 s."""

MIN_SONGS = 5
"""Below this many songs no extrapolation is tried."""


@lru_cache(maxsize=2)
def _triangle(d: int) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Rows and columns of the upper triangle of a (d, d) matrix, row by row."""
    rows, columns = np.triu_indices(d)
    return rows, columns


def upper_triangle(matrix: Array) -> Array:
    """The upper triangle of a (d, d) matrix, row by row, shape (d * (d + 1) / 2,)."""
    return matrix[_triangle(len(matrix))]


@dataclass(frozen=True, eq=False)
class Moments:
    """What a Gaussian fit needs of a set of vectors. Sums of moments are the moments of the joined sets.

    Attributes:
        n: number of vectors.
        total: their sum, shape (d,).
        outer: the upper triangle, row by row, of the sum of their outer products, shape (d * (d + 1) / 2,).
    """

    n: int
    total: Array
    outer: Array

    def __len__(self) -> int:
        return self.n

    @classmethod
    def of(cls, vectors: npt.NDArray[np.floating]) -> Moments:
        """The moments of vectors of shape (n, d)."""
        wide = np.asarray(vectors, np.float64)
        if wide.ndim != 2:
            raise ValueError(f"Expected vectors of shape (n, d), not {wide.shape}.")
        return cls(len(wide), wide.sum(axis=0), upper_triangle(wide.T @ wide))

    @classmethod
    def joined(cls, parts: Iterable[Moments]) -> Moments:
        """The moments of all parts together; at least one part."""
        first, *rest = parts
        total, outer, n = first.total.copy(), first.outer.copy(), first.n
        for part in rest:
            n += part.n
            total += part.total
            outer += part.outer
        return cls(n, total, outer)

    def square(self) -> Array:
        """The sum of the outer products in full, shape (d, d)."""
        full = np.empty((self.total.size, self.total.size))
        rows, columns = _triangle(self.total.size)
        full[rows, columns] = self.outer
        full[columns, rows] = self.outer
        return full


class Gaussian:
    """A normal distribution fitted to a set of vectors.

    Attributes:
        mean: shape (d,).
        covariance: shape (d, d), with the divisor n - 1.
    """

    def __init__(self, moments: Moments) -> None:
        """Fit.

        Raises:
            ValueError: for fewer than two vectors, which have no covariance.
        """
        if moments.n < 2:
            raise ValueError(f"A covariance needs at least 2 vectors, not {moments.n}.")
        self.mean = moments.total / moments.n
        self.covariance = (moments.square() - moments.n * np.outer(self.mean, self.mean)) / (moments.n - 1)

    @cached_property
    def root(self) -> Array:
        """The symmetric root of the covariance, shape (d, d); eigenvalues that rounding made negative count as 0."""
        values, vectors = np.linalg.eigh(self.covariance)
        return np.asarray((vectors * np.sqrt(values.clip(min=0))) @ vectors.T)

    @property
    def rank(self) -> int:
        """Of the covariance, with the tolerance that is usual for matrices in double precision."""
        return int(np.linalg.matrix_rank(self.covariance, hermitian=True))


@dataclass(frozen=True)
class Frechet:
    """A Fréchet distance and its parts.

    Attributes:
        distance: the squared distance, >= 0.
        mean_term: the part that comes from the means.
        covariance_term: the part that comes from the covariances.
        clipped: how much of the spectrum was set to 0 because rounding had made it negative, as a share of the whole;
            of the order 1e-12 when all is well.
    """

    distance: float
    mean_term: float
    covariance_term: float
    clipped: float


def frechet(a: Gaussian, b: Gaussian) -> Frechet:
    """The squared Fréchet (2-Wasserstein) distance of two normal distributions.

    |m_a - m_b|^2 + tr(C_a + C_b - 2 (C_a C_b)^(1/2)). The trace of the root is the sum of the root eigenvalues of the
    symmetric matrix C_a^(1/2) C_b C_a^(1/2), which are real and, but for rounding, not negative; a general matrix root
    of C_a C_b can turn complex for covariances without full rank.

    Args:
        a: one distribution; its root is kept, so give the one that is used often first.
        b: the other, of the same dimension.

    Source: Dowson and Landau, "The Fréchet distance between multivariate normal distributions", 1982; as an audio
    measure Kilgour et al., "Fréchet Audio Distance", Interspeech 2019.
    """
    inner = a.root @ b.covariance @ a.root
    values = np.linalg.eigvalsh((inner + inner.T) / 2)
    positive = values.clip(min=0)
    mean_term = float(((a.mean - b.mean) ** 2).sum())
    covariance_term = float(np.trace(a.covariance) + np.trace(b.covariance) - 2 * np.sqrt(positive).sum())
    clipped = float((positive - values).sum() / max(float(positive.sum()), np.finfo(np.float64).tiny))
    return Frechet(max(mean_term + covariance_term, 0.0), mean_term, covariance_term, clipped)


@dataclass(frozen=True, kw_only=True)
class FrechetAudioDistance:
    """FAD of a set of songs to a reference, with its parts.

    Attributes:
        fad: the squared Fréchet distance, >= 0; 0 for equal means and covariances.
        fad_inf: the same extrapolated to infinitely many songs, may fall below 0; None below `MIN_SONGS` songs.
        mean_term: the part of `fad` that comes from the means, >= 0.
        covariance_term: the part that comes from the covariances.
        clipped: see `Frechet`.
        extrapolation: the line behind `fad_inf`; None where there is none.
    """

    fad: float
    fad_inf: float | None
    mean_term: float
    covariance_term: float
    clipped: float
    extrapolation: Extrapolation | None


class FrechetDistances:
    """FAD of a set of songs, and of the set without any of them, to one reference.

    The order in which songs enter the subsets of `fad_inf` follows from a seed that depends on the number of songs
    alone, so sets of equally many songs are extrapolated from the same subsets.

    Attributes:
        reference: the distribution of the reference's embeddings.
        seed: of the order.
        order: all song numbers in random order.
    """

    def __init__(self, songs: Sequence[Moments], reference: Sequence[Moments], subsets: Subsets = "windows") -> None:
        """Fit the reference.

        Args:
            songs: the moments of each evaluated song, with at least two embeddings in all.
            reference: those of the reference songs, likewise.
            subsets: which subsets `fad_inf` rests on.
        """
        self.songs, self.subsets = songs, subsets
        self.reference = Gaussian(Moments.joined(reference))
        self.seed = derived_seed("fad_inf", len(songs))
        self.order: list[int] = np.random.default_rng(self.seed).permutation(len(songs)).tolist()
        # Parts that a song left out does not touch are asked for again with the next one.
        self._distance = lru_cache(maxsize=64)(self._frechet)

    def gaussian(self, songs: Sequence[int]) -> Gaussian:
        """The distribution of the embeddings of these songs, by number."""
        return Gaussian(Moments.joined(self.songs[i] for i in songs))

    def without(self, songs: Collection[int] = ()) -> FrechetAudioDistance:
        """FAD of all songs but these, by number; at least two embeddings must remain."""
        distance = self._distance(tuple(i for i in self.order if i not in songs))
        extrapolation = self._extrapolation(songs) if len(self.songs) >= MIN_SONGS else None
        return FrechetAudioDistance(
            fad=distance.distance,
            fad_inf=extrapolation.value if extrapolation else None,
            mean_term=distance.mean_term,
            covariance_term=distance.covariance_term,
            clipped=distance.clipped,
            extrapolation=extrapolation,
        )

    def _frechet(self, songs: tuple[int, ...]) -> Frechet:
        return frechet(self.reference, self.gaussian(songs))

    def _value(self, songs: Sequence[int]) -> float:
        return self._distance(tuple(songs)).distance

    def _extrapolation(self, without: Collection[int]) -> Extrapolation | None:
        if self.subsets == "parts":
            return extrapolate_parts(self._value, partitions(self.order), without)
        return extrapolate(self._value, [i for i in self.order if i not in without])


def fad(songs: Embeddings, reference: Embeddings, *, subsets: Subsets = "windows") -> FrechetAudioDistance:
    """The Fréchet audio distance of a set of songs to reference songs.

    The squared Fréchet distance |m_x - m_y|^2 + tr(C_x + C_y - 2 (C_x C_y)^(1/2)) of normal distributions fitted to all
    embeddings of either side (`frechet`), as the metrics ``fad@…`` have it. Numbers on embeddings of different models,
    or of sets of different size, cannot be compared: with few songs FAD is too large, the more the fewer, which
    `fad_inf` removes in part.

    Args:
        songs: embeddings of the evaluated songs: one array (n_i, d) per song, one array (songs, n, d), or one array
            (n, d) of all songs together. Only with `MIN_SONGS` songs or more kept apart there is a `fad_inf`; for one
            embedding a song, give (songs, 1, d).
        reference: embeddings of the reference songs by the same model, likewise.
        subsets: which subsets `fad_inf` rests on: ``windows`` of n/2 to n songs, as the metric has it on musicnn, or
            ``parts``, six subsets for embeddings of many dimensions, as it has it on MERT and CLAP.

    Returns:
        The distance, >= 0, without unit, and its extrapolation to infinitely many songs.

    Raises:
        InputError: for shapes that do not fit, NaN, infinity, or fewer than 2 embeddings on a side (or in one of the
            ``parts``).

    Source: Kilgour et al., "Fréchet Audio Distance", Interspeech 2019; extrapolation: Gui et al., "Adapting Fréchet
    Audio Distance for generative music evaluation", ICASSP 2024, here over songs.

    Example:
        Embeddings of 40 reference songs and 20 songs, 50 of 8 dimensions each; the means are 0.5 apart in each
        dimension, so the true distance is 8 · 0.5² = 2.

        >>> import numpy as np
        >>> rng = np.random.default_rng(0)
        >>> result = fad(rng.standard_normal((20, 50, 8)) + 0.5, rng.standard_normal((40, 50, 8)))
        >>> print(f"{result.fad:.2f} {result.fad_inf:.2f}")
        2.00 1.99
    """
    evaluated, target = ([Moments.of(song) for song in side] for side in two_sets(songs, reference))
    distances = FrechetDistances(evaluated, target, subsets)
    if subsets == "parts" and len(evaluated) >= MIN_SONGS:
        sizes = (sum(len(evaluated[i]) for i in part) for level in partitions(distances.order) for part in level)
        if min(sizes) < 2:
            raise InputError("A third of the songs has a single embedding, which has no covariance; take 'windows'.")
    return distances.without()
