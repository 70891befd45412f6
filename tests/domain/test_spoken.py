"""What is written in figures and signs, and every way to say it (docs/words.md)."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from songbench.domain.spoken import spoken_words
from songbench.domain.vocables import usual_spelling

PAGE = (Path(__file__).parents[2] / "docs/words.md").read_text(encoding="utf-8")


def usual(text, *languages):
    return " ".join(word for entry in spoken_words(text, languages or ("en",)) for word in entry.usual)


def readings(text, language):
    (entry,) = spoken_words(text, (language,))
    joint = "" if language == "zh" else " "
    return [joint.join(reading) for reading in entry.readings]


@pytest.mark.parametrize(
    ("text", "reading"),
    [
        ("1999", "nineteen ninety nine"),
        ("2008", "two thousand eight"),
        ("2024", "twenty twenty four"),
        ("1900", "nineteen hundred"),
        ("1905", "nineteen oh five"),
        ("5000", "five thousand"),
        ("1,999", "one thousand nine hundred ninety nine"),
        ("101", "one hundred one"),
        ("12345", "twelve thousand three hundred forty five"),
        ("007", "zero zero seven"),
        ("100%", "one hundred percent"),
        ("$100", "one hundred dollars"),
        ("$1", "one dollar"),
        ("$1 million", "one million dollars"),
        ("1st 2nd 3rd 21st 100th", "first second third twenty first one hundredth"),
        ("1980s '90s 5s", "nineteen eighties nineties fives"),
        ("7:30 7:05 7:00 7 pm", "seven thirty seven oh five seven seven p m"),
        ("1/2 3/4 24/7 1½", "one half three quarters twenty four seven one and one half"),
        ("3.5 0.5 .5", "three point five zero point five point five"),
        ("#1 No. 1 No 1", "number one number one no one"),
        ("5-6, 867-5309", "five six eight hundred sixty seven five thousand three hundred nine"),
        ("R&B U.S.A. MP3 2nite", "r and b u s a mp three two nite"),
        ("VIII vi xx", "viii vi xx"),
        ("(Ooh, yeah!) It’s — GONE…", "ooh yeah it's gone"),
        ("‘word’ singin’ ’cause", "word singin cause"),
        ("z̷a̷l̷g̷o", "zalgo"),
    ],
)
def test_the_usual_reading_in_english(text, reading):
    assert usual(text) == reading


@pytest.mark.parametrize(
    ("text", "reading"),
    [
        ("100分", "一百分"),
        ("2008年", "二零零八年"),
        ("12345", "一万二千三百四十五"),
        ("50%", "百分之五十"),
        ("2:30", "两点三十"),
        ("￥100", "一百元"),
        ("3.14", "三点一四"),
        ("1/2", "二分之一"),
        ("13800138000", "一三八零零一三八零零零"),
        ("-5℃", "零下五度"),
        ("〇 人々", "零人人"),
    ],
)
def test_the_usual_reading_in_mandarin(text, reading):
    assert usual(text, "zh").replace(" ", "") == reading


def test_every_legitimate_reading():
    assert set(readings("1999", "zh")) == {"一九九九", "幺九九九", "一千九百九十九"}
    assert set(readings("2008", "zh")) == {"二零零八", "二千零八", "两千零八"}
    assert set(readings("100%", "zh")) >= {"百分之一百", "百分之百", "百分百"}
    assert set(readings("2", "zh")) == {"二", "两"}
    assert set(readings("17", "en")) == {"seventeen", "one seven"}
    assert set(readings("3.5", "en")) == {"three point five"}
    assert set(readings("7:45", "en")) == {
        "seven forty five",
        "forty five past seven",
        "a quarter to eight",
        "quarter to eight",
    }
    assert set(readings("101", "en")) == {
        "one hundred one", "one hundred and one", "a hundred one", "a hundred and one", "hundred one",
        "hundred and one", "one oh one", "one zero one",
    }  # fmt: skip
    assert "seventy" not in readings("17", "en")


def test_language_of_figures_is_that_of_the_letters_beside():
    assert usual("我有100块 and 100 reasons", "en", "zh").startswith("我 有 一 百 块 and one hundred reasons")
    assert usual("3", "en", "zh") == "three"
    assert usual("3", "zh", "en") == "三"
    assert {len(entry.readings) for entry in spoken_words("3", ("en", "zh"))} == {2}


@pytest.mark.parametrize(
    ("text", "spelling"),
    [
        *((f"{word}", "ooh") for word in ("ooh", "oooh", "oo", "ooo")),
        *((word, "oh") for word in ("oh", "ohh", "ohhhh")),
        *((word, "whoa") for word in ("whoa", "woah", "whoah", "whooooa", "woaah")),
        *((word, "yeah") for word in ("yeah", "yea", "yeahhh", "yeeeah")),
        *((word, "hmm") for word in ("mm", "mmm", "hm", "hmmmm")),
        *((word, "shh") for word in ("sh", "shh", "shhhh")),
        *((word, "ah") for word in ("ah", "aah", "ahhh", "aaah")),
        ("soooo", "so"),
        ("loooove", "love"),
        ("freeeee", "free"),
        ("ok", "okay"),
        *(
            (word, word)
            for word in ("xxx", "www", "good", "hello", "oh-so", "nah", "he", "wo", "who", "ma", "a", "o", "bookkeeper")
        ),
    ],
)
def test_vocables(text, spelling):
    assert usual_spelling(text) == spelling
    assert usual_spelling(spelling) == spelling


def test_vocables_of_the_page_are_those_of_the_code():
    section = PAGE.split("## Words that people spell at will")[1].split("##")[0]
    listed = re.findall(r"\*([a-z]+)\*", section.split("with more")[0])
    assert set(listed) == {
        "oh",
        "ooh",
        "ah",
        "uh",
        "eh",
        "whoa",
        "woo",
        "yeah",
        "hey",
        "hmm",
        "shh",
        "okay",
        "brr",
        "la",
        "na",
        "ha",
        "ay",
    }
    for word in listed:
        assert usual_spelling(f"{word}{word[-1] * 3}") == word


figures = st.text("0123456789.,:/$%-' stndrhakm#x=+&°年月点万", max_size=24)


@given(figures | st.text(max_size=24))
def test_any_text_has_words(text):
    for languages in (("en",), ("zh",), ("en", "zh")):
        for entry in spoken_words(text, languages):
            assert entry.readings
            assert all(word and word == word.strip() for reading in entry.readings for word in reading)


@pytest.mark.parametrize(
    "text", ["9" * 20_000, "1/" * 5_000, "9 " * 10_000, "$ " * 20_000, "-5" * 10_000, "a.b." * 10_000]
)
def test_long_text_takes_no_quadratic_time(text):
    assert spoken_words(text) is not None  # pytest's own limit of time is the test
