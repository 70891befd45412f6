"""The glossary: each word is defined once, names code that is there, and no class uses it for another thing."""

import importlib
import re
from collections import Counter

import pytest
from product_modules import PACKAGES, ROOT, public_classes

ROW = re.compile(r"^\| (?P<word>[^|]+) \| (?P<meaning>[^|]+) \| (?P<places>[^|]*)\|$")
TEXT = (ROOT / "docs/glossary.md").read_text(encoding="utf-8")
ROWS = [match for line in TEXT.splitlines() if (match := ROW.match(line)) and match["word"] not in ("word", "---")]
WORDS = {row["word"]: re.findall(r"`([\w.]+)`", row["places"]) for row in ROWS}


def class_name(word):
    return "".join(part.capitalize() for part in word.split())


def test_each_word_has_one_definition():
    assert [word for word, count in Counter(row["word"] for row in ROWS).items() if count > 1] == []
    assert len(WORDS) >= 30
    rows = [line for line in TEXT.splitlines() if line.startswith("|") and "---" not in line and "| word |" not in line]
    assert len(rows) == len(ROWS), "a row is not word, meaning, place"


@pytest.mark.parametrize("place", [place for places in WORDS.values() for place in places])
def test_what_it_names_in_the_code_is_there(place):
    module, _, name = place.rpartition(".")
    try:
        importlib.import_module(place)
    except ModuleNotFoundError:
        assert getattr(importlib.import_module(module), name).__doc__


def test_a_class_that_is_called_like_a_word_is_the_one_the_glossary_names():
    classes = public_classes()
    homonyms = {
        word: place
        for word, places in WORDS.items()
        for singular in {word, word.removesuffix("s")}
        for place in classes.get(class_name(singular), [])
        if f"{place}.{class_name(singular)}" not in places
    }
    assert homonyms == {}


def test_each_word_is_used():
    """On another page, or in the words of the code."""
    pages = [path for path in (ROOT / "docs").glob("*.md") if path.name != "glossary.md"]
    code = [path for package in PACKAGES for path in (ROOT / package).rglob("*.py")]
    text = "\n".join(path.read_text(encoding="utf-8") for path in (*pages, *code)).casefold()
    assert [word for word in WORDS if not re.search(rf"\b{word}(?:s|es)?\b", text)] == []
