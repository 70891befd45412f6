"""Manifests as people write them: by hand, by scripts, by Excel in any country."""

import json
import unicodedata

import numpy as np
import pytest
import soundfile
from shared_files import shared

from songbench.domain.errors import InputError
from songbench.domain.song import Failure, Request
from songbench.domain.suite import parse_prompt
from systems.imported.system import Imported

PROMPTS = [parse_prompt({"id": i, "lyrics": "[verse] la."}) for i in ("p1", "p2")]


@pytest.fixture
def folder(tmp_path):
    """``b/x 1.wav`` and ``b/ü.wav``, which differ in level."""
    (tmp_path / "b").mkdir()
    for name, gain in (("x 1.wav", 0.1), ("ü.wav", 0.2)):
        soundfile.write(tmp_path / "b" / name, gain * np.sin(np.arange(8000) * 0.3), 8000)
    return tmp_path


def read(path):
    return Imported("m", str(path))


def names(path, takes=1):
    system = read(path)
    paths = {(prompt.id, take): system.find(prompt.id, take) for prompt in PROMPTS for take in range(takes)}
    return {key: path.name if path and path.is_file() else None for key, path in paths.items()}


BOTH = {("p1", 0): "x 1.wav", ("p2", 0): "ü.wav"}


# -- the cases that people brought -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["b_bom.csv", "b_bom.jsonl", "b_semi.csv"])
def test_marks_and_semicolons_are_read(folder, name):
    (folder / name).write_bytes(shared(f"cases/15_manifest_encoding/{name}").read_bytes())
    assert names(folder / name) == BOTH


def test_capitals_in_the_header_are_read(folder):
    (folder / "m.csv").write_bytes(shared("cases/15_manifest_encoding/b_cap.csv").read_bytes())
    assert names(folder / "m.csv")["p1", 0] == "x 1.wav"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("b_latin1.csv", r"line 2: This is not UTF-8 text: byte 0xfc.*Save it as UTF-8"),
        ("b_blank.csv", r"line 2, field 'audio': The field is missing"),
        ("b_zero.jsonl", r"line 1, field 'id': Expected text, found 0\. Put it in quotes\."),
    ],
)
def test_what_is_not_clear_is_said(folder, name, words):
    (folder / name).write_bytes(shared(f"cases/15_manifest_encoding/{name}").read_bytes())
    with pytest.raises(InputError, match=words):
        read(folder / name).find("p1", 0)


# -- others of their kind ----------------------------------------------------------------------------------------------

ROWS = [("p1", "b/x 1.wav"), ("p2", "b/ü.wav")]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_tables_of_every_country(folder, separator, end, encoding):
    rows = [("id", "audio"), *ROWS]
    text = end.join(separator.join(row) for row in rows) + end
    (folder / "m.csv").write_bytes(text.encode(encoding))
    assert names(folder / "m.csv") == BOTH


@pytest.mark.parametrize(
    "text",
    [
        "sep=;\nid;audio\np1;b/x 1.wav\np2;b/ü.wav\n",
        ' ID , "Audio", Take\n p1 , b/x 1.wav , \n\n , , \np2,b/ü.wav,0.0\n',
        "\nidx,audio,,\np1,b/x 1.wav,,\np2,b/ü.wav,,\n",
        'audio,id\n"b/x 1.wav","p1"\n"b/ü.wav","p2"\n',
        "id,audio\np1,b\\x 1.wav\np2,b\\ü.wav\n",
        "id,audio\np1,./b/x 1.wav\np2,b/" + unicodedata.normalize("NFD", "ü") + ".wav\n",
    ],
)
def test_spaces_blank_cells_quotes_and_backslashes(folder, text):
    (folder / "m.csv").write_text(text, encoding="utf-8", newline="")
    assert names(folder / "m.csv") == BOTH


