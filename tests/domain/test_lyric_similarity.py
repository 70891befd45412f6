import pytest

from songbench.domain.lyric_similarity import (
    longest_shared_line,
    most_alike,
    repeated_lyrics,
    similarities,
    similarity_remarks,
)
from songbench.domain.suite import parse_prompt
from songbench.domain.suite_statistics import suite_statistics


def prompts(**lyrics):
    return [parse_prompt({"id": name, "lyrics": f"[verse]\n{text}"}) for name, text in lyrics.items()]


def test_lyrics_are_as_alike_as_their_sequences_of_words():
    songs = prompts(a="On the road again\nOh no", b="On the road, again!\nOh yes", c="We are here")
    (pair,) = similarities(songs)
    assert (pair.first, pair.second) == ("a", "b")
    assert pair.similarity == pytest.approx(2 / 4)  # two sequences in both, "oh no" and "oh yes" in one each
    assert pair.shared_line == "On the road again"
    assert most_alike(songs) == pair and similarities(songs, 0.6) == []
    assert longest_shared_line(songs) == ("On the road, again!", "a", "b")
    assert most_alike(songs[1:]) is None and longest_shared_line(songs[1:]) is None


def test_mandarin_is_compared_by_character():
    (pair,) = similarities(prompts(a="月亮升起来了", b="太阳升起来了"))
    assert pair.similarity == pytest.approx(2 / 6) and pair.shared_line == ""


def test_the_same_lyrics_are_named_once_however_often_they_are_used():
    many = prompts(**{f"p{number}": "Rain on the roof tonight" for number in range(40)}, q="Rain on the roof again")
    assert len(repeated_lyrics(many)) == 1 and len(similarities(many)) == 1
    remarks = similarity_remarks(many)
    assert remarks[0] == "p0: the same lyrics as p1, p2, p3 and 36 more"
    assert remarks[1].startswith("p0: much like q: 50% of their sequences of 3 words are the same")


def test_songs_with_nothing_in_common_are_not_named():
    assert similarity_remarks(prompts(a="Rain on the roof tonight", b="The kettle sings for nobody")) == ()


def test_prompts_are_counted():
    rows = [
        {
            "id": "a",
            "lyrics": "[intro] [intro]\n[verse]\nOh no\n[verse]\nOh no",
            "seconds": 9,
            "tags": {"genre": "pop"},
        },
        {"id": "b", "lyrics": "[verse]\n月亮升起来了", "tags": {"genre": "pop", "mood": "calm"}},
    ]
    statistics = suite_statistics([parse_prompt(row) for row in rows])
    assert statistics.languages == {"en": 1, "zh": 1} and statistics.plans == {"intro verse": 1, "verse": 1}
    assert statistics.tags == {"genre": {"pop": 2}, "mood": {"calm": 1}} and statistics.seconds == (9.0,)
    assert (statistics.lines, statistics.different_lines, statistics.words) == (3, 2, 10)
