"""A report of which nothing changed stays as it is; whatever changed, or was done to a file, has it made again."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from made_up_page import made_up_material

from songbench.execution.checksums import SUMS, file_faults
from songbench.execution.damage import REPORT_FILES
from songbench.reporting import report
from songbench.reporting.report import write_report
from songbench.reporting.report_basis import BASIS, report_basis

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def material(tmp_path_factory):
    return made_up_material(tmp_path_factory.mktemp("store"))


@pytest.fixture
def own_formats(monkeypatch):
    """As if there were no formats of other packages, of which the tests bring some."""
    monkeypatch.setattr("songbench.contracts.registry.package_of", lambda group, name: "songbench 1")


@pytest.fixture
def writer(material, tmp_path, monkeypatch, own_formats):
    """A function that writes the report into one folder and says whether it was made anew."""
    calls = []
    pages = report.page_files
    monkeypatch.setattr(report, "page_files", lambda *args, **keywords: calls.append(1) or pages(*args, **keywords))

    def write(content=material, folder=tmp_path, **keywords):
        calls.clear()
        paths = write_report(
            content.board, folder, material=content, **{"audio": "link", "remembered_basis": True} | keywords
        )
        assert file_faults(folder, REPORT_FILES) == [] and all(path.is_file() for path in paths)
        return bool(calls)

    write()
    write()  # where no figure was ever calls, only the second report finds that matplotlib has listed the fonts
    return write


def test_the_same_stays_and_says_the_same_files(writer, material, tmp_path):
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.is_file()}
    assert not writer()
    assert {path: path.stat().st_mtime_ns for path in before if path.name != "files.json"} == {
        path: time for path, time in before.items() if path.name != "files.json"
    }
    paths = write_report(material.board, tmp_path, material=material, audio="link", remembered_basis=True)
    assert [path.relative_to(tmp_path).as_posix() for path in paths] == json.loads((tmp_path / BASIS).read_text())[
        "files"
    ]


@pytest.mark.parametrize("harm", ["altered", "gone", "list altered", "list gone", "note damaged", "note gone"])
def test_what_was_done_to_a_file_is_undone(writer, tmp_path, harm):
    sums = (tmp_path / SUMS).read_bytes()
    page = (tmp_path / "report.html").read_bytes()
    if harm == "altered":
        (tmp_path / "report.html").write_bytes(page + b" ")
    elif harm == "gone":
        next((tmp_path / "figures").glob("*.svg")).unlink()
    elif harm == "list altered":
        (tmp_path / SUMS).write_bytes(b"\n".join(sums.split(b"\n")[1:]))
    elif harm == "note damaged":
        (tmp_path / BASIS).write_text('{"schema": ')
    else:
        (tmp_path / (SUMS if harm == "list gone" else BASIS)).unlink()
    assert writer()
    assert (tmp_path / SUMS).read_bytes() == sums and (tmp_path / "report.html").read_bytes() == page
    assert not writer()


def test_a_song_that_is_gone_comes_back(writer, tmp_path):
    song = next(path for path in (tmp_path / "report/songs").rglob("*.flac"))
    song.unlink()
    assert not writer() and song.is_file()


def test_whatever_the_report_shows_has_it_made_anew(writer, material):
    results = material.results
    metric = results.metrics[1]
    song, scores = next(iter(metric.songs.items()))
    rows = {**scores.detail, "found": [["verse", 0.0, 1.5], ["chorus", 1.5, 2.0]]}
    changed = replace(metric, songs={**metric.songs, song: replace(scores, detail=rows)})
    name, first = next(iter(material.songs.items()))
    for content in (
        replace(material, results=replace(results, metrics=(results.metrics[0], changed))),
        replace(material, record={"suite": {"key": "other"}}),
        replace(material, board=replace(material.board, notes=("A note.",))),
        replace(material, songs={**material.songs, name: replace(first, words=first.words[1:], sections=())}),
        replace(material, aligners={}),
    ):
        assert writer(content) and not writer(content)
    assert writer(audio="none") and not writer(audio="none")
    assert writer(figures=("svg", "png", "pdf"), audio="none")


def test_other_code_or_another_library_draws_anew(writer, monkeypatch):
    monkeypatch.setattr("songbench.reporting.report_basis._version", lambda package: "other")
    assert writer() and not writer()
    monkeypatch.setattr("songbench.reporting.report_basis._code", lambda package: "other")
    assert writer() and not writer()
    monkeypatch.setattr("songbench.reporting.report_basis._fonts", lambda: ["other"])
    assert writer() and not writer()


def test_what_cannot_be_told_is_made_anew_each_time(writer, monkeypatch):
    monkeypatch.setattr("songbench.reporting.report_basis._fonts", lambda: [])
    assert writer() and writer()
    monkeypatch.undo()
    assert report_basis((), ()) is None, "a format of another package may follow from anything"


def test_a_copy_elsewhere_has_no_note(writer, tmp_path):
    assert writer(folder=tmp_path / "copy", remembered_basis=False)
    assert not (tmp_path / "copy" / BASIS).exists()


def test_the_basis_is_the_same_in_another_process(material, monkeypatch, own_formats):
    monkeypatch.setattr("songbench.reporting.report_basis._fonts", lambda: ["one"])
    program = (
        "import sys, pathlib; sys.path.insert(0, 'tests/reporting/page');"
        "from made_up_page import made_up_material; from songbench.reporting import report_basis;"
        "report_basis._fonts = lambda: ['one'];"
        "report_basis.registry.package_of = lambda group, name: 'songbench 1';"
        "m = made_up_material(pathlib.Path(sys.argv[1]));"
        "print(report_basis.report_basis((m.board, m.results), m.aligners.values()))"
    )
    folder = Path(material.store.url).parent
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "PYTHONHASHSEED": "7"}
    run = subprocess.run(
        [sys.executable, "-c", program, str(folder)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=environment,
        check=True,
    )
    assert run.stdout.strip() == report_basis((material.board, material.results), material.aligners.values())
    assert len(run.stdout.strip()) == 64
