"""``songbench listen simulate``."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from songbench.domain.errors import InputError

if TYPE_CHECKING:
    from listening_test.prepared import PreparedKey, PreparedTest
    from listening_test.simulation.population import Population

HELP = """Let a program take a prepared test, or say what a test of this size can resolve.

Examples:

    songbench listen simulate listening/demo-songbloom

    songbench listen simulate listening/demo-songbloom --plan

The first writes the answers of 12 simulated raters, the second says what 8 to 48 raters could tell apart. Simulated \
answers try out everything that comes after. They say nothing about songs and are marked wherever they appear.
"""


def simulate(
    folder: Annotated[Path, typer.Argument(help="A prepared test.")],
    raters: Annotated[int, typer.Option(min=1, max=5000, help="How many take part.")] = 12,
    careless: Annotated[float, typer.Option(min=0, max=1, help="Share who answer without care.")] = 0.1,
    effects: Annotated[
        str | None, typer.Option(help="True means, e.g. rulebased=3.6,noise=1.2; default: spread evenly by the seed.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of everything drawn.")] = 0,
    to: Annotated[Path | None, typer.Option(help="Where the answers go; default: FOLDER/simulated.jsonl.")] = None,
    plan: Annotated[bool, typer.Option("--plan", help="Write no answers; say what can be resolved.")] = False,
    check: Annotated[
        int, typer.Option(min=0, max=2000, help="With --plan: also simulate this design so many times.")
    ] = 0,
) -> None:
    """Simulated raters."""
    from listening_test.prepared import load_key, load_test

    test = load_test(folder)
    key = load_key(test)
    population = _population(test, key, effects, careless, seed)
    if plan:
        _plan(test, key, raters, check, seed)
        return
    _write(test, key, population, raters=raters, seed=seed, to=to or folder / "simulated.jsonl")


def _population(test: PreparedTest, key: PreparedKey, effects: str | None, careless: float, seed: int) -> Population:
    from listening_test.analysis.power import typical
    from listening_test.simulation.population import Population, spread_effects

    limits = scale_of_opinions(test)
    means = spread_effects(key.systems, limits, seed) | parsed_effects(effects or "", key.systems, limits)
    shares = {str(language): 1.0 for language in test.protocol.languages}
    width = limits[1] - limits[0]
    return Population(
        effects=means,
        scale_range=limits,
        components=typical(limits),
        careless=careless,
        tie=0.1 * width,
        fatigue=0.025 * width,
        both_bad=limits[0] + 0.2 * width if test.protocol.form == "preference" else None,
        languages=shares,
    )


def scale_of_opinions(test: PreparedTest) -> tuple[float, float]:
    """On which scale effects are given: the test's own, and 1 to 5 where answers compare two songs."""
    return (1.0, 5.0) if test.protocol.pairwise else test.protocol.range(test.protocol.primary)


def parsed_effects(
    text: str, systems: Sequence[str], limits: tuple[float, float] = (-math.inf, math.inf)
) -> dict[str, float]:
    """``name=value,…`` as numbers.

    Raises:
        InputError: for anything else, a system that is not in the test, or a mean beyond the scale.
    """
    means = {}
    for part in filter(None, (one.strip() for one in text.split(","))):
        name, _, value = part.partition("=")
        if name not in systems:
            raise InputError("There is no such system in this test.", field="--effects", value=name, allowed=systems)
        try:
            means[name] = float(value)
        except ValueError:
            raise InputError(f"Expected {name}=NUMBER, found '{part}'.", field="--effects") from None
        if not limits[0] <= means[name] <= limits[1]:
            raise InputError(
                f"The mean of {name} has to lie on the scale from {limits[0]:g} to {limits[1]:g}, found {value}.",
                field="--effects",
            )
    return means


