import dataclasses
import json
import os
import signal
import threading
import time

import pytest
from songbench_probe import Spread

from songbench.domain.errors import SongbenchError
from songbench.domain.score import NotApplicable
from songbench.domain.song import Failure
from songbench.domain.suite import load_suite
from songbench.execution.gather import completion, gather
from songbench.execution.plan import Planner
from songbench.execution.record import read_journal
from songbench.execution.results import SongId
from songbench.execution.runner import Runner
from songbench.execution.store import Store


def run(experiment, **keywords):
    store = Store(experiment.store)
    outcome = Runner(experiment, store, **keywords).run()
    return gather(experiment, store), outcome


def scores(results):
    return {
        metric.card.id: {name: getattr(v, "values", v) for name, v in {**metric.songs, **metric.sets}.items()}
        for metric in results.metrics
    }


@pytest.mark.parametrize(("judged", "features"), [({"probe"}, 4), (set(), 0)])
def test_no_feature_is_computed_for_a_set_that_cannot_be_scored(experiment, judged, features):
    """Of four songs and a silence the metric can judge the songs, or nothing."""
    plan = experiment("engine=inline", systems=("probe", "silence"))
    store = Store(plan.store)
    Runner(plan, store).run(score=False)
    planner = Planner(plan, store)
    digests = {system.name: {digest for digest, _ in planner._song_audio(system)} for system in plan.systems}

    class Foreseeing(Spread):
        def not_applicable(self, songs, reference):
            match = any(set(songs) == digests[name] for name in judged)
            return None if match else NotApplicable("it does not know these songs")

    metric = next(metric for metric in plan.ready_metrics if metric.id == "spread@probe")
    assert planner.features(metric).missing == 5, "a metric that cannot say beforehand"
    assert planner.features(dataclasses.replace(metric, plugin=Foreseeing())).missing == features


def test_everything_is_computed_once(experiment, tmp_path, monkeypatch):
    monkeypatch.setenv("PROBE_LOG", str(tmp_path / "log"))
    results, outcome = run(experiment("takes=2"))
    assert set(results.songs.values()) == {"done"}
    assert sum(outcome.computed.values()) == 8 + 8 + 1
    logged = (tmp_path / "log").read_text().splitlines()
    assert len(logged) == 8 + 8, "8 songs, 8 features shared by both metrics"
    again, outcome = run(experiment("takes=2"))
    assert not outcome.computed
    assert scores(again) == scores(results)
    assert (tmp_path / "log").read_text().splitlines() == logged
    _, outcome = run(experiment("takes=3"))
    assert outcome.computed["songs of probe"] == 4, "only the third take is new"


def test_results_do_not_depend_on_workers_batches_engine_or_order(experiment):
    ways = {
        "one": ("engine.workers=1", "engine.batch=50"),
        "three": ("engine.workers=3", "engine.batch=1"),
        "inline": ("engine=inline",),
    }
    results = {name: scores(run(experiment(*way, store=name))[0]) for name, way in ways.items()}
    assert results["one"] == results["three"] == results["inline"]


def test_an_engine_of_another_package_is_found_and_used(experiment, tmp_path, monkeypatch):
    monkeypatch.setenv("PROBE_LOG", str(tmp_path / "log"))
    for way in (("engine=logging", "engine.label=night"), ("engine.name=logging", "engine.label=night", "takes=2")):
        results, _ = run(experiment(*way))
        assert set(results.songs.values()) == {"done"}
    kinds = [row.split()[2] for row in (tmp_path / "log").read_text().splitlines() if row.split()[1] == "night"]
    assert set(kinds) == {"generate", "score", "score_set"}


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["engine=logging", "engine.lable=x"], r"'engine\.lable': .*Did you mean 'engine\.label'"),
        (["engine={name: logging, label: x, lable: x}"], r"'engine\.lable': .*Did you mean 'label'"),
        (["engine=logging"], r"'engine\.label': The field is missing"),
        (["engine.label=x"], r"'engine\.label': There is no such field"),
        (["engine=loging"], "Did you mean 'logging'"),
        (["engine.name=loging"], r"'engine\.name': .*Did you mean 'logging'"),
        (["engine.name=3"], r"'engine\.name': Expected text"),
        (["engine.name=broken-engine"], "'broken-engine' of songbench-probe 1.0 cannot be loaded"),
    ],
)
def test_settings_are_checked_by_the_engine_that_is_named(experiment, overrides, message):
    with pytest.raises(SongbenchError, match=message):
        experiment(*overrides)


