"""From phonemes in time to syllables a melody can be set to."""

from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from systems.rulebased.espeak import RATE, Phoneme, Utterance, say
from systems.rulebased.text import SpokenLine

VOICES = {
    ("en", "female"): "en-us+f5",
    ("en", "male"): "en-us+m3",
    ("zh", "female"): "cmn-latn-pinyin+steph",
    ("zh", "male"): "cmn-latn-pinyin+m7",
}
"""espeak-ng voice per language and singer, chosen by how well Whisper base reads their singing."""

WORDS_PER_MINUTE = {"en": 125, "zh": 140}
"""Speaking rate per language, slow enough for full vowels."""

_ANALYSIS_F0 = 100


@dataclass(frozen=True, kw_only=True)
class Syllable:
    """One vowel and its neighbours.

    Attributes:
        word: index into the line's words.
        stress: 0-2; function words and unstressed vowels are 0.
        nucleus: the vowel.
        after: the consonants between this vowel and the next one, or the end of the line.
        tone: of a Mandarin syllable, 1-5; 0 for others.
    """

    word: int
    stress: int
    nucleus: Phoneme
    after: tuple[Phoneme, ...]
    tone: int = 0

    @property
    def after_seconds(self) -> float:
        """Natural duration of the consonants after the vowel."""
        return sum(_seconds(phoneme) for phoneme in self.after)

    @property
    def least_seconds(self) -> float:
        """Shortest note on which the syllable stays intelligible: a short vowel plus hurried consonants."""
        return 0.10 + 0.8 * self.after_seconds


@dataclass(frozen=True, eq=False)
class SyllableLine:
    """A line split for singing.

    Attributes:
        spoken: the words.
        utterance: their speech.
        before: consonants before the first vowel.
        syllables: at least one.
    """

    spoken: SpokenLine
    utterance: Utterance
    before: tuple[Phoneme, ...]
    syllables: tuple[Syllable, ...]

    @property
    def before_seconds(self) -> float:
        """Natural duration of the consonants before the first vowel."""
        return sum(_seconds(phoneme) for phoneme in self.before)

    def words(self) -> list[tuple[str, int, int]]:
        """Every sung word with its first syllable and one past its last; words sharing a syllable are one entry."""
        owners = [syllable.word for syllable in self.syllables]
        firsts = [index for index, owner in enumerate(owners) if index == 0 or owner != owners[index - 1]]
        starts = [0, *(owners[first] for first in firsts[1:]), len(self.spoken.words)]
        ends = [*firsts[1:], len(owners)]
        return [
            (" ".join(self.spoken.words[start:end]), first, last)
            for (start, end), first, last in zip(pairwise(starts), firsts, ends, strict=True)
        ]


def _seconds(phoneme: Phoneme) -> float:
    natural = (phoneme.end - phoneme.start) / RATE
    return min(natural, 0.03) if phoneme.is_pause else natural


@lru_cache(maxsize=128)
def syllable_line(spoken: SpokenLine, singer: str) -> SyllableLine | None:
    """Speaks a line and splits it at its vowels; None when it holds no vowel.

    Args:
        spoken: the line.
        singer: `female` or `male`.
    """
    voice = VOICES[spoken.language, singer]
    utterance = say(spoken.text, voice, WORDS_PER_MINUTE[spoken.language], _ANALYSIS_F0)
    phonemes = _without_outer_pauses(utterance.phonemes)
    vowels = [index for index, phoneme in enumerate(phonemes) if phoneme.is_vowel]
    if not vowels:
        return None
    bounds = [*vowels, len(phonemes)]
    owners = _owners(spoken, [phonemes[index].position for index in vowels])
    tones = _tones(spoken)
    syllables = tuple(
        Syllable(
            word=owner,
            stress=phonemes[vowel].stress,
            nucleus=phonemes[vowel],
            after=phonemes[vowel + 1 : following],
            tone=tones[owner],
        )
        for owner, (vowel, following) in zip(owners, pairwise(bounds), strict=True)
    )
    return SyllableLine(spoken, utterance, phonemes[: vowels[0]], syllables)


def _tones(spoken: SpokenLine) -> tuple[int, ...]:
    """The tone of each word: the digit that ends the pinyin of a Mandarin one."""
    spellings = spoken.text.split(" ")
    return tuple(int(spelling[-1]) if spelling[-1].isdigit() else 0 for spelling in spellings)


def _owners(spoken: SpokenLine, positions: list[int]) -> list[int]:
    """The word of each vowel.

    Words that espeak-ng speaks as one ("in the") report one place; its last vowels go to
    the later words.
    """
    owners = [max((i for i, start in enumerate(spoken.starts) if start <= at), default=0) for at in positions]
    distinct = sorted(set(owners))
    for owner, following in zip(distinct, [*distinct[1:], len(spoken.words)], strict=True):
        vowels = [index for index, has in enumerate(owners) if has == owner]
        orphans = min(following - owner, len(vowels)) - 1
        for back in range(orphans):
            owners[vowels[-1 - back]] = owner + orphans - back
    return owners


def _without_outer_pauses(phonemes: tuple[Phoneme, ...]) -> tuple[Phoneme, ...]:
    sounding = [index for index, phoneme in enumerate(phonemes) if not phoneme.is_pause]
    return phonemes[sounding[0] : sounding[-1] + 1] if sounding else ()
