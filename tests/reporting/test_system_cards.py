"""Cards of systems side by side, in full, for programs, and as a page of the documentation."""

import json
from pathlib import Path

import pytest

from songbench.contracts import registry
from songbench.contracts.cards import Dependence, Pitfall, SystemCard
from songbench.reporting.document.terminal import to_text
from songbench.reporting.system_cards import card_document, comparison, further_facts, page
from songbench.resources.environments import Environment, InstallStep

PAGE = Path(__file__).parents[2] / "docs/systems-table.md"
ROOM = Environment(
    name="room",
    summary="Made up.",
    requirements=("torch==2.6.0+cu124", "numpy>=1.26,<2; python_version<'3.13'"),
    steps=(InstallStep(("transformers==4.49.0",)),),
    licence="MIT",
    python=">=3.10,<3.11",
)
CARD = SystemCard(
    name="toy",
    version="1",
    summary="Made up.",
    licence="MIT",
    languages=("en", "zh"),
    conditions=("lyrics", "style text", "prompt audio"),
    needs=("room", "toy-weights"),
    depends_on=(Dependence("muq-mulan", "conditioned on this very encoder"),),
    code_licence="MIT",
    weights_licence="academic purposes only",
    lyric_rules=("A time for every line.", "No tags."),
    length_rule="always 95 s",
    stems=("vocals",),
    seed_rule="not reachable",
    vram_gib=6.6,
    output="MP3, 44.1 kHz",
    pitfalls=(Pitfall("The last line is not sung.", "A line is added."),),
    verified="A stand-in of the same parser.",
)


@pytest.fixture(autouse=True)
def room(monkeypatch):
    names, load = registry.names, registry.load
    monkeypatch.setattr(registry, "names", lambda group: ["room"] if group == registry.ENVIRONMENTS else names(group))
    monkeypatch.setattr(registry, "load", lambda group, name: ROOM if name == "room" else load(group, name))


def test_the_comparison_says_what_decides_between_systems():
    long = SystemCard(name="long", version="1", summary="Made up.", licence="MIT", languages=tuple(map(str, range(19))))
    anchor = SystemCard(name="anchor", version="1", summary="Made up.", licence="MIT", sanity=True)
    text = to_text(comparison({"toy": CARD, "long": long, "anchor": anchor}), 100)
    assert max(map(len, text.splitlines())) <= 100 and "anchor" not in text
    flat = " ".join(text.split())
    for words in (
        "text and audio",
        "not reachable",
        "always 95 s",
        "A time for every line. No tags.",
        "6.6 GiB",
        "vocals",
    ):
        assert words in flat
    for words in ("academic purposes only", "torch 2.6.0+cu124", "4.49.0", "mcc@muq-mulan", "and 11 more"):
        assert words in flat


def test_a_card_in_full_lists_pitfalls_conflicts_and_how_it_was_tried():
    text = to_text(card_document(CARD))
    assert "The last line is not sung. → A line is added." in text
    assert "mcc@muq-mulan: conditioned on this very encoder" in text
    assert "Verified against\n - A stand-in of the same parser." in text
    assert "not reachable: cannot be set; each song is another one" in text
    assert "Python >=3.10,<3.11, torch 2.6.0+cu124, transformers 4.49.0, numpy >=1.26,<2" in " ".join(text.split())


def test_programs_get_the_same():
    facts = further_facts(CARD)
    assert facts["environments"]["room"]["pins"]["numpy"] == ">=1.26,<2"
    assert facts["not_judged_fairly_by"]["mcc@muq-mulan"] == "conditioned on this very encoder"


def test_the_command_shows_all_three(songbench_here):
    wide = songbench_here("systems", "--wide", folders=False)
    assert wide.returncode == 0 and "What systems take and give" in wide.stdout
    assert "songbloom" in wide.stdout and "copy_prompt" not in wide.stdout
    row = json.loads(songbench_here("systems", "songbloom", "--json", folders=False).stdout)[0]
    assert "mcc@muq-mulan" in row["not_judged_fairly_by"] and row["environments"] == {}
    assert "Not judged fairly by" in songbench_here("systems", "songbloom", folders=False).stdout


def test_the_page_of_the_documentation_is_current(monkeypatch):
    monkeypatch.undo()
    assert PAGE.read_text(encoding="utf-8") == page(), (
        "A card has changed: python -m songbench.reporting.system_cards > docs/systems-table.md"
    )
