"""A run with nothing to do leaves its report as it is; whatever the report rests on makes it anew."""

import pytest

from songbench.execution.recorded import recorded
from songbench.reporting import report_state
from songbench.reporting.document.blocks import Heading, NumberCell, Table, TableColumn, TableRow
from songbench.reporting.report_state import ReportState

PROBE = ("--systems", "probe,silence", "--metrics", "level@probe")
STAYS = "stays as it is"


@pytest.fixture
def run(songbench_here, suite_file):
    suite = suite_file(2)

    def call(*words):
        process = songbench_here(
            "run", "--suite", suite, "--name", "state", "--set", "engine=inline", *(words or PROBE)
        )
        assert process.returncode == 0, process.stderr
        return process

    call()
    return call


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "runs/state"


def changes(folder):
    """When each file of a folder was last written."""
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file() and path.suffix != ".jsonl"}


def test_nothing_is_written_where_nothing_has_changed(run, folder):
    (folder / "SHA256SUMS").unlink()
    first = run()
    assert STAYS not in " ".join(first.stderr.split())
    before = changes(folder)
    process = run()
    assert STAYS in " ".join(process.stderr.split())
    assert process.stdout == first.stdout and "silence" in first.stdout, "the leaderboard is shown all the same"
    assert changes(folder) == before


@pytest.mark.parametrize("name", ["leaderboard.md", "report.html", "SHA256SUMS", "record.json"])
def test_a_file_that_is_gone_comes_back(run, folder, name):
    content = (folder / name).read_bytes()
    (folder / name).unlink()
    run()
    assert (folder / name).read_bytes() == content


def test_a_file_that_was_altered_is_written_again(run, folder):
    content = (folder / "scores.csv").read_bytes()
    (folder / "scores.csv").write_bytes(content.replace(b"silence", b"noise"))
    (folder / "leaderboard.xyz").write_text("in no list")
    run()
    assert (folder / "scores.csv").read_bytes() == content


def test_songs_of_the_page_come_back(run, folder):
    songs = sorted(path for path in (folder / "report/songs").rglob("*") if path.is_file())
    songs[0].unlink()
    run()
    assert songs[0].is_file()


@pytest.mark.parametrize(
    "words",
    [
        ("--systems", "probe,silence,noise", "--metrics", "level@probe"),
        ("--systems", "probe,silence", "--metrics", "level@probe,spread@probe"),
        (*PROBE, "--takes", "2"),
        (*PROBE, "--facet", "language"),
    ],
    ids=("system", "metric", "take", "facet"),
)
def test_what_is_asked_for_beside_is_written(run, folder, words):
    assert STAYS not in " ".join(run(*words).stderr.split())
    assert STAYS in " ".join(run(*words).stderr.split())


def test_code_options_and_listening_tests_count(run, folder, tmp_path, monkeypatch):
    def state(*options):
        return ReportState(experiment, folder, options)

    number = NumberCell(value="-20.1", number=-20.07, best=True)
    experiment, _ = recorded("state", str(tmp_path / "runs"), str(tmp_path / "store"))
    document = [Heading("Leaderboard"), Table(columns=(TableColumn(name="lufs"),), rows=(TableRow((number,)),))]
    assert state("page").standing() is None
    state("page").note(document, 3)
    assert state("page").standing() == (document, 3)
    assert state("no page").standing() is None
    with monkeypatch.context() as patch:
        patch.setattr(report_state, "_CODE", (".py", ".yaml", ".css", ".js", ".typed"))
        assert state("page").standing() is None
    (folder / "listening").mkdir()
    (folder / "listening/new.json").write_text("{}")
    assert state("page").standing() is None
