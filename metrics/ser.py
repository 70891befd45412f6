"""SER, the section error rate: how far a song's sections are from those its lyrics ask for.

    SER = 100 · (mislabelled + missing seconds) / seconds of the song, at most 100 %

The song's sections are found by an analyser; the requested ones are the lyrics' tags in order. Durations of the
requested sections are free. Of all alignments that keep the order, the one with the least error counts
(`metrics.structure_error`). Labels of both sides are the seven tags of the lyrics, so nothing has to be mapped;
neighbours with the same tag are one section. A requested section the song lacks is charged with the seconds the lyrics
give for it, or with an equal share of the song where they give none.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, cast

from metrics.features.structure import StructureAnalyser
from songbench.contracts.cards import READY, Availability, FieldCard, MetricCard
from songbench.contracts.feature import Feature, Features
from songbench.contracts.metric import Verdict
from songbench.domain.hashing import Json, derived_seed
from songbench.domain.score import Scores
from songbench.domain.song import Failure, Song

CHANCE_DRAWS = 200
"""Permutations of the requested sections over which the chance level is averaged."""

SER_NOVELTY = MetricCard(
    name="ser",
    backend="novelty",
    version="1",
    fields=(
        FieldCard("ser", "%", "lower", 0, 100, 1, "Share of the song's time under another label than requested."),
        FieldCard(
            "order_error", "%", "lower", 0, None, 1, "Edit distance of label sequences over requested labels.", False
        ),
        FieldCard("ser_chance", "%", "none", 0, 100, 1, "SER against the requested sections in random order.", False),
        FieldCard("boundary_f", "", "none", 0, 1, 2, "Analyser's boundaries within 3 s of the system's own.", False),
        FieldCard("label_error", "%", "none", 0, 100, 1, "Analyser's labels against the system's own.", False),
    ),
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
    citation=(
        "The measure: SongBloom (arXiv 2506.07634), with free section durations; boundaries: Foote, ICME 2000;"
        " voice: Tachibana et al., TASLP 2014"
    ),
    licence="Apache-2.0",
)


class SectionErrorRate:
    """A `SongMetric`: sections found by `StructureAnalyser` against the sections of the lyrics."""

    card = SER_NOVELTY

    def __init__(self) -> None:
        """Cheap: the analyser has no model."""
        self._analyser = StructureAnalyser()

    def availability(self) -> Availability:
        """Always ready."""
        return READY

    def score(self, songs: Sequence[Song], features: Features) -> Iterator[Verdict]:
        """One verdict per song. A silent song has no sections: 100 %."""
        answers = features.of(self._analyser, [song.source for song in songs])
        for song, answer in zip(songs, answers, strict=True):
            yield answer if isinstance(answer, Failure) else _scores(song, answer)


def _scores(song: Song, feature: Feature) -> Scores:
    from metrics.features.edits import edits
    from metrics.structure_error import merged, missing_costs, structure_error

    rows = cast(list[Any], feature.data["segments"])
    found = [(str(label), float(start), float(end)) for label, start, end in rows]
    lengths = [(label, end - start) for label, start, end in found]
    wanted = [(section.tag, section.seconds) for section in song.prompt.lyrics.sections]
    total = sum(seconds for _, seconds in lengths)
    silent = all(label == "silence" for label, _ in lengths)
    error = structure_error(missing_costs(wanted, total), lengths)
    order = [label for label, _ in merged([(tag, 1.0) for tag, _ in wanted])]
    distance = edits(order, [label for label, _ in merged(lengths)]).total
    values = {
        "ser": 100.0 if silent else error.percent,
        "order_error": 100.0 * distance / len(order),
        "ser_chance": 100.0 if silent else _chance(wanted, lengths, total),
    }
    detail: dict[str, Json] = {
        "requested": order,
        "found": [[label, round(start, 2), round(end, 2)] for label, start, end in found],
        "mislabelled_seconds": error.mislabelled,
        "missing_seconds": error.missing,
    }
    return Scores(values | _analyser_error(song, found), detail=detail)


def _chance(wanted: Sequence[tuple[str, float | None]], found: Sequence[tuple[str, float]], total: float) -> float:
    """The mean SER against the requested sections in random order; the seed follows from the sections."""
    import numpy as np

    from metrics.structure_error import missing_costs, structure_error

    rng = np.random.default_rng(derived_seed("ser chance", [list(section) for section in wanted]))
    draws = [[wanted[i] for i in rng.permutation(len(wanted))] for _ in range(CHANCE_DRAWS)]
    return float(np.mean([structure_error(missing_costs(draw, total), found).percent for draw in draws]))


def _analyser_error(song: Song, found: Sequence[tuple[str, float, float]]) -> dict[str, float]:
    """How far the analyser is from where the system says it put its sections; nothing when the system does not say."""
    from metrics.structure_error import boundary_f, label_error

    if not song.sections:
        return {}
    truth = [(section.tag, section.start, section.end) for section in song.sections]
    true_edges, found_edges = ([start for _, start, _ in sections[1:]] for sections in (truth, found))
    return {"boundary_f": boundary_f(true_edges, found_edges), "label_error": label_error(truth, found)}


def ser_novelty() -> SectionErrorRate:
    """The entry point ``ser@novelty``."""
    return SectionErrorRate()
