"""The text side gives what the original implementation gives, on recorded pairs that lie outside the project.

The folder is named by SONGBENCH_PARITY; without it these tests are skipped.
"""

import json
import os
from pathlib import Path

import pytest

from songbench.resources.weights import availability
from systems.songbloom.text import RELEASED, SONGBLOOM_TEXT, phonemes_of_lyrics, pronounce

FOLDER = Path(os.environ.get("SONGBENCH_PARITY") or Path(__file__).parents[3] / "../shared/parity/songbloom")
PARTS = 5

_missing = availability(SONGBLOOM_TEXT)
pytestmark = [
    pytest.mark.skipif(
        not FOLDER.is_dir(), reason=f"no recorded pairs in {FOLDER}; name their folder in SONGBENCH_PARITY"
    ),
    pytest.mark.skipif(not _missing.ready, reason=f"{_missing.reason}: {_missing.cure}"),
]


def pairs(name):
    with open(FOLDER / name, encoding="utf-8") as rows:
        return [json.loads(row) for row in rows]


def found_in(node, key):
    """The first value of a key anywhere in nested mappings."""
    if not isinstance(node, dict):
        return None
    return node.get(key) or next(filter(None, (found_in(value, key) for value in node.values())), None)


def agrees(pair):
    symbols = phonemes_of_lyrics(pair["text"])
    return (
        symbols == pair["processed"]
        and RELEASED.ids(symbols) == pair.get("ids", RELEASED.ids(symbols))
        and RELEASED.dropped(symbols) == pair.get("dropped", [])
        and " ".join(pronounce(pair["text"])) == pair.get("g2p_direct", " ".join(pronounce(pair["text"])))
    )


def check(records):
    assert [pair["text"] for pair in records if not agrees(pair)] == []


def test_the_vocabulary_is_the_released_one():
    config = json.loads((FOLDER / "config.json").read_text(encoding="utf-8"))
    assert RELEASED.symbols == tuple(found_in(config, "vocab_list"))


def test_chosen_lines_agree():
    check(pairs("g2p.jsonl"))


@pytest.mark.parametrize("part", range(PARTS))
def test_random_lines_agree(part):
    check(pairs("g2p_random.jsonl")[part::PARTS])


def test_whole_songs_agree():
    check(pairs("g2p_songs.jsonl"))
