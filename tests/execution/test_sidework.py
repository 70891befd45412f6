"""Songs that are stored while the next one is made: the same results, each told of once it is stored, none lost."""

import time

import numpy as np
import pytest

from songbench.contracts.cards import SystemCard
from songbench.domain.audio import Audio, AudioFile, MemoryAudio
from songbench.domain.errors import StoreError, StoreWriteError
from songbench.domain.song import Failure, GenerationRecord, Song, memory_song
from songbench.execution import jobs
from songbench.execution.jobs import JobContext, run_job
from songbench.execution.plan import Planner
from songbench.execution.sidework import Sidework
from songbench.execution.store import Store

RATE = 16_000


class Singer:
    """A system that makes what a function says of each request."""

    card = SystemCard(name="singer", version="1", summary="Made up.", licence="MIT")

    def __init__(self, make):
        self._make = make

    def generate(self, requests):
        for number, request in enumerate(requests):
            yield self._make(number, request)


def sound(number):
    return Audio(np.full((2, RATE), 0.1 * (number + 1), np.float32), RATE)


def song(number, request):
    return memory_song(request, sound(number), GenerationRecord(seconds=1.0, peak_gib=1.0))


@pytest.fixture
def generate(experiment, tmp_path):
    """The events of a job of songs, and the store they are in."""

    def call(make, *, spare_core, count=4):
        plan = experiment("engine.batch=64", count=count)
        store = Store(str(tmp_path / f"store-{spare_core}"))
        (job,) = Planner(plan, store, 64).generation(plan.systems[0]).jobs
        context = JobContext(store, spare_core=spare_core)
        context.system = lambda spec, parameters: Singer(make)
        return job, store, run_job(job.to_json(), context)

    return call


def facts(events):
    return [(event.key, event.status, event.cause) for event in events]


def failing(number, request):
    return Failure("generate", "no idea", request=request) if number == 1 else song(number, request)


def too_loud(number, request):
    return memory_song(request, Audio(sound(number).samples * (400 if number == 1 else 1), RATE))


def broken(number, request):
    if number == 2:
        raise ValueError("out of tune")
    return song(number, request)


def mute(number, request):
    return song(number, request) if number != 1 else None


@pytest.mark.parametrize("make", [song, failing, too_loud, broken, mute])
def test_nothing_differs_but_the_moment(make, generate):
    _, alone, events = generate(make, spare_core=False)
    expected = facts(events)
    _, beside, events = generate(make, spare_core=True)
    assert facts(events) == expected
    assert {place: beside.peek(place) for place in beside.files()} == {
        place: alone.peek(place) for place in alone.files()
    }


def test_a_song_is_stored_while_the_next_one_is_made(generate):
    store = None

    def make(number, request):
        end = time.monotonic() + 20
        while len(store.keys("songs")) < number and time.monotonic() < end:
            time.sleep(0.01)
        numbers.append(len(store.keys("songs")))
        return song(number, request)

    numbers = []
    _, store, events = generate(make, spare_core=True)
    for number, event in enumerate(events):
        assert event.status == "done" and store.get("songs", event.key) is not None
        assert len(numbers) <= min(number + 2, 4), "told of when the next one has been made"
    assert numbers == [0, 1, 2, 3]


def test_a_song_that_takes_long_is_told_of_at_once(generate, monkeypatch):
    def make(number, request):
        numbers.append(number)
        return song(number, request)

    numbers = []
    monkeypatch.setattr(jobs, "BESIDE_S", 0.0)
    _, store, events = generate(make, spare_core=True)
    for number, event in enumerate(events):
        assert event.status == "done" and len(store.keys("songs")) == len(numbers) == number + 1


def test_what_a_system_overwrites_later_is_stored_as_it_was(generate, tmp_path):
    buffer, path = np.zeros((2, RATE), np.float32), tmp_path / "out.wav"

    def make(number, request):
        import soundfile

        buffer[:] = 0.1 * (number + 1)
        if path.exists():
            path.unlink()
        soundfile.write(path, sound(number).samples.T, RATE, subtype="FLOAT")
        return Song(
            request=request,
            source=MemoryAudio(Audio(buffer, RATE)),
            stems={"vocals": AudioFile(path)},
            record=GenerationRecord(),
        )

    job, store, events = generate(make, spare_core=True)
    assert [event.status for event in events] == ["done"] * 4
    for number, item in enumerate(job.items):
        result = jobs.load_song(store, item.key, None)
        for source in (result.source, result.stems["vocals"]):
            assert np.allclose(source.load().samples, 0.1 * (number + 1), atol=1e-6)


def test_an_error_in_storing_is_that_songs_alone(generate, monkeypatch):
    save = jobs.save_song

    def out_of_memory(store, key, song, *arguments, **keywords):
        if abs(float(song.audio.samples[0, 0]) - 0.2) < 0.01:
            raise MemoryError("too long")
        save(store, key, song, *arguments, **keywords)

    monkeypatch.setattr(jobs, "save_song", out_of_memory)
    job, store, events = generate(song, spare_core=True)
    statuses = {event.key: event.status for event in events}
    assert [statuses[item.key] for item in job.items] == ["done", "error", "done", "done"]
    assert len(store.keys("songs")) == 3


def test_a_store_that_fails_ends_the_job(generate, monkeypatch):
    def full(*arguments, **keywords):
        raise StoreWriteError("disk full")

    monkeypatch.setattr(jobs, "save_song", full)
    _, _, events = generate(song, spare_core=True)
    with pytest.raises(StoreError, match="disk full"):
        list(events)


def test_an_interrupt_leaves_the_song_before_it_stored(generate):
    def make(number, request):
        if number == 2:
            raise KeyboardInterrupt
        return song(number, request)

    _, store, events = generate(make, spare_core=True)
    assert next(events).status == "done"
    with pytest.raises(KeyboardInterrupt):
        list(events)
    assert len(store.keys("songs")) == 2


def test_the_end_of_a_job_that_nobody_listens_to_waits_for_its_song(generate):
    _, store, events = generate(song, spare_core=True)
    next(events)
    events.close()
    assert len(store.keys("songs")) == 2


def test_work_beside_is_done_when_its_context_ends():
    outcome = []
    with pytest.raises(ValueError, match="of the main thread"), Sidework() as sidework:
        sidework.begin(lambda: (time.sleep(0.1), outcome.append(1)))
        raise ValueError("of the main thread")
    assert outcome == [1] and list(sidework.results()) == [(None, None)] and list(sidework.rest()) == []


def test_results_come_in_order_and_errors_in_their_place():
    with Sidework() as sidework:
        for work in (lambda: 1, lambda: 1 // 0, lambda: 3):
            sidework.begin(work)
        sidework.wait()
        results = sidework.results()
        assert next(results) == 1
        with pytest.raises(ZeroDivisionError):
            next(results)
        assert list(sidework.rest()) == [3]
