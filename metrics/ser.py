"""SER, the section error rate: how far a song's sections are from those its lyrics ask for.

    SER = 100 · (mislabelled + missing seconds) / seconds of the song, at most 100 %

The song's sections are found by an analyser; the requested ones are the lyrics' tags in order. Durations of the
requested sections are free. Of all alignments that keep the order, the one with the least error counts
(`metrics.functional.sections`). Labels of both sides are the tags of the lyrics; each analyser's own labels
become these by a map of its own, and neighbours with the same tag are one section. A requested section the song lacks
is charged with the seconds the lyrics give for it, or with an equal share of the song where they give none.

The definition is the same for every analyser, so a backend is an analyser, its map and its card. Where its map gives a
label no tag, the time under it is left out; where no label of it becomes a tag, sections under that tag are not asked
for, as it could not find them. Where it tells intros and outros by their being without singing, those whose lyrics have
words are asked for under the tag that it gives to singing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, cast

import numpy as np

from metrics.features.section_labels import LABELS
from metrics.features.structure import StructureAnalyser
from metrics.functional.sections import (
    TimedSections,
    boundary_f,
    label_error,
    label_order,
    section_alignment,
    section_error_rate,
    section_errors,
)
from songbench.domain.audio import AudioSource
from songbench.domain.hashing import Json, derived_seed
from songbench.domain.lyrics import Section
from songbench.domain.score import NotApplicable, Scores
from songbench.domain.song import Failure, Song
from songbench.domain.tags import INSTRUMENTAL_TAGS, tags_of_labels
from songbench.plugin import READY, Availability, Extractor, Feature, Features, Field, MetricCard, Verdict
from songbench.resources import weights
from songbench.resources.weights import Weights

CHANCE_DRAWS = 200
"""Permutations of the requested sections over which the chance level is averaged."""

FIELDS = (
    Field(
        "ser",
        unit="%",
        direction="lower",
        low=0,
        high=100,
        decimals=1,
        description="Share of the song's time under another label than requested.",
    ),
    Field(
        "order_error",
        unit="%",
        direction="lower",
        low=0,
        high=None,
        decimals=1,
        description="Edit distance of label sequences over requested labels.",
        headline=False,
    ),
    Field(
        "ser_chance",
        unit="%",
        direction="none",
        low=0,
        high=100,
        decimals=1,
        description="SER against the requested sections in random order.",
        headline=False,
        hears=(),
    ),
    Field(
        "boundary_f",
        unit="",
        direction="none",
        low=0,
        high=1,
        decimals=2,
        description="Analyser's boundaries within 3 s of the system's own.",
        headline=False,
        hears=(),
    ),
    Field(
        "label_error",
        unit="%",
        direction="none",
        low=0,
        high=100,
        decimals=1,
        description="Analyser's labels against the system's own.",
        headline=False,
        hears=(),
    ),
)

NOVELTY_TAGS = tags_of_labels(
    {label: label for label in LABELS}, "the table of the novelty analyser's labels (metrics.ser)"
)

CITATION = "The measure: SongBloom (arXiv 2506.07634), with free section durations"

AnalyserInput: TypeAlias = Callable[[AudioSource, Features], AudioSource]
"""The audio that the analyser takes: of a song's mix and the features, the mix itself or a file of its stems."""

SER_NOVELTY = MetricCard(
    compares_lyrics=True,
    name="ser",
    backend="novelty",
    version="1",
    fields=FIELDS,
    summary="Requested against found sections; found by novelty and rules, without a model.",
    limits=(
        "Stands in for trained analysers and errs more. On songs of the rule-based system that it was not tuned on,"
        " whose sections are known and as asked (so 0 is right), it gave 16 % on 20 songs of 19-37 s (chance: 44 %;"
        " 24 % of the time under a wrong label, boundary F 0.77) and 8 % on 10 of 51-131 s (chance: 38 %; 15 %, 0.79)."
        " Sets of this size vary: another 24 short songs gave 33 % before they went into the tuning. Other music is"
        " harder. Voices that hardly rise above the band are missed for a whole song; expressive solo instruments pass"
        " for voices, and choruses that are neither louder, higher nor repeated for verses. Compare systems on the same"
        " prompts; read ser with ser_chance."
    ),
    citation=f"{CITATION}; boundaries: Foote, ICME 2000; voice: Tachibana et al., TASLP 2014",
    licence="Apache-2.0",
    hears=("form",),
    mono=True,
)


def the_mix(source: AudioSource, features: Features) -> AudioSource:
    """The song as it is."""
    return source


