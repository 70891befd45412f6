"""Plug-ins that break their contract: a recorded failure that names them and what they did, and nothing else lost."""

from pathlib import Path

import numpy as np
import pytest

from songbench.contracts.card_checks import faults_of_metric, faults_of_system
from songbench.contracts.cards import Field, MetricCard, SystemCard
from songbench.domain.audio import Audio
from songbench.domain.lyrics import parse_lyrics
from songbench.domain.prompt import Prompt
from songbench.domain.score import NotApplicable, Scores
from songbench.domain.song import Failure, Request, memory_song
from songbench.execution.gather import gather
from songbench.execution.outcomes import checked_song
from songbench.execution.record import read_journal
from songbench.execution.runner import Runner
from songbench.execution.store import Store

METRIC = "the metric 'unruly@probe' (songbench-probe 1.0) gave "
SYSTEM = "the system 'probe' (songbench-probe 1.0) "


def run(experiment, *overrides, metrics=("unruly@probe",), count=4, **keywords):
    plan = experiment("engine=inline", "engine.retries=0", *overrides, metrics=metrics, count=count, **keywords)
    store = Store(plan.store)
    outcome = Runner(plan, store).run()
    return gather(plan, store), outcome, plan


def verdicts(results):
    return {name.prompt: verdict for name, verdict in results.metrics[0].songs.items()}


BROKEN = {
    "above": "1.2 for 'share', above 1, the bound its card declares",
    "below": "-3 for 'count', below 0, the bound its card declares",
    "numpy nan": "for the value 'share'; what has no value is NotApplicable or a Failure",
    "huge": "for the value 'count'; what has no value is NotApplicable or a Failure",
    "bool": "True (bool) for the value 'share'; a number is expected",
    "numpy bool": "for the value 'share'; a number is expected",
    "text": "'0.5' (str) for the value 'share'; a number is expected",
    "array": "(ndarray) for the value 'share'; a number is expected",
    "none": "None (NoneType) for the value 'share'; a number is expected",
    "unknown": "values for 'shine', which its card does not declare (share, count)",
    "lacking": "no value for 'count' and no reason in Scores.missing",
    "no reason": "no text for the reason why 'count' is missing",
    "both": "a value for 'count' and said that it is missing",
    "no mapping": "[0.5, 3] (list) for values; a mapping is expected",
    "weightless": "the weight 0.0 for 'share'; weights are above 0",
    "negative weight": "the weight -1.0 for 'share'; weights are above 0",
    "nan weight": "for the weight 'share'; what has no value",
    "unknown weight": "weights for 'shine', which its card does not declare",
    "many": "n = 2; its values can rest on 1 of the songs it was asked about",
    "half": "n = 0.5; its values can rest on 1 of the songs",
    "without": "leave_one_out, which belongs to metrics of sets",
    "no json": "a detail that JSON cannot hold: <object object at",
    "nan detail": "a detail that JSON cannot hold: Out of range float values",
    "surrogate": "a detail that JSON cannot hold: 'utf-8' codec",
    "nothing": "None (NoneType) instead of Scores, NotApplicable or Failure",
    "number": "0.5 (float) instead of Scores, NotApplicable or Failure",
    "song": "(ndarray) instead of Scores, NotApplicable or Failure",
    "empty reason": "no text for the reason why it does not apply",
}


def test_every_broken_verdict_is_a_failure_of_its_song_alone(experiment):
    gives = {f"p{2 * number}": kind for number, kind in enumerate(BROKEN)}
    setting = ", ".join(f"{prompt}: '{kind}'" for prompt, kind in gives.items())
    results, outcome, _ = run(experiment, f"metric.unruly.gives={{{setting}}}", "engine.batch=64", count=2 * len(gives))
    answers = verdicts(results)
    assert len(answers) == 2 * len(gives)
    for prompt, kind in gives.items():
        verdict = answers.pop(prompt)
        assert isinstance(verdict, Failure), kind
        assert verdict.cause.startswith(METRIC) and BROKEN[kind] in verdict.cause, verdict.cause
    assert all(verdict == Scores(values={"share": 0.5, "count": 3}) for verdict in answers.values())
    assert len(outcome.failed) == len(BROKEN)


@pytest.mark.parametrize("kind", ["nan", "infinite"])
def test_what_is_no_number_is_refused_at_the_door_and_hits_only_its_song(experiment, kind):
    results, _, _ = run(experiment, f"metric.unruly.gives={{p1: '{kind}'}}", "engine.batch=16")
    answers = verdicts(results)
    assert answers["p1"].cause.startswith("the metric 'unruly@probe' (songbench-probe 1.0)")
    assert {prompt for prompt, verdict in answers.items() if isinstance(verdict, Scores)} == {"p0", "p2", "p3"}


