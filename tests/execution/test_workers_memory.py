"""As many workers as fit, in real processes."""

import pytest
from songbench_probe import Probe

from metrics.fad import fad_mert
from metrics.features.transcript import WHISPER_BASE
from songbench.contracts.cards import READY, MetricCard, SystemCard
from songbench.contracts.memory import MemoryNeed
from songbench.execution.gather import gather
from songbench.execution.memory_needs import (
    JobMemory,
    estimate,
    ran_out_of_memory,
)
from songbench.execution.memory_remarks import memory_remarks
from songbench.execution.plan import Planner
from songbench.execution.runner import Runner
from songbench.execution.store import Store
from songbench.resources.memory import GIB
from songbench.resources.model_memory import WEIGHT_FACTOR

TWO = ("engine.workers=2", "engine.batch=1")


def run(experiment, **stages):
    store = Store(experiment.store)
    Runner(experiment, store).run(**stages)
    return gather(experiment, store)


@pytest.mark.parametrize(("gib", "score", "workers"), [(6, False, 1), (2, False, 2), (6, True, 2)])
def test_one_worker_sings_where_two_songs_do_not_fit_and_another_scores(experiment, gib, score, workers):
    plan = experiment(*TWO, "engine.memory_gib=10", "system.probe.seconds_each=0.5", f"system.probe.gib={gib}")
    assert set(run(plan, score=score).songs.values()) == {"done"}
    assert len(list((plan.folder / "logs").iterdir())) == workers


def test_what_is_too_large_for_the_machine_is_tried_all_the_same(experiment):
    plan = experiment(*TWO, "engine.memory_gib=1", "system.probe.gib=50", count=2)
    (remark,) = memory_remarks(plan)
    assert remark.startswith("probe needs about 54.2 GB of memory (as it says itself), and there are 1.1 GB: ")
    assert not memory_remarks(experiment("engine=inline", "system.probe.gib=50"))
    assert set(run(plan, score=False).songs.values()) == {"done"}


def test_what_died_of_memory_is_tried_again_when_nothing_else_runs(experiment, tmp_path, monkeypatch):
    log = tmp_path / "log"
    log.touch()
    monkeypatch.setenv("PROBE_LOG", str(log))
    misbehave = "system.probe.misbehave={p0: die of memory beside others}"
    plan = experiment(*TWO, misbehave, "system.probe.seconds_each=0.1", "engine.retries=1", count=6)
    assert set(run(plan, score=False).songs.values()) == {"done"}
    rows = [row.split(maxsplit=1)[1] for row in log.read_text().splitlines()]
    songs = [row for row in rows if row.startswith("song")]
    assert rows.count("killed") == 1
    assert songs[-1] == "song probe p0 0", "after all others"


@pytest.mark.parametrize(("gib", "loads"), [(1.5, 3), (2.0, 4)])
def test_an_encoder_is_loaded_once_for_all_metrics_where_it_fits(experiment, tmp_path, monkeypatch, gib, loads):
    """Of three models two fit at a time, the encoder and a head; of larger ones, one."""
    monkeypatch.setenv("PROBE_LOG", str(tmp_path / "log"))
    metrics = ("first@probe", "second@probe")
    sizes = (f"metric.first.gib={gib}", f"metric.second.gib={gib}")
    run(experiment("engine.workers=1", "engine.batch=8", "engine.memory_gib=4", *sizes, metrics=metrics, count=1))
    rows = [row.split(maxsplit=2)[2] for row in (tmp_path / "log").read_text().splitlines() if " load " in row]
    assert set(rows) == {"encoder", "head of first", "head of second"}
    assert len(rows) == loads


def test_the_need_of_a_job_is_asked_with_the_songs_it_has(experiment):
    plan = experiment("engine.batch=3")
    planner = Planner(plan, Store(plan.store), group=3)
    questions = []

    class Asking(Probe):
        def memory_need(self, songs, seconds):
            questions.append((songs, seconds))
            return MemoryNeed(GIB, songs)

    memory = JobMemory(accelerator=False)
    first, second = planner.generation(plan.systems[0]).jobs
    memory._plugins[repr(sorted(first.common.items()))] = Asking()
    estimates = [memory.of(job) for job in (first, second, first)]
    assert [one.need.working for one in estimates] == [3, 1, 3]
    assert questions == [(3, 1.0), (1, 1.0)], "each question once"
    assert {one.basis for one in estimates} == {"declared"}


class Plain:
    card = SystemCard(name="plain", version="1", summary="", licence="", vram_gib=24.0)

    def availability(self):
        return READY


class Metric(Plain):
    card = MetricCard(name="m", backend="x", version="1", fields=(), summary="", needs=("whisper-base", "numpy"))


def of_set(songs):
    return estimate(fad_mert(), songs, 240.0, accelerator=False)


def test_what_is_not_declared_follows_from_the_card_the_weights_or_nothing():
    on_device, on_cpu = (estimate(Plain(), 4, 60.0, accelerator=answer) for answer in (True, False))
    assert (on_device.basis, on_device.need.total) == ("card", 24 * GIB)
    assert on_cpu.basis == "assumed"
    metric = estimate(Metric(), 4, 60.0, accelerator=False)
    assert metric.basis == "weights" and metric.need.resident == pytest.approx(WEIGHT_FACTOR * 146e6, rel=0.03)
    assert metric.need.total == WHISPER_BASE.peak_bytes, "as measured"
    assert of_set(5).need == of_set(10).need, "the model needs more than so few songs"
    assert of_set(3000).need.working == pytest.approx(2 * 3000 * 8 * 768 * 771 / 2, rel=0.01)
    assert estimate(None, 1, 60.0, accelerator=False).basis == "assumed"


@pytest.mark.parametrize("answer", [None, 5, MemoryNeed(-1, 0), ZeroDivisionError()])
def test_a_declaration_that_is_none_is_as_if_there_were_none(answer):
    class Broken(Metric):
        def memory_need(self, songs, seconds):
            if isinstance(answer, Exception):
                raise answer
            return answer

    assert estimate(Broken(), 1, 60.0, accelerator=False).basis == "weights"


@pytest.mark.parametrize(
    ("cause", "of_memory"),
    [
        ("the worker was ended by SIGKILL (out of memory?)", True),
        ("OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB", True),
        (
            "RuntimeError: [enforce fail] DefaultCPUAllocator: can't allocate memory: you tried",
            True,
        ),
        ("_ArrayMemoryError: Unable to allocate 7.28 TiB for an array", True),
        ("MemoryError", True),
        ("the worker ended with exit code 7", False),
        ("ValueError: memory of a song", False),
    ],
)
def test_causes(cause, of_memory):
    assert ran_out_of_memory(cause) == of_memory
