"""Lyrics files as people bring them: read with the right words, or refused with the cure."""

import json
import re

import pytest
from shared_files import shared

from songbench.domain.errors import InputError
from songbench.domain.suite import load_suite
from songbench.suites.importing import import_suite

PAPER_BOATS = [("verse", "Paper boats along the kerb", "I do not know"), ("chorus", "We are river")]


def sections(case):
    (prompt,) = load_suite(shared(f"cases/{case}.jsonl")).prompts
    return [(section.tag, *(section.lines or [section.seconds])) for section in prompt.lyrics.sections]


def remarks(case):
    return " | ".join(load_suite(shared(f"cases/{case}.jsonl")).remarks)


def refusal(case):
    with pytest.raises(InputError) as caught:
        load_suite(shared(f"cases/{case}.jsonl"))
    return str(caught.value)


# -- 01: tags of other projects ----------------------------------------------------------------------------------------


def test_every_unknown_tag_of_a_paste_is_reported_at_once():
    message = refusal("01a_suno_paste/s")
    for tag, cure in {
        "Intro: soft piano": "intro",
        "Verse 1": "verse",
        "Pre-Chorus": "verse",
        "Chorus x2": "chorus",
        "Guitar Solo": "inst",
        "Outro": "outro",
    }.items():
        assert f"[{tag}] (write [{cure}] instead" in message
    assert "prompt 'p1'" in message and "line 14 of the lyrics" in message
    assert "songbench suites import" in message and "--from suno" in message


TAGS = ["verse"] * 5 + ["chorus", "verse", "chorus", "chorus", "intro", "outro", "chorus", "chorus", "verse", "verse"]
TAGS += ["chorus", "verse", "verse", "intro", "verse", "intro", "outro", "verse", "chorus", "verse", "chorus"]


@pytest.mark.parametrize("number", range(26))
def test_every_tag_has_a_cure(number):
    message = refusal(f"01b_tags/t{number:02}")
    tag = re.match(r"\[(.*?)\]", json.loads(shared(f"cases/01b_tags/t{number:02}.jsonl").read_text())["lyrics"])[1]
    assert f"Unknown section tag [{tag}]" in message
    assert f"Did you mean '{TAGS[number]}'?" in message or f"Write [{TAGS[number]}] instead" in message
    assert "songbench suites import" in message


# -- 02: time stamps ---------------------------------------------------------------------------------------------------


def test_time_stamps_are_never_sung():
    assert "songbench suites import FILE --from lrc" in refusal("02_lrc/a")
    assert sections("02_lrc/b") == [("verse", "作词 : A", "Paper boats along the kerb", "I do not know")]
    assert "time stamps are left out (lines 2, 3, 4" in remarks("02_lrc/b") and "looks like a credit" in remarks(
        "02_lrc/b"
    )
    assert sections("02_lrc/c") == [("verse", "Paper boats along the kerb", "I do not know")]
    assert "time stamps are left out" in remarks("02_lrc/c")


# -- 03: line ends and encodings ---------------------------------------------------------------------------------------


ONE_MEANING = """array bom bom_header cr_inside crlf_file crlf_inside literal_backslash_n ls_inside nbsp pretty utf16
zwsp_tag"""


@pytest.mark.parametrize("name", ONE_MEANING.split())
def test_what_has_one_meaning_is_read(name):
    assert sections(f"03_ends/{name}") == PAPER_BOATS


def test_brackets_of_full_width_are_read_and_other_encodings_refused():
    assert sections("03_ends/fullwidth_tag") == [("verse", "Paper boats"), ("chorus", "We are river")]
    message = refusal("03_ends/gbk")
    assert "gbk" in message and "Save it as UTF-8" in message and "line 1" in message


# -- 04: SongBloom's line form -----------------------------------------------------------------------------------------


def words(case):
    sung = [section for section in sections(f"04_lineform/{case}") if section[0] in ("verse", "chorus")]
    return [" ".join(re.findall(r"[\w'.]+", " ".join(lines))) for _, *lines in sung]


@pytest.mark.parametrize(
    "name", ["ok", "no_comma", "nospace_comma", "semicolon_levo", "semicolon_levo_inst", "two_lines"]
)
def test_other_separators_give_the_same_lines(name):
    sung = [section for section in sections(f"04_lineform/{name}") if section[0] in ("verse", "chorus")]
    assert sung == [("verse", "Paper boats along the kerb", "I do not know"), ("chorus", "We are river", "We are rain")]