def test_numbers_of_numpy_and_rounding_are_mended_not_refused(experiment):
    results, _, _ = run(experiment, "metric.unruly.gives={p0: numpy, p1: rounded, p2: reasoned}")
    answers = verdicts(results)
    assert answers["p0"] == Scores(values={"share": 0.25, "count": 3}, weights={"share": 2.0}, detail={"n": 1})
    assert answers["p1"].values == {"share": 1.0, "count": 0.0}
    assert answers["p2"].missing == {"count": "nothing to count"}
    (again, _, _) = run(experiment, "metric.unruly.gives={p0: numpy, p1: rounded, p2: reasoned}")
    assert verdicts(again) == answers


@pytest.mark.parametrize(
    ("batch", "reason"),
    [
        ("fewer", "0 verdicts for 1 song"),
        ("more", "more than 1 verdicts for 1 song"),
        ("not iterable", "3 (int) instead of one verdict per song"),
    ],
)
def test_verdicts_that_cannot_be_told_apart_are_no_verdicts(experiment, batch, reason):
    results, outcome, _ = run(experiment, f"metric.unruly.batch={batch}", "engine.batch=16")
    assert {verdict.cause for verdict in verdicts(results).values()} == {METRIC + reason}
    assert len(outcome.failed) == 4


def test_a_cause_is_one_line_of_three_hundred_characters(experiment):
    results, _, _ = run(experiment, "metric.unruly.gives={p0: long}")
    verdict = verdicts(results)["p0"]
    assert verdict.cause.startswith("line [31m one line two xxx") and len(verdict.cause) == 300
    assert verdict.detail == "detail ?"


@pytest.mark.parametrize(
    ("gives", "reason"),
    [
        ("stranger", "leave_one_out for 'nobody', a prompt that none of its songs has"),
        ("unknown", "leave_one_out 'p0' for 'narrow', which its card does not declare"),
        ("below", "-1.0 for 'wide', below 0"),
        ("too many", "n = 5; its values can rest on 1 to 4 of the songs"),
        ("none", "None (NoneType) instead of Scores"),
    ],
)
def test_sets_are_held_to_the_same(experiment, gives, reason):
    results, _, _ = run(experiment, f"metric.unruly_set.gives={gives}", metrics=("unruly_set@probe",))
    verdict = results.metrics[0].sets["probe"]
    assert verdict.cause.startswith("the metric 'unruly_set@probe' (songbench-probe 1.0) gave ")
    assert reason in verdict.cause


SONGS = {
    "twice": "gave more than one answer to this request",
    "no failure": "ended without giving this song",
    "no request": "gave a Failure of cause 'lost' without the request it answers",
    "not a song": "gave 0.5 (float) instead of a Song or a Failure",
    "other prompt": "answered for take 0 of the prompt 'elsewhere', which was not asked for",
    "other take": "answered for take 7 of the prompt 'p1', which was not asked for",
    "bare audio": "gave bare Audio for the song; wrap it in MemoryAudio",
    "no audio": "gave None (NoneType) for the song; audio is expected",
    "no samples": "gave no samples for the song",
    "nan": "gave NaN or infinite samples for the song",
    "no rate": "gave the rate 0 for the song",
    "no cause": "gave no text for the cause of a failure",
    "record": "gave '0.5' (str) for record.seconds; a number is expected",
    "negative": "gave -1.0 for record.seconds; it cannot be below 0",
    "stem": "gave [1] (list) for the stem 'vocals'; audio is expected",
    "words": "gave 'la' from 2 to 1 s, an end before its start",
    "midi": "gave 'MThd' (str) for midi; the bytes of a file are expected",
}


@pytest.mark.parametrize("how", SONGS)
def test_every_broken_song_is_a_failure_of_its_request_alone(experiment, how):
    results, _, _ = run(
        experiment, f"system.probe.misbehave={{p1: '{how}'}}", "engine.batch=16", metrics=("level@probe",)
    )
    states = {name.prompt: state for name, state in results.songs.items()}
    failure = states.pop("p1")
    assert isinstance(failure, Failure), failure
    assert failure.cause.startswith(SYSTEM) and SONGS[how] in failure.cause, failure.cause
    assert set(states.values()) == {"done"}


