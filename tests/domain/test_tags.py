"""Section tags are listed once; a tag that is added is missed, by name, in every table that is keyed by tags."""

import ast
import re
import runpy
from functools import cache
from pathlib import Path

import pytest

from listening_test.front_end.wording import load_wording
from listening_test.protocol.model import LANGUAGES, Excerpt
from songbench.domain import tags
from songbench.domain.checking import checked
from songbench.domain.errors import InputError
from songbench.domain.sections import Section
from songbench.domain.tags import INSTRUMENTAL_TAGS, TAGS, VOCAL_TAGS, WORDLESS_TAGS, by_tag, tags_of_labels

ROOT = Path(__file__).parents[2]
PRODUCT = sorted(
    path for package in ("songbench", "systems", "metrics", "listening_test") for path in (ROOT / package).rglob("*.py")
)
CHECKS = {"by_tag", "tags_of_labels"}
NOT_BY_TAG = {
    "metrics/features/allin1_network.py": "the labels of a trained model",
    "metrics/features/songformer_network.py": "the labels of a trained model",
    "metrics/features/section_labels.py": "the labels that the rules give; metrics/ser.py says what tags they are",
    "systems/rulebased/section_rules.py": "the three tunes that there are, of which sections.yaml names one by tag",
    "systems/rulebased/melody.py": "by tune, which sections.yaml names by tag",
    "systems/rulebased/harmony.py": "by the section whose chords are taken, which sections.yaml names by tag",
}


def calls(tree):
    return [node for node in ast.walk(tree) if isinstance(node, ast.Call) and ast.unparse(node.func) in CHECKS]


@cache
def readers():
    """The modules with a table that is keyed by tags."""
    texts = {path: path.read_text(encoding="utf-8") for path in PRODUCT if path.name != "tags.py"}
    return [
        path for path, text in texts.items() if any(f"{name}(" in text for name in CHECKS) and calls(ast.parse(text))
    ]


@pytest.mark.parametrize("path", readers(), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_tag_that_is_added_is_missed_by_every_table(path, monkeypatch):
    monkeypatch.setattr(tags, "TAGS", (*TAGS, "hook"))
    with pytest.raises(LookupError, match=r"has no entry for the section tag \[hook\]"):
        runpy.run_path(str(path))


def test_whether_an_added_tag_has_words_must_be_said():
    source = (ROOT / "songbench/domain/tags.py").read_text(encoding="utf-8")
    added = source.replace('"outro", "silence"]', '"outro", "silence", "hook"]')
    assert added != source
    with pytest.raises(LookupError, match=r"that have words .* has no entry for the section tag \[hook\]"):
        exec(compile(added, "tags.py", "exec"), {"__name__": "tags"})


def test_tables_are_kept_where_tags_are_known():
    assert len(readers()) >= 5
    assert {str(path.relative_to(ROOT)) for path in readers()} >= {
        "songbench/domain/headings.py",
        "metrics/ser.py",
        "metrics/ser_reference.py",
        "systems/rulebased/section_rules.py",
        "systems/songbloom/text/vocabulary.py",
    }


QUOTED_TAG = re.compile(f"""["'](?:{"|".join(TAGS)})["']""")


def literals(text):
    """Lists, tuples, sets and mappings written out with two tags or more, outside of the checked tables."""
    if len(set(QUOTED_TAG.findall(text))) < 2:
        return
    tree = ast.parse(text)
    checked = {id(inner) for call in calls(tree) for inner in ast.walk(call)}
    for node in ast.walk(tree):
        elements = [*node.keys, *node.values] if isinstance(node, ast.Dict) else getattr(node, "elts", [])
        names = {element.value for element in elements if isinstance(element, ast.Constant)} & set(TAGS)
        if len(names) > 1 and id(node) not in checked:
            yield f"line {node.lineno}: {', '.join(sorted(names))}"


def test_no_other_module_lists_tags():
    places = {
        name: rows
        for path in PRODUCT
        if (name := str(path.relative_to(ROOT))) != "songbench/domain/tags.py"
        and (rows := list(literals(path.read_text(encoding="utf-8"))))
    }
    assert {name: rows for name, rows in places.items() if name not in NOT_BY_TAG} == {}
    assert set(NOT_BY_TAG) == set(places)


def test_people_read_of_every_tag():
    suites = (ROOT / "docs/suites.md").read_text(encoding="utf-8")
    for tag in TAGS:
        assert f"`[{tag}]`" in suites
        assert all(f"section_{tag}" in load_wording(language) for language in LANGUAGES)


def test_excerpts_of_listening_tests_name_tags():
    assert checked(Excerpt, {"rule": "section", "tag": "bridge"}).tag == "bridge"
    with pytest.raises(
        InputError, match=r"field 'tag': This value is not known, found 'brigde'. Did you mean 'bridge'"
    ):
        checked(Excerpt, {"rule": "section", "tag": "brigde"})


def test_each_tag_is_sung_or_may_be_without_words():
    assert sorted(VOCAL_TAGS + INSTRUMENTAL_TAGS) == sorted(TAGS)
    assert set(WORDLESS_TAGS) < set(INSTRUMENTAL_TAGS)
    for tag in TAGS:
        section = Section(tag, seconds=3.0) if tag in INSTRUMENTAL_TAGS else Section(tag, ("la la",))
        assert section.vocal == (tag in VOCAL_TAGS)


def test_tables_must_be_complete_and_speak_of_tags_only():
    assert by_tag(dict.fromkeys(TAGS, 1), "numbers") == dict.fromkeys(TAGS, 1)
    with pytest.raises(LookupError, match=r"^numbers has no entry for the section tag \[outro\]\.$"):
        by_tag({tag: 1 for tag in TAGS if tag != "outro"}, "numbers")
    with pytest.raises(LookupError, match=r"^numbers has an entry for \[hook\], which is no section tag\.$"):
        by_tag(dict.fromkeys([*TAGS, "hook"], 1), "numbers")


def test_labels_say_of_every_tag_whether_they_find_it():
    labels = {"start": None, **{tag: tag for tag in TAGS if tag != "silence"}, "solo": "inst"}
    assert tags_of_labels(labels, "labels", absent=("silence",)) == labels
    with pytest.raises(LookupError, match=r"no entry for the section tag \[silence\]"):
        tags_of_labels(labels, "labels")
    with pytest.raises(LookupError, match=r"labels says that \[inst\] is absent, and has a label for it"):
        tags_of_labels(labels, "labels", absent=("silence", "inst"))
    with pytest.raises(LookupError, match=r"\[hook\], which is no section tag"):
        tags_of_labels({**labels, "hook": "hook"}, "labels", absent=("silence",))
