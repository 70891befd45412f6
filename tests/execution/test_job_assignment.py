"""What becomes of the items of a job, whichever engine has it."""

import dataclasses

import pytest

from songbench.execution.engine.assignment import AnswerError, Assignment
from songbench.execution.jobs import Event
from songbench.execution.plan import Job, WorkItem
from songbench.execution.store import Store


class Desk:
    """Takes what is reported, and what the queue is told."""

    def __init__(self):
        self.settled, self.retries, self.over = [], [], []

    def report(self, job, item, event):
        self.settled.append((item.key, event.status, event.cause, event.detail))

    def end(self, job, retries=()):
        self.over.append(job)
        self.retries += [([item.key for item in retry.items], retry.attempt) for retry in retries]


@pytest.fixture
def desk():
    return Desk()


@pytest.fixture
def store(tmp_path):
    return Store(str(tmp_path / "store"))


def job(*keys, attempt=0, kind="generate"):
    items = tuple(WorkItem(key=key, label=key, data={}) for key in keys)
    return Job(kind, {"system": "probe", "parameters": {}}, items, attempt=attempt)


def event(status, key, cause=""):
    return dataclasses.asdict(Event(status=status, key=key, cause=cause))


def test_an_exception_is_tried_again_as_often_as_is_set_and_a_failure_is_not(desk):
    first = Assignment(job("a", "b", "c"), 1)
    for answer in (event("done", "a"), event("error", "b", "it broke"), event("failed", "c", "out of tune")):
        first.hear(answer, desk.report)
    first.end(desk)
    assert desk.settled == [("a", "done", "", ""), ("c", "failed", "out of tune", "")]
    assert desk.retries == [(["b"], 1)]
    Assignment(job("b", attempt=1), 1).hear(event("error", "b", "it broke"), desk.report)
    assert desk.settled[-1] == ("b", "failed", "it broke", "")


@pytest.mark.parametrize(
    "answer", [event("done", "x"), event("failed", "x"), event("done", "a"), {"status": "done"}, ["done"], None]
)
def test_an_answer_that_fits_no_item_is_refused(desk, answer):
    assignment = Assignment(job("a", "b"), 1)
    assignment.hear(event("done", "a"), desk.report)
    with pytest.raises(AnswerError):
        assignment.hear(answer, desk.report)
    assert len(desk.settled) == 1 and list(assignment.unsettled) == ["b"]


def test_what_a_lost_worker_left_is_tried_again_singly_unless_it_is_stored(desk, store):
    store.save("songs", "b", {})
    assignment = Assignment(job("a", "b", "c", "d"), 1)
    assignment.hear(event("error", "a", "it broke"), desk.report)
    assignment.give_up(desk, desk.report, store, cause="it is lost", last_words=lambda: pytest.fail("nothing failed"))
    assert desk.settled == [("b", "done", "", "")]
    assert desk.retries == [(["a"], 1), (["c"], 1), (["d"], 1)]
    assert len(desk.over) == 1


def test_what_was_tried_often_enough_has_failed_with_the_last_words(desk, store):
    assignment = Assignment(job("a", "b", attempt=2), 2)
    assignment.give_up(desk, desk.report, store, cause="it is lost", last_words=lambda: "Aborted")
    assert desk.settled == [("a", "failed", "it is lost", "Aborted"), ("b", "failed", "it is lost", "Aborted")]
    assert not desk.retries


def test_what_a_worker_puts_back_is_no_attempt(desk):
    assignment = Assignment(job("a", "b", "c"), 1)
    assignment.hear(event("done", "a"), desk.report)
    assignment.hear(event("error", "b", "it broke"), desk.report)
    assignment.put_back(desk)
    assert desk.retries == [(["b"], 1), (["c"], 0)]


def test_an_engine_that_divides_memory_learns_what_ran_out_of_it(desk, store):
    starved = set()
    assignment = Assignment(job("a", "b", "c", "d"), 1, starved)
    for answer in (
        event("failed", "a", "CUDA out of memory"),
        event("error", "b", "MemoryError"),
        event("error", "c", "it broke"),
    ):
        assignment.hear(answer, desk.report)
    assert starved == {"a", "b"} and not desk.settled
    cause = "the worker was ended by SIGKILL (out of memory?)"
    assignment.give_up(desk, desk.report, store, cause=cause, last_words=str)
    assert starved == {"a", "b", "d"}
    assert desk.retries == [(["a"], 1), (["b"], 1), (["c"], 1), (["d"], 1)]
    last = Assignment(job("a", attempt=1), 1, starved)
    last.hear(event("failed", "a", "CUDA out of memory"), desk.report)
    assert desk.settled == [("a", "failed", "CUDA out of memory", "")]


def test_any_other_takes_a_plugin_at_its_word(desk):
    Assignment(job("a"), 1).hear(event("failed", "a", "CUDA out of memory"), desk.report)
    assert desk.settled == [("a", "failed", "CUDA out of memory", "")]


def test_a_batch_has_the_time_of_all_that_is_left(desk):
    assignment = Assignment(job("a", "b", "c"), 1)
    assert assignment.time_out(10) == ""
    assignment.hear(event("done", "a"), desk.report)
    assignment.last_event_s -= 15
    assert assignment.time_out(10) == ""
    assignment.last_event_s -= 6
    assert assignment.time_out(10) == "time-out: nothing for 20 s"
