"""Phoneme error rate: how much of the lyrics can be heard.

    PER = 100 · (S + D + I) / N

with S, D, I the substituted, deleted and inserted phonemes of the cheapest alignment (Levenshtein, all costs 1)
between the phonemes of the sung lines asked for (N of them) and those of a recogniser's transcript. What is written in
figures is read in the legitimate way that agrees best (`metrics.functional.readings`). Nothing is cut to a
common length and nothing is clipped: dropped lines cost, invented lines cost, and the rate exceeds 100 % when a
transcript is much longer than the lyrics. A song with an empty transcript has 100 %: every phoneme is a
deletion.

The number belongs to the recogniser as much as to the song, so each pair of recogniser and input is a backend of its
own. To add one, write a function like `metrics.song_inputs.vocal_stems` and a factory like `whisper_base_stem`.

How high the number is for perfect singing only real singing can tell: where a suite's reference songs are sung with
their prompts' lyrics, the row of the system ``reference`` is the floor of the whole pipeline on that suite.
"""

from __future__ import annotations

import importlib.util
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from metrics.features.demucs_stems import HTDEMUCS_TORCH
from metrics.features.separation import HTDEMUCS
from metrics.features.transcript import WHISPER_BASE, Transcript, whisper_language
from metrics.features.whisperx_transcript import WHISPER_LARGE_V3, WhisperXTranscript
from metrics.functional import phonemes
from metrics.functional.edits import Edits
from metrics.functional.lyric_errors import LANGUAGES, lyric_errors, not_judgeable
from metrics.functional.word_alignment import word_alignment
from metrics.functional.words import phoneme_errors
from metrics.song_inputs import Input, mixes, separated_by_demucs, separated_by_onnx, vocal_stems
from songbench.domain.alignment import AlignedWord
from songbench.domain.audio import AudioSource
from songbench.domain.language import MIXED, spoken_language
from songbench.domain.prompt import Prompt
from songbench.domain.score import NotApplicable, Scores
from songbench.domain.song import Failure, Song
from songbench.plugin import (
    READY,
    Availability,
    Extractor,
    Feature,
    Features,
    Field,
    MetricCard,
    Procedure,
    Verdict,
    unavailable,
)
from songbench.resources import weights
from songbench.resources.weights import Weights

FIELDS = (
    Field(
        "per",
        unit="%",
        direction="lower",
        low=0,
        high=None,
        decimals=1,
        description="Phoneme errors of all songs over phonemes asked of all songs (micro).",
    ),
    Field(
        "per_macro",
        unit="%",
        direction="lower",
        low=0,
        high=None,
        decimals=1,
        description="The same, as the mean of the songs' own rates.",
        headline=False,
    ),
    Field(
        "sub",
        unit="%",
        direction="none",
        low=0,
        high=100,
        decimals=1,
        description="Substituted phonemes; sub + del + ins = per.",
        headline=False,
        hears=(),
    ),
    Field(
        "del",
        unit="%",
        direction="none",
        low=0,
        high=100,
        decimals=1,
        description="Deleted phonemes: asked for and not heard.",
        headline=False,
        hears=(),
    ),
    Field(
        "ins",
        unit="%",
        direction="none",
        low=0,
        high=None,
        decimals=1,
        description="Inserted phonemes: heard and not asked for.",
        headline=False,
        hears=(),
    ),
    Field(
        "wer",
        unit="%",
        direction="lower",
        low=0,
        high=None,
        decimals=1,
        description="Errors in words (Mandarin: syllables without tone).",
        headline=False,
    ),
    Field(
        "coverage",
        unit="%",
        direction="higher",
        low=0,
        high=100,
        decimals=1,
        description="Lines with at least half of their phonemes heard.",
        headline=False,
        hears=(),
    ),
)

