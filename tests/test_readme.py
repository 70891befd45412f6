"""The numbers in the README are those of the committed results."""

import importlib.util
import json
import math
import re
from pathlib import Path

import pandas

from songbench.domain.suite import load_suite
from songbench.suites import DEMO

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_leaderboard_is_the_committed_one():
    spec = importlib.util.spec_from_file_location("readme_table", ROOT / "benchmarks/readme_table.py")
    readme_table = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(readme_table)
    assert readme_table.with_block(README, readme_table.block()) == README
    assert sum(map(len, readme_table.tables(readme_table.block()))) > 15


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
        values = [float(cell.strip().removesuffix(" %")) for cell in row.split("|")]
        assert values == [round(per[language, part], 1) for part in ("speech", "vocals", "mix", "wrong")]
        assert values[0] <= values[1] < values[3]


def test_the_speed_beside_fadtk_is_the_measured_one():
    rounds = json.loads((ROOT / "results/metrics_throughput/throughput.json").read_text(encoding="utf-8"))["fadtk"]
    ratio = sorted(one["ratio"] for one in rounds)[len(rounds) // 2]
    assert f"FAD on MERT is {ratio:.1f} times as fast as fadtk's own command" in " ".join(README.split())
    assert f"FAD is {ratio:.1f} times as fast as fadtk's own command" in (ROOT / "docs/metrics.md").read_text()
    machines = json.loads((ROOT / "results/metrics_throughput/machines.json").read_text(encoding="utf-8"))
    (zen4,) = machines["others"]
    assert f"{zen4['ratio']:.1f} times on a Zen 4 EPYC" in " ".join(README.split())
    assert ratio >= 2
    assert max(one["difference"] for one in rounds) <= 1e-3


def test_what_is_said_about_the_damage_is_what_was_measured():
    columns = json.loads((ROOT / "results/validation/validation.json").read_text(encoding="utf-8"))["columns"]
    text = " ".join((ROOT / "docs/metrics.md").read_text(encoding="utf-8").split())
    assert "No backend was blind to what it says it hears, none answered to what is none of its business" in text
    faults = {"blind", "wrong way", "should ignore"}
    assert not [
        name for name, column in columns.items() if column["hears"] and faults & set(column["verdicts"].values())
    ]
    for backend in ("per@whisper-base-stem", "per@whisper-base-mix"):
        for damage in ("wrong_lyrics", "dropped_lines", "repeated_lines"):
            assert columns[backend]["verdicts"][damage] == "reacts"
    claimed = {aspect for column in columns.values() for aspect in column["hears"]}
    assert not {"pitch", "timing"} & claimed, "nobody says so, as the text says"
    frame = pandas.read_csv(ROOT / "results/validation/validation.csv").set_index(["column", "damage", "strength"])
    figures = frame["figure"]
    copies = [figures["copied@musicnn", "prompt_copied", strength] for strength in (1, 2, 3, 4)]
    assert f"copies: {', '.join(f'{copy:.2f}' for copy in copies)} for a quarter to all" in text
    per = figures["per@whisper-base-stem", "wrong_lyrics", 0], figures["per@whisper-base-stem", "wrong_lyrics", 4]
    assert f"{per[0]:.0f} % undamaged, {per[1]:.0f} % with all lines wrong" in text
    ser = figures["ser@novelty", "voice_removed", 0], figures["ser@novelty", "voice_removed", 4]
    assert f"from {ser[0]:.0f} to {ser[1]:.0f} % although every section" in text


def test_the_versions_behind_the_validation_are_told():
    record = json.loads((ROOT / "results/validation/record.json").read_text(encoding="utf-8"))
    text = " ".join((ROOT / "docs/validation.md").read_text(encoding="utf-8").split())
    versions = {name.partition("@")[0]: card["version"] for name, card in record["metrics"].items()}
    assert f"`rulebased` version {record['systems']['rulebased']['version']}, `per` version {versions['per']}" in text
    assert {versions[name] for name in ("fad", "kad", "audio")} == {"1"} and "`audio` version 1" in text


def test_what_is_said_about_the_calibration_of_listening_tests_was_measured():
    rows = json.loads((ROOT / "results/listening_calibration.json").read_text(encoding="utf-8"))["rows"]
    text = " ".join((ROOT / "docs/listening-report.md").read_text(encoding="utf-8").split())

    def values(*figures, traps=True):
        return [
            row["value"] for row in rows if row["figure"] in figures and row["case"].endswith("no traps") is not traps
        ]

    coverage = values("means", "differences", "strengths")
    designs = {row["case"] for row in rows if row["figure"] in ("means", "strengths")}
    assert {row["tests"] for row in rows if row["case"] in designs} == {500}
    assert f"On 500 simulated tests in each of {len(designs)} designs" in text
    assert f"in {100 * min(coverage):.0f} to {100 * max(coverage):.0f} % of the tests" in text
    assert f"err in at most {math.ceil(100 * max(values('tests', 'family')))} %" in text
    careless, attentive = values("careless"), values("attentive")
    assert f"find at least {math.floor(100 * min(careless))} % of careless raters" in text
    assert f"leave out at most {math.ceil(100 * max(attentive))} % of careful ones" in text
    assert f"without traps they find {100 * values('careless', traps=False)[0]:.0f} %" in text


def test_the_simulated_demo_says_so_in_every_file():
    folder = ROOT / "results/listening_demo"
    tables = list(folder.glob("*.csv"))
    assert len(tables) >= 6
    for path in tables:
        assert set(pandas.read_csv(path)["answered_by"]) == {"SIMULATED"}, path.name
    report = (folder / "report.md").read_text(encoding="utf-8")
    headings = re.findall(r"^#+ (.*)$", report, re.MULTILINE)
    assert len(headings) > 6 and all("SIMULATED" in heading for heading in headings)
    assert json.loads((folder / "report.json").read_text(encoding="utf-8"))["simulated"] is True
    for figure in (folder / "figures").glob("*.svg"):
        assert "SIMULATED" in figure.read_text(encoding="utf-8"), figure.name


def test_what_is_said_about_the_load_of_the_server_was_measured():
    loads = json.loads((ROOT / "results/listening_load.json").read_text(encoding="utf-8"))["loads"]
    text = " ".join((ROOT / "docs/listening-test.md").read_text(encoding="utf-8").split())
    assert {one["raters"] for one in loads} == {50, 200} and not any(one["unfinished"] or one["lost"] for one in loads)
    hasty = {one["database"]: one["median_ms"] for one in loads if one["rest_seconds"] == 0 and one["raters"] == 200}
    within = {name: f"{math.ceil(median / 100) / 10:.1f} s on {name}" for name, median in hasty.items()}
    assert f"within {within['SQLite']} and {within['PostgreSQL']}" in text
    assert max(one["median_ms"] for one in loads if one["rest_seconds"]) < 50, "a few hundredths"


def test_what_is_said_about_the_calibration_of_the_leaderboard_was_measured():
    results = json.loads((ROOT / "results/leaderboard_calibration.json").read_text(encoding="utf-8"))
    document = (ROOT / "docs/leaderboard.md").read_text(encoding="utf-8")
    for design in {row["design"] for row in results["intervals"]}:
        (line,) = (line for line in document.splitlines() if line.startswith(f"| {design} |"))
        for cell, prompts in zip(line.strip("| ").split(" | ")[1:], (3, 6, 10, 20, 50, 100), strict=True):
            rows = [row for row in results["intervals"] if (row["design"], row["prompts"]) == (design, prompts)]
            assert cell.split(" to ") == sorted({f"{row['coverage']:.3f}" for row in rows})
    text = " ".join(document.split())
    errors = [row["family_error"] for row in results["families"] if row["wanted"]]
    stressed = [row["family_error"] for row in results["families"] if not row["wanted"]]
    assert f"at most {100 * max(errors):.1f} % had a significant difference" in text
    assert f"err more often (up to {100 * max(stressed):.1f} %)" in text
    assert "1,000 sets in each design: " in text and results["sets"] == 1000
