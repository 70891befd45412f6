"""The page that says where to change what, each change with files that exist."""

import re
import tomllib

import pytest
from product_modules import ROOT

TEXT = (ROOT / "docs/contributing-map.md").read_text(encoding="utf-8")
CHANGES = dict(re.findall(r"^## (.+)\n\n((?:(?!## ).*\n)*)", TEXT, re.MULTILINE))


def paths(text):
    """What looks like a file or a folder of the repository."""
    return [code for code in re.findall(r"`([^`]+)`", text) if "/" in code or code.endswith((".toml", ".md"))]


def test_every_usual_change_is_described():
    assert len(CHANGES) >= 13


@pytest.mark.parametrize("change", CHANGES)
def test_the_files_of_a_change_exist(change):
    files = paths(CHANGES[change])
    assert len(files) >= 3
    for path in files:
        assert (ROOT / path).is_dir() if path.endswith("/") else (ROOT / path).is_file(), path


def test_the_entry_point_groups_it_names_are_used():
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["entry-points"]
    assert set(re.findall(r"`(songbench\.\w+)`", TEXT)) == set(groups) - {"songbench.suites"}