def test_a_tsv_is_a_table(folder):
    (folder / "m.TSV").write_text("id\taudio\ttake\np1\tb/x 1.wav\t1\n", encoding="utf-8")
    assert names(folder / "m.TSV", 2)["p1", 1] == "x 1.wav"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("id,audoi\np1,x.wav\n", r"line 2, field 'audoi': There is no such field\. Did you mean 'audio'\?"),
        ("id,idx,audio\np1,p1,x.wav\n", "Two columns are called 'id'"),
        ("id,audio\np1,x.wav,more\n", r"line 2: The line has 3 cells, the header has 2"),
        ("id,audio,\np1,x.wav,more\n", r"line 2: The column of 'more' has no name"),
        ("id,audio\n,x.wav\n", r"line 2, field 'id'"),
        ("id,audio,take\np1,x.wav,-1\n", r"line 2, field 'take'"),
        ("id,audio,take\np1,x.wav,first\n", r"line 2, field 'take': Expected a whole number"),
        ("id,audio,take\np1,x.wav,1.5\n", r"line 2, field 'take'"),
        ('id,audio\np1,"x.wav\n', "line 2: This is no table"),
        ("id,audio\np1,https://example.org/x.mp3\n", r"line 2, field 'audio'.*is an address.*Download it"),
        ("id,audio\np1,C:\\songs\\x.mp3\n", r"line 2, field 'audio'.*Windows"),
        ("id,audio\np1,b\n", r"line 2, field 'audio': 'b' is a folder"),
        ("id,audio\np1," + "x" * 300 + "\n", r"line 2, field 'audio'.*cannot be a path"),
        ("id,audio\np1,b/x 1.wav\np1,b/ü.wav\n", r"line 3: x 1\.wav and ü\.wav are the same take"),
        ("id,audio\n", "names no file"),
        ("\n\n", "empty"),
    ],
)
def test_broken_tables_name_the_line(folder, text, words):
    (folder / "m.csv").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=words) as caught:
        read(folder / "m.csv").find("p1", 0)
    assert str(folder / "m.csv") in str(caught.value)


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"id": "p1", "audio": None}, "field 'audio': Expected text"),
        ({"id": "p1", "audio": "x.wav", "take": True}, "field 'take': Expected a whole number"),
        ({"id": "p1", "audio": "x.wav", "take": "0"}, "Leave the quotes out"),
        ({"id": "p1", "audio": ["x.wav"]}, "field 'audio': Expected text"),
        ({"id": "", "audio": "x.wav"}, "not empty"),
        ([1], "Expected names with values"),
    ],
)
def test_broken_json_lines_name_line_and_field(folder, row, words):
    (folder / "m.jsonl").write_text("\n" + json.dumps(row) + "\n", encoding="utf-8")
    with pytest.raises(InputError, match=f"line 2.*{words}"):
        read(folder / "m.jsonl").find("p1", 0)


def test_other_files_are_no_manifests(folder):
    for name in ("m.xlsx", "m.json", "m"):
        (folder / name).write_text("{}")
        with pytest.raises(InputError, match=r"ends in \.jsonl, \.csv, \.tsv"):
            read(folder / name).find("p1", 0)


def test_a_file_that_is_not_there_is_told_before_the_run_and_fails_alone(folder):
    (folder / "m.csv").write_text("id,audio\np1,b/x 1.wav\np2,b/none.wav\n", encoding="utf-8")
    system = read(folder / "m.csv")
    remarks = "\n".join(system.remarks(PROMPTS, 1))
    assert "1 of 2 songs found" in remarks
    assert "none.wav (line 3) (recorded as failures)" in remarks
    songs = {
        o.request.prompt.id: o for o in system.generate([Request(prompt=prompt, take=0, seed=0) for prompt in PROMPTS])
    }
    assert isinstance(songs["p2"], Failure)
    assert "line 3 of the manifest" in songs["p2"].cause
    assert "No such audio file" in songs["p2"].cause
    assert not isinstance(songs["p1"], Failure)


def test_a_folder_with_a_manifest_is_read_by_it(folder):
    (folder / "b/manifest.csv").write_text("id;audio\np1;x 1.wav\np2;ü.wav\n")
    (folder / "b/p1.wav").write_bytes((folder / "b/x 1.wav").read_bytes())
    assert names(folder / "b") == BOTH
    (folder / "b/manifest.jsonl").write_text('{"id": "p1", "audio": "p1.wav"}\n')
    with pytest.raises(InputError, match=r"manifest\.jsonl and manifest\.csv"):
        names(folder / "b")
