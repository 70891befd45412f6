"""Checks of the arrays that the functions of this package take, with messages that name argument and song."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from songbench.domain.errors import InputError

Embeddings: TypeAlias = "npt.ArrayLike | Sequence[npt.ArrayLike]"
"""Embeddings by song, one array (n_i, d) each or together as (songs, n, d); or those of all songs stacked as (n, d)."""


def embedding_matrix(embeddings: Embeddings, name: str) -> npt.NDArray[np.float64]:
    """Embeddings as a matrix.

    Args:
        embeddings: shape (n, d), n and d >= 1; a single embedding (d,) counts as (1, d). All values finite.
        name: what the message calls them.

    Returns:
        Shape (n, d) in float64.

    Raises:
        InputError: for another shape, values that are no numbers, NaN or infinity.
    """
    try:
        matrix = np.asarray(embeddings, np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"{name} is no array of numbers: {error}.") from error
    if matrix.ndim == 1:
        matrix = matrix[None]
    if matrix.ndim != 2 or 0 in matrix.shape:
        raise InputError(f"{name} must have the shape (n, d) with n and d of at least 1, not {matrix.shape}.")
    if broken := np.count_nonzero(~np.isfinite(matrix).all(axis=1)):
        raise InputError(f"{name} has NaN or infinity in {broken} of {len(matrix)} rows.")
    return matrix


def embeddings_by_song(embeddings: Embeddings, name: str) -> list[npt.NDArray[np.float64]]:
    """Embeddings as one matrix per song; stacked embeddings are those of one song.

    Args:
        embeddings: one array (n_i, d) per song, one array (songs, n, d), or one array (n, d).
        name: what the message calls them.

    Returns:
        One array (n_i, d) in float64 per song; at least one song.

    Raises:
        InputError: for other shapes, no embeddings, songs of different widths d, NaN or infinity.
    """
    rows = list(embeddings) if isinstance(embeddings, Sequence | np.ndarray) else [np.asarray(embeddings)]
    if not rows:
        raise InputError(f"{name} holds no embeddings.")
    if _stacked(rows):
        return [embedding_matrix(embeddings, name)]
    matrices = [embedding_matrix(song, f"{name}[{number}]") for number, song in enumerate(rows)]
    widths = sorted({matrix.shape[1] for matrix in matrices})
    if len(widths) > 1:
        raise InputError(f"The songs of {name} have embeddings of different widths: {', '.join(map(str, widths))}.")
    return matrices


def _stacked(rows: Sequence[npt.ArrayLike]) -> bool:
    """Whether rows are embeddings of shape (d,), or numbers, rather than songs of shape (n, d)."""
    try:
        return all(np.ndim(row) < 2 for row in rows)
    except ValueError:  # a ragged list: let the check of each song say so
        return False


def two_sets(songs: Embeddings, reference: Embeddings) -> tuple[list[npt.NDArray[np.float64]], ...]:
    """Both sides of a distance between sets of songs, each with at least two embeddings.

    Args:
        songs: the evaluated songs, as in `embeddings_by_song`.
        reference: the reference songs, likewise and of the same width d.

    Returns:
        One array (n_i, d) in float64 per song, for both sides.

    Raises:
        InputError: as `embeddings_by_song`; for a side with a single embedding; for different widths.
    """
    sides = embeddings_by_song(songs, "songs"), embeddings_by_song(reference, "reference")
    for name, side in zip(("songs", "reference"), sides, strict=True):
        if sum(map(len, side)) < 2:
            raise InputError(f"{name} must hold at least 2 embeddings; there is 1.")
    check_widths(sides[0][0], "songs", sides[1][0], "the reference")
    return sides


def check_widths(
    first: npt.NDArray[np.float64], first_name: str, second: npt.NDArray[np.float64], second_name: str
) -> None:
    """Refuse matrices (n, d) and (m, e) with d other than e.

    Raises:
        InputError: the widths differ, so these are not embeddings of one model.
    """
    widths = first.shape[1], second.shape[1]
    if widths[0] != widths[1]:
        raise InputError(
            f"Embeddings of {first_name} have {widths[0]} dimensions, those of {second_name} {widths[1]};"
            " both must come from one model."
        )


def check_samples(samples: npt.ArrayLike, name: str) -> npt.NDArray[np.float64]:
    """One channel of audio.

    Args:
        samples: shape (n,), n >= 1. All values finite.
        name: what the message calls them.

    Returns:
        Shape (n,) in float64.

    Raises:
        InputError: for another shape, values that are no numbers, NaN or infinity.
    """
    try:
        wave = np.asarray(samples, np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"{name} is no array of numbers: {error}.") from error
    if wave.ndim != 1 or not len(wave):
        raise InputError(f"{name} must have the shape (n,) with n of at least 1, one channel, not {wave.shape}.")
    if not np.isfinite(wave).all():
        raise InputError(f"{name} holds NaN or infinity.")
    return wave


def check_rate(rate: int, expected: int) -> None:
    """Refuse audio at another rate than a definition is made for.

    Raises:
        InputError: the rate is another one.
    """
    if rate != expected:
        raise InputError(f"The audio has {rate} samples per second; resample it to {expected}.")


def moments(times: npt.ArrayLike, name: str) -> npt.NDArray[np.float64]:
    """Moments in seconds, sorted.

    Args:
        times: shape (n,), n >= 0. All values finite and none below 0.
        name: what the message calls them.

    Returns:
        Shape (n,) in float64, in ascending order.

    Raises:
        InputError: for another shape, values that are no numbers, NaN, infinity or times below 0.
    """
    try:
        sorted_times = np.sort(np.asarray(times, np.float64))
    except (TypeError, ValueError) as error:
        raise InputError(f"{name} is no array of numbers: {error}.") from error
    if sorted_times.ndim != 1:
        raise InputError(f"{name} must have the shape (n,), not {sorted_times.shape}.")
    if not np.isfinite(sorted_times).all() or (sorted_times < 0).any():
        raise InputError(f"{name} holds NaN, infinity or times below 0.")
    return sorted_times
