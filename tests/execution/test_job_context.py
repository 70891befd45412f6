"""What a worker holds from job to job."""

import gc
import weakref

import pytest

from songbench.contracts.memory import MemoryNeed
from songbench.execution import jobs
from songbench.execution.jobs import JobContext
from songbench.execution.store import Store
from songbench.resources import memory
from songbench.resources.residency import ResidentModels


@pytest.fixture
def resident(monkeypatch):
    models = ResidentModels()
    monkeypatch.setattr(jobs, "RESIDENT", models)
    monkeypatch.setattr(memory, "_share", None)
    return models


@pytest.fixture
def context(resident, tmp_path):
    return JobContext(Store(str(tmp_path / "store")))


def system_of(context):
    return weakref.ref(context.system("probe", {}))


def turn_to_metric(context, share=None, working=0):
    if share is not None:
        context.divide(share, MemoryNeed(0, working))
    context.metric("level@probe", {})
    gc.collect()


def test_a_worker_that_is_told_nothing_holds_a_system_or_a_metric(context):
    system = system_of(context)
    assert system() is context.system("probe", {})
    turn_to_metric(context)
    assert system() is None


@pytest.mark.parametrize(("resident_bytes", "working", "stays"), [(6, 4, True), (6, 5, False), (0, 0, False)])
def test_a_system_of_known_size_stays_where_it_fits_beside_a_metric(context, resident_bytes, working, stays):
    context.divide(10, MemoryNeed(resident_bytes, 2))
    system = system_of(context)
    turn_to_metric(context, 10, working)
    assert (system() is not None) == stays


def test_models_of_metrics_make_room_for_a_system(context, resident):
    context.divide(10, MemoryNeed(0, 1))
    context.metric("level@probe", {})
    resident.hold("encoder", list, 5)
    context.divide(10, MemoryNeed(6, 3))
    system = system_of(context)
    assert "encoder" not in resident._models and system() is not None


def test_a_system_that_is_too_large_is_not_loaded_for_every_job(context):
    for _ in range(2):
        context.divide(10, MemoryNeed(30, 3))
        system = system_of(context)
        context.divide(10, MemoryNeed(30, 3))
        assert system() is context.system("probe", {})
