"""Muse's own parser and examples, where SONGBENCH_UPSTREAM_MUSE names a checkout of its program."""

import argparse
import ast
import json
import os
import re
from pathlib import Path

import pytest
from test_muse import Spelled, request

from systems.muse.muse_worker import messages_of, wording_of
from systems.muse.phonemes import PAUSE, split_syllable
from systems.muse.rendering import render

pytestmark = pytest.mark.slow

TURN = re.compile(r"\[([^\]:]+)\]\[desc:.*?\](?:\[lyrics:\n(.+)\]\[phoneme:\n(.+)\])?$", re.DOTALL)


@pytest.fixture(scope="module")
def checkout():
    folder = os.environ.get("SONGBENCH_UPSTREAM_MUSE")
    if not folder:
        pytest.skip("SONGBENCH_UPSTREAM_MUSE names no checkout")
    return Path(folder)


@pytest.fixture(scope="module")
def examples(checkout):
    return [json.loads(line) for line in (checkout / "infer" / "test.jsonl").read_text(encoding="utf-8").splitlines()]


def test_its_parser_takes_the_arguments(checkout, monkeypatch):
    tree = ast.parse((checkout / "infer" / "batch_multi_generate.py").read_text(encoding="utf-8"))
    body = [node for node in tree.body if getattr(node, "name", None) == "parse_args"]
    space = {"argparse": argparse}
    exec(compile(ast.Module(body, []), "batch_multi_generate.py", "exec"), space)
    words = "--input_path a --output_dir b --ckpt_dir c --repetition_penalty 1.1 --batch_size 1 --log_path d"
    monkeypatch.setattr("sys.argv", ["batch_multi_generate.py", *words.split()])
    assert space["parse_args"]().repetition_penalty == 1.1


def turns_of(messages):
    """What the user says, the first without the style."""
    first, *later = [message["content"] for message in messages if message["role"] == "user"]
    return [first.split("\n", 2)[2], *later]


def test_a_conversation_has_the_form_of_its_examples(examples):
    wording = wording_of(examples[0])
    assert all(wording_of(example) == wording for example in examples)
    for messages in [*(example["messages"] for example in examples), messages_of(_song(), wording, Spelled())]:
        first, second, _ = messages[0]["content"].split("\n", 2)
        assert first.startswith(wording[0]) and first.endswith(".") and second == wording[1]
        assert all(message["content"] == "" for message in messages if message["role"] == "assistant")
        assert all(TURN.match(turn) for turn in turns_of(messages))


def test_its_examples_have_the_labels(examples):
    turns = [turn for example in examples for turn in turns_of(example["messages"])]
    labels = {re.sub(r" ?\d+$", "", TURN.match(turn)[1]) for turn in turns}
    assert {re.sub(r" ?\d+$", "", section["label"]) for section in _song()["sections"]} <= labels
    sung = [turn for turn in turns if turn.startswith(("[Intro]", "[Outro]")) and TURN.match(turn)[2]]
    assert len(sung) == 1, "an outro"


def test_mandarin_lines_have_the_phonemes_of_its_examples(examples):
    """3621 of 3627 do; in the others pypinyin reads a character otherwise."""
    import jieba
    from pypinyin import lazy_pinyin

    lines = 0
    for example in examples[::10]:
        for match in map(TURN.match, turns_of(example["messages"])):
            for line, phones in zip((match[2] or "").split("\n"), (match[3] or "").split("\n"), strict=False):
                if re.search("[\u4e00-\u9fff]", line) and not re.search("[A-Za-z]", line):
                    words = [word for piece in re.findall("[\u4e00-\u9fff]+", line) for word in jieba.cut(piece)]
                    syllables = [lazy_pinyin(word, v_to_u=False) for word in words]
                    spoken = [[*(part for one in word for part in split_syllable(one)), PAUSE] for word in syllables]
                    lines += " ".join(phone for word in spoken for phone in word) == phones
    assert lines > 300


def _song():
    text = "[intro]\n\n[verse]\na\n\n[chorus]\nb\n\n[bridge]\nc\n\n[outro]\nd\n\n[outro]\n"
    return render(request(text)).inputs["song"]
