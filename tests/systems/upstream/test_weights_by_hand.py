"""Weights that lie on a page for people: setup says what to do there, and takes what was done."""

import pytest

from songbench.contracts.registry import build_system
from songbench.domain.errors import SongbenchError
from songbench.resources import weights


@pytest.mark.parametrize(
    ("name", "entry", "words"),
    [
        ("fastsag", "fastsag-checkpoint", r"sharepoint(?s:.*)by hand(?s:.*)download fastsag\.pt into FOLDER"),
        ("songecho", "songecho-adapters", r"gdown --folder 1aJH9EG2_[\w-]+ -O FOLDER/songecho-adapters"),
        (
            "musecontrollite",
            "musecontrollite-adapters",
            r"gdown --folder 1Q9B333[\w-]+ -O FOLDER/musecontrollite-adapters",
        ),
    ],
)
def test_weights_that_no_program_can_fetch_say_what_to_do(name, entry, words, tmp_path, monkeypatch):
    monkeypatch.setenv("SONGBENCH_WEIGHTS", str(tmp_path / "weights"))
    (adapters,) = [each for each in build_system(name).weights if each.name == entry]
    with pytest.raises(SongbenchError, match=words):
        weights.setup(adapters, accept_licence=True, say=lambda line: None)
    for file in adapters.files:
        (tmp_path / "mirror" / entry / file.name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "mirror" / entry / file.name).write_bytes(b"weights")
    weights.setup(adapters, accept_licence=True, mirror=tmp_path / "mirror", say=lambda line: None)
    assert weights.path(adapters)
