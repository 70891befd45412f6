import contextlib
import json
from pathlib import Path

import pytest

from songbench.domain.errors import InputError
from songbench.domain.prompt import CutAsset, FileAsset, RenderAsset
from songbench.domain.suite import load_suite, parse_prompt
from songbench.suites import DEMO


def write(tmp_path, *rows):
    path = tmp_path / "s.jsonl"
    path.write_text("\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows), encoding="utf-8")
    return path


def test_songbloom_lines_load_as_they_are(tmp_path):
    (tmp_path / "a.wav").write_bytes(b"RIFF")
    path = write(tmp_path, {"idx": "001", "lyrics": "[intro] [intro] , [verse] Hi there.", "prompt_wav": "a.wav"})
    (prompt,) = load_suite(path).prompts
    assert prompt.id == "001"
    assert prompt.language == "en"
    assert prompt.prompt_audio == FileAsset((tmp_path / "a.wav").absolute())


def test_demo_is_what_it_says():
    suite = load_suite(DEMO)
    assert len(suite.prompts) == 6
    assert [p.language for p in suite.prompts].count("zh") == 2
    assert all(15 <= p.seconds <= 30 and p.licence == "CC0-1.0" for p in suite.prompts)
    assert len({p.tags["genre"] for p in suite.prompts}) >= 5
    assert len({p.lyrics.tags for p in suite.prompts}) >= 5
    assert all(isinstance(p.reference, RenderAsset) and isinstance(p.prompt_audio, CutAsset) for p in suite.prompts)


def test_prompt_round_trips_through_json():
    for prompt in load_suite(DEMO).prompts:
        assert parse_prompt(json.loads(json.dumps(prompt.to_json()))) == prompt


@pytest.mark.parametrize(
    ("row", "field", "words"),
    [
        ("{not json", None, ["Not valid JSON", "column 2"]),
        ("[1]", None, ["Expected a JSON object, found list"]),
        ({"id": "a"}, "lyrics", ["missing"]),
        ({"id": "a b", "lyrics": "[verse] x."}, "id", ["'a b' is not a valid id"]),
        ({"id": "a", "lyrics": "[verse] x.", "langage": "en"}, "langage", ["Did you mean 'language'?"]),
        (
            {"id": "a", "lyrics": "[verse] x.", "language": "cn"},
            "language",
            ["'cn' is not a language code", "Write 'zh'"],
        ),
        ({"id": "a", "lyrics": "[versus]\nx"}, "lyrics", ["[versus]", "Did you mean 'verse'?"]),
        ({"id": "a", "lyrics": "[verse]\nx\n[brige]\ny"}, "lyrics", ["line 3 of the lyrics", "'bridge'"]),
        ({"id": "a", "lyrics": "[verse] x.", "seconds": -3}, "seconds", ["-3"]),
        ({"id": "a", "lyrics": "[verse] x.", "seconds": "long"}, "seconds", ["number", "'long'"]),
        ({"id": "a", "lyrics": 7}, "lyrics", ["Expected text, found 7", "in quotes"]),
        ({"id": "a", "lyrics": "[verse] x.", "reference": {"render": "r"}}, "reference", ["incomplete", "seed"]),
        (
            {"id": "a", "lyrics": "[verse] x.", "reference": {"rendr": "r"}},
            "reference",
            ["neither a path nor a recipe"],
        ),
        ({"id": "ok", "lyrics": "[verse] x."}, "id", ["used twice"]),
    ],
)
def test_broken_lines_are_named(tmp_path, row, field, words):
    path = write(tmp_path, {"suite": "s"}, {"id": "ok", "lyrics": "[verse] x."}, "", row)
    with pytest.raises(InputError) as caught:
        load_suite(path)
    assert (caught.value.file, caught.value.line, caught.value.field) == (str(path), 4, field)
    for word in words:
        assert word in str(caught.value)


def test_all_that_is_wrong_is_said_at_once(tmp_path):
    rows = [
        {"suite": "s", "version": 2},
        {"id": 7, "lyrics": "[verse] x."},
        {"id": "a", "lyrics": "[Verse 1]\nx\n[Outro]\ny"},
        "{broken",
        {"id": "b", "lyrics": "[Hook]\nx"},
        {"id": "c", "lyrics": "[verse] x.", "seconds": 1e9},
    ]
    with pytest.raises(InputError) as caught:
        load_suite(write(tmp_path, *rows))
    message = str(caught.value)
    assert caught.value.line == 2 and "4 things are wrong" in message
    for words in ("line 2, field 'id'", "line 4: Not valid JSON", "line 6, field 'seconds'", "<= 3600"):
        assert words in message
    for words in ("3 section tags are not known", "line 3, prompt 'a', line 3 of the lyrics: [Outro]", "prompt 'b'"):
        assert words in message
    assert "suites import" in message and message.count("Allowed: intro") == 1


@pytest.mark.parametrize(
    ("header", "field"),
    [
        ({"seconds_per_tag": 0}, "seconds_per_tag"),
        ({"seconds_per_tag": "2"}, "seconds_per_tag"),
        ({"seconds_per_tag": True}, "seconds_per_tag"),
        ({"seconds_per_tag": 1e6}, "seconds_per_tag"),
        ({"version": None}, "version"),
        ({"version": ["1"]}, "version"),
        ({"notes": "a note"}, "notes"),
        ({"notes": [1]}, "notes[0]"),
        ({"description": "bell \x07"}, "description"),
        ({"suite": ""}, "suite"),
        ({"suite": 3}, "suite"),
        ({"licens": "CC0"}, "licens"),
    ],
)
def test_the_header_is_checked_like_everything_else(tmp_path, header, field):
    with pytest.raises(InputError) as caught:
        load_suite(write(tmp_path, {"suite": "s", **header}, {"id": "a", "lyrics": "[verse] x."}))
    assert (caught.value.line, caught.value.field) == (1, field)


def test_a_header_stands_first_and_names_the_suite(tmp_path):
    prompt = {"id": "a", "lyrics": "[verse] x."}
    with pytest.raises(InputError, match="does not name it"):
        load_suite(write(tmp_path, {"version": "1", "seconds_per_tag": 5}, prompt))
    with pytest.raises(InputError, match="first line only"):
        load_suite(write(tmp_path, prompt, {"suite": "s"}))


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"id": "x" * 201}, "id"),
        ({"id": ""}, "id"),
        ({"id": "a\n"}, "id"),
        ({"seconds": True}, "seconds"),
        ({"seconds": 0}, "seconds"),
        ({"tags": {"genre": 3}}, "tags.genre"),
        ({"tags": {"genre": ["pop"]}}, "tags.genre"),
        ({"style": "pop\x1b[31m"}, "style"),
        ({"style": ["pop"]}, "style"),
        ({"track": "solo"}, "track"),
        ({"prompt_wav": "x" * 300 + ".wav"}, "prompt_wav"),
        ({"prompt_wav": "a\x00.wav"}, "prompt_wav"),
        ({"prompt_wav": 3}, "prompt_wav"),
        ({"prompt_wav": {"cut": "reference", "start": -1, "seconds": 10}}, "prompt_wav"),
        ({"prompt_wav": {"cut": "reference", "start": 0, "seconds": 0}}, "prompt_wav"),
        ({"prompt_wav": {"cut": 5, "start": 0, "seconds": 1}}, "prompt_wav"),
        ({"reference": {"cut": "reference", "start": 0, "seconds": 1}}, "reference"),
        ({"reference": {"render": "rulebased", "seed": -1}}, "reference"),
        ({"reference": {"render": "rulebased", "seed": True}}, "reference"),
        ({"reference": {"render": "rulebased", "seed": 1, "sed": 2}}, "reference"),
        ({"reference": {"render": "rulebased", "seed": 10**30}}, "reference"),
    ],
)
def test_values_out_of_range_are_named(change, field):
    with pytest.raises(InputError) as caught:
        parse_prompt({"id": "a", "lyrics": "[verse] x.", **change})
    assert caught.value.field == field