def test_any_change_makes_new_songs_and_nothing_else(experiment):
    def computed(*overrides, **fields):
        return run(experiment("engine=inline", *overrides, **fields))[1].computed

    assert computed()["songs of probe"] == 4
    assert computed("seed=1")["songs of probe"] == 4
    assert computed("system.probe.gain=0.2")["songs of probe"] == 4
    assert computed(style="slow")["songs of probe"] == 4
    assert not computed()


@pytest.mark.parametrize("engine", ["engine=local", "engine=inline"])
def test_failures_are_data(experiment, engine):
    overrides = [engine, "engine.retries=1", "system.probe.misbehave={p0: raise, p1: fail, p3: nothing}"]
    results, outcome = run(experiment(*overrides, "engine.batch=4"))
    states = {name.prompt: state for name, state in results.songs.items()}
    assert states["p2"] == "done"
    assert states["p0"].cause == "RuntimeError: cannot sing p0"
    assert "Traceback" in states["p0"].detail
    assert states["p1"].cause == "out of tune"
    assert "without giving this" in states["p3"].cause
    assert len(outcome.failed) == 3
    assert list(results.metrics[0].songs) == [SongId("probe", "p2", 0)], "only what exists is scored"


def test_a_crash_and_a_hang_hit_only_their_song(experiment):
    overrides = ["system.probe.misbehave={p0: exit, p1: hang}", "engine.timeout_s=2", "engine.batch=4"]
    start = time.monotonic()
    results, _ = run(experiment(*overrides, "engine.workers=2", "engine.retries=1"))
    states = {name.prompt: state for name, state in results.songs.items()}
    assert states["p0"].cause == "the worker ended with exit code 7"
    assert states["p1"].cause.startswith("time-out")
    assert states["p2"] == states["p3"] == "done"
    assert time.monotonic() - start < 60


def test_failures_are_kept_until_asked_to_retry(experiment):
    broken = experiment("engine=inline", "system.probe.misbehave={p0: fail}")
    run(broken)
    results, outcome = run(broken)
    assert not outcome.computed and not outcome.failed
    assert isinstance(results.songs[SongId("probe", "p0", 0)], Failure)
    healed = experiment(
        "engine=inline"
    )  # misbehave is not part of the key: the same song, tried again by a mended system
    assert isinstance(run(healed)[0].songs[SongId("probe", "p0", 0)], Failure)
    results, outcome = run(healed, retry_failed=True)
    assert results.songs[SongId("probe", "p0", 0)] == "done"
    assert outcome.computed["songs of probe"] == 1


def test_metric_failures_and_not_applicable_are_kept_apart(experiment):
    misbehaving = ("metric.level.silent_on=p0", "metric.level.raise_on=p1")
    results, _ = run(experiment("engine=inline", "engine.retries=0", *misbehaving))
    verdicts = {name.prompt: verdict for name, verdict in results.metrics[0].songs.items()}
    assert verdicts["p0"] == NotApplicable("it is not for this metric")
    assert verdicts["p1"].cause == "ValueError: cannot judge this one"
    assert {"p2", "p3"} <= {p for p, v in verdicts.items() if hasattr(v, "values")}


def test_what_is_open_is_counted_in_songs_or_in_sets(experiment):
    plan = experiment(systems=("probe", "silence"))
    songs, scores = completion(gather(plan, Store(plan.store)))
    assert [(one.name, one.succeeded, one.total) for one in songs] == [("probe", 0, 4), ("silence", 0, 4)]
    assert [(one.name, one.succeeded, one.total) for one in scores] == [("level@probe", 0, 8), ("spread@probe", 0, 2)]


