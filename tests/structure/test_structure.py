"""The code as its plan says: no import circles, folders of bounded size, one public class to a name, telling names."""

from collections import Counter

import pytest
import weak_names
from product_modules import ROOT, circles, imports, modules, positional_classes, public_classes


def test_no_modules_import_each_other():
    everything = modules()
    names = {module.name for module in everything}
    assert circles({module.name: imports(module, names) for module in everything}) == []


def test_no_folder_holds_more_than_a_third_of_the_harness():
    lines = {path: path.read_text(encoding="utf-8").count("\n") for path in (ROOT / "songbench").rglob("*.py")}
    total = sum(lines.values())
    for folder in (ROOT / "songbench").iterdir():
        assert sum(count for path, count in lines.items() if folder in path.parents) <= total / 3, folder.name


def test_a_public_class_name_is_defined_in_one_module():
    assert {name: places for name, places in public_classes().items() if len(places) > 1} == {}


def test_large_dataclasses_are_built_by_keyword():
    assert list(positional_classes()) == []


def test_files_of_tests_have_names_of_their_own():
    names = Counter(path.name for path in (ROOT / "tests").rglob("test_*.py"))  # pytest imports them by name alone
    assert [name for name, count in names.items() if count > 1] == []


@pytest.mark.parametrize("package", ["songbench", "systems", "metrics", "listening_test", "benchmarks", "tests"])
def test_names_are_neither_pronouns_nor_participles(package):
    places = sorted((ROOT / package).rglob("*.py"))
    assert [
        f"{place.relative_to(ROOT)}:{line}: {name}" for place in places for line, name in weak_names.faults(place)
    ] == []
