"""Syllables of Mandarin as SongBloom's symbols: pypinyin's initials and finals, respelled.

pypinyin gives the phonology (有 is ``iou3`` without an initial); the symbols follow the spelling (``y`` and ``ou3``).
"""

from __future__ import annotations

_RESPELLED_AFTER_INITIAL = {"uei": "ui", "iou": "iu", "uen": "un"}
_RESPELLED_ALONE = {"i": "i", "in": "in", "ing": "ing", "ian": "En", "ie": "E"}
_NO_INITIAL = {"a": "AA", "e": "EE", "o": "OO"}
_RETROFLEX, _DENTAL, _PALATAL = {"zh", "ch", "sh", "r"}, {"z", "c", "s"}, {"j", "q", "x"}


def initials_of(word: str) -> list[str]:
    """The initial of each character, empty where there is none."""
    from pypinyin import Style, lazy_pinyin

    return lazy_pinyin(word, style=Style.INITIALS, neutral_tone_with_five=True)


def finals_of(word: str) -> list[str]:
    """The final of each character with its tone at the end, 1 to 4 or 5 for the neutral one, e.g. ``iou3``."""
    from pypinyin import Style, lazy_pinyin

    return lazy_pinyin(word, style=Style.FINALS_TONE3, neutral_tone_with_five=True)


def symbols_of_syllable(initial: str, final: str) -> tuple[str, str]:
    """The two symbols of a syllable.

    Args:
        initial: as `initials_of` gives it.
        final: as `finals_of` gives it, with its tone.

    Returns:
        Such as ``("y", "En2")`` for 言.
    """
    sound, tone = final[:-1], final[-1]
    first, second = _after(initial, sound) if initial else _alone(sound)
    return first, second + tone


def _after(initial: str, sound: str) -> tuple[str, str]:
    if sound == "i" and initial in _RETROFLEX:
        return initial, "ir"
    if sound == "i" and initial in _DENTAL:
        return initial, "i0"
    if sound.startswith("u") and initial in _PALATAL:
        return initial, "v" + sound[1:]
    return initial, _RESPELLED_AFTER_INITIAL.get(sound, sound)


def _alone(sound: str) -> tuple[str, str]:
    if sound.startswith("i"):
        return "y", _RESPELLED_ALONE.get(sound, sound[1:])
    if sound.startswith("u"):
        return "w", sound if sound == "u" else sound[1:]
    if sound.startswith("v"):
        return "y", sound
    return _NO_INITIAL[sound[0]], sound
