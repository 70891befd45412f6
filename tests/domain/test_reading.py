"""Text and JSON as people bring them."""

import pytest

from songbench.domain.errors import InputError
from songbench.domain.reading import decode_json, json_lines, read_text, text_lines


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_unicode_is_read_whatever_its_form(tmp_path, encoding):
    (tmp_path / "a.txt").write_bytes("Grüße 你好".encode(encoding))
    assert read_text(tmp_path / "a.txt") == "Grüße 你好"


def test_big_endian_with_a_mark_is_read(tmp_path):
    (tmp_path / "a.txt").write_bytes("\ufeffabc".encode("utf-16-be"))
    assert read_text(tmp_path / "a.txt") == "abc"


def test_other_encodings_are_named_with_the_cure(tmp_path):
    (tmp_path / "a.txt").write_bytes("first\n你好，世界，我们一起唱歌，今天天气很好".encode("gb18030"))
    with pytest.raises(InputError, match=r"line 2.*looks like gb\w+\..*UTF-8.*iconv"):
        read_text(tmp_path / "a.txt")


def test_what_is_not_text_is_refused(tmp_path):
    (tmp_path / "a.txt").write_bytes(b"ab\0cd")
    with pytest.raises(InputError, match="NUL"):
        read_text(tmp_path / "a.txt")
    (tmp_path / "b.txt").write_bytes("abcdef".encode("utf-16-le"))
    with pytest.raises(InputError, match="UTF-16 without a byte order mark"):
        read_text(tmp_path / "b.txt")
    with pytest.raises(InputError, match="folder"):
        read_text(tmp_path, "suite file")
    with pytest.raises(InputError, match="No such suite file"):
        read_text(tmp_path / "none", "suite file")


def test_every_line_end_ends_a_line_and_nothing_else_does():
    assert text_lines("a\r\nb\rc\nd\u2028e") == ["a", "b", "c", "d\u2028e"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"a": 1, "a": 2}', "field 'a': This name stands twice"),
        ('{"a": NaN}', "NaN is not a number"),
        ('{"a": -Infinity}', "-Infinity"),
        ('{"a": 1e999}', "too large"),
        ('{"a": ' + "9" * 5000 + "}", "5000 digits"),
        (r'{"a": ["\ud800"]}', "lone surrogate"),
        (r'{"\udfff": 1}', "lone surrogate"),
        ("[" * 500 + "]" * 500, "nested too deep"),
        ("[" * 100_000, "Not valid JSON"),
        ("{", "Not valid JSON"),
        ("", "Not valid JSON"),
    ],
)
def test_json_that_would_mislead_is_refused(text, message):
    with pytest.raises(InputError) as caught:
        decode_json(text, file="f.jsonl", line=7)
    assert message in str(caught.value) and str(caught.value).startswith("f.jsonl, line 7")


def test_lines_of_json_keep_their_numbers():
    assert list(json_lines('{"a": 1}\r\n\n{"b": "\\ud83d\\ude00"}')) == [(1, {"a": 1}), (3, {"b": "😀"})]