@dataclass(frozen=True, kw_only=True)
class SectionErrorRate:
    """A `SongMetric`: sections found by an analyser against the sections of the lyrics.

    Attributes:
        card: what it is.
        analyser: gives features with ``segments``, see `metrics.features.structure`; a song that is silent throughout
            is one section called silence.
        tags: which tag of the lyrics each of its labels becomes; None: time under this label is left out.
        input: the audio of a song that the analyser takes.
        models: the weights it needs.
        sung_edge: the tag under which an intro or outro with words is asked for; None: its own.
    """

    card: MetricCard
    analyser: Extractor
    tags: Mapping[str, str | None]
    input: AnalyserInput = the_mix
    models: tuple[Weights, ...] = ()
    sung_edge: str | None = None

    def availability(self) -> Availability:
        """Ready when the weights are here."""
        return next((state for state in map(weights.availability, self.models) if not state.ready), READY)

    def score(self, songs: Sequence[Song], features: Features) -> Iterator[Verdict]:
        """One verdict per song. A silent song has no sections: 100 %."""
        answers = features.of(self.analyser, [self.input(song.source, features) for song in songs])
        for song, answer in zip(songs, answers, strict=True):
            yield answer if isinstance(answer, Failure) else self._verdict(song, answer)

    def _verdict(self, song: Song, feature: Feature) -> Verdict:
        sections = song.prompt.lyrics.sections
        labelled = [(self._tag(section), section.seconds) for section in sections]
        requested = [pair for pair in labelled if pair[0] in self.tags.values()]
        if not requested:
            tag_list = ", ".join(sorted({f"[{section.tag}]" for section in sections}))
            return NotApplicable(f"the lyrics ask for {tag_list} only, which this analyser has no label for")
        rows = cast(list[Any], feature.data["segments"])
        silent = all(label == "silence" for label, _, _ in rows)
        tags = {"silence": "silence"} if silent else self.tags
        estimate = [(tag, float(start), float(end)) for label, start, end in rows if (tag := tags[str(label)])]
        scores = _scores(requested, estimate, silent=silent or not estimate)
        detail = dict(scores.detail)
        if any(label != tags[label] for label, _, _ in rows):
            detail["heard"] = rows
        names = {field.name for field in self.card.fields}
        error = {name: value for name, value in _analyser_error(self._truth(song), estimate).items() if name in names}
        missing = dict.fromkeys(
            names - scores.values.keys() - error.keys(), "the system does not say where sections lie"
        )
        return Scores(values={**scores.values, **error}, detail=detail, missing=missing)

    def _tag(self, section: Section) -> str:
        """The tag under which the analyser would find a section of the lyrics."""
        sung_edge = section.vocal and section.tag in INSTRUMENTAL_TAGS
        return self.sung_edge if sung_edge and self.sung_edge else section.tag

    def _truth(self, song: Song) -> list[tuple[str, float, float]]:
        """Where the system put its sections, under the tags that the analyser would give them."""
        lyrics, song_sections = song.prompt.lyrics.sections, song.sections
        as_requested = [section.tag for section in song_sections] == [section.tag for section in lyrics]
        tags = (
            [self._tag(section) for section in lyrics] if as_requested else [section.tag for section in song_sections]
        )
        return [(tag, section.start, section.end) for tag, section in zip(tags, song_sections, strict=True)]


def _scores(requested: Sequence[tuple[str, float | None]], sections: TimedSections, *, silent: bool) -> Scores:
    """What follows from requested and found sections alone.

    Args:
        requested: tag and requested seconds of each section, at least one.
        sections: tag, start and end of each section found in the song; empty only if `silent`.
        silent: the song is silent, so nothing is right.
    """
    errors = section_errors(requested, sections)
    aligned, left_out = section_alignment(requested, sections)
    values = {
        "ser": 100.0 if silent else errors.ser,
        "order_error": errors.order_error,
        "ser_chance": 100.0 if silent else _chance(requested, sections),
    }
    detail: dict[str, Json] = {
        "requested": label_order(requested),
        "found": [[label, round(start, 2), round(end, 2)] for label, start, end in sections],
        "aligned": aligned,
        "left_out": [[label, seconds] for label, seconds in left_out],
        "mislabelled_seconds": errors.mislabelled,
        "missing_seconds": errors.missing,
    }
    return Scores(values=values, detail=detail)


def _chance(requested: Sequence[tuple[str, float | None]], sections: TimedSections) -> float:
    """The mean SER against the requested sections in random order; the seed follows from the sections."""
    rng = np.random.default_rng(derived_seed("ser chance", [list(section) for section in requested]))
    draws = [[requested[i] for i in rng.permutation(len(requested))] for _ in range(CHANCE_DRAWS)]
    return float(np.mean([section_error_rate(draw, sections) for draw in draws]))


def _analyser_error(truth: TimedSections, estimate: TimedSections) -> dict[str, float]:
    """How far the analyser is from where the system says it put its sections; nothing when the system does not say."""
    if not truth:
        return {}
    true_edges, estimated_edges = ([start for _, start, _ in sections[1:]] for sections in (truth, estimate))
    return {
        "boundary_f": boundary_f(true_edges, estimated_edges),
        "boundary_f_half": boundary_f(true_edges, estimated_edges, window=0.5),
        "label_error": label_error(truth, estimate),
    }


def ser_novelty() -> SectionErrorRate:
    """The entry point ``ser@novelty``."""
    return SectionErrorRate(card=SER_NOVELTY, analyser=StructureAnalyser(), tags=NOVELTY_TAGS, sung_edge="verse")