SIDE_FIELDS = (
    Field(
        "per_clipped",
        unit="%",
        direction="lower",
        low=0,
        high=100,
        decimals=1,
        description="As per, but no song counts for more than 100 %.",
        headline=False,
    ),
    Field(
        "cer",
        unit="%",
        direction="lower",
        low=0,
        high=None,
        decimals=1,
        description="Errors in characters: letters without spaces; Chinese as written, so traditional for"
        " simplified is an error.",
        headline=False,
    ),
    Field(
        "repetition",
        unit="%",
        direction="none",
        low=0,
        high=None,
        decimals=1,
        description="How much of the lyrics is heard more often than asked: surplus runs of six phonemes over"
        " those of the lyrics.",
        headline=False,
        hears=(),
    ),
    Field(
        "passed",
        unit="%",
        direction="none",
        low=0,
        high=100,
        decimals=1,
        description="Share of the audio in which the speech detector found a voice; the recogniser hears nothing else.",
        headline=False,
        hears=(),
    ),
)
"""What the WhisperX backends say besides `FIELDS`."""

_RUN = 6  # phonemes, about two words: shorter runs recur by chance
_TOGETHER = 64  # songs whose vocals are in memory at once; each model is loaded once for all of them

_TEXT_LICENCE = "espeak-ng and phonemizer: GPL-3.0; pypinyin, inflect: MIT; misaki: Apache-2.0"

_COMMON_LIMITS = (
    "Errors of the recogniser and of the singer are not told apart: read it against the row of the reference songs"
    " where they are sung with the prompts' lyrics, which is the floor of the whole pipeline. A line sung twice but"
    " written once counts as insertions. Mandarin tones are not judged."
)

_BASE_LIMITS = (
    "Errors of the recogniser and of the singer are not told apart: read it against the same number on plain speech"
    " and on real singing. Papers use larger recognisers on separated vocals; their numbers are other columns. A line"
    " sung twice but written once counts as insertions. Mandarin tones are not judged. Mixed lyrics are heard as"
    " Mandarin, and Whisper base often misses a change of language within half a minute."
)

_WHISPERX_LIMITS = (
    f"{_COMMON_LIMITS} Mixed lyrics are heard as Mandarin. WhisperX's speech detector drops sung passages that it takes"
    " for music, which counts as deletions; `passed` and `coverage` show it. Papers that say WhisperX rarely say which"
    " Whisper, detector and phonemes, so their numbers agree in kind only. SongBloom's training data was separated by"
    " Demucs and its lyrics filtered by WhisperX."
)


