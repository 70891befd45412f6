"""Rules over scores: what they keep, and how wrong ones are told."""

import pytest

from songbench.domain.errors import InputError
from systems.songbloom.training.data.keep import parse_rule
from systems.songbloom.training.data.scores import ScoreFilter, read_scores


@pytest.mark.parametrize(
    ("text", "scores", "verdict"),
    [
        ("per<15 & ser<20", {"per": 14.9, "ser": 19}, True),
        ("per<15 & ser<20", {"per": 15, "ser": 19}, False),
        ("per < 15 and not ser >= 20", {"per": 1, "ser": 20}, False),
        ("per<1 | ser<2 & clap>0", {"per": 0, "ser": 9, "clap": -1}, True),
        ("(per<1 | ser<2) & clap>0", {"per": 0, "ser": 9, "clap": -1}, False),
        ("15 > per", {"per": 14}, True),
        ("15 >= per && per != 3", {"per": 3}, False),
        ("!(per@whisper-base-stem < 15%)", {"per@whisper-base-stem": 20}, True),
        ("x > -1.5e1", {"x": -14}, True),
        ("per == 3 || per == 4", {"per": 4}, True),
    ],
)
def test_rules(text, scores, verdict):
    assert parse_rule(text).condition(scores) is verdict


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "character 1, there is no condition"),
        ("per", "character 4, a comparison is missing"),
        ("per <", "character 6, the name of a score or a number is missing"),
        ("per < 3 ser < 4", "character 9, 'ser' is one too many"),
        ("(per < 3", "character 9, a parenthesis is not closed"),
        ("per < ser", "a score on one side and a number on the other"),
        ("3 < 4", "a score on one side and a number on the other"),
        ("5 < per < 15", "character 9, '<' is one too many"),
        ("per = 3", "character 5, '=' has no meaning here"),
        ("per & 3", "character 5, '&' is no comparison"),
        ("__import__('os')", "character 12, ''' has no meaning here"),
        ("per < 3;", "character 8, ';' has no meaning here"),
    ],
)
def test_what_is_no_rule(text, problem):
    with pytest.raises(InputError, match=problem):
        parse_rule(text)


REPORT = """system,column,prompt,take,value,weight
ours,per@whisper-base-stem,one,0,10,90
ours,per@whisper-base-stem,one,1,30,90
ours,per@whisper-base-stem,two,0,12,90
ours,ser@novelty,one,0,5,1
ours,ser@novelty,one,1,5,1
theirs,per@whisper-base-stem,one,0,99,90
"""


@pytest.fixture
def report(tmp_path):
    (tmp_path / "scores.csv").write_text(REPORT)
    return tmp_path


def test_scores_of_a_report(report):
    with pytest.raises(InputError, match=r"several systems.*ours, theirs"):
        read_scores(report)
    scores = read_scores(report, "ours")
    assert scores["one_s1"] == {"per@whisper-base-stem": 30, "ser@novelty": 5}
    judge = ScoreFilter(parse_rule("per<15 & ser<20"), scores)
    assert judge.problem("one") == ""
    assert judge.problem("one_s1") == "not kept by per<15 & ser<20: per 30, ser 5"
    assert judge.problem("two") == "not kept: it has no score ser"
    assert judge.problem("three") == "not kept: it has no score per, ser"


def test_scores_of_a_table(tmp_path):
    table = tmp_path / "mine.csv"
    table.write_text("id,per,note\none,3,\ntwo,,\n")
    assert read_scores(table) == {"one": {"per": 3}, "two": {}}
    table.write_text("id,per\none,low\n")
    with pytest.raises(InputError, match=r"line 2, field 'per': 'low' is no number"):
        read_scores(table)
    table.write_text("song,per\none,3\n")
    with pytest.raises(InputError, match="neither the columns"):
        read_scores(table)


def test_unknown_and_ambiguous_scores(report):
    scores = read_scores(report, "ours")
    with pytest.raises(InputError, match=r"No song has a score 'pper'"):
        ScoreFilter(parse_rule("pper<3"), scores)
    scores["one"]["per@other"] = 3
    with pytest.raises(InputError, match=r"'per' could be several scores.*per@other, per@whisper-base-stem"):
        ScoreFilter(parse_rule("per<3"), scores)
    assert ScoreFilter(parse_rule("per@other<4"), scores).problem("one") == ""
