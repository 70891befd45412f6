"""PER, the phoneme error rate, on texts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from metrics.functional.edits import Edits
from metrics.functional.lyric_errors import lyric_errors, not_judgeable
from songbench.domain.errors import InputError
from songbench.domain.language import check_language


@dataclass(frozen=True, kw_only=True)
class PhonemeErrors:
    """The phoneme error rate of a transcript, with its parts.

    Attributes:
        per: 100 · (S + D + I) / N in percent: 0 for a perfect transcript, above 100 for one far too long.
        substitutions: S, phonemes of the lyrics that are others in the transcript.
        deletions: D, phonemes of the lyrics that the transcript lacks.
        insertions: I, phonemes of the transcript that the lyrics lack.
        reference_length: N, the phonemes of the lyrics.
    """

    per: float
    substitutions: int
    deletions: int
    insertions: int
    reference_length: int


def per(lines: Sequence[str], transcript: str | Sequence[str], language: str) -> PhonemeErrors:
    """The phoneme error rate of a transcript against the sung lines, as the metric ``per`` has it.

    Both texts go through one normal form, figures may be read in every legitimate way (docs/words.md), and line breaks
    of the transcript say nothing.

    Args:
        lines: the sung lines, without section tags.
        transcript: the words a recogniser gives, as one text or as lines.
        language: ``en``, ``zh`` or ``mixed``, or a BCP 47 code of one of them such as ``en-GB``.

    Returns:
        The rate in %, >= 0, with its parts.

    Raises:
        InputError: no line has a word, the language cannot be judged, or the lyrics are not in it.
        UnavailableError: espeak-ng is not installed or does not start, and there is English to read.

    Source: Levenshtein distance over phonemes: English by espeak-ng, Mandarin by pypinyin (see `phonemes` here).

    Example:
        The phonemes of the second of two words are missing, 4 of 8.

        >>> per(["Hello world"], "hello", "en")
        PhonemeErrors(per=50.0, substitutions=0, deletions=4, insertions=0, reference_length=8)
    """
    lines = [lines] if isinstance(lines, str) else list(lines)
    text = transcript if isinstance(transcript, str) else "\n".join(transcript)
    code = check_language(language)
    if reason := not_judgeable(lines, code):
        raise InputError(f"The phoneme error rate is not applicable: {reason}.")
    return phoneme_errors(lyric_errors(lines, text, code).phonemes)


def phoneme_errors(phonemes: Edits) -> PhonemeErrors:
    """The phoneme error rate that follows from the edits between lyrics and transcript.

    Args:
        phonemes: from the phonemes of the lyrics, at least one, to those of the transcript.
    """
    length = len(phonemes.matched)
    return PhonemeErrors(
        per=100 * phonemes.total / length,
        substitutions=phonemes.substitutions,
        deletions=phonemes.deletions,
        insertions=phonemes.insertions,
        reference_length=length,
    )