@dataclass(frozen=True, kw_only=True)
class PhonemeErrorRate:
    """A `SongMetric`: what a recogniser hears in one input, against the lyrics.

    Attributes:
        backend: recogniser and input, as in the column's heading.
        input: gives the audio that is transcribed.
        recogniser: the extractor of transcripts in a language, ``en`` or ``zh``.
        summary: one sentence for the card.
        limits: what is special about this input.
        models: the weights of the recogniser, then those behind the input.
        packages: what has to be importable, of the extra ``asr``.
        version: of the backend.
        side_fields: what it says besides `FIELDS`.
        reference: whether papers use it.
        procedure: how the recogniser is asked.
        verified: how it was compared with upstream.
    """

    backend: str
    input: Input
    summary: str
    limits: str
    models: tuple[Weights, ...] = (WHISPER_BASE,)
    packages: tuple[str, ...] = ()
    recogniser: Callable[[str], Extractor] = Transcript
    version: str = "4"
    side_fields: tuple[Field, ...] = ()
    reference: bool = False
    procedure: Procedure | None = None
    verified: str = ""

    @property
    def card(self) -> MetricCard:
        """What it is."""
        return MetricCard(
            compares_lyrics=True,
            name="per",
            backend=self.backend,
            version=self.version,
            fields=(*FIELDS, *self.side_fields),
            summary=self.summary,
            limits=self.limits,
            citation="PER as in SongBloom (arXiv 2506.07634, section 5.3); Whisper: arXiv 2212.04356",
            licence="; ".join((*(f"{model.name}: {model.licence}" for model in self.models), _TEXT_LICENCE)),
            needs=tuple(model.name for model in self.models),
            languages=LANGUAGES,
            reference=self.reference,
            hears=("words", "voice"),
            mono=self.input is not vocal_stems,
            procedure=self.procedure,
            verified=self.verified,
        )

    def availability(self) -> Availability:
        """Ready when packages, weights and espeak-ng are here."""
        parts = (*map(_installed, self.packages), *map(weights.availability, self.models), phonemes.availability())
        return next((part for part in parts if not part.ready), READY)

    def score(self, songs: Sequence[Song], features: Features) -> Iterator[Verdict]:
        """One verdict per song, in order; the audio of all songs is made before the first transcript."""
        for start in range(0, len(songs), _TOGETHER):
            yield from self._score(songs[start : start + _TOGETHER], features)

    def word_alignment(self, prompt: Prompt, scores: Scores) -> list[AlignedWord]:
        """The words that the scores counted, from the texts in their detail; see `WordAligner`."""
        lines, transcript = (str(scores.detail[name]) for name in ("reference", "hypothesis"))
        return word_alignment(lines.split("\n"), transcript, prompt.language)

    def _score(self, songs: Sequence[Song], features: Features) -> Iterator[Verdict]:
        refused = [_refusal(song) for song in songs]
        audible = iter(self.input([song for song, no in zip(songs, refused, strict=True) if no is None], features))
        sources = [no or next(audible) for no in refused]
        transcripts = iter(self._transcripts(songs, sources, features))
        for song, source in zip(songs, sources, strict=True):
            if isinstance(source, NotApplicable | Failure):
                yield source
                continue
            transcript = next(transcripts)
            if isinstance(transcript, Failure):
                yield transcript
            else:
                yield self._compare(song.prompt, transcript.data)

    def _transcripts(
        self, songs: Sequence[Song], sources: Sequence[AudioSource | NotApplicable | Failure], features: Features
    ) -> list[Feature | Failure]:
        """Of all songs that give audio, in order; one request per language."""
        by_language: dict[str, list[tuple[int, AudioSource]]] = {}
        for place, (song, source) in enumerate(zip(songs, sources, strict=True)):
            if not isinstance(source, NotApplicable | Failure):
                language = whisper_language(spoken_language(song.prompt.language))
                by_language.setdefault(language, []).append((place, source))
        transcripts: dict[int, Feature | Failure] = {}
        for language, inputs in by_language.items():
            results = features.of(self.recogniser(language), [source for _, source in inputs])
            transcripts.update(zip((place for place, _ in inputs), results, strict=True))
        return [transcripts[place] for place in sorted(transcripts)]

    def _compare(self, prompt: Prompt, transcript: Mapping[str, Any]) -> Scores:
        lines, language = prompt.lyrics.lines, prompt.language
        scores = compare(lines, transcript, language)
        return with_side_fields(scores, lines, transcript, language) if self.side_fields else scores


def _installed(package: str) -> Availability:
    if importlib.util.find_spec(package):
        return READY
    return unavailable(f"the package '{package}' is not installed", "pip install 'songbench[asr]'")


def _refusal(song: Song) -> NotApplicable | None:
    reason = not_judgeable(song.prompt.lyrics.lines, song.prompt.language)
    return NotApplicable(reason) if reason else None


