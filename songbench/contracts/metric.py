"""The contracts of metrics."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol, TypeAlias, runtime_checkable

from songbench.contracts.cards import Availability, MetricCard
from songbench.contracts.feature import Extractor, Features
from songbench.domain.alignment import AlignedWord
from songbench.domain.prompt import Prompt
from songbench.domain.score import NotApplicable, Scores
from songbench.domain.song import Failure, Song

Verdict: TypeAlias = Scores | NotApplicable | Failure
"""What a metric may answer."""


@runtime_checkable
class SongMetric(Protocol):
    """Judges songs one by one. Built by calling its entry point with the keywords of ``--set metric.<name>.<key>``."""

    @property
    def card(self) -> MetricCard:
        """What it is."""

    def availability(self) -> Availability:
        """Whether it can run here. Must not load a model."""

    def score(self, songs: Sequence[Song], features: Features) -> Iterator[Verdict]:
        """Score songs one by one.

        Args:
            songs: of one system, in any number.
            features: the shared features of their audio.

        Returns:
            One verdict per song, in order. A verdict must not depend on the other songs of the batch.
        """


@runtime_checkable
class SetMetric(Protocol):
    """Judges all songs of a system together against the suite's reference songs (FAD, KAD …)."""

    @property
    def card(self) -> MetricCard:
        """What it is."""

    @property
    def extractors(self) -> Sequence[Extractor]:
        """The features it will ask for, so that they can be computed in parallel beforehand."""

    def availability(self) -> Availability:
        """Whether it can run here. Must not load a model."""

    def score_set(self, songs: Sequence[Song], reference: Sequence[Song], features: Features) -> Verdict:
        """Score a set.

        Args:
            songs: the system's songs, in suite order, takes in order.
            reference: one song per prompt that has a reference, in suite order.
            features: the shared features.

        Returns:
            One verdict for the set; `Scores` with the values without each prompt in `leave_one_out`.
        """


@runtime_checkable
class Conditional(Protocol):
    """A set metric that knows from the songs alone when it has nothing to say: then no feature is computed for it."""

    def not_applicable(self, songs: Sequence[str], reference: Sequence[str]) -> NotApplicable | None:
        """Why the set cannot be scored, or None when it can, as far as is known without features.

        Args:
            songs: the digests of the audio of the system's songs.
            reference: those of the reference songs.
        """


@runtime_checkable
class WordAligner(Protocol):
    """A song metric that compares words and can show which of them it counted as errors."""

    def word_alignment(self, prompt: Prompt, scores: Scores) -> Sequence[AlignedWord]:
        """The recognised words beside those of the lyrics, with the same readings and edits as in the scores.

        Args:
            prompt: with the lyrics.
            scores: what the metric said of a song made from it; their `detail` holds the texts.

        Raises:
            UnavailableError: something that reads the words is not here.
        """


Metric: TypeAlias = SongMetric | SetMetric
"""Either kind."""
