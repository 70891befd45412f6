import contextlib
import itertools
import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from songbench.domain.errors import InputError
from songbench.domain.lyrics import (
    INSTRUMENTAL_TAGS,
    VOCAL_TAGS,
    Lyrics,
    Section,
    UnknownTagsError,
    lyrics_from_json,
    parse_lyrics,
    read_lyrics,
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
        ("[inst]\nla la\n", 1, ["[inst] cannot hold lyrics", "la la", "[outro]"]),
        ("[intro] [intro]\nla la\n", 1, ["[intro] is repeated", "duration is free"]),
        ("[verse\nla", 1, ["bracket has no partner", "'[verse'"]),
        ("[verse]\nla \x07", 1, ["control character (U+0007)"]),
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
    for broken in (
        ("verse",),
        ("inst",),
        ("inst", ("la",), 2.0),
        ("outro", ("la",), 2.0),
        ("outro",),
        ("inst", (), 1e9),
        ("inst", (), float("nan")),
        ("versus", ("la",)),
        ("verse", ("la [x] la",)),
        ("verse", ("  ",)),
    ):
        with pytest.raises(InputError):
            Section(*broken)


def test_intro_and_outro_are_sung_where_they_have_words():
    lyrics = parse_lyrics("[intro]\nooh\n\n[verse]\nla\n\n[outro]\nCarry me home\n\n[outro] [outro]")
    assert lyrics.sections[0] == Section("intro", ("ooh",)) and lyrics.sections[0].vocal
    assert lyrics.sections[2:] == (Section("outro", ("Carry me home",)), Section("outro", seconds=2.0))
    assert lyrics.lines == ("ooh", "la", "Carry me home")
    apart = parse_lyrics("[intro] [intro]\n\n[intro]\nooh\n[verse]\nla")
    assert apart.sections[:2] == (Section("intro", seconds=2.0), Section("intro", ("ooh",)))
    assert parse_lyrics("[intro] [intro] , [intro] ooh. , [verse] la.").sections == apart.sections


def test_all_unknown_tags_of_a_text_are_one_error():
    text = "[Intro: guitar]\n\n[Verse 1]\nla\n[Chorus x2]\nla\n[Break]\nla [ad-lib] la\n[Am]la\n[ti:Song]"
    with pytest.raises(UnknownTagsError) as caught:
        parse_lyrics(text)
    message = str(caught.value)
    assert [(tag.tag, tag.line) for tag in caught.value.tags] == [
        ("Intro: guitar", 1), ("Verse 1", 3), ("Chorus x2", 5), ("Break", 7), ("ad-lib", 8), ("Am", 9), ("ti:Song", 10)
    ]  # fmt: skip
    for words in (
        "7 section tags", "line 1 [Intro: guitar] (write [intro] instead)",
        "[Chorus x2] (write [chorus] instead, 2 times)", "[Break] (write [verse] instead)", "brackets in a line",
        "chords are not sung", "--from lrc",
    ):  # fmt: skip
        assert words in message


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\u2028", "\u2029", "\x85", "\v", "\\n", "\\r\\n"])
def test_every_line_end_is_one(end):
    reading = read_lyrics(end.join(["[verse]", "one", "two", "", "[chorus]", "three"]))
    assert reading.lyrics.sections == (Section("verse", ("one", "two")), Section("chorus", ("three",)))
    assert reading.written_line_ends == (5 if "\\" in end else 0)


def test_invisible_characters_and_other_brackets_are_read():
    assert parse_lyrics("\ufeff［verse］\u200b\nno\u00a0\u00adway\n【chorus】\nla") == parse_lyrics(
        "[verse]\nno way\n[chorus]\nla"
    )


@pytest.mark.parametrize(
    ("row", "line", "stamped"),
    [
        ("[00:10.00]la la", "la la", True),
        ("[0:10] la la", "la la", True),
        ("<00:14.50> la <00:15.00> la", "la la", True),
        ("00:10.00|la la", "la la", True),
        ("00:12.300 la la", "la la", True),
        ("00:10.000] la la", "la la", True),
        ("Meet me at 12:30", "Meet me at 12:30", False),
        ("12:30 on a Sunday", "12:30 on a Sunday", False),
        ("4:3 is the score", "4:3 is the score", False),
    ],
)
def test_time_stamps_are_left_out_and_times_in_words_are_not(row, line, stamped):
    reading = read_lyrics(f"[verse]\nfirst\n{row}")
    assert reading.lyrics.lines == ("first", line)
    assert bool(reading.stamped) == stamped


def test_cues_of_subtitles_are_left_out():
    reading = read_lyrics("[verse]\n1\n00:00:12,300 --> 00:00:14,000\nWe are river\n\n2\nlives")
    assert reading.lyrics.lines == ("We are river", "2", "lives")
    assert reading.stamped == (2, 3)


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("Mr. Jones paid 3.50. No. 5 at 6 p.m. Then he", ("Mr. Jones paid 3.50", "No. 5 at 6 p.m", "Then he")),
        ("one.two ; [verse] three", ("one", "two", "three")),
        ("想见你.在晨曦中。再见，[verse] 你好", ("想见你", "在晨曦中", "再见", "你好")),
        ("wait... what", ("wait", "what")),
        ("I said no. It is over", ("I said no", "It is over")),
    ],
)  # fmt: skip
def test_sentences_of_the_line_form(text, lines):
    assert parse_lyrics(f"[verse] {text}").lines == lines


def test_the_line_form_may_be_broken_over_lines():
    broken = parse_lyrics("[intro] [intro] , [verse] One. Two ,\n[chorus] Three. Four , [outro]")
    assert broken == parse_lyrics("[intro] [intro] , [verse] One. Two , [chorus] Three. Four , [outro]")


@pytest.mark.parametrize("sign", ["[", "]", "(", "<", "{", "\\", "[a] ", "0:", "*", " ,"])
def test_no_text_takes_long(sign):
    with contextlib.suppress(InputError):
        read_lyrics("[verse]\nla " + sign * (90_000 // len(sign)))
    with pytest.raises(InputError, match="is the most"):
        read_lyrics(sign * 100_001)


def test_the_json_form_keeps_everything():
    lyrics = Lyrics((Section("intro", seconds=2.25), Section("verse", ("A  b. c, d",)), Section("intro", ("ooh",))))
    form = json.loads(json.dumps(lyrics.to_json()))
    assert form["sections"][0] == {"tag": "intro", "seconds": 2.25}
    assert lyrics_from_json(form) == lyrics


@pytest.mark.parametrize(
    ("form", "field", "words"),
    [
        ({"sections": [{"tag": "vers", "lines": ["a"]}]}, "lyrics.sections[0].tag", "verse"),
        ({"sections": [{"tag": "verse", "line": ["a"]}]}, "lyrics.sections[0].line", "'lines'"),
        ({"sections": [{"tag": "verse", "lines": [1]}]}, "lyrics.sections[0].lines[0]", "quotes"),
        ({"sections": [{"tag": "intro", "seconds": -1}]}, "lyrics.sections[0]", "above 0"),
        ({"sections": [{"tag": "inst", "seconds": 2, "lines": ["a"]}]}, "lyrics.sections[0]", "cannot hold lyrics"),
        ({"sections": []}, None, "empty"),
        ({}, "lyrics.sections", "missing"),
    ],
)
def test_the_json_form_is_checked(form, field, words):
    with pytest.raises(InputError, match=re.escape(words)) as caught:
        lyrics_from_json(form)
    assert caught.value.field == field


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
