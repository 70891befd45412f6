"""``songbench listen create`` from a real run to a folder that can be served."""

import json
import os

import command_line
import pytest
from small_material import quick_protocol, small_material
from typer.testing import CliRunner

from listening_test import commands
from listening_test.preparation.build import prepare
from listening_test.preparation.folder import claim
from listening_test.prepared import check_audio, load_key, load_test
from songbench.domain.errors import InputError


@pytest.fixture(scope="module")
def finished_run(tmp_path_factory):
    """The options that name a run of a probe and two sanity systems over six prompts of 9 s; tests only read it."""
    folder = tmp_path_factory.mktemp("finished")
    rows = [{"suite": "small", "version": "1"}]
    rows += [{"id": f"p{n}", "lyrics": "[verse]\nla la la", "seconds": 9.0} for n in range(6)]
    (folder / "small.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    where = ["--store", str(folder / "store"), "--runs", str(folder / "runs")]
    words = ["--suite", "small.jsonl", "--systems", "probe,noise,silence", "--name", "small"]
    result = command_line.run(["generate", *where, *words], cwd=folder, env=os.environ)
    assert result.returncode == 0, result.stderr
    return where


def create(songbench, finished_run, *words):
    return songbench("listen", "create", "small", *finished_run, *words, folders=False)


QUICK = [
    "--set",
    "checks.headphone_check=1",
    "--set",
    "listening.rate=24000",
    "--raters",
    "3",
    "--set",
    "excerpts=[{rule: whole, seconds: 8}]",
]


def test_a_test_is_made_told_and_never_overwritten(songbench, tmp_path, finished_run):
    result = create(songbench, finished_run, "--protocol", "levo", "--name", "mine", "--set", "languages=[en]", *QUICK)
    assert result.returncode == 0, result.stderr
    folder = tmp_path / "listening" / "small-mine"
    for phrase in ("mine", "3 raters", "pages each", "votes", "One system", "Next: songbench listen serve"):
        assert phrase in result.stdout
    test = load_test(folder)
    check_audio(test)
    key = load_key(test)
    assert key.systems == ("probe",) and key.run == "small" and len(test.seats) == 3
    assert test.protocol.name == "mine" and test.protocol.languages == ("en",)
    assert {path.name for path in folder.iterdir()} == {
        "test.json",
        "key.json",
        "checks.json",
        "secret",
        "audio",
        "preparation.csv",
        "preparation.md",
    }
    if os.name != "nt":  # nobody else's business
        files = [path for path in folder.rglob("*") if path.is_file()]
        assert {path.stat().st_mode & 0o777 for path in files} == {0o600} and folder.stat().st_mode & 0o777 == 0o700
    again = create(songbench, finished_run, "--protocol", "levo", "--name", "mine", *QUICK)
    assert again.returncode == 2 and "it may hold ratings" in again.stderr and "--force" in again.stderr
    assert "Traceback" not in again.stderr
    (folder / "ratings.sqlite").write_bytes(b"answers")
    secret = (folder / "secret").read_text()
    forced = create(
        songbench, finished_run, "--protocol", "levo", "--name", "mine", "--seed", 7, "--force", "--systems",
        "probe,noise",
        *QUICK, "--set", "checks.traps=0", "--set", "checks.training=0",
    )  # fmt: skip
    assert forced.returncode == 0, forced.stderr
    assert load_test(folder).digest() != test.digest() and load_test(folder).protocol.seed == 7
    assert load_key(load_test(folder)).systems == ("probe", "noise") and "you can resolve" in forced.stdout
    assert (folder / "secret").read_text() == secret
    check_audio(load_test(folder))
    before = folder / f"before-{test.digest()[:8]}"
    assert (before / "ratings.sqlite").read_bytes() == b"answers" and before.name in forced.stderr
    assert load_key(load_test(before)) == key, "answers are worth nothing without the key of their test"

    (folder / "ratings.sqlite").write_bytes(b"more answers")
    wrong = create(
        songbench, finished_run, "--protocol", "levo", "--name", "mine", "--set", "raters.pages=99", "--force"
    )
    assert wrong.returncode == 2 and "cannot have 99 pages" in wrong.stderr
    check_audio(load_test(folder))
    assert load_test(folder).protocol.seed == 7 and (folder / "ratings.sqlite").read_bytes() == b"more answers"


def test_tests_made_anew_never_take_the_place_of_each_other(tmp_path):
    protocol, backups = quick_protocol(), []
    for number in range(3):
        if number:
            backups.append(claim(tmp_path / "t", force=True))
        prepare(small_material(prompts=2), protocol, tmp_path / "t")
        (tmp_path / "t" / "ratings.sqlite").write_text(str(number))
    assert [(path / "ratings.sqlite").read_text() for path in backups] == ["0", "1"]
    assert all(load_key(load_test(path)) for path in backups)


def test_what_is_wrong_is_told_before_anything_is_made(tmp_path, finished_run, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "small.jsonl").touch()
    for words, message in [
        (["--protocol", "levoo"], "Did you mean 'levo'"),
        (["--set", "listening.loudnes=-16"], "Did you mean 'loudness'"),
        (["--set", "listening"], "Write key=value"),
        (["--systems", "prob"], "Did you mean 'probe'"),
        (["--protocol", "preference"], "compares systems"),
        (["--protocol", "mushra"], "no prompt of the run has a reference song"),
        (["--out", "small.jsonl"], "This is a file, not a folder"),
        (["--out", "small.jsonl/inside"], "The folder cannot be made (Not a directory)"),
        (["--set", "raters.pages=99"], "cannot have 99 pages"),
        (["--set", "excerpts=[{rule: window, start: 500}]"], "Choose an excerpt that every song has"),
        (["--systems", "probe,noise", "--set", "analysis.pairs=[[probe, nois]]"], "Did you mean 'noise'"),
    ]:
        refused = CliRunner().invoke(commands.app, ["create", "small", *finished_run, *words])
        assert isinstance(refused.exception, InputError) and message in str(refused.exception), (words, refused)
        assert not list(tmp_path.rglob("test.json"))
        assert not (tmp_path / "listening").exists() or not list((tmp_path / "listening").iterdir())


def test_what_an_interrupted_preparation_left_is_cleared_away(songbench, tmp_path, finished_run):
    folder = tmp_path / "half"
    (folder / "audio").mkdir(parents=True)
    (folder / "audio" / "0123456789abcdef.flac").write_bytes(b"half")
    (folder / "key.json").write_text(json.dumps({"schema": 1}))
    quick = [*QUICK, "--set", "checks={traps: 0, training: 0, anchors: [], headphone_check: 0}"]
    result = create(songbench, finished_run, "--out", folder, *quick)
    assert result.returncode == 0, result.stderr
    check_audio(load_test(folder))
    assert {path.name for path in (folder / "audio").iterdir()} == {
        stimulus.file.removeprefix("audio/") for stimulus in load_test(folder).stimuli.values()
    }
    other_folder = tmp_path / "other"
    other_folder.mkdir()
    (other_folder / "thesis.txt").write_text("do not lose me")
    refused = create(songbench, finished_run, "--out", other_folder, *quick)
    assert refused.returncode == 2 and "thesis.txt" in refused.stderr
