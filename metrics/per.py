"""Phoneme error rate: how much of the lyrics can be heard.

    PER = 100 · (S + D + I) / N

with S, D, I the substituted, deleted and inserted phonemes of the cheapest alignment (Levenshtein, all costs 1)
between the phonemes of the sung lines asked for (N of them) and those of what a recogniser hears. Nothing is cut to a
common length and nothing is clipped: dropped lines cost, invented lines cost, and the rate exceeds 100 % when a
recogniser hears much more than was asked for. A song in which no word is heard has 100 %: every phoneme is a
deletion.

The number belongs to the recogniser as much as to the song, so each pair of recogniser and input is a backend of its
own. To add one, write a function like `_vocal_stem` and a factory like `whisper_base_stem`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from metrics.features import phonemes
from metrics.features.edits import Edits, edits
from metrics.features.separation import HTDEMUCS, VocalSeparation, vocals_of
from metrics.features.transcript import WHISPER_BASE, Transcript, whisper_language
from songbench.contracts.cards import READY, Availability, FieldCard, MetricCard
from songbench.contracts.feature import Features
from songbench.contracts.metric import Verdict
from songbench.domain.audio import AudioSource
from songbench.domain.score import NotApplicable, Scores
from songbench.domain.song import Failure, Song
from songbench.execution import weights
from songbench.execution.weights import Weights

Input: TypeAlias = Callable[[Song, Features], AudioSource | NotApplicable | Failure]
"""Which audio of a song the recogniser hears."""

LANGUAGES = ("en", "zh", "mixed")

FIELDS = (
    FieldCard("per", "%", "lower", 0, None, 1, "Phoneme errors of all songs over phonemes asked of all songs (micro)."),
    FieldCard("per_macro", "%", "lower", 0, None, 1, "The same, as the mean of the songs' own rates.", False),
    FieldCard("sub", "%", "none", 0, 100, 1, "Substituted phonemes; sub + del + ins = per.", False),
    FieldCard("del", "%", "none", 0, 100, 1, "Deleted phonemes: asked for and not heard.", False),
    FieldCard("ins", "%", "none", 0, None, 1, "Inserted phonemes: heard and not asked for.", False),
    FieldCard("wer", "%", "lower", 0, None, 1, "Errors in words (Mandarin: syllables without tone).", False),
    FieldCard("coverage", "%", "higher", 0, 100, 1, "Lines with at least half of their phonemes heard.", False),
)

_LICENCE = "Whisper base: MIT; espeak-ng and phonemizer: GPL-3.0; pypinyin: MIT"

_LIMITS = (
    "Errors of the recogniser and of the singer are not told apart: read it against the same number on plain speech"
    " and on real singing. Papers use larger recognisers on separated vocals; their numbers are other columns. A line"
    " sung twice but written once counts as insertions. Mandarin tones are not judged. Mixed lyrics are heard as"
    " Mandarin, and Whisper base often misses a change of language within half a minute."
)


@dataclass(frozen=True)
class PhonemeErrorRate:
    """A `SongMetric`: what Whisper base hears in one input, against the lyrics.

    Attributes:
        backend: recogniser and input, as in the column's heading.
        heard: gives the audio the recogniser hears.
        summary: one sentence for the card.
        limits: what is special about this input.
        models: the weights behind this input, besides the recogniser's.
    """

    backend: str
    heard: Input
    summary: str
    limits: str = ""
    models: tuple[Weights, ...] = ()

    @property
    def card(self) -> MetricCard:
        """What it is."""
        return MetricCard(
            name="per",
            backend=self.backend,
            version="2",
            fields=FIELDS,
            summary=self.summary,
            limits=f"{_LIMITS} {self.limits}".strip(),
            citation="PER as in SongBloom (arXiv 2506.07634, section 5.3); Whisper: arXiv 2212.04356",
            licence="; ".join((_LICENCE, *(f"{model.name}: {model.licence}" for model in self.models))),
            needs=(WHISPER_BASE.name, *(model.name for model in self.models)),
            languages=LANGUAGES,
        )

    def availability(self) -> Availability:
        """Ready when the weights and espeak-ng are here."""
        parts = (*map(weights.availability, (WHISPER_BASE, *self.models)), phonemes.availability())
        return next((part for part in parts if not part.ready), READY)

    def score(self, songs: Sequence[Song], features: Features) -> Iterator[Verdict]:
        """One verdict per song, in order."""
        for song in songs:
            yield self._score(song, features)

    def _score(self, song: Song, features: Features) -> Verdict:
        prompt = song.prompt
        if prompt.language not in LANGUAGES:
            return NotApplicable(f"lyrics in '{prompt.language}' cannot be judged, only {', '.join(LANGUAGES)}")
        if not any(map(phonemes.words_of, prompt.lyrics.lines)):
            return NotApplicable("the prompt has no sung lines")
        source = self.heard(song, features)
        if isinstance(source, NotApplicable | Failure):
            return source
        transcript = features.of(Transcript(whisper_language(prompt.language)), [source])[0]
        if isinstance(transcript, Failure):
            return transcript
        return compare(prompt.lyrics.lines, transcript.data)


def compare(lines: Sequence[str], transcript: Mapping[str, Any]) -> Scores:
    """Score a transcript against the sung lines.

    Args:
        lines: the sung lines, with at least one word.
        transcript: ``Feature.data`` of a `Transcript`.

    Returns:
        All `FIELDS`, with the weights that make the system's figure the micro average: phonemes for the phoneme
        fields, words for ``wer``, lines for ``coverage``; ``per_macro`` has none.
    """
    heard = str(transcript["text"]).split("\n")
    asked_by_line = phonemes.phonemes_of(lines)
    asked = [token for line in asked_by_line for token in line]
    sung = [token for line in phonemes.phonemes_of(heard) for token in line]
    found = edits(asked, sung)
    words = edits(*([unit for line in text for unit in phonemes.units_of(line)] for text in (lines, heard)))
    covered = _covered(asked_by_line, found)
    percent = 100 / len(asked)
    parts = {"sub": found.substitutions, "del": found.deletions, "ins": found.insertions}
    rates = {"per": found.total * percent, **{name: count * percent for name, count in parts.items()}}
    return Scores(
        values={
            **rates,
            "per_macro": rates["per"],
            "wer": 100 * words.total / len(words.matched),
            "coverage": 100 * sum(covered) / len(covered),
        },
        weights={**dict.fromkeys(rates, len(asked)), "wer": len(words.matched), "coverage": len(covered)},
        detail={
            "phonemes": {"reference": len(asked), "heard": len(sung), **parts},
            "words": {"reference": len(words.matched), "errors": words.total},
            "reference": "\n".join(lines),
            "hypothesis": transcript["text"],
            "dropped": list(transcript["dropped"]),
        },
    )


def _covered(lines: Sequence[Sequence[str]], found: Edits) -> list[bool]:
    """Whether at least half of each line's phonemes are matched; lines without words do not count."""
    covered, start = [], 0
    for line in lines:
        if line:
            covered.append(2 * sum(found.matched[start : start + len(line)]) >= len(line))
        start += len(line)
    return covered


