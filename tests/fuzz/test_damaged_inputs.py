"""A few hundred damaged inputs of every kind: a result or a message, never a traceback or a hang.

Thousands: ``python tests/fuzz/run.py`` (CONTRIBUTING.md).
"""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import fuzz_harness
from fuzz_kind import Kind
from fuzz_kinds import KINDS

SEED = 20
COUNTS = {
    **{"suites": 40, "lyrics": 40, "imports": 40, "words": 40, "audio": 60, "manifests": 40},
    **{"protocols": 25, "ratings": 30, "settings": 60, "records": 4},
}


@pytest.mark.parametrize("name", sorted(set(KINDS) - {"manifests"}))
def test_damaged_inputs_end_in_a_result_or_a_message(name, tmp_path):
    outcomes = list(fuzz_harness.outcomes(name, SEED, range(COUNTS[name]), tmp_path / "kept"))
    counts = fuzz_harness.counted(outcomes)
    assert sum(counts.values()) == COUNTS[name]
    reports = [path.read_text(encoding="utf-8") for path in tmp_path.glob("kept/*/found.txt")]
    assert not any(counts[what] for what in fuzz_harness.FINDINGS), "\n\n".join(reports)
    assert counts["read"], "inputs that are all refused try little"


def test_a_finding_is_kept_with_what_makes_it_again(tmp_path, monkeypatch):
    class Broken(Kind):
        name = "broken"

        def draw(self, rng):
            return {"deep/file": rng.randbytes(3)}

        def read(self, folder):
            while (folder / "deep/file").read_bytes()[0] % 2:
                pass
            raise KeyError("not a message")

    monkeypatch.setitem(KINDS, "broken", Broken)
    monkeypatch.setattr(fuzz_harness, "SECONDS", 0.05)
    counts = fuzz_harness.counted(fuzz_harness.outcomes("broken", 1, range(8), tmp_path))
    assert counts["hang"] and counts["traceback"] and counts["hang"] + counts["traceback"] == 8
    folders = sorted(tmp_path.iterdir())
    assert len(folders) == 8
    assert "run.py --kind broken --seed 1 --only 0\n" in (folders[0] / "found.txt").read_text()
    inputs = [(folder / "input/deep/file").read_bytes() for folder in folders]
    assert len(set(inputs)) == 8
    again = fuzz_harness.counted(fuzz_harness.outcomes("broken", 1, range(8), tmp_path / "again"))
    assert again == counts
