"""The words that are shown as errors are those that the word error rate counts."""

from collections import Counter

import pytest

from metrics.functional.edits import alignment, edits
from metrics.functional.lyric_errors import lyric_errors
from metrics.functional.word_alignment import word_alignment
from metrics.per import compare, whisper_base_mix
from songbench.contracts.metric import WordAligner
from songbench.domain.lyrics import parse_lyrics
from songbench.domain.prompt import Prompt

CASES = [
    (["Hello, my world!", "(oh baby)"], "hello world oh baby", "en"),
    (["Hello world"], "", "en"),
    (["go"], "well I say go go go", "en"),
    (["2 hearts at 100%", "one way"], "two hearts at a hundred percent 1 way", "en"),
    (["two hearts, one night"], "2 hearts 2 nights", "en"),
    (["rock & roll", "nine to five"], "rock and roll 9-5", "en"),
    (["我爱你，不是她", "今天2008年"], "我愛他不是今天二零零八年", "zh"),
    (["我爱你 (baby)", "…", "再见"], "baby 我 再见", "mixed"),
    (["well-known “Zoë”—don’t go"], "well known zoe dont", "en"),
]


def counts(words):
    return Counter(word.kind for word in words)


@pytest.mark.parametrize(("lines", "transcript", "language"), CASES)
def test_the_alignment_holds_what_the_word_errors_count(lines, transcript, language):
    words, edited = word_alignment(lines, transcript, language), lyric_errors(lines, transcript, language).words
    kinds = counts(words)
    assert kinds["substitution"] == edited.substitutions
    assert kinds["deletion"] == edited.deletions
    assert kinds["insertion"] == edited.insertions
    assert tuple(word.kind == "match" for word in words if word.lyric) == edited.matched
    assert all(bool(word.lyric) == (word.kind != "insertion") for word in words)
    assert all(bool(word.recognised) == (word.kind != "deletion") for word in words)


@pytest.mark.parametrize("lines", [lines for lines, _, _ in CASES])
def test_the_parts_of_a_line_are_the_line(lines):
    words = word_alignment(lines, "something else", "mixed")
    for number, line in enumerate(lines):
        spelling = "".join(word.spelling for word in words if word.line == number)
        assert spelling in ("", line.replace("’", "'").replace("，", ",").replace("…", "..."))
        assert spelling or not any(word.lyric for word in words if word.line == number)


def test_figures_on_either_side_are_one_expression():
    words = word_alignment(["2 hearts at 100%!"], "two hearts at a hundred percent", "en")
    assert counts(words) == {"match": 6}
    assert [word.spelling for word in words] == ["2 ", "hearts ", "at ", "100%!", "", ""]
    assert [word.lyric for word in words] == ["two", "hearts", "at", "a", "hundred", "percent"]


def test_what_is_heard_before_the_first_word_belongs_to_its_line():
    words = word_alignment(["…", "go now"], "so go now then", "en")
    assert [(word.recognised, word.kind, word.line) for word in words] == [
        ("so", "insertion", 1),
        ("go", "match", 1),
        ("now", "match", 1),
        ("then", "insertion", 1),
    ]


def test_homophones_agree_in_mandarin_and_are_shown_as_heard():
    assert [(word.lyric, word.recognised, word.kind) for word in word_alignment(["爱她"], "愛他", "zh")] == [
        ("爱", "愛", "match"),
        ("她", "他", "match"),
    ]


def test_per_aligns_the_texts_that_it_stored():
    prompt = Prompt(id="p", lyrics=parse_lyrics("[verse]\nHello world\nChoose 2"), language="en")
    scores = compare(prompt.lyrics.lines, {"text": "hello word choose two or", "dropped": []}, "en")
    metric = whisper_base_mix()
    assert isinstance(metric, WordAligner)
    words = metric.word_alignment(prompt, scores)
    assert counts(words) == {"match": 3, "substitution": 1, "insertion": 1}
    assert scores.detail["words"]["errors"] == 2
    assert [word.line for word in words] == [0, 0, 1, 1, 1]


@pytest.mark.parametrize(("reference", "hypothesis"), [("abcdef", "xbcefyz"), ("", "ab"), ("ab", ""), ("ab", "ba")])
def test_an_alignment_holds_every_token_once(reference, hypothesis):
    pairs = list(alignment(reference, hypothesis))
    assert [pair.reference for pair in pairs if pair.reference is not None] == list(range(len(reference)))
    assert [pair.hypothesis for pair in pairs if pair.hypothesis is not None] == list(range(len(hypothesis)))
    wrong = sum(None in pair or reference[pair[0]] != hypothesis[pair[1]] for pair in pairs)
    assert wrong == edits(reference, hypothesis).total
