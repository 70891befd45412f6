import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from songbench.domain.errors import InputError
from songbench.domain.lyrics import (
    INSTRUMENTAL_TAGS,
    VOCAL_TAGS,
    Lyrics,
    Section,
    parse_lyrics,
    render_block,
    render_line,
)

LINE_FORM = "[intro] [intro] [intro] , [verse] First line here. Second line. , [chorus] La la la. , [outro] [outro]"


def test_line_form_of_songbloom():
    lyrics = parse_lyrics(LINE_FORM)
    assert lyrics.sections == (
        Section("intro", seconds=3.0),
        Section("verse", ("First line here", "Second line")),
        Section("chorus", ("La la la",)),
        Section("outro", seconds=2.0),
    )
    assert render_line(lyrics) == LINE_FORM


def test_block_form_keeps_punctuation_inside_lines():
    text = "[verse]\nWell, hello there.\n  How   are you?\n\n[inst] [inst]\n"
    lyrics = parse_lyrics(text)
    assert lyrics.sections == (
        Section("verse", ("Well, hello there.", "How are you?")),
        Section("inst", seconds=2.0),
    )
    assert parse_lyrics(render_block(lyrics)) == lyrics


def test_seconds_per_tag_of_the_240_s_model():
    lyrics = parse_lyrics("[intro] [intro] , [verse] a b.", seconds_per_tag=5.0)
    assert lyrics.sections[0].seconds == 10.0
    assert render_line(lyrics, seconds_per_tag=5.0) == "[intro] [intro] , [verse] a b."


def test_same_vocal_tag_twice_is_two_sections():
    assert parse_lyrics("[verse]\na\n[verse]\nb").tags == ("verse", "verse")


def test_mandarin_full_stops_end_lines():
    assert parse_lyrics("[verse] 你好。再见。").lines == ("你好", "再见")


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("[verse]\nla\n\n[chrous]\nla", 4, ["[chrous]", "Did you mean 'chorus'?", "intro, verse, chorus"]),
        ("[verse]\nla\n[pre-chorus]\nla", 3, ["Write [verse] instead"]),
        ("[Verse 1]\nla", 1, ["Did you mean 'verse'?"]),
        ("words first\n[verse]\nla", 1, ["'words first'", "before any section tag"]),
        ("[verse]\n[chorus]\nla", 1, ["[verse] has no lyrics"]),
        ("[intro]\nla la\n", 1, ["[intro] cannot hold lyrics", "la la"]),
        ("", 1, ["empty"]),
    ],
)
def test_errors_name_file_line_and_cure(text, line, words):
    with pytest.raises(InputError) as caught:
        parse_lyrics(text, file="song.txt")
    assert (caught.value.file, caught.value.line) == ("song.txt", line)
    for word in words:
        assert word in str(caught.value)


def test_section_rules_hold_without_parsing():
    for broken in (lambda: Section("verse"), lambda: Section("inst"), lambda: Section("inst", ("la",), 2.0)):
        with pytest.raises(InputError):
            broken()


words = st.text(st.sampled_from("abcdefg 你好晚安'-!?"), min_size=1, max_size=20).map(lambda s: " ".join(s.split()))
line = words.filter(bool)
section = st.one_of(
    st.builds(Section, st.sampled_from(VOCAL_TAGS), st.lists(line, min_size=1, max_size=4).map(tuple)),
    st.builds(Section, st.sampled_from(INSTRUMENTAL_TAGS), seconds=st.integers(1, 9).map(float)),
)


def merged(sections):
    """Neighbouring instrumental sections of one tag are one section in text."""
    return all(a.vocal or a.tag != b.tag for a, b in itertools.pairwise(sections))


@given(st.lists(section, min_size=1, max_size=6).filter(merged).map(tuple).map(Lyrics))
def test_both_forms_round_trip(lyrics):
    assert parse_lyrics(render_block(lyrics) + "\n\n") == lyrics
    assert parse_lyrics(render_line(lyrics)) == lyrics
