"""A listening test as a folder without a server: opened by a double click, answers come back as one file per rater.

    DIR/
      index.html     what is opened; ?seat=3 gives a rater that seat
      listening.js   the rater's pages
      style.css
      data.js        every page of every seat and language, as `pages.public_page` has them
      audio/         opaque names
      README.txt     for the person who holds the test

The folder is made from the public half alone: no key, no names of systems, nothing of what a page is for.
"""

from __future__ import annotations

import json
import os
import shutil
import uuid
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from listening_test.front_end.assets import asset, bundle_script, stylesheet
from listening_test.front_end.wording import load_wording
from listening_test.pages import public_page, session_pages, slots
from listening_test.prepared import AUDIO, PreparedTest, check_audio
from songbench.domain.errors import InputError

TOP = "listening-test"
"""The folder inside an archive."""
_CHANGED_AT = 946684800
"""Time of change of every file (the year 2000): the order in which sounds were copied says nothing."""
_SHARED = ("item", "reference", "scales", "questions", "text", "stimuli")


@dataclass
class _Parts:
    """Values that many pages hold, each written once; ``{"$": n}`` stands for value n."""

    values: list[Any] = field(default_factory=list)
    places: dict[str, int] = field(default_factory=dict)

    def share(self, value: Any) -> dict[str, int]:
        name = json.dumps(value, ensure_ascii=False)
        if name not in self.places:
            self.places[name] = len(self.values)
            self.values.append(value)
        return {"$": self.places[name]}


def write_bundle(test: PreparedTest, to: Path, *, archive: bool = False) -> tuple[Path, ...]:
    """Make the folder, and beside it an archive ``DIR.zip``.

    Args:
        test: the public half.
        to: the folder; absent or empty.
        archive: whether to make the archive too.

    Returns:
        What was made: the folder, then the archive.

    Raises:
        InputError: when the folder holds something already, or the prepared audio is not whole.
    """
    if to.exists() and (not to.is_dir() or any(to.iterdir())):
        raise InputError(
            "There is something here already; answers may be on their way back to it.",
            file=str(to),
            cure="Name another folder with --to, or remove this one.",
        )
    check_audio(test)
    to.parent.mkdir(parents=True, exist_ok=True)
    scratch = to.with_name(f".{to.name}.{uuid.uuid4().hex[:8]}.tmp")
    try:
        _fill(test, scratch)
        scratch.replace(to)
    except BaseException:
        shutil.rmtree(scratch, ignore_errors=True)
        raise
    return (to, _archive(to)) if archive else (to,)


def bundle_data(test: PreparedTest) -> dict[str, Any]:
    """What ``data.js`` holds: the texts, and every page of every seat and language; pages share their parts."""
    parts = _Parts()
    languages = list(test.protocol.languages)
    seats = [
        {language: [_compact(page, parts) for page in _pages(test, seat, language)] for language in languages}
        for seat in range(len(test.seats))
    ]
    return {
        "test": test.digest(),
        "languages": languages,
        "wording": {language: load_wording(language) for language in languages},
        "seats": seats,
        "parts": parts.values,
    }


def _pages(test: PreparedTest, seat: int, language: str) -> list[dict[str, Any]]:
    count = len(session_pages(test, seat))
    return [public_page(test, seat, index, language, lambda _, name: test.stimuli[name].file) for index in range(count)]


def _compact(page: Mapping[str, Any], parts: _Parts) -> dict[str, Any]:
    shared = {name: page[name] for name in _SHARED if page.get(name)}
    if "stimuli" in shared:
        shared["stimuli"] = [parts.share(player) for player in shared["stimuli"]]
    return {**page, **{name: part if name == "stimuli" else parts.share(part) for name, part in shared.items()}}


def _fill(test: PreparedTest, folder: Path) -> None:
    folder.mkdir()
    data = json.dumps(bundle_data(test), ensure_ascii=False, separators=(",", ":"))
    texts = {
        "index.html": asset("index.html"),
        "style.css": stylesheet(),
        "listening.js": bundle_script(),
        "data.js": f"window.songbenchListeningData = {data};\n",
        "README.txt": _readme(test),
    }
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    (folder / "audio").mkdir()
    for name in sorted(_played(test)):
        file = test.stimuli[name].file
        shutil.copyfile(test.folder / file, folder / file)
    for path in folder.rglob("*"):
        os.utime(path, (_CHANGED_AT, _CHANGED_AT))


def _played(test: PreparedTest) -> set[str]:
    return {
        name
        for seat in range(len(test.seats))
        for page in session_pages(test, seat)
        for language in test.protocol.languages
        for name in slots(test, page, language).values()
    }


def _archive(folder: Path) -> Path:
    path = folder.with_name(f"{folder.name}.zip")
    scratch = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.tmp")
    try:
        with zipfile.ZipFile(scratch, "w", zipfile.ZIP_DEFLATED) as archive:
            for file in sorted(path for path in folder.rglob("*") if path.is_file()):
                # Sounds are stored as they are: how far one can be packed would tell what is in it.
                packing = zipfile.ZIP_STORED if file.parent.name == AUDIO else zipfile.ZIP_DEFLATED
                archive.write(file, f"{TOP}/{file.relative_to(folder).as_posix()}", packing)
        scratch.replace(path)
    except BaseException:
        scratch.unlink(missing_ok=True)
        raise
    return path


def _readme(test: PreparedTest) -> str:
    last = len(test.seats) - 1
    return f"""A blind listening test that needs no server
===========================================

For the person who holds the test. Raters need index.html only.

How to hold it
--------------
- Give the whole folder to a rater (archive, USB stick), or put it on any web server. Raters open index.html.
- Each rater needs a seat, 0 to {last}: which songs, in which order. Give every rater another one by the address:
      index.html?seat=0    index.html?seat=1    ...    index.html?seat={last}
  Without one the page draws a seat; then some seats may be taken twice and others not at all.
- Progress stays in the rater's browser: after a reload or a break the session goes on where it was. Private windows
  forget it.

What comes back
---------------
- At the end, and at any time from the menu, the page saves answers-RATER.json. Ask your raters to send you that file.
- A rater who withdraws deletes the answers in the browser; leave out files of theirs that you have already.
- Put the files into one folder and name it to the report:
      songbench listen report THE-PREPARED-TEST --answers THE-FOLDER
  Every answer is checked again there.

What it keeps secret
--------------------
- Nothing in this folder says who made which song. That lies in key.json of the prepared test: never give that away.
- The pages ask no other computer for anything.

Test {test.digest()[:16]}, {len(test.seats)} seats, languages: {", ".join(test.protocol.languages)}
"""
