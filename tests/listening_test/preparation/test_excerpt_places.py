"""Which part of a song is played."""

import pytest

from listening_test.preparation.excerpts import estimated_sections, place, syllables
from listening_test.protocol import Excerpt
from songbench.domain.lyrics import parse_lyrics
from songbench.domain.song import TimedSection

LYRICS = parse_lyrics(
    "[intro] [intro] [intro] [intro]\n[verse]\none two three four\nfive six\n[chorus]\none two three\n"
    "[inst] [inst]\n[chorus]\none two three"
)


def test_whole_songs_and_windows():
    assert place(Excerpt(), 30.0, LYRICS) == (place(Excerpt(rule="whole", seconds=99), 30.0, LYRICS))
    span = place(Excerpt(rule="window", start=5, seconds=12), 30.0, LYRICS)
    assert (span.start, span.seconds, span.note) == (5.0, 12.0, "")
    assert place(Excerpt(rule="window", start=25, seconds=12), 30.0, LYRICS).seconds == 5.0
    assert place(Excerpt(rule="window", start=30), 30.0, LYRICS) is None


def test_a_section_lies_where_the_system_says():
    sections = (TimedSection("verse", 4.0, 9.0), TimedSection("chorus", 9.0, 15.5), TimedSection("chorus", 20.0, 26.0))
    rule = Excerpt(rule="section", tag="chorus", occurrence=2, seconds=4)
    assert (place(rule, 30.0, LYRICS, sections).start, place(rule, 30.0, LYRICS, sections).seconds) == (20.0, 4.0)
    assert place(rule, 30.0, LYRICS, sections).note == ""


def test_else_it_follows_from_the_lyrics():
    spans = estimated_sections(LYRICS, 30.0)  # 4 and 2 s instrumental; 24 s for 6 + 3 + 3 syllables
    assert spans[0] == (0.0, 4.0) and spans[-1][1] == pytest.approx(30.0)
    assert [round(end - start, 2) for start, end in spans] == [4.0, 12.0, 6.0, 2.0, 6.0]
    span = place(Excerpt(rule="section", tag="chorus", occurrence=2), 30.0, LYRICS)
    assert span.start == pytest.approx(24.0) and "estimated" in span.note
    missed = (TimedSection("chorus", 9.0, 15.5),)  # the system sang one chorus of two
    assert "estimated" in place(Excerpt(rule="section", tag="chorus", occurrence=2), 30.0, LYRICS, missed).note
    assert place(Excerpt(rule="section", tag="bridge"), 30.0, LYRICS) is None


def test_a_song_too_short_for_its_instrumental_parts_is_scaled():
    spans = estimated_sections(parse_lyrics("[intro] [intro] [intro] [intro]\n[verse]\nla la"), 4.0)
    assert spans[0][1] == pytest.approx(8 / 3) and spans[1][1] == pytest.approx(4.0)
    only = estimated_sections(parse_lyrics("[inst] [inst]\n\n[outro] [outro]"), 8.0)
    assert only == [(0.0, 4.0), (4.0, 8.0)]


def test_an_outro_with_words_takes_its_share_of_what_is_sung():
    lyrics = parse_lyrics("[intro] [intro]\n[verse]\nla la\n[outro]\nla la\n")
    assert estimated_sections(lyrics, 10.0) == [(0.0, 2.0), (2.0, 6.0), (6.0, 10.0)]
    assert place(Excerpt(rule="section", tag="outro"), 10.0, lyrics).start == 6.0


@pytest.mark.parametrize(
    ("line", "count"),
    [("la la la", 3), ("春天来了", 4), ("Morning comes", 3), ("we go 去 now", 4), ("...", 1), ("little fire", 4)],
)
def test_syllables_are_about_right(line, count):
    assert abs(syllables(line) - count) <= 1