def test_an_unavailable_metric_is_reported_not_asked(experiment):
    results, _ = run(experiment("engine=inline", metrics=("level@probe", "missing@probe")))
    assert not results.metrics[1].availability.ready
    assert not results.metrics[1].songs


def test_a_killed_worker_is_replaced(experiment, tmp_path):
    slow = experiment("system.probe.seconds_each=0.4", "engine.workers=1", count=6)

    def kill_a_worker():
        import psutil

        for _ in range(100):
            time.sleep(0.1)
            workers = [p for p in psutil.Process().children() if "songbench.execution.engine.worker" in p.cmdline()]
            if workers and Store(slow.store).keys("songs"):
                workers[0].send_signal(signal.SIGKILL)
                return

    thread = threading.Thread(target=kill_a_worker)
    thread.start()
    results, _ = run(slow)
    thread.join()
    assert set(results.songs.values()) == {"done"}


def test_prompt_audio_is_rendered_once_and_handed_on(experiment):
    recipe = {
        "reference": {"render": "probe", "seed": 3},
        "prompt_wav": {"cut": "reference", "start": 0.25, "seconds": 0.5},
    }
    systems = ("reference", "copy_prompt", "silence")
    plan = experiment("engine.workers=1", systems=systems, metrics=("level@probe",), **recipe)
    results, outcome = run(plan)
    assert outcome.computed["prompt audio and references"] == 8
    levels = {name.system: v.values["level"] for name, v in results.metrics[0].songs.items()}
    assert levels["silence"] == 0.0
    assert levels["reference"] == pytest.approx(0.1 / 2**0.5, rel=0.01)
    assert levels["copy_prompt"] == pytest.approx(levels["reference"], rel=0.01)
    assert not run(plan)[1].computed


def test_a_reference_that_cannot_be_rendered_stops_the_run(experiment):
    recipe = {"reference": {"render": "probe", "seed": 3, "parameters": {"misbehave": {"p1": "fail"}}}}
    with pytest.raises(SongbenchError, match=r"p1 reference: out of tune"):
        run(experiment("engine=inline", systems=("reference",), **recipe))


def test_the_journal_and_the_record_tell_what_happened(experiment, tmp_path):
    from songbench.execution.record import save_record

    plan = experiment("engine.workers=1")
    path = save_record(plan, Planner(plan, Store(plan.store)))
    run(plan)
    entries = list(read_journal(plan.folder))
    assert sum(entry["stage"] == "songs of probe" for entry in entries) == 4
    assert all(entry["outcome"] == "done" and entry["seconds"] >= 0 for entry in entries)
    record = json.loads(path.read_text())
    assert record["systems"]["probe"]["package"] == "songbench-probe 1.0"
    assert record["packages"]["numpy"]
    assert record["hardware"]["cores"] == os.cpu_count()
    assert len(record["songs"]) == 4
    assert record["prompts"].keys() == {f"p{i}" for i in range(4)}
    assert load_suite(record["config"]["suite"]["source"]).key() == record["suite"]["key"]


def stages(experiment):
    planner = Planner(experiment, Store(experiment.store))
    level, spread = experiment.metrics
    plans = [planner.assets(), *(planner.generation(system) for system in experiment.systems)]
    return [*plans, planner.scoring(level), planner.features(spread), planner.set_scoring(spread)]


def test_a_plan_counts_nothing_as_stored_in_an_empty_store_and_everything_after_a_run(experiment):
    plan = experiment("engine=inline", "system.probe.misbehave={p1: fail}", systems=("probe", "silence"))
    empty = stages(plan)
    assert [stage.settled for stage in empty] == [0] * 6
    assert [stage.missing for stage in empty] == [0, 4, 4, 0, 0, 0]
    assert [stage.waiting for stage in empty] == [0, 0, 0, 8, 8, 2], "after the songs"
    run(plan)
    after = stages(plan)
    assert [stage.missing + stage.waiting for stage in after] == [0] * 6
    assert [stage.settled for stage in after] == [0, 4, 4, 7, 0, 2], "a song that failed has no score to wait for"
