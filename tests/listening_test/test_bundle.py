"""The folder without a server: what it holds, what it hides, and what of an answers file is taken."""

import json
import math
import shutil
import subprocess
import zipfile
from dataclasses import replace

import pytest
from made_up import SYSTEMS, good_answer, made_up_test

from listening_test.answer_sheets import AnswerSheet, Entry, check_sheet
from listening_test.bundle import bundle_data, write_bundle
from listening_test.collected import collect
from listening_test.pages import public_page, session_pages
from songbench.domain.errors import InputError


def expand(value, parts):
    if isinstance(value, list):
        return [expand(one, parts) for one in value]
    if isinstance(value, dict):
        return (
            expand(parts[value["$"]], parts)
            if "$" in value
            else {name: expand(one, parts) for name, one in value.items()}
        )
    return value


def filled(test, seat=0, rater="r0", language="en"):
    entries = []
    for index in range(len(session_pages(test, seat)) - 1):
        answer = good_answer(public_page(test, seat, index, language, lambda slot, stimulus: slot))
        entries.append(Entry(index, answer, 1000.0 + index, 1001.0 + index))
    return AnswerSheet(
        test=test.digest(),
        rater=rater,
        seat=seat,
        language=language,
        started=1000.0,
        finished=1100.0,
        entries=tuple(entries),
    )


@pytest.fixture
def acr(tmp_path):
    return made_up_test(tmp_path / "t", "acr")


@pytest.mark.parametrize("form", ["acr", "preference", "mushra"])
def test_the_data_are_the_pages_of_every_seat_and_language(tmp_path, form):
    test, _ = made_up_test(tmp_path / "t", form)
    data = json.loads(json.dumps(bundle_data(test)))
    for seat in range(len(test.seats)):
        for language in ("en", "zh"):
            pages = expand(data["seats"][seat][language], data["parts"])
            expected = [
                public_page(test, seat, index, language, lambda _, stimulus: test.stimuli[stimulus].file)
                for index in range(len(pages))
            ]
            assert pages == json.loads(json.dumps(expected))


def test_the_folder_is_whole_and_hides_what_is_hidden(tmp_path, acr):
    test, key = acr
    folder, archive = write_bundle(test, tmp_path / "out", archive=True)
    texts = "".join(path.read_text(encoding="utf-8") for path in folder.iterdir() if path.is_file())
    hidden = [*SYSTEMS, key.run, *key.prompts, test.name, "songkey", "lowpass", *test.trials]
    assert not [word for word in hidden if word in texts]
    assert {path.name for path in folder.iterdir()} == {
        *("index.html", "listening.js", "style.css", "data.js", "README.txt", "audio")
    }
    assert len({path.stat().st_mtime for path in folder.rglob("*")}) == 1
    played = {f"audio/{path.name}" for path in (folder / "audio").iterdir()}
    assert {one["url"] for one in bundle_data(test)["parts"] if "peaks" in one} == played
    with zipfile.ZipFile(archive) as opened:
        assert len(opened.namelist()) == len(played) + 5
        assert all(name.startswith("listening-test/") for name in opened.namelist())


def test_a_folder_with_something_in_it_and_damaged_audio_stop_it(tmp_path, acr):
    test, _ = acr
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "answers-1.json").write_text("{}", encoding="utf-8")
    with pytest.raises(InputError, match="something here already"):
        write_bundle(test, tmp_path / "out")
    next((test.folder / "audio").iterdir()).unlink()
    with pytest.raises(InputError, match="absent"):
        write_bundle(test, tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_a_whole_sheet_is_taken_in_canonical_form(acr):
    test, key = acr
    sheet = filled(test)
    checked = check_sheet(test, sheet)
    assert collect(test, key, [checked]).ratings.equals(collect(test, key, [sheet]).ratings)
    part = replace(sheet, entries=sheet.entries[:5], finished=None)
    assert len(check_sheet(test, part).entries) == 5
    withdrawn_sheet = replace(sheet, entries=(), finished=None, withdrawn=True)
    assert check_sheet(test, withdrawn_sheet) == withdrawn_sheet


IMPOSSIBLE = [
    ("another test", {"test": "0" * 64}),
    ("no usable name", {"rater": ""}),
    ("no usable name", {"rater": 7}),
    ("seat 3 is none of 0 to 2", {"seat": 3}),
    ("seat", {"seat": "0"}),
    ("language", {"language": "de"}),
    ("time is not a number", {"started": "now"}),
    ("time is not a number", {"finished": math.inf}),
    ("browser's name", {"device": "x" * 201}),
    ("although the rater withdrew", {"withdrawn": True}),
    ("finished, but pages are missing", {"entries": ()}),
]


def test_a_sheet_that_cannot_be_is_refused(acr):
    test, _ = acr
    sheet = filled(test)
    for message, change in IMPOSSIBLE:
        with pytest.raises(InputError, match=message):
            check_sheet(test, replace(sheet, **change))


def test_an_entry_that_breaks_a_rule_is_named_with_rater_and_page(acr):
    test, _ = acr
    sheet = filled(test)
    where = next(n for n, page in enumerate(session_pages(test, 0)) if page.kind == "trial")
    entry = sheet.entries[where]
    for answer in [{**entry.answer, "plays": []}, {**entry.answer, "ratings": []}, None]:
        broken = (*sheet.entries[:where], replace(entry, answer=answer), *sheet.entries[where + 1 :])
        with pytest.raises(InputError, match=f"rater 'r0' to page {where} "):
            check_sheet(test, replace(sheet, entries=broken))
    with pytest.raises(InputError, match="out of order"):
        check_sheet(test, replace(sheet, entries=sheet.entries[1:], finished=None))


def test_the_command_makes_the_folder_and_says_how_to_go_on(tmp_path, acr, songbench):
    test, _ = acr
    result = songbench("listen", "bundle", test.folder, "--zip", folders=False)
    assert result.returncode == 0, result.stderr
    assert "3 seats" in result.stdout and "?seat=0 to ?seat=2" in result.stdout and "as an archive" in result.stdout
    assert (test.folder.with_name("t-bundle") / "index.html").is_file()
    again = songbench("listen", "bundle", test.folder, folders=False)
    assert again.returncode == 2 and "--to" in again.stderr


def test_the_scripts_are_valid_where_a_checker_is_at_hand(tmp_path, acr):
    test, _ = acr
    node = shutil.which("node")
    if node is None:
        pytest.skip("needs node")
    (folder,) = write_bundle(test, tmp_path / "out")
    for name in ("listening.js", "data.js"):
        assert subprocess.run([node, "--check", folder / name], check=False).returncode == 0
