"""Lyrics to SongBloom's one line, its checks, and the ids."""

import pytest

from songbench.domain.errors import InputError
from songbench.domain.lyrics import Lyrics, Section, parse_lyrics
from songbench.resources.weights import availability
from systems.songbloom.text import RELEASED, SONGBLOOM_TEXT, check_line, encode, one_line, retagged

_missing = availability(SONGBLOOM_TEXT)
needs_data = pytest.mark.skipif(not _missing.ready, reason=f"{_missing.reason}: {_missing.cure}")

SONG = """
[intro] [intro]

[verse]
Morning comes in slowly
over the railway line, we wait

[chorus]
想见你
在晨曦中，在月光下

[outro] [outro] [outro]
"""


def test_the_line_has_the_shape_of_the_authors_examples():
    assert one_line(parse_lyrics(SONG), seconds_per_tag=1) == (
        "[intro] [intro] , [verse] Morning comes in slowly. over the railway line. we wait"
        " , [chorus] 想见你.在晨曦中.在月光下 , [outro] [outro] [outro]"
    )


@pytest.mark.parametrize(("seconds", "count"), [(0.5, 1), (5, 1), (8, 2), (30, 6)])
def test_parts_without_singing_are_as_long_as_wanted(seconds, count):
    lyrics = Lyrics((Section("inst", seconds=seconds),))
    assert one_line(lyrics, seconds_per_tag=5) == " ".join(["[inst]"] * count)


def test_marks_that_would_be_read_as_something_else_are_left_out():
    lyrics = Lyrics((Section("verse", ("“Wait…” she said: 1,000 times; why?", "我love你。你爱我", "oh-oh")),))
    assert one_line(lyrics, 1) == "[verse] Wait. she said. 1000 times. why. 我love你.你爱我. oh-oh"


def test_words_of_an_intro_or_outro_are_sung_as_a_verse_and_that_is_said():
    lyrics = parse_lyrics("[intro]\nOoh\n\n[verse]\nla\n\n[outro]\nCarry me home\n\n[outro] [outro]")
    assert one_line(lyrics, 1) == "[verse] Ooh , [verse] la , [verse] Carry me home , [outro] [outro]"
    check_line(one_line(lyrics, 1))
    assert retagged(lyrics).startswith("the words of [intro] and [outro] are sung as [verse]")
    assert retagged(parse_lyrics(SONG)) == ""


def test_the_line_reads_back_as_the_same_lyrics():
    lyrics = parse_lyrics(SONG)
    again = parse_lyrics(one_line(lyrics, 1))
    assert again.tags == lyrics.tags
    assert [section.seconds for section in again.sections] == [section.seconds for section in lyrics.sections]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "empty"),
        ("la la [verse] la", "before any section tag"),
        ("[pre-chorus] la", r"Unknown section tag \[pre-chorus\]. Write \[verse\] instead.*Allowed: intro, verse"),
        ("[verse]", "has no lyrics"),
        ("[verse] , [inst]", "has no lyrics"),
        ("[inst] la la", "cannot hold lyrics"),
        ("[verse] la , [outro] la la", r"\[outro\] cannot hold lyrics in SongBloom's form.*under \[verse\]"),
        ("[verse]la la", r"\[verse\] touches other text.*space on both sides"),
        ("[verse] la\n[chorus] lo", "is one line.*Write it on one line"),
        (
            "[verse] 你好.こんにちは , [chorus] la",
            r"cannot sing 'こ', .*Hiragana.*section 1 \(\[verse\]\).*English and Mandarin",
        ),
        ("[verse] la , [chorus] Привет 사랑", r"'П'.*\(Cyrillic, Hangul\).*section 2 \(\[chorus\]\)"),
        ("[verse] straße", "'ß'"),
        ("[verse] １２", "'１', '２'"),
    ],
)
def test_what_the_model_would_misread_is_refused(text, message):
    with pytest.raises(InputError, match=message):
        check_line(text)


@pytest.mark.parametrize("text", ["[verse] Café naïve – 你好, 123!", "[intro] [intro] , [verse] a.b.c , [silence]"])
def test_what_it_can_sing_passes(text):
    check_line(text)


def test_the_ids_are_those_of_the_symbols():
    encoded = encode("[intro] , [verse] 你好.我", RELEASED, max_length=600)
    assert " ".join(encoded.symbols) == "[intro] , [verse] n i2 h ao3 . w o3"
    assert [RELEASED.symbols[i] for i in encoded.ids] == list(encoded.symbols)
    assert encoded.dropped == ()


@needs_data
def test_words_that_give_no_symbol_are_named():
    assert encode("[verse] 你 x'y 我", RELEASED, 600).dropped == ("x'y",)


@pytest.mark.parametrize("text", ["[inst] [inst]", "[verse] ♪ ♪"])
def test_nothing_to_sing_is_an_error(text):
    with pytest.raises(InputError, match=r"nothing to sing.*at least one sung line"):
        encode(text, RELEASED, 600)


def test_too_many_symbols_is_an_error_that_says_where_the_limit_falls():
    text = "[intro] [intro] , [verse] 你好.你好 , [chorus] 我我我 , [outro]"
    assert len(encode(text, RELEASED, 23).ids) == 23
    with pytest.raises(
        InputError, match=r"have 23 symbols.*at most 20.*section 3 of 4, \[chorus\].*Take out 3 symbols"
    ):
        encode(text, RELEASED, 20)