def test_paths_are_read_as_people_write_them(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    prompt = parse_prompt({"id": "a", "lyrics": "[verse] x.", "prompt_wav": "~/my clip.wav"}, folder=tmp_path / "f")
    assert prompt.prompt_audio == FileAsset(tmp_path / "my clip.wav")


def test_a_prompt_is_hashed_by_its_sections_not_by_their_rendering(tmp_path):
    def keys(seconds_per_tag):
        path = write(
            tmp_path, {"suite": "s", "seconds_per_tag": seconds_per_tag}, {"id": "a", "lyrics": "[inst] [inst]"}
        )
        return load_suite(path).prompts[0].key()

    assert keys(2.0) != keys(2.5) != keys(3.0)
    assert keys(2) == keys(2.0)


def test_lyrics_may_be_given_as_sections(tmp_path):
    sections = [{"tag": "intro", "seconds": 2.5}, {"tag": "verse", "lines": ["Hi there"]}]
    (prompt,) = load_suite(write(tmp_path, {"id": "a", "lyrics": {"sections": sections}})).prompts
    assert prompt.lyrics.sections[0].seconds == 2.5 and prompt.language == "en"
    assert parse_prompt(json.loads(json.dumps(prompt.to_json()))) == prompt


@pytest.mark.parametrize("kind", ["array", "pretty", "pretty lines", "utf-16", "bom", "carriage returns"])
def test_other_forms_of_the_file_are_read(tmp_path, kind):
    rows = [{"suite": "s"}, {"id": "a", "lyrics": "[verse]\nx"}, {"id": "b", "lyrics": "[verse]\ny"}]
    lines = [json.dumps(row) for row in rows]
    text = {
        "array": json.dumps(rows),
        "pretty": json.dumps(rows, indent=2),
        "pretty lines": "\n".join(json.dumps(row, indent=1) for row in rows),
        "carriage returns": "\r".join(lines),
    }.get(kind, "\r\n".join(lines))
    path = tmp_path / "s.jsonl"
    path.write_bytes(text.encode({"utf-16": "utf-16", "bom": "utf-8-sig"}.get(kind, "utf-8")))
    assert [prompt.id for prompt in load_suite(path).prompts] == ["a", "b"]


def test_a_problem_in_an_array_has_its_line(tmp_path):
    path = tmp_path / "s.json"
    path.write_text('[\n {"id": "a", "lyrics": "[verse] x."},\n {"id": "b", "lyrics": 3}\n]')
    with pytest.raises(InputError) as caught:
        load_suite(path)
    assert (caught.value.line, caught.value.field) == (3, "lyrics")


def test_remarks_of_a_suite_name_prompt_and_line(tmp_path):
    path = write(
        tmp_path,
        {"id": "a", "lyrics": "[verse]\\nx y\\nChorus:\\nz"},
        {"id": "a_s0", "lyrics": "[verse]\n00:10.00 x y"},
    )
    suite = load_suite(path)
    assert suite.detected.keys() == {"a", "a_s0"}
    assert len(suite.remarks) == 4
    for remark, words in zip(
        suite.remarks,
        (
            ["a: line ends", "3 times"],
            ["a: sung line 2 looks like a section heading: 'Chorus:'"],
            ["a_s0: time stamps are left out (line 2"],
            ["a_s0: a file called a_s0", "take of 'a'"],
        ),
        strict=True,
    ):
        assert all(word in remark for word in words)
    assert load_suite(DEMO).remarks == ()


def test_missing_and_empty_suites(tmp_path):
    with pytest.raises(InputError, match="No such suite file"):
        load_suite(tmp_path / "none.jsonl")
    with pytest.raises(InputError, match="holds no prompts"):
        load_suite(write(tmp_path, {"suite": "s"}))


def test_key_follows_content_only(tmp_path):
    clip = tmp_path / "c.wav"
    clip.write_bytes(b"one")
    base = {"id": "a", "lyrics": "[verse] x y.", "prompt_wav": "c.wav"}
    key = parse_prompt(base, folder=tmp_path).key()
    assert key == parse_prompt({**base, "lyrics": "[verse]\nx y\n"}, folder=tmp_path).key()
    assert key != parse_prompt({**base, "lyrics": "[verse] x z."}, folder=tmp_path).key()
    clip.write_bytes(b"other")
    assert key != parse_prompt(base, folder=tmp_path).key()
    with pytest.raises(InputError, match="No such audio file"):
        parse_prompt({**base, "prompt_wav": "none.wav"}, folder=Path(tmp_path)).key()


@pytest.mark.parametrize("sign", ["é", "[", "x2 ", "A:", "&amp;", "10k ", "你", "' "])
def test_no_lyrics_take_long(tmp_path, sign):
    text = "[verse]\nla " + sign * (90_000 // len(sign))
    with contextlib.suppress(InputError):
        load_suite(write(tmp_path, {"id": "a", "lyrics": text}))
