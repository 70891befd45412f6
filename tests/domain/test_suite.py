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
        ({"id": "a", "lyrics": "[verse] x.", "language": "cn"}, "language", ["'cn' is not known", "en, zh, mixed"]),
        ({"id": "a", "lyrics": "[versus]\nx"}, "lyrics", ["[versus]", "Did you mean 'verse'?"]),
        ({"id": "a", "lyrics": "[verse]\nx\n[brige]\ny"}, "lyrics", ["line 3 of the lyrics", "'bridge'"]),
        ({"id": "a", "lyrics": "[verse] x.", "seconds": -3}, "seconds", ["-3"]),
        ({"id": "a", "lyrics": "[verse] x.", "seconds": "long"}, "seconds", ["number", "'long'"]),
        ({"id": "a", "lyrics": 7}, "lyrics", ["Expected str"]),
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
