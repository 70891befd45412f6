"""DiffRhythm 2's own parser, tags and reader, where SONGBENCH_UPSTREAM_DIFFRHYTHM2 names a checkout of its program."""

import argparse
import ast
import os
from pathlib import Path

import pytest
from test_diffrhythm2 import request

from songbench.domain.errors import UnsupportedError
from songbench.plugin import build_system
from systems.diffrhythm2.lyrics import TAGS, readable_line, render_lyrics

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def checkout():
    folder = os.environ.get("SONGBENCH_UPSTREAM_DIFFRHYTHM2")
    if not folder:
        pytest.skip("SONGBENCH_UPSTREAM_DIFFRHYTHM2 names no checkout")
    return Path(folder)


def run_statements(path, accept):
    """The statements of a file that are accepted, without its imports."""
    body = [node for node in ast.parse(path.read_text(encoding="utf-8")).body if accept(node)]
    space = {"argparse": argparse, "List": list}
    exec(compile(ast.Module(body, []), path.name, "exec"), space)
    return space


def test_its_parser_takes_the_arguments(checkout):
    tree = ast.parse((checkout / "inference.py").read_text(encoding="utf-8"))
    main = next(node for node in tree.body if isinstance(node, ast.If))
    body = [node for node in main.body if "arser" in ast.unparse(node) and "parse_args" not in ast.unparse(node)]
    space = {"argparse": argparse}
    exec(compile(ast.Module(body, []), "inference.py", "exec"), space)
    for choice in (True, False):
        invocation = build_system("diffrhythm2", {"fake_stereo": choice}).invoke(request())
        assert space["parser"].parse_args(list(invocation.arguments)).fake_stereo is choice


def test_its_list_has_the_tags(checkout):
    accept = lambda node: isinstance(node, ast.Assign) and node.targets[0].id == "STRUCT_INFO"  # noqa: E731
    table = run_statements(checkout / "inference.py", accept)["STRUCT_INFO"]
    assert {tag for tag in TAGS.values() if tag} | {"[start]", "[end]"} <= set(table)


def test_its_reader_knows_the_language_of_every_line(checkout):
    names = ("is_chinese", "is_alphabet", "is_other", "get_segment")
    accept = lambda node: getattr(node, "name", None) in names  # noqa: E731
    segments = run_statements(checkout / "g2p" / "g2p_generation.py", accept)["get_segment"]
    for row in render_lyrics(request().prompt.lyrics).text.split("\n"):
        assert row.startswith("[") or {language for _, language in segments(row)} <= {"en", "zh"}
    assert segments("") == [("", "")], "which is no language, and ends the run"
    for line in ("123", "…", "Привет"):
        assert segments(line)[-1][1] == "other"
        with pytest.raises(UnsupportedError):
            readable_line(line)