def test_other_signs_give_the_same_words():
    commas = words("commas_between_sentences")
    assert commas == ["Paper boats along the kerb I do not know where they go", "We are river We are rain"]
    assert words("abbrev") == ["Mr. Jones paid 3.50 for a ride No. 5 at 6 p.m", "e.g this and that"]
    assert words("question") == ["Where do they go I do not know Stay", "We are river"]
    assert words("fullwidth_stop") == ["雨落在屋顶 你说不要走 灯还亮着", "我们是河流 我们是雨"]
    assert words("fullwidth_commas") == words("fullwidth_stop")
    for name in ("slash", "pipe"):
        assert "looks like several lines in one" in remarks(f"04_lineform/{name}")


# -- 05: lines of other projects, wrong types --------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "source"), [("levo", "levo"), ("levo2", "levo"), ("acestep", "acestep")])
def test_lines_of_other_projects_are_refused_with_the_command_that_imports_them(name, source):
    assert re.search(rf"songbench suites import \S+{name}.jsonl --from {source} --to", refusal(f"05_jsonl/{name}"))


def test_lyrics_of_yue_load():
    assert sections("05_jsonl/yue") == [
        ("verse", "Paper boats"),
        ("chorus", "We are river"),
        ("outro", "Carry me home"),
    ]


@pytest.mark.parametrize(
    ("name", "field", "fault"),
    [
        ("dupkey", "lyrics", "twice in one object"),
        ("empty_lyr", "lyrics", "empty"),
        ("idx_bool", "idx", "quotes"),
        ("idx_case", "id", "differ in case only"),
        ("idx_float", "idx", "quotes"),
        ("idx_int", "idx", "quotes"),
        ("idx_null", "idx", "Expected text, found None"),
        ("idx_slash", "id", "'a/b' is not a valid id"),
        ("idx_space", "id", "'song 1' is not a valid id"),
        ("idx_zh", "id", "'夜曲_01' is not a valid id"),
        ("inf", "seconds", "Infinity is not a number"),
        ("lyr_list", "lyrics", "Expected text"),
        ("nan", "seconds", "NaN is not a number"),
        ("nul", "lyrics", "control character"),
        ("sec_str", "seconds", "Leave the quotes out"),
        ("surrogate", "lyrics", "half a character"),
        ("tags_list", "tags", "names with values"),
        ("url", "prompt_wav", "Download it"),
        ("win_path", "prompt_wav", "Write clips/2.wav"),
    ],
)
def test_wrong_types_are_named_with_line_and_field(name, field, fault):
    message = refusal(f"05_jsonl/{name}")
    assert f"line {2 if name == 'idx_case' else 1}, field '{field}'" in message and fault in message


@pytest.mark.parametrize("name", ["dir", "missing_wav", "spaces", "tilde"])
def test_audio_that_is_not_there_is_named_before_a_run(name):
    prompts = load_suite(shared(f"cases/05_jsonl/{name}.jsonl")).prompts
    with pytest.raises(InputError, match=f"prompt_wav' of prompt '{prompts[0].id}.*(folder|No such audio)"):
        prompts[0].key()


@pytest.mark.parametrize(
    ("name", "language", "expected"),
    [
        ("huge_tag", "en", [("intro", 3.0), ("verse", "Paper boats along the kerb", "I do not know"), ("inst", 1.0)]),
        ("inst_only", "und", [("inst", 3.0)]),
        ("lang_es", "es", [("verse", "Te quiero más que a mi vida")]),
        ("lang_ja", "ja", [("verse", "君の名前を呼んでいた")]),
        ("lang_ja_none", "ja", [("verse", "君の名前を呼んでいた", "夜が明けるまで")]),
        ("lang_up", "en", [("verse", "Paper boats along the kerb", "I do not know")]),
        ("lang_wrong", "en", [("verse", "雨落在屋顶")]),
        ("lang_zhcn", "zh-CN", [("verse", "雨落")]),
    ],
)
def test_what_a_system_could_sing_loads_in_its_language(name, language, expected):
    (prompt,) = load_suite(shared(f"cases/05_jsonl/{name}.jsonl")).prompts
    assert prompt.language == language and sections(f"05_jsonl/{name}") == expected
    contradiction = "said to be in 'en', but the words are Mandarin"
    assert (contradiction in remarks(f"05_jsonl/{name}")) == (name == "lang_wrong")


# -- 06: lines that are not words --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "quotes"),
    [
        ("angle", ["'<chorus>'"]),
        ("bare", ["'Chorus:'", "'Verse 2'"]),
        ("chords", ["chords: 'C G Am'"]),
        ("comment", ["'# softly'", "'Paper boats // whisper'"]),
        ("credits", ["'作词：某人'", "'作曲：某人'"]),
        ("curly", ["'{chorus}'"]),
        ("md", ["'**Chorus**'"]),
        ("singer", ["'A: Paper boats'", "'Both: We are river'"]),
        ("ts", ["time stamps are left out (lines 2, 3, 4"]),
    ],
)
def test_lines_that_look_like_something_else_are_named(name, quotes):
    text = remarks(f"06_headings/{name}")
    assert all(line in text for line in quotes) and text.count("sung line") == len(
        [line for line in quotes if "'" in line]
    )


