"""Standing data in YAML: read, checked, and refused by file and field."""

import sys
import tomllib
from pathlib import Path

import pytest
from pydantic import RootModel

from songbench.contracts.cards import ASPECTS
from songbench.domain.checking import Number, Schema
from songbench.domain.damages import DAMAGES, STRENGTHS
from songbench.domain.errors import InputError
from songbench.domain.headings import read_heading
from songbench.domain.tables import read_table

ROOT = Path(__file__).parents[2]
PACKAGES = ("songbench", "systems", "metrics", "listening_test")


class Row(Schema):
    seconds: Number
    names: tuple[str, ...] = ()


Rows = RootModel[dict[str, Row]]


@pytest.fixture
def table(tmp_path, monkeypatch):
    """Writes the table of a package of its own and reads it."""
    package = tmp_path / "standing"
    package.mkdir()
    (package / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "standing", raising=False)

    def read(text, model=Rows):
        (package / "rows.yaml").write_text(text, encoding="utf-8")
        return read_table("standing", "rows.yaml", model).root

    return read


def test_rows_keep_their_order(table):
    rows = table("second: {seconds: 2}\nfirst: {seconds: 1.5, names: [开场, start]}\n")
    assert list(rows) == ["second", "first"]
    assert rows["first"] == Row(seconds=1.5, names=("开场", "start"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("first: {seconds: 1, second: 1}", r"standing/rows.yaml, field 'first.second'.*Did you mean 'seconds'\?"),
        ("first: {seconds: soon}", r"standing/rows.yaml, field 'first.seconds': Expected a number"),
        ("first: {seconds: 1}\nfirst: {seconds: 2}", r"standing/rows.yaml, line 1: .*'first' stands twice"),
        ("first: seconds: 1", r"standing/rows.yaml, line 1: This is not valid YAML"),
        ("[1, 2]", r"standing/rows.yaml: Expected names with values"),
    ],
)
def test_what_is_wrong_is_named(table, text, message):
    with pytest.raises(InputError, match=message):
        table(text)


def test_damages_speak_of_aspects_and_have_all_strengths():
    for name, damage in DAMAGES.items():
        assert damage.name == name
        assert {*damage.harms, *damage.touches} <= set(ASPECTS)
        assert not set(damage.harms) & set(damage.touches)
        assert len(set(damage.strengths)) == len(STRENGTHS)


def test_headings_are_read_under_one_tag():
    assert read_heading("Pre-Chorus 2").tag == "verse"
    assert read_heading("間奏").tag == "inst"


def test_every_table_is_in_the_package():
    data = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]["package-data"]
    packed = {path for package, patterns in data.items() for glob in patterns for path in (ROOT / package).glob(glob)}
    tables = {path for package in PACKAGES for path in (ROOT / package).rglob("*.yaml")}
    assert tables and tables <= packed