def _vocal_stem(song: Song, features: Features) -> AudioSource | NotApplicable | Failure:
    return song.stems.get("vocals", NotApplicable("the system gives no vocal stem"))


def _mix(song: Song, features: Features) -> AudioSource | NotApplicable | Failure:
    return song.source


def _separated_vocals(song: Song, features: Features) -> AudioSource | NotApplicable | Failure:
    found = features.of(VocalSeparation(), [song.source])[0]
    return found if isinstance(found, Failure) else vocals_of(found)


def whisper_base_stem() -> PhonemeErrorRate:
    """PER on the vocal stem that the system itself gives."""
    return PhonemeErrorRate(
        "whisper-base-stem",
        _vocal_stem,
        "Phoneme errors of what Whisper base hears in the system's own vocal stem, against the lyrics.",
        "Only for systems that give a vocal stem; not comparable with numbers on separated vocals.",
    )


def whisper_base_mix() -> PhonemeErrorRate:
    """PER on the complete mix."""
    return PhonemeErrorRate(
        "whisper-base-mix",
        _mix,
        "Phoneme errors of what Whisper base hears in the complete mix, against the lyrics.",
        "The accompaniment hides words from the recogniser, so loud arrangements score worse than they sound.",
    )


def whisper_base_separated() -> PhonemeErrorRate:
    """PER on the vocals that a separator takes out of the mix."""
    return PhonemeErrorRate(
        "whisper-base-separated",
        _separated_vocals,
        "Phoneme errors of what Whisper base hears in the vocals that HTDemucs (arXiv 2211.08553) separates from the"
        " mix, against the lyrics.",
        "What the separator leaves of the instruments or takes away from the consonants costs words that were sung: on"
        " the rule-based singer it reads lower than the mix in Mandarin, but not in English, which Whisper hears"
        " through the band.",
        (HTDEMUCS,),
    )