def test_samples_of_another_type_fail_with_what_was_expected(experiment):
    results, _, _ = run(experiment, "system.probe.misbehave={p1: integers}", metrics=("level@probe",))
    states = {name.prompt: state for name, state in results.songs.items()}
    assert "Audio must be float32" in states.pop("p1").cause
    assert set(states.values()) == {"done"}


def test_a_song_nobody_asked_for_is_said_and_kept_apart(experiment):
    results, outcome, plan = run(experiment, "system.probe.misbehave={p1: also another}", "engine.batch=16")
    assert set(results.songs.values()) == {"done"}
    ((stage, label, cause),) = outcome.failed
    assert (stage, label) == ("songs of probe", "beside what was asked for")
    assert cause == f"{SYSTEM}answered for take 0 of the prompt 'elsewhere', which was not asked for"
    assert any(entry["outcome"] == "stray" for entry in read_journal(plan.folder))


def test_a_system_that_never_ends_is_not_listened_to_for_ever(experiment):
    results, _, _ = run(experiment, "system.probe.misbehave={p3: endless}", "engine.batch=16")
    states = {name.prompt: state for name, state in results.songs.items()}
    assert "more than one answer" in states.pop("p3").cause
    assert set(states.values()) == {"done"}


@pytest.mark.parametrize(
    ("how", "reason"),
    [("fewer", "too few results"), ("more", "more than 1 results"), ("other", "0.5 instead of a Feature or a Failure")],
)
def test_features_that_cannot_be_told_apart_are_not_kept(experiment, how, reason):
    results, _, plan = run(experiment, f"metric.level.results={how}", "engine.batch=16", metrics=("level@probe",))
    for verdict in verdicts(results).values():
        assert verdict.cause.startswith(
            "the metric 'level@probe' (songbench-probe 1.0) got from the extractor 'probe level'"
        )
        assert reason in verdict.cause
    assert not list(Path(plan.store, "features").rglob("*.npz"))


def metric_card(**changes):
    return MetricCard(
        **{"name": "m", "backend": "b", "version": "1", "fields": (Field("m"),), "summary": "", **changes}
    )


@pytest.mark.parametrize(
    ("card", "reason"),
    [
        (metric_card(name=""), "name is ''"),
        (metric_card(name="two\nlines"), "name is"),
        (metric_card(version=2), "version is 2"),
        (metric_card(fields=()), "fields hold no Field"),
        (metric_card(fields=(Field("a"), Field("a"))), "'a' is there twice"),
        (metric_card(fields=(Field("a", low=1.0, high=0.0),)), "not below its highest"),
        (metric_card(fields=(Field("a", direction="up"),)), "direction is 'up'"),
        (metric_card(fields=(Field("a", decimals=2.5),)), "decimals is 2.5"),
        (metric_card(hears=("colour",)), "hears says 'colour'"),
        (metric_card(languages="en"), "languages is 'en', no tuple of texts"),
        ({"name": "m"}, "it is a dict, no MetricCard"),
    ],
)
def test_a_metric_card_that_says_nothing_is_refused(card, reason):
    assert any(reason in fault for fault in faults_of_metric(card))
    assert not faults_of_metric(metric_card())


def test_a_system_card_that_says_nothing_is_refused(experiment):
    assert not faults_of_system(SystemCard(name="s", version="1", summary="", licence=""))
    assert faults_of_system(SystemCard(name="", version="", summary="", licence="")) == ["name is ''", "version is ''"]
    assert faults_of_system(
        SystemCard(name="s", version="1", summary="", licence="", max_seconds=-1, sample_rate=True)
    ) == [
        "max_seconds is -1",
        "sample_rate is True",
    ]
    from songbench.contracts.registry import PluginError, build_system

    with pytest.raises(PluginError, match=r"system 'probe' \(songbench-probe 1\.0\) cannot be used: name is ' '"):
        build_system("probe", {"variant": " "})


def test_not_applicable_stays_what_it_is(experiment):
    results, _, _ = run(experiment, "metric.level.silent_on=p0", metrics=("level@probe",))
    assert verdicts(results)["p0"] == NotApplicable("it is not for this metric")


def test_checking_a_song_does_not_hash_its_samples():
    request = Request(prompt=Prompt(id="p", lyrics=parse_lyrics("[verse]\nla"), language="en"), take=0, seed=0)
    song = memory_song(request, Audio(np.zeros((2, 48_000), "float32"), 48_000))
    assert "digest" not in vars(checked_song(song).source)