def compare(lines: Sequence[str], transcript: Mapping[str, Any], language: str = MIXED) -> Scores:
    """Score a transcript against the sung lines.

    Args:
        lines: the sung lines, with at least one word.
        transcript: ``Feature.data`` of a `Transcript`.
        language: of the lyrics: in which languages figures may be read.

    Returns:
        All `FIELDS`, with the weights that make the system's figure the micro average: phonemes for the phoneme
        fields, words for ``wer``, lines for ``coverage``; ``per_macro`` has none.
    """
    errors = lyric_errors(lines, str(transcript["text"]), language)
    rate, words = phoneme_errors(errors.phonemes), errors.words
    covered = _covered(errors.line_phonemes, errors.phonemes)
    length = rate.reference_length
    parts = {"sub": rate.substitutions, "del": rate.deletions, "ins": rate.insertions}
    percent = 100 / length
    rates = {"per": errors.phonemes.total * percent, **{name: count * percent for name, count in parts.items()}}
    return Scores(
        values={
            **rates,
            "per_macro": rates["per"],
            "wer": 100 * words.total / len(words.matched),
            "coverage": 100 * sum(covered) / len(covered),
        },
        weights={**dict.fromkeys(rates, length), "wer": len(words.matched), "coverage": len(covered)},
        detail={
            "phonemes": {"reference": length, "heard": len(errors.transcript_phonemes), **parts},
            "words": {"reference": len(words.matched), "errors": words.total},
            "reference": "\n".join(lines),
            "hypothesis": transcript["text"],
            "dropped": list(transcript["dropped"]),
        },
    )


def with_side_fields(
    scores: Scores, lines: Sequence[str], transcript: Mapping[str, Any], language: str = MIXED
) -> Scores:
    """The same scores with `SIDE_FIELDS`.

    Args:
        scores: what `compare` says.
        lines: the sung lines, with at least one word.
        transcript: ``Feature.data`` of a `WhisperXTranscript`.
        language: of the lyrics: in which languages figures may be read.

    Returns:
        Weights: phonemes for ``per_clipped``, runs of six phonemes for ``repetition``, characters for ``cer``, seconds
        for ``passed``.
    """
    errors = lyric_errors(lines, str(transcript["text"]), language)
    surplus, runs = repeated([token for line in errors.line_phonemes for token in line], errors.transcript_phonemes)
    characters = errors.characters
    seconds = float(transcript["seconds"])
    return Scores(
        values={
            **scores.values,
            "per_clipped": min(100.0, scores.values["per"]),
            "cer": 100 * characters.total / len(characters.matched),
            "repetition": 100 * surplus / runs,
            "passed": 100 * float(transcript["passed"]) / seconds,
        },
        weights={
            **scores.weights,
            "per_clipped": scores.weights["per"],
            "cer": len(characters.matched),
            "repetition": runs,
            "passed": seconds,
        },
        detail={
            **scores.detail,
            "characters": {"reference": len(characters.matched), "errors": characters.total},
            "seconds": {"audio": seconds, "passed by the speech detector": float(transcript["passed"])},
        },
    )


def repeated(lyrics: Sequence[str], transcript: Sequence[str]) -> tuple[int, int]:
    """How many runs of phonemes of the lyrics are heard more often than they are asked for.

    Args:
        lyrics: phonemes of the lyrics, at least one.
        transcript: phonemes of the transcript.

    Returns:
        The surplus of runs in the transcript, and the number of runs of the lyrics. A run is six phonemes that follow
        one another, or all where there are fewer. A line of n phonemes that is sung once more adds about n.
    """
    length = min(_RUN, len(lyrics))
    lyric_runs, transcript_runs = (
        Counter(tuple(tokens[i : i + length]) for i in range(len(tokens) - length + 1))
        for tokens in (lyrics, transcript)
    )
    return sum(max(0, transcript_runs[run] - times) for run, times in lyric_runs.items()), lyric_runs.total()


def _covered(lines: Sequence[Sequence[str]], edits: Edits) -> list[bool]:
    """Whether at least half of each line's phonemes are matched; lines without words do not count."""
    covered, start = [], 0
    for line in lines:
        if line:
            covered.append(2 * sum(edits.matched[start : start + len(line)]) >= len(line))
        start += len(line)
    return covered


def whisper_base_stem() -> PhonemeErrorRate:
    """PER on the vocal stem that the system itself gives."""
    return PhonemeErrorRate(
        backend="whisper-base-stem",
        input=vocal_stems,
        summary="Phoneme errors of what Whisper base hears in the system's own vocal stem, against the lyrics.",
        limits=f"{_BASE_LIMITS} Only for systems that give a vocal stem; not comparable with numbers on"
        " separated vocals.",
    )


