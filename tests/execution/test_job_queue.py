"""In which order work is given out, and what goes side by side."""

from collections import Counter

import pytest

from songbench.execution.job_queue import QueuedStage, StageQueue
from songbench.execution.plan import Job, Stage, WorkItem
from songbench.execution.sessions import open_session
from songbench.execution.store import Store

PROMPTS = ("p0", "p1", "p2", "p3")


def item(key, prompt, **data):
    return WorkItem(key, key, {"prompt": {"id": prompt}, **data})


class Desk:
    """Two systems, a metric and one of sets, on four prompts; it plays planner, store and observer."""

    def __init__(self):
        self.songs, self.scores, self.features, self.sets = set(), set(), set(), set()
        self.messages = []

    def stages(self):
        yield from (
            QueuedStage(
                model=Job("generate", {"system": name}, ()), plan=lambda n=name: self.generation(n), system=name
            )
            for name in "ab"
        )
        yield QueuedStage(model=Job("score", {"metric": "m"}, ()), plan=self.scoring)
        yield QueuedStage(model=Job("features", {"metric": "s"}, ()), plan=self.extraction)
        yield QueuedStage(model=Job("score_set", {"metric": "s"}, ()), plan=self.set_scoring)

    def generation(self, name):
        jobs = [Job("generate", {"system": name}, (item(f"{name}{p}", p, system=name),)) for p in PROMPTS]
        return Stage(f"songs of {name}", tuple(jobs), 4)

    def scoring(self):
        open_songs = sorted(self.songs - self.scores, key=lambda song: song[1:])
        jobs = [Job("score", {"metric": "m"}, (item(f"m{s}", s[1:], song=s, system=s[0]),)) for s in open_songs]
        return Stage("scores of m", tuple(jobs), 8, 8 - len(self.songs))

    def extraction(self):
        jobs = [Job("features", {"metric": "s"}, (item(f"f{s}", s[1:], song=s),)) for s in sorted(self.songs)]
        return Stage("features for s", tuple(jobs), 8)

    def set_scoring(self):
        jobs = [
            Job("score_set", {"metric": "s"}, (WorkItem(f"s{name}{len(self.songs)}", name, {"system": name}),))
            for name in "ab"
        ]
        return Stage("scores of s", tuple(jobs), 2)

    def planned(self, stage, plan):
        self.messages.append(f"begin {stage.title}")

    def ended(self, stage):
        self.messages.append(f"end {stage.title}")

    def songs_ended(self):
        self.messages.append("songs ended")

    def is_settled(self, job, item):
        return False

    def settled_before(self, stage, job, item):
        self.messages.append(f"settled {item.key}")

    def waiting(self, sessions):
        self.messages.append(dict(sessions))

    def settle(self, queue, job):
        for entry in job.items:
            if job.kind == "generate":
                self.songs.add(entry.key)
            elif job.kind == "score":
                self.scores.add(entry.data["song"])
        queue.end(job)


@pytest.fixture
def desk():
    return Desk()


@pytest.fixture
def queue(desk, tmp_path):
    with open_session(Store(str(tmp_path / "store")), "run 'a'") as session:
        yield StageQueue(list(desk.stages()), session, desk, batch=2, total=8)


def labels(job):
    return [one.key for one in job.items] if job else None


def test_one_worker_goes_through_the_stages_one_after_the_other(desk, queue):
    order, model = [], None
    while not queue.finished:
        job = (model and queue.take(model.shares_model)) or queue.take()
        order += labels(job)
        desk.settle(queue, job)
        model = job
    songs = [f"{system}{prompt}" for system in "ab" for prompt in PROMPTS]
    assert order[:8] == songs
    assert sorted(order[8:16]) == sorted(f"m{song}" for song in songs)
    assert order[16:24] == [f"f{song}" for song in songs] and order[24:] == ["sa8", "sb8"]
    titles = ["songs of a", "songs of b", "scores of m", "features for s", "scores of s"]
    messages = [f"{when} {title}" for title in titles for when in ("begin", "end")]
    messages.insert(messages.index("end songs of b") + 1, "songs ended")
    assert desk.messages == messages


def test_who_would_be_idle_scores_what_is_there_in_batches(desk, queue):
    songs = [queue.take() for _ in range(8)]
    assert queue.take() is None and not queue.finished, "nothing to score yet"
    desk.settle(queue, songs[0])
    assert queue.take() is None, "not song by song"
    desk.settle(queue, songs[1])
    score = queue.take()
    assert labels(score) == ["map0"]
    assert queue.take(lambda job: job.kind == "generate") is None
    desk.settle(queue, score)
    assert labels(queue.take()) == ["map1"]
    for song in songs[2:4]:
        desk.settle(queue, song)
    kinds = Counter(job.kind for job in iter(queue.take, None))
    assert kinds == {"score": 2, "features": 1}, "of the system that is done; of prompts that nobody works on"


def test_two_jobs_on_the_audio_of_one_prompt_wait_for_each_other(desk, queue):
    for _ in range(8):
        desk.settle(queue, queue.take())
    first, second = queue.take(), queue.take()
    assert {labels(first)[0][2:], labels(second)[0][2:]} == {"p0", "p1"}, "not both of p0"
    desk.settle(queue, first)
    assert labels(queue.take())[0][2:] == "p0"


def test_what_is_tried_again_comes_last_in_its_stage(desk, queue):
    job = queue.take()
    queue.end(job, job.singly())
    order = [queue.take() for _ in range(4)]
    assert [labels(job) for job in order] == [["ap1"], ["ap2"], ["ap3"], ["ap0"]]
    assert order[-1].attempt == 1


def test_what_another_session_works_on_is_left_and_taken_later(desk, queue, tmp_path, monkeypatch):
    monkeypatch.setattr("songbench.execution.job_queue._PAUSE_S", 0.0)
    store = Store(str(tmp_path / "store"))
    with open_session(store, "run 'b'") as rival:
        rival.claim("ap0")
        songs = list(iter(queue.take, None))
        assert [labels(job) for job in songs] == [[f"{name}{p}"] for name in "ab" for p in PROMPTS if name + p != "ap0"]
        for job in songs:
            desk.settle(queue, job)
        while job := queue.take():
            desk.settle(queue, job)
        assert not queue.finished
        assert desk.messages[-1] == {str(rival.record): 1}
        rival.release(["ap0"])
        assert labels(queue.take()) == ["ap0"], "it was given up"
        assert desk.messages[-1] == {}
