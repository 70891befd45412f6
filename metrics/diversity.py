"""Diversity over takes: how many different songs a system makes of one prompt, by the Vendi score."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from metrics.features.musicnn import MusicnnEmbedding
from metrics.features.packages import installed
from metrics.functional.cosine import patch_direction
from songbench.domain.hashing import Json
from songbench.domain.score import NotApplicable, Scores
from songbench.domain.song import Failure, Song
from songbench.plugin import (
    Availability,
    Extractor,
    Features,
    Field,
    MetricCard,
    Verdict,
    leave_out,
    with_left_out,
)

DIVERSITY_MUSICNN = MetricCard(
    name="diversity",
    backend="musicnn",
    version="1",
    fields=(
        Field(
            "vendi",
            unit="songs",
            direction="none",
            low=1.0,
            decimals=2,
            description="Effective number of different songs among the takes of a prompt, mean over prompts.",
        ),
    ),
    summary="How different the takes of a prompt sound from each other, as an effective number of songs.",
    limits=(
        "Neither high nor low is good by itself: noise that changes is diverse, and so is a system that misses the"
        " prompt each time in another way. Lies between 1 and the number of takes, so it is comparable only between"
        " runs of equally many. musicnn's mean embeddings are near to each other, so the numbers stay near 1: compare"
        " systems, and do not read them as a count. Judges timbre, style and production as mono up to 8 kHz at one"
        " loudness (-14 LUFS), not words or melody."
    ),
    citation=(
        "Friedman & Dieng, The Vendi Score, TMLR 2023 (package vendi-score); embedding: Pons & Serra, musicnn, ISMIR"
        " 2019 late-breaking demo"
    ),
    licence="ISC (musicnn weights), MIT (vendi-score)",
    needs=("musicnn",),
    mono=True,
    repeats=True,
    tracks=("song", "v2a"),
)


class DiversityMusicnn:
    """The Vendi score of the takes of each prompt, averaged over prompts.

    A take is the direction of the mean of its normalised patch embeddings, as for ``similarity@musicnn``; the
    similarity of two takes is their cosine. The score is the exponential of the entropy of the eigenvalues of the
    matrix of similarities over the number of takes: 1 where all takes are alike, that number where no two have
    anything in common. As its range depends on it, prompts with fewer takes than others are left out. Takes that are
    the same recording count each time: their sameness is what is measured.
    """

    card = DIVERSITY_MUSICNN

    def __init__(self) -> None:
        """Cheap: the network is loaded when embeddings are computed."""
        self._embedding = MusicnnEmbedding()

    @property
    def extractors(self) -> Sequence[Extractor]:
        """The embedding."""
        return (self._embedding,)

    def availability(self) -> Availability:
        """Whether the package and the weights are here."""
        package = installed("vendi_score", "diversity")
        return self._embedding.availability() if package.ready else package

    def score_set(self, songs: Sequence[Song], reference: Sequence[Song], features: Features) -> Verdict:
        """The mean over the prompts that have the most takes; not applicable with a single take of each.

        A take that is silent or has no embedding is left out and named. Where every take fails, so does the score.
        """
        takes: dict[str, list[npt.NDArray[np.float64]]] = {}
        left_out: list[Mapping[str, Json]] = []
        failures: list[Failure] = []
        # 1. the direction of each take
        for song, answer in zip(songs, features.of(self._embedding, [song.source for song in songs]), strict=True):
            if isinstance(answer, Failure):
                failures.append(answer)
                left_out.append(leave_out(song, answer.cause, failed=True))
            elif answer.data["silent"]:
                left_out.append(leave_out(song, "the song is silent"))
            else:
                takes.setdefault(song.prompt.id, []).append(patch_direction(answer.arrays["patches"]))
        if failures and not takes:
            return failures[0]
        # 2. the prompts with all takes
        count = max(map(len, takes.values()), default=0)
        if count < 2:
            return with_left_out(NotApplicable("no prompt has two takes that could differ"), left_out, ())
        scores = {prompt: _vendi(np.array(rows)) for prompt, rows in takes.items() if len(rows) == count}
        missing = {(str(entry["prompt"]), entry["take"]) for entry in left_out}
        left_out += [
            leave_out(song, f"its prompt has fewer takes than {count}")
            for song in songs
            if song.prompt.id not in scores and (song.prompt.id, song.request.take) not in missing
        ]
        # 3. their mean, and what it is without each
        verdict = Scores(
            values={"vendi": _mean(scores)},
            n=count * len(scores),
            leave_one_out={
                prompt: {"vendi": _mean({other: score for other, score in scores.items() if other != prompt})}
                for prompt in (scores if len(scores) > 1 else ())
            },
            detail={"takes": count, "prompts": {prompt: round(score, 6) for prompt, score in scores.items()}},
        )
        return with_left_out(verdict, left_out, ())


def _vendi(directions: npt.NDArray[np.float64]) -> float:
    """The Vendi score of vectors of length 1, shape (n, d), in [1, n] whatever rounding made of it."""
    from vendi_score import vendi

    return float(np.clip(vendi.score_dual(directions, normalize=False), 1.0, len(directions)))


def _mean(scores: Mapping[str, float]) -> float:
    return sum(scores.values()) / len(scores)


def diversity_musicnn() -> DiversityMusicnn:
    """The entry point ``diversity@musicnn``."""
    return DiversityMusicnn()