def _write(test: PreparedTest, key: PreparedKey, population: Population, *, raters: int, seed: int, to: Path) -> None:
    from listening_test.preparation.folder import writable
    from listening_test.reporting.wording import counted
    from listening_test.simulation.sheets import simulate as simulated
    from songbench.resources.files import write_atomically

    writable(to.parent, "--to")
    if to.is_dir():
        raise InputError("This is a folder; the answers go into a file.", file=str(to), field="--to")
    sheets = simulated(test, key, population, seed, raters=raters)
    lines = [json.dumps(sheet.to_json(), ensure_ascii=False) + "\n" for sheet in sheets]
    write_atomically(to, "".join(lines).encode())
    count = sum(len(sheet.entries) for sheet in sheets)
    typer.echo(
        f"{to}: {counted(len(sheets), 'rater')}, {count} pages. A program answered; this says nothing about the songs."
    )
    means = ", ".join(f"{name} {population.effects[name]:g}" for name in key.systems)
    lowest, highest = population.scale_range
    typer.echo(f"True means before rounding, on a scale of {lowest:g} to {highest:g}: {means}.")


def _plan(test: PreparedTest, key: PreparedKey, raters: int, check: int, seed: int) -> None:
    from rich.console import Console

    from listening_test.analysis.power import plan_table

    size = _size(test, key)
    numbers = sorted({8, 12, 16, 24, 32, 48, raters})
    pages = sorted({max(1, size["pages"] // 2), size["pages"], size["pages"] * 2})
    rows = plan_table(
        form=test.protocol.form,
        scale_range=test.protocol.range(test.protocol.primary),
        raters=numbers,
        pages=pages,
        confidence=test.protocol.analysis.confidence,
        items=size["items"],
        systems=size["systems"],
        per_page=size["per_page"],
    )
    console = Console()
    console.print(_plan_view(test, rows, size))
    unit = "share above one half" if test.protocol.form == "preference" else "points"
    console.print(
        f"resolvable: the true difference ({unit}) of one pair that is found in 8 of 10 such tests, before the"
        " correction for several pairs. It rests on assumed variances; a pilot should replace them.",
        highlight=False,
    )
    if check:
        console.print(_checked(test, size, raters, check, seed), highlight=False)


def _size(test: PreparedTest, key: PreparedKey) -> dict[str, int]:
    """The numbers of this very test; pages and songs per page are those of its first seat."""
    steps = [step for step in test.seats[0].steps if key.trials[step.trial].kind == "test"]
    songs = [sum(key.stimuli[one].role == "system" for one in step.order) for step in steps]
    rated = not test.protocol.pairwise
    prompts = {one.prompt for one in key.trials.values() if one.kind == "test"}
    return {
        "items": len(prompts),
        "systems": len(key.systems),
        "pages": max(1, len(steps)),
        "per_page": max(1, round(sum(songs) / max(len(steps), 1))) if rated else 1,
    }


def _plan_view(test: PreparedTest, rows: Sequence[Any], size: dict[str, int]) -> Any:
    from rich.table import Table

    judged = "pair of songs" if test.protocol.pairwise else "song"
    table = Table(
        "raters",
        "pages each",
        f"answers per {judged}",
        "mean ±",
        "resolvable",
        title=f"{size['systems']} systems, {size['items']} prompts",
        box=None,
        pad_edge=False,
        title_justify="left",
    )
    for row in rows:
        width = "-" if row.mean_half_width is None else f"{row.mean_half_width:.2f}"
        mark = "  (this test)" if row.pages == size["pages"] else ""
        table.add_row(
            str(row.raters), f"{row.pages}{mark}", f"{row.answers_per_song:.1f}", width, f"{row.resolvable:.2f}"
        )
    return table


def _checked(test: PreparedTest, size: dict[str, int], raters: int, tests: int, seed: int) -> str:
    from listening_test.simulation.power_check import power_of
    from listening_test.simulation.ratings import SimulatedDesign

    limits = test.protocol.range(test.protocol.primary)
    design = SimulatedDesign(
        form=test.protocol.form,
        raters=raters,
        prompts=size["items"],
        systems=size["systems"],
        pages=size["pages"],
        scale_range=limits,
    )
    share, difference = power_of(design, tests=tests, seed=seed)
    return (
        f"Checked by {tests} simulated tests with {raters} raters: of two systems that differ by {difference:.2f}, the"
        f" declared test of that pair alone tells them apart in {share:.0%} (planned: 80 %)."
    )
