"""LeVo's own argument parser and vocabulary, where SONGBENCH_UPSTREAM_LEVO names a checkout of its program."""

import argparse
import ast
import json
import os
from pathlib import Path

import pytest
import yaml
from test_levo_rendering import request

from songbench.plugin import build_system
from systems.levo.lyrics import render_lyrics
from systems.levo.rendering import SAMPLING

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def checkout():
    folder = os.environ.get("SONGBENCH_UPSTREAM_LEVO")
    if not folder:
        pytest.skip("SONGBENCH_UPSTREAM_LEVO names no checkout")
    return Path(folder)


def own_statements(checkout, *names):
    """Functions and assignments of generate.py, which imports torch and more at its beginning."""
    tree = ast.parse((checkout / "generate.py").read_text(encoding="utf-8"))
    body = [
        node
        for node in tree.body
        if getattr(node, "name", None) in names
        or (isinstance(node, ast.Assign) and getattr(node.targets[0], "id", None) in names)
    ]
    space = {"argparse": argparse}
    exec(compile(ast.Module(body, []), "generate.py", "exec"), space)
    return [space[name] for name in names]


@pytest.mark.parametrize("settings", [{}, {"memory": "low", "stems": True, "flash_attention": True}])
def test_its_parser_takes_the_arguments(checkout, monkeypatch, settings):
    (parse,) = own_statements(checkout, "parse_args")
    monkeypatch.setattr("sys.argv", ["generate.py", *build_system("levo", settings).invoke(request()).arguments])
    assert parse().low_mem is bool(settings) and parse().ckpt_path == "ckpt/songgeneration_v2_large"


def test_its_vocabulary_has_all_tags(checkout):
    tags = set(yaml.safe_load((checkout / "conf" / "vocab.yaml").read_text(encoding="utf-8")))
    text = "[intro]\n\n[verse]\na\n\n[chorus]\nb\n\n[bridge]\nc\n\n[inst]\n\n[silence]\n\n[outro]\n"
    pieces = render_lyrics(request(text).prompt).text.split(" ; ")
    assert {piece.split()[0] for piece in pieces} <= tags and len(pieces) == 7


def test_its_library_has_the_types(checkout):
    (types,) = own_statements(checkout, "auto_prompt_type")
    for name in types:
        assert build_system("levo", {"style": "auto", "library": name}).settings["library"] == name


def test_its_sampling_is_what_the_record_says(checkout):
    source = (checkout / "generate.py").read_text(encoding="utf-8")
    normal, _, low = source.partition("def generate_lowmem")
    for text, mode in ((normal, "normal"), (low, "low")):
        assert f"temp = {SAMPLING[mode]['temperature']}" in text and f"top_k = {SAMPLING[mode]['top_k']}" in text


def test_its_examples_look_as_ours_do(checkout):
    lines = (checkout / "sample" / "test100_v2_sg_des.jsonl").read_text(encoding="utf-8").splitlines()
    songs = [json.loads(line) for line in lines]
    assert all(song["descriptions"].endswith(".") and song["descriptions"].islower() for song in songs)
    english = [song["gt_lyric"] for song in songs if song["gt_lyric"].isascii()]
    sung = [piece for text in english for piece in text.split(" ; ") if piece.startswith(("[verse]", "[chorus]"))]
    assert sung and all(piece.strip().endswith(".") for piece in sung)
