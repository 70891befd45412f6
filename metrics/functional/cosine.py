"""Similarity of two pieces of audio, or of audio and a text, in a space of embeddings."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from metrics.functional.checks import check_widths, embedding_matrix
from songbench.domain.errors import InputError


def direction(vectors: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    """The mean of vectors, brought to length 1.

    Args:
        vectors: shape (n, d), n >= 1, with a mean other than 0.

    Returns:
        Shape (d,), of length 1.
    """
    mean = vectors.mean(axis=0)
    unit: npt.NDArray[np.float64] = mean / np.linalg.norm(mean)
    return unit


def patch_direction(patches: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """The direction of a song: of the mean of its patches' embeddings, each brought to length 1 before.

    Args:
        patches: shape (n, d), n >= 1.

    Returns:
        Shape (d,), of length 1.
    """
    return direction(unit_vectors(np.asarray(patches, np.float64)))


def unit_vectors(vectors: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    """Vectors of shape (n, d), none of them 0, each brought to length 1."""
    units: npt.NDArray[np.float64] = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return units


def cosine(first: npt.NDArray[np.floating], second: npt.NDArray[np.floating]) -> float:
    """The cosine of two directions, shape (d,) each, in [-1, 1] whatever rounding made of their lengths.

    Vectors of length 1 in float32 are a little longer or shorter in float64.
    """
    return min(1.0, max(-1.0, float(first @ second)))


def mean_cosine(first: npt.NDArray[np.floating], second: npt.NDArray[np.floating]) -> float:
    """The mean cosine over all pairs of vectors of length 1, shapes (n, d) and (m, d), in [-1, 1]."""
    return cosine(first.mean(axis=0), second.mean(axis=0))


def similarity(song: npt.ArrayLike, condition: npt.ArrayLike) -> float:
    """The cosine between a song and what it was conditioned on, as the metrics ``similarity@…`` and ``mcc@…`` have it.

    Each embedding is brought to length 1; the direction of a piece of audio is that of the mean of its embeddings. The
    variety inside of a song therefore does not shrink the result, as it does in `pairwise_similarity`. A cosine has no
    absolute meaning: compare songs on the same conditions, by one model.

    Args:
        song: embeddings of the song's clips, shape (n, d), or its only embedding, shape (d,).
        condition: embeddings of the style prompt's clips, shape (m, d), or the embedding of a style text, shape (d,).

    Returns:
        In [-1, 1]; 1 for equal directions.

    Raises:
        InputError: for other shapes, different widths, NaN, infinity, an embedding of length 0, or embeddings that
            cancel each other out, which leaves no direction.

    Source: the measure is the MuLan cycle consistency of SongBloom (arXiv 2506.07634), with renormalised means.

    Example:
        The song's two clips lie to either side of its direction, which is 45 degrees from the condition.

        >>> print(f"{similarity([[3.0, 0.0], [0.0, 4.0]], [1.0, 0.0]):.3f}")
        0.707
    """
    vectors = _checked(song, condition)
    directions = []
    for name, matrix in zip(("song", "condition"), vectors, strict=True):
        if np.linalg.norm(matrix.mean(axis=0)) < np.finfo(np.float64).eps:
            raise InputError(f"The embeddings of the {name} cancel each other out, so that they have no direction.")
        directions.append(direction(matrix))
    return cosine(directions[0], directions[1])


def pairwise_similarity(song: npt.ArrayLike, condition: npt.ArrayLike) -> float:
    """The mean cosine over all pairs of clips, as `calc_similarity` of the package muq and most papers have it.

    It shrinks with the variety inside of either side, so it depends on how long the audio is.

    Args:
        song: embeddings of the song's clips, shape (n, d) or (d,).
        condition: embeddings of the style prompt's clips, or of a style text, shape (m, d) or (d,).

    Returns:
        In [-1, 1].

    Raises:
        InputError: as `similarity`; embeddings may cancel each other out.

    Example:
        The cosines of the two clips are 1 and 0.

        >>> print(f"{pairwise_similarity([[3.0, 0.0], [0.0, 4.0]], [1.0, 0.0]):.3f}")
        0.500
    """
    first, second = _checked(song, condition)
    return mean_cosine(first, second)


def _checked(song: npt.ArrayLike, condition: npt.ArrayLike) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Both sides as vectors of length 1, shapes (n, d) and (m, d)."""
    first, second = embedding_matrix(song, "song"), embedding_matrix(condition, "condition")
    check_widths(first, "the song", second, "the condition")
    for name, matrix in (("song", first), ("condition", second)):
        if not np.linalg.norm(matrix, axis=1).all():
            raise InputError(f"An embedding of the {name} has length 0 and therefore no direction.")
    return unit_vectors(first), unit_vectors(second)