def whisper_base_mix() -> PhonemeErrorRate:
    """PER on the complete mix."""
    return PhonemeErrorRate(
        backend="whisper-base-mix",
        input=mixes,
        summary="Phoneme errors of what Whisper base hears in the complete mix, against the lyrics.",
        limits=f"{_BASE_LIMITS} The accompaniment hides words from the recogniser, so loud arrangements score"
        " worse than they"
        " sound.",
    )


def whisper_base_separated() -> PhonemeErrorRate:
    """PER on the vocals that a separator takes out of the mix."""
    return PhonemeErrorRate(
        backend="whisper-base-separated",
        input=separated_by_onnx,
        summary="Phoneme errors of what Whisper base hears in the vocals that HTDemucs (arXiv 2211.08553)"
        " separates from the"
        " mix, against the lyrics.",
        limits=f"{_BASE_LIMITS} What the separator leaves of the instruments or takes away from the consonants"
        " costs words"
        " that were sung: on the rule-based singer it reads lower than the mix in Mandarin, but not in English, which"
        " Whisper hears through the band.",
        models=(WHISPER_BASE, HTDEMUCS),
    )


_VERIFIED_TEXT = (
    "Word for word the text of whisperx 3.8.6's own load_model and transcribe on the same samples, with the weights of"
    " Whisper base; large-v3 itself and accelerators were not tried."
)


def _whisperx(window: str) -> Procedure:
    (source,) = WHISPER_LARGE_V3.sources
    return Procedure(
        model="Systran/faster-whisper-large-v3",
        revision=getattr(source, "revision", ""),
        rate="16 kHz mono",
        window=window,
        pooling="beam 5, temperature 0, no timestamps, no text before; float32",
        formula="(S + D + I) / N over the phonemes of all songs; English by espeak-ng, Mandarin by pypinyin",
    )


def whisperx_large_v3() -> PhonemeErrorRate:
    """PER as papers have it: Demucs' vocals, WhisperX with Whisper large-v3."""
    return PhonemeErrorRate(
        backend="whisperx-large-v3",
        input=separated_by_demucs,
        summary="Phoneme errors of what WhisperX with Whisper large-v3 hears in the vocals that Demucs (HTDemucs, arXiv"
        " 2211.08553) separates from the mix, against the lyrics.",
        limits=_WHISPERX_LIMITS,
        models=(WHISPER_LARGE_V3, HTDEMUCS_TORCH),
        packages=("whisperx", "demucs"),
        recogniser=WhisperXTranscript,
        version="2",
        side_fields=SIDE_FIELDS,
        reference=True,
        procedure=_whisperx(
            "vocals by htdemucs (no shifts, overlap 0.25); pyannote's stretches of speech, merged to 30 s at most"
        ),
        verified="Vocals within 1e-4 of demucs 4.1's own Separator on a random network of the same class. "
        + _VERIFIED_TEXT,
    )


def whisperx_large_v3_mix() -> PhonemeErrorRate:
    """PER of WhisperX with Whisper large-v3 on the complete mix."""
    return PhonemeErrorRate(
        backend="whisperx-large-v3-mix",
        input=mixes,
        summary="Phoneme errors of what WhisperX with Whisper large-v3 hears in the complete mix, against the lyrics.",
        limits=f"{_WHISPERX_LIMITS} The accompaniment hides words from the recogniser and voices from the"
        " detector, so loud"
        " arrangements score worse than they sound.",
        models=(WHISPER_LARGE_V3,),
        packages=("whisperx",),
        recogniser=WhisperXTranscript,
        version="2",
        side_fields=SIDE_FIELDS,
        reference=True,
        procedure=_whisperx("pyannote's stretches of speech, merged to 30 s at most"),
        verified=_VERIFIED_TEXT,
    )
