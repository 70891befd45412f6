"""Syllables of words by rules alone."""

import pytest

from songbench.domain.syllables import english_syllables, syllable_count


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (1, "I makes walked called loved moon through strength don't you're it's quite b"),
        (2, "table window wanted settled roses create didn't something someone lonely going quiet maybe fire o'clock"),
        (3, "beautiful piano video everyone usual idea beloved everything somebody"),
        (4, "appreciate information january television"),
    ],
)
def test_english_words(count: int, words: str) -> None:
    assert {word: english_syllables(word) for word in words.split()} == dict.fromkeys(words.split(), count)


@pytest.mark.parametrize(
    ("word", "language", "count"),
    [
        ("月", "zh", 1),
        ("DJ月", "zh", 2),
        ("きょうしつ", "ja", 4),
        ("スーパー", "ja", 4),
        ("がっこう", "ja", 4),
        ("사랑해", "ko", 3),
        ("noche", "es", 2),
        ("Über", "de", 2),
        ("résumé", "fr", 3),
        ("привет", "ru", 2),
        ("καλημέρα", "el", 4),
        ("สวัสดี", "th", 2),
        ("...", "en", 1),
    ],
)
def test_words_of_other_languages(word: str, language: str, count: int) -> None:
    assert syllable_count(word, language) == count