def test_brackets_inside_and_of_full_width():
    assert sections("06_headings/fw") == [("verse", "Paper boats"), ("chorus", "We are river")]
    assert "line 2 of the lyrics" in refusal("06_headings/inner") and "put what is sung in ( )" in refusal(
        "06_headings/inner"
    )
    assert sections("06_headings/ts") == [("verse", "Paper boats", "We are river")]


# -- 11, 23, 24 --------------------------------------------------------------------------------------------------------


def test_line_ends_written_as_two_characters_are_line_ends():
    assert sections("11_escaped_newlines/esc") == sections("11_escaped_newlines/ok")
    assert len(sections("11_escaped_newlines/esc")[0]) == 5
    assert "line ends were written as a backslash" in remarks("11_escaped_newlines/esc")
    assert remarks("11_escaped_newlines/ok") == ""


@pytest.mark.parametrize("name", ["dupkey", "idx_null", "inf", "nan", "nul"])
def test_values_that_no_prompt_can_have_are_refused(name):
    assert re.search(r"line 1, field '(lyrics|idx|seconds)'", refusal(f"23_nan_surrogate/{name}"))


def test_an_id_like_a_take_of_another_is_named():
    assert "song_s1: a file called song_s1 may also be a take of 'song'" in remarks("24_take_suffix_id/a")


# -- what importers make of them ---------------------------------------------------------------------------------------


def imported(case, source, tmp_path):
    result = import_suite(shared(f"cases/{case}.jsonl"), source, tmp_path / "out.jsonl")
    (prompt,) = result.suite.prompts
    assert result.suite.remarks == ()
    return [(section.tag, *(section.lines or [section.seconds])) for section in prompt.lyrics.sections]


def test_a_paste_is_imported(tmp_path):
    assert imported("01a_suno_paste/s", "suno", tmp_path) == [
        ("intro", "(ooh)"),
        ("verse", "Paper boats along the kerb", "I don't know where they go"),
        ("verse", "Hold the line, hold the line"),
        ("chorus", "We are river, we are rain"),
        ("chorus", "We are river, we are rain"),
        ("inst", 5.0),
        ("outro", "Carry me home"),
    ]


@pytest.mark.parametrize("number", range(26))
def test_every_tag_is_imported(number, tmp_path):
    times = 2 if number in (5, 25) else 1
    expected = [(TAGS[number], "Paper boats along the kerb")] * times + [("verse", "hello there")]
    assert imported(f"01b_tags/t{number:02}", "suno", tmp_path) == expected


@pytest.mark.parametrize("name", ["a", "b", "c"])
def test_time_stamps_are_imported(name, tmp_path):
    expected = [("intro", 10.0), ("verse", "Paper boats along the kerb", "I do not know")]
    assert imported(f"02_lrc/{name}", "lrc", tmp_path) == expected


@pytest.mark.parametrize(
    ("name", "source", "expected"),
    [
        (
            "levo",
            "levo",
            [("intro", 5.0), PAPER_BOATS[0], ("chorus", "We are river"), ("outro", 5.0)],
        ),
        ("levo2", "levo", [("verse", "Paper boats along the kerb", "I do not know")]),
        ("acestep", "acestep", [("verse", "Paper boats along the kerb", "I do not know")]),
        ("yue", "yue", [("verse", "Paper boats"), ("chorus", "We are river"), ("outro", "Carry me home")]),
    ],
)  # fmt: skip
def test_lines_of_other_projects_are_imported(name, source, expected, tmp_path):
    assert imported(f"05_jsonl/{name}", source, tmp_path) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("angle", [("verse", "Paper boats"), ("chorus", "We are river")]),
        ("bare", [("verse", "Paper boats along the kerb"), ("chorus", "We are river"), ("verse", "hello")]),
        ("chords", [("verse", "Paper boats along the kerb")]),
        ("comment", [("verse", "Paper boats")]),
        ("credits", [("verse", "雨落在屋顶")]),
        ("curly", [("verse", "Paper boats"), ("chorus", "We are river")]),
        ("fw", [("verse", "Paper boats"), ("chorus", "We are river")]),
        ("inner", [("verse", "Paper boats")]),
        ("md", [("verse", "Paper boats along the kerb"), ("chorus", "We are river")]),
        ("singer", [("verse", "Paper boats", "We are river")]),
        ("ts", [("verse", "Paper boats", "We are river")]),
    ],
)
def test_headings_and_the_like_are_imported(name, expected, tmp_path):
    assert imported(f"06_headings/{name}", "suno", tmp_path) == expected
