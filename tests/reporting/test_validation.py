import csv
import io
import json

import numpy as np
import pytest
from made_up_run import make_suite

from songbench.contracts.cards import READY, Field, MetricCard, SystemCard, unavailable
from songbench.domain.damages import DAMAGES, STRENGTHS
from songbench.domain.score import NotApplicable, Scores
from songbench.domain.song import Failure
from songbench.execution.results import MetricResults, RunResults, SongId
from songbench.reporting.validation import figures, tables
from songbench.reporting.validation.report import write_validation
from songbench.reporting.validation.responses import row, validation_of

PROMPTS = 6
RNG = np.random.default_rng(1)
SPREAD = RNG.normal(0, 1, PROMPTS)


def metric(name, responses, *, hears=(), direction="lower", of_sets=False, fields=None):
    """Results of a metric whose value at a strength is 10 + the prompt's own + responses[damage](strength)."""
    card = MetricCard(
        name=name,
        backend="b",
        version="1",
        fields=fields or (Field(name, unit="", direction=direction),),
        summary="Made up.",
        hears=hears,
    )
    systems = {"base": None} | {row(d, s): (d.name, s) for d in DAMAGES.values() for s in STRENGTHS}
    songs, sets = {}, {}
    for system, damage in systems.items():
        change = responses.get(damage[0], lambda s: 0.0)(damage[1]) if damage else 0.0
        if isinstance(change, NotApplicable | Failure):
            songs |= {SongId(system, f"p{i + 1:02d}", 0): change for i in range(PROMPTS)}
            sets[system] = change
            continue
        noise = np.random.default_rng(len(system)).normal(0, 0.02, PROMPTS)
        values = 10 + SPREAD + noise + change
        songs |= {SongId(system, f"p{i + 1:02d}", 0): Scores(values={name: float(v)}) for i, v in enumerate(values)}
        without = {f"p{i + 1:02d}": {name: float(np.delete(values, i).mean())} for i in range(PROMPTS)}
        sets[system] = Scores(values={name: float(values.mean())}, n=PROMPTS, leave_one_out=without)
    return MetricResults(
        card=card, availability=READY, songs={} if of_sets else songs, sets=sets if of_sets else {}, of_sets=of_sets
    )


def examined(*metrics):
    systems = ["base", *(row(d, s) for d in DAMAGES.values() for s in STRENGTHS)]
    cards = tuple(
        SystemCard(name=name, version="1", summary="Made up.", licence="CC0-1.0", sanity=name != "base")
        for name in systems
    )
    suite = make_suite(PROMPTS)
    songs = {SongId(name, prompt.id, 0): "done" for name in systems for prompt in suite.prompts}
    return validation_of(RunResults(suite=suite, takes=1, systems=cards, songs=songs, metrics=metrics), "base")


def verdicts(validation, column):
    (answers,) = (c for c in validation.columns if c.name == column)
    return {response.damage.name: response for response in answers.responses}


@pytest.mark.parametrize("of_sets", [False, True])
def test_verdicts_follow_from_the_answer_and_from_what_the_metric_says_it_hears(of_sets):
    grows, falls = (lambda s: 0.5 * s), (lambda s: -0.5 * s)
    answers = verdicts(
        examined(
            metric(
                "words",
                {"wrong_lyrics": grows, "dropped_lines": falls, "loudness": grows, "noise": grows},
                hears=("words",),
                of_sets=of_sets,
            )
        ),
        "words@b",
    )
    assert answers["wrong_lyrics"].verdict == "reacts"
    assert answers["dropped_lines"].verdict == "wrong way"
    assert answers["repeated_lines"].verdict == "blind"
    assert answers["loudness"].verdict == "should ignore"
    assert answers["mono"].verdict == "ignores"
    assert answers["noise"].verdict == "reacts aside"
    assert answers["lowpass"].verdict == "ignores aside"
    strong = answers["wrong_lyrics"]
    assert strong.rank == pytest.approx(1.0, abs=0.05)
    assert strong.p < 0.001
    assert strong.onset == DAMAGES["wrong_lyrics"].strengths[0]
    assert strong.changes[-1].difference == pytest.approx(2.0, abs=0.1)
    assert answers["repeated_lines"].onset == ""


