"""The numbers in the README are those of the committed results."""

import json
import re
from pathlib import Path

import pandas

from songbench.domain.suite import load_suite
from songbench.suites import DEMO

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_leaderboard_is_the_committed_one():
    shown = README.split("<!-- leaderboard -->")[1].split("<!-- /leaderboard -->")[0]
    rows = [row for row in shown.splitlines() if row.startswith("|")]
    committed = (ROOT / "results/demo/leaderboard.md").read_text(encoding="utf-8").splitlines()
    assert len(rows) > 15
    assert set(rows) <= set(committed)


def test_the_committed_run_is_of_the_present_suite():
    record = json.loads((ROOT / "results/demo/record.json").read_text(encoding="utf-8"))
    assert record["suite"]["key"] == load_suite(DEMO).key()
    frame = pandas.read_csv(ROOT / "results/demo/leaderboard.csv")
    assert set(frame["system"]) == set(record["systems"])


def test_the_intelligibility_is_the_committed_one():
    report = json.loads((ROOT / "results/intelligibility/intelligibility.json").read_text(encoding="utf-8"))
    per = {(row["language"], row["condition"]): row["per"] for row in report["rows"]}
    for name, language in (("English", "en"), ("Mandarin", "zh")):
        row = re.search(rf"^\| {name} \|(.*)\|$", README, re.MULTILINE)[1]
        shown = [float(cell.strip().removesuffix(" %")) for cell in row.split("|")]
        assert shown == [round(per[language, part], 1) for part in ("speech", "vocals", "mix", "wrong")]
        assert shown[0] <= shown[1] < shown[3]
