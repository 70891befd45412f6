r"""Do the intervals and tests of listening tests hold what they promise? Simulated tests with a known truth.

    python benchmarks/listening_calibration.py --tests 500

Prints a table per question and writes ``results/listening_calibration.json`` and ``.md``. Every figure comes with the
number of simulated tests and the interval that this number allows. 500 tests take about ten minutes on two cores.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before numpy: a process per core, a thread per process
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from listening_coverage import (
    Share,
    Shares,
    calibrate_pairs,
    calibrate_ratings,
    calibrate_screening,
    joined,
    true_means,
    true_strengths,
)

from listening_test.analysis.power import typical
from listening_test.analysis.results import Components
from listening_test.simulation.population import Population
from listening_test.simulation.power_check import power_of
from listening_test.simulation.ratings import SimulatedDesign
from songbench.reporting.document.blocks import Block, Fragment, Heading, TableCell, Text, coded, table
from songbench.reporting.document.markdown import to_markdown
from songbench.resources.files import write_atomically

RESULTS = Path(__file__).parent.parent / "results"
POINTS, HUNDRED = (1.0, 5.0), (0.0, 100.0)
SPREAD = {"s0": 2.5, "s1": 3.0, "s2": 3.3, "s3": 3.8}
EQUAL = dict.fromkeys(SPREAD, 3.2)
HIGH = {"s0": 3.9, "s1": 4.2, "s2": 4.4, "s3": 4.6}
NO_TASTES = Components(rater=0.6, item=0.4, rater_system=0.0, item_system=0.0, residual=0.8)
WANTED = {
    "means": (0.93, 0.97),
    "differences": (0.93, 0.97),
    "strengths": (0.93, 0.97),
    "tests": (0.0, 0.06),
    "family": (0.0, 0.06),
    "attentive": (0.0, 0.05),
    "careless": (0.90, 1.0),
}


@dataclass(frozen=True)
class Case:
    """One design with one population.

    Attributes:
        name: for the table.
        question: ratings, pairs or screening.
        design: the test.
        population: who answers.
        null: whether all systems are equal, so that significant differences are errors.
    """

    name: str
    question: str
    design: SimulatedDesign
    population: Population
    null: bool = False


def cases() -> list[Case]:
    """Every design, each with different and with equal systems."""
    designs = {
        "10 raters x 20 prompts x 3, all by all, 5 points": SimulatedDesign(raters=10, prompts=20, systems=3, pages=60),
        "12 raters x 24 pages of 20 prompts x 4, 5 points": SimulatedDesign(),
        "24 raters x 16 prompts x 3, all by all, 5 points": SimulatedDesign(raters=24, prompts=16, systems=3, pages=48),
        "24 raters x 24 pages of 16 prompts x 3, 5 points": SimulatedDesign(raters=24, prompts=16, systems=3, pages=24),
        "6 raters x 24 pages of 12 prompts x 3, 5 points": SimulatedDesign(raters=6, prompts=12, systems=3, pages=24),
        "12 raters x 10 prompts x 4 on a page, 0 to 100": SimulatedDesign(
            form="multistimulus", raters=12, prompts=10, pages=10, scale_range=HUNDRED
        ),
    }
    all_cases = []
    for name, design in designs.items():
        for null, effects in ((False, SPREAD), (True, EQUAL)):
            people = Population(effects=effects) if design.form == "acr" else hundred(effects)
            all_cases.append(Case(name, "ratings", design, people, null))
    all_cases.append(
        Case("the second one, systems near the top", "ratings", SimulatedDesign(), Population(effects=HIGH))
    )
    all_cases.append(
        Case(
            "the second one, no tastes, no luck",
            "ratings",
            SimulatedDesign(),
            Population(effects=EQUAL, components=NO_TASTES),
            True,
        )
    )
    for form, limits in (("preference", (-1.0, 1.0)), ("ccr", (-3.0, 3.0))):
        for raters, prompts, pages in ((12, 20, 24), (24, 16, 24), (16, 30, 36)):
            compared = SimulatedDesign(form=form, raters=raters, prompts=prompts, pages=pages, scale_range=limits)
            name = f"{form}: {raters} raters x {pages} pairs of {prompts} prompts x 4"
            for null, effects in ((False, SPREAD), (True, EQUAL)):
                all_cases.append(Case(name, "pairs", compared, Population(effects=effects, position=0.1), null))
    return all_cases + screening_cases()


def hundred(effects: Mapping[str, float], **more: Any) -> Population:
    """The same population on a scale of 0 to 100."""
    return Population(
        effects={name: 25 * (one - 1) for name, one in effects.items()},
        scale_range=HUNDRED,
        components=typical(HUNDRED),
        fatigue=2.5,
        **more,
    )


def screening_cases() -> list[Case]:
    """A fifth of the raters careless; two traps, a tenth of the pages again, two pages with an anchor."""
    checked = SimulatedDesign(repeats=2, anchors=2)
    points = Population(effects=SPREAD, careless=0.2)
    return [
        Case("12 raters, one scale", "screening", checked, points),
        Case("24 raters, one scale", "screening", replace(checked, raters=24), points),
        Case("12 raters, six scales", "screening", replace(checked, scales=6), points),
        Case("12 raters, one scale, equal systems", "screening", checked, replace(points, effects=EQUAL), null=True),
        Case("24 raters, one scale, no traps", "screening", replace(checked, raters=24, traps=0), points),
        Case(
            "16 raters, preference",
            "screening",
            replace(checked, form="preference", raters=16, scale_range=(-1.0, 1.0)),
            points,
        ),
        Case("16 raters, ccr", "screening", replace(checked, form="ccr", raters=16, scale_range=(-3.0, 3.0)), points),
        Case(
            "16 raters, 0 to 100, 10 pages of 4 songs and an anchor",
            "screening",
            SimulatedDesign(
                form="multistimulus", raters=16, prompts=10, pages=10, repeats=1, anchors=1, scale_range=HUNDRED
            ),
            hundred(SPREAD, careless=0.2),
        ),
    ]


POWER = {
    "12 raters x 24 pages of 20 prompts x 4, 5 points": SimulatedDesign(),
    "24 raters x 24 pages of 16 prompts x 3, 5 points": SimulatedDesign(raters=24, prompts=16, systems=3),
    "12 raters x 10 prompts x 4 on a page, 0 to 100": SimulatedDesign(
        form="multistimulus", raters=12, prompts=10, pages=10, scale_range=HUNDRED
    ),
    "preference: 12 raters x 24 pairs of 20 prompts x 4": SimulatedDesign(form="preference", scale_range=(-1.0, 1.0)),
    "ccr: 12 raters x 24 pairs of 20 prompts x 4": SimulatedDesign(form="ccr", scale_range=(-3.0, 3.0)),
}


def part(case: Case, seeds: Sequence[int], truth: Any) -> Shares:
    """Some of the tests of one case."""
    if case.question == "ratings":
        return calibrate_ratings(case.design, case.population, seeds, truth)
    if case.question == "pairs":
        return calibrate_pairs(case.design, case.population, seeds, truth)
    return calibrate_screening(case.design, case.population, seeds)


def power_part(design: SimulatedDesign, tests: int) -> tuple[float, float]:
    """For a process of its own."""
    return power_of(design, tests=tests)


def truth_of(case: Case) -> Any:
    """What the intervals of a case should hold."""
    makers: dict[str, Callable[[SimulatedDesign, Population], Any]] = {"ratings": true_means, "pairs": true_strengths}
    return makers[case.question](case.design, case.population) if case.question in makers else None


def figures(case: Case, shares: Shares) -> list[dict[str, Any]]:
    """The rows of one case. Of systems that differ, found differences are no errors: they are left out."""
    left_out = set() if case.null or case.question == "screening" else {"tests", "family"}
    rows = []
    for name, share in sorted(shares.items()):
        if name not in left_out and share.n:
            rows.append(row(case, name, share))
    return rows


def row(case: Case, name: str, share: Share) -> dict[str, Any]:
    """One figure with its Monte-Carlo interval and what was wanted; traps alone must not be what screening rests on."""
    low, high = share.interval(independent=case.question == "screening")
    target = None if case.design.traps == 0 and name == "careless" else WANTED.get(name)
    return {
        "case": case.name,
        "question": case.question,
        "equal systems": case.null,
        "figure": name,
        "value": round(share.value, 4),
        "low": round(low, 4),
        "high": round(high, 4),
        "events": share.n,
        "tests": share.tests,
        "wanted": target,
        "holds": None if target is None else target[0] <= share.value <= target[1],
        "within chance": None if target is None else low <= target[1] and high >= target[0],
    }


def run(tests: int, workers: int) -> dict[str, Any]:
    """Everything; seeds do not depend on how many processes share the work."""
    began = time.monotonic()
    rows, powers = [], []
    with ProcessPoolExecutor(workers) as pool:
        truths = [pool.submit(truth_of, case) for case in cases()]
        chunks = [list(map(int, chunk)) for chunk in np.array_split(np.arange(tests), workers) if len(chunk)]
        waiting = [
            (case, [pool.submit(part, case, chunk, truth.result()) for chunk in chunks])
            for case, truth in zip(cases(), truths, strict=True)
        ]
        power_waiting = [(name, pool.submit(power_part, design, tests)) for name, design in POWER.items()]
        for case, futures in waiting:
            rows += figures(case, joined(future.result() for future in futures))
            for figure in [line for line in rows if line["case"] == case.name][-6:]:
                print(f"  {figure['figure']:12s} {figure['value']:.3f}  {case.name}", file=sys.stderr)
        for name, future in power_waiting:
            value, difference = future.result()
            low, high = Share(round(value * tests), tests, tests).interval()
            powers.append(
                {
                    "case": name,
                    "planned": 0.8,
                    "difference": round(difference, 3),
                    "value": value,
                    "low": low,
                    "high": high,
                }
            )
    return {
        "tests": tests,
        "seconds": round(time.monotonic() - began),
        "rows": rows,
        "power": powers,
        "components": asdict(typical(POINTS)),
    }


def markdown(results: Mapping[str, Any]) -> str:
    """The report."""
    sizes = ", ".join(f"{size:g} ({name.replace('_', ':')})" for name, size in results["components"].items())
    about = (
        f"Made by `benchmarks/listening_calibration.py --tests {results['tests']}`. All answers are simulated: normal"
        f" effects with standard deviations of {sizes}"
        " points of a scale of 1 to 5, raters who use the scale more or less widely (log-sd 0.15), fatigue, rounding to"
        " points and clipping at the ends. In brackets: where the share lies with 95 %, from the number of simulated"
        " tests (of raters, for screening)."
    )
    blocks: list[Block] = [
        Heading("Calibration of listening tests", level=1),
        Text(coded(about)),
    ]
    for question, title, note in (
        ("ratings", "Ratings of songs", "Share of 95 % intervals that hold the truth; errors of tests at 0.05."),
        ("pairs", "Comparisons of two songs", "The same; slot A is favoured by 0.1 points."),
        ("screening", "Screening with the default rules", "Share of raters excluded, by what they are."),
    ):
        rows = [cells(row) for row in results["rows"] if row["question"] == question]
        columns = ("design", "systems", "figure", "value", "wanted", "")
        blocks += [Heading(title), Text(note), table("", columns, rows)]
    powers = [(row["case"], f"{row['difference']:g}", share_cell(row)) for row in results["power"]]
    return to_markdown(
        [
            *blocks,
            Heading("Power"),
            Text("The difference that planning calls resolvable, and how often it was found (planned: 0.80)."),
            table("", ("design", "difference", "found"), powers),
        ]
    )


def cells(row: Mapping[str, Any]) -> tuple[TableCell, ...]:
    """One row of a table."""
    target = "" if row["wanted"] is None else f"{row['wanted'][0]:g} to {row['wanted'][1]:g}"
    verdict: TableCell = {None: "", True: "holds", False: "off by no more than chance"}[row["holds"]]
    if row["within chance"] is False:
        verdict = (Fragment("does not hold", "strong"),)
    systems = "equal" if row["equal systems"] else "differ"
    names = {"tests": "errors of single tests", "family": "errors after Holm, per test of all pairs"}
    return row["case"], systems, names.get(row["figure"], row["figure"]), share_cell(row), target, verdict


def share_cell(row: Mapping[str, Any]) -> str:
    """A share with its interval."""
    return f"{row['value']:.3f} ({row['low']:.3f} to {row['high']:.3f})"


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tests", type=int, default=500, help="simulated tests per design")
    parser.add_argument("--workers", type=int, default=2, help="processes")
    parser.add_argument("--to", type=Path, default=RESULTS, help="folder for the two files")
    options = parser.parse_args()
    results = run(options.tests, options.workers)
    text = markdown(results)
    print(text)
    write_atomically(options.to / "listening_calibration.json", (json.dumps(results, indent=1) + "\n").encode())
    write_atomically(options.to / "listening_calibration.md", text.encode())


if __name__ == "__main__":
    main()
