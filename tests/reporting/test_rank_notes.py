"""What leaderboards say of distances that rest on fewer embeddings than these have dimensions."""

import numpy as np
import pytest
from made_up_run import set_run

from metrics.embedding_sets import EmbeddingSets
from metrics.fad import frechet_scores
from metrics.functional.frechet_distance import Moments
from metrics.kad import kernel_scores
from songbench.contracts.cards import Field
from songbench.domain.score import NotApplicable
from songbench.execution.results import SongId
from songbench.reporting.leaderboard import build_leaderboard
from songbench.reporting.rank_notes import rank_notes

DIMENSIONS = 8


def sets(of_songs, of_reference, *, read=Moments.of, unit="windows"):
    """Two songs and two reference songs with so many embeddings together."""

    def side(count, seed):
        vectors = np.random.default_rng(seed).standard_normal((count, DIMENSIONS))
        return [read(vectors[: count // 2]), read(vectors[count // 2 :])]

    return EmbeddingSets(songs=side(of_songs, 1), reference=side(of_reference, 2), prompts=["p01", "p02"], unit=unit)


def run(verdicts):
    songs = {SongId(name, prompt, 0): "done" for name in verdicts for prompt in ("p01", "p02")}
    return set_run(verdicts, Field("m", unit="", direction="lower"), songs)


@pytest.mark.parametrize("unit", ["patches", "frames", "windows"])
def test_small_sides_are_named_with_their_counts_whatever_the_backend(unit):
    counts = {"s": 6, "t": DIMENSIONS, "u": 40, "w": 6}
    verdicts = {name: frechet_scores(sets(count, 7, unit=unit)) for name, count in counts.items()}
    results = run({**verdicts, "x": NotApplicable("none")})
    (note,) = rank_notes(results)
    assert note.startswith(
        f"m@b rests on no more {unit} than its embedding has dimensions (8): 6 of s, w; 8 of t; 7 of the reference."
    )
    assert note in build_leaderboard(results, replicates=10).notes
    ranks = [verdicts[name].detail["rank"] for name in "stu"]
    assert ranks == [5, DIMENSIONS - 1, DIMENSIONS], "as many as dimensions are still too few"


def test_enough_embeddings_and_distances_without_covariances_call_for_no_note():
    assert rank_notes(run({"s": frechet_scores(sets(9, 9))})) == []
    assert rank_notes(run({"s": kernel_scores(sets(6, 6, read=np.asarray))})) == []