def test_a_trifle_however_regular_is_no_reaction():
    small, large = (
        verdicts(examined(metric("m", {"loudness": lambda s, step=step: step * s}, hears=("words",))), "m@b")[
            "loudness"
        ]
        for step in (0.03, 0.05)
    )
    assert small.p < 0.001 and small.rank > 0.9 and 0.1 < small.effect < 0.2
    assert small.verdict == "ignores"
    assert large.effect > 0.2
    assert large.verdict == "should ignore"


def test_a_jump_that_does_not_go_with_the_strength_is_no_reaction():
    response = verdicts(
        examined(metric("m", {"noise": lambda s: (3.0, 2.0, 1.5, 1.0)[s - 1]}, hears=("sound",))), "m@b"
    )["noise"]
    assert response.p < 0.05
    assert response.rank < 0.5
    assert response.verdict == "blind"


def test_descriptive_fields_may_answer_in_either_direction_and_fields_may_hear_other_things():
    fields = (Field("lufs", unit="LUFS", direction="none", hears=("level",)),)
    answers = verdicts(
        examined(metric("lufs", {"loudness": lambda s: -float(s)}, hears=("words",), fields=fields)), "lufs@b"
    )
    assert answers["loudness"].verdict == "reacts"
    assert answers["wrong_lyrics"].verdict == "ignores aside", "the field hears the level, and its own word counts"
    assert answers["voice_removed"].verdict == "ignores aside"


def test_a_metric_that_says_nothing_is_only_described():
    answers = verdicts(examined(metric("m", {"noise": float})), "m@b")
    assert answers["noise"].verdict == "reacts aside"
    assert answers["mono"].verdict == "ignores aside"


def test_no_answer_has_its_reason():
    answers = verdicts(
        examined(
            metric(
                "m",
                {
                    "prompt_copied": lambda s: NotApplicable("no vocal stem"),
                    "noise": lambda s: Failure("score", "time-out") if s == 4 else float(s),
                },
                hears=("words",),
            )
        ),
        "m@b",
    )
    assert (answers["prompt_copied"].verdict, answers["prompt_copied"].reason) == ("no answer", "no vocal stem")
    assert (answers["noise"].verdict, answers["noise"].reason) == ("no answer", "time-out")
    assert answers["noise"].figures[:3] != (None, None, None), "what there is is shown all the same"


def test_files_say_the_same_and_the_same_bytes_again(tmp_path):
    missing = MetricResults(
        card=MetricCard(name="mcc", backend="b", version="1", fields=(Field("mcc"),), summary="x"),
        availability=unavailable("no weights", "songbench setup mcc"),
        songs={},
        sets={},
    )
    validation = examined(metric("per", {"wrong_lyrics": float}, hears=("words",)), missing)
    paths = write_validation(validation, tmp_path / "a")
    assert [path.read_bytes() for path in write_validation(validation, tmp_path / "b")] == [
        p.read_bytes() for p in paths
    ]
    assert {"validation.md", "validation.csv", "validation.json"} <= {path.name for path in paths}
    pictures = [path for path in paths if path.suffix == ".png"]
    assert len(pictures) == 2
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in pictures)
    document = (tmp_path / "a/validation.md").read_text()
    assert "BLIND to dropped_lines, repeated_lines" in document
    assert "detuned_voice: no metric here says it hears pitch" in document
    assert "wrong_lyrics: no metric" not in document
    assert "not examined: mcc@b: no weights" in document
    rows = list(csv.DictReader(io.StringIO((tmp_path / "a/validation.csv").read_text())))
    assert len(rows) == len(DAMAGES) * 5
    by_damage = json.loads((tmp_path / "a/validation.json").read_text())["columns"]["per@b"]["verdicts"]
    assert by_damage == {r["damage"]: r["verdict"] for r in rows}


def test_every_mark_is_explained():
    assert all(any(mark in line for line in tables.legend()) for mark in tables.MARKS.values() if mark)
    assert set(figures.COLOURS) == set(tables.MARKS)
