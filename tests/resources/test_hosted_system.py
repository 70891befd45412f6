"""Systems that are services: what they send, what they keep, what they say."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from http_service import http_service, sound
from toy_service import InstantToy, Toy

from songbench.contracts.system import SystemWithCosts, SystemWithLimits, SystemWithRemarks
from songbench.domain.errors import InputError
from songbench.domain.lyrics import parse_lyrics
from songbench.domain.prompt import Prompt
from songbench.domain.song import Failure, Request, Song
from songbench.plugin import System

KEY = "sk-very-secret-0123"
MP3, FLAC = sound("mp3"), sound("flac")


def request(name="p", take=0, lyrics="[verse]\nla la la", **facts):
    prompt = Prompt(id=name, lyrics=parse_lyrics(lyrics), style="pop", **facts)
    return Request(prompt=prompt, take=take, seed=7)


@pytest.fixture(scope="module")
def running():
    with http_service() as service:
        yield service


@pytest.fixture
def service(running, tmp_path, monkeypatch):
    """A service whose songs are done at the second question, two for each order."""
    monkeypatch.setenv("TOY_KEY", KEY)
    monkeypatch.setenv("TOY_URL", running.address)
    monkeypatch.setenv("SONGBENCH_HOSTED", str(tmp_path / "hosted"))
    running.calls.clear()
    running.routes.clear()
    questions = {}

    @running.route("POST", "/songs")
    def order(call):
        return {"id": f"t{running.count('POST')}"}

    @running.route("GET", "/songs/")
    def task(call):
        questions[call.path] = questions.get(call.path, 0) + 1
        urls = [f"{running.address}/files/{number}" for number in (0, 1)]
        return {"status": "done", "songs": urls} if questions[call.path] > 1 else {"status": "running"}

    running.route("GET", "/files/0")(MP3)
    running.route("GET", "/files/1")(FLAC)
    running.route("POST", "/instant")(FLAC)
    return running


def outcomes(system, *requests):
    return list(system.generate(requests))


def outcome(system, *words, **facts):
    return outcomes(system, request(*words, **facts))[0]


def files(tmp_path):
    return sorted(path.name for path in (tmp_path / "hosted" / "toy").glob("*"))


# -- songs -------------------------------------------------------------------------------------------------------------


def test_songs_are_ordered_waited_for_and_fetched(service, tmp_path):
    system = Toy(max_songs=3)
    assert isinstance(system, System | SystemWithCosts) and isinstance(system, SystemWithLimits)
    songs = outcomes(system, *(request(name) for name in "abc"))
    assert {song.request.prompt.id for song in songs} == set("abc")
    for song in songs:
        assert isinstance(song, Song) and song.audio.rate == 44_100
        record = song.record
        assert (record.seconds, record.device, record.lossy, record.best_of) == (None, "Toy (hosted)", "mp3", 1)
        assert record.notes == ("the first of 2 songs that one order gave",)
        assert record.settings == {"model": "first"} and not record.seed_honoured
        assert record.rendering.style_text == "pop" and record.conditions == ("lyrics", "style text")
    assert service.count("POST") == 3
    assert files(tmp_path) == []  # nothing is left once the songs were taken


def test_a_song_may_come_as_the_answer(service, tmp_path):
    song = outcome(InstantToy(max_songs=1))
    assert isinstance(song, Song) and song.record.lossy == ""
    assert files(tmp_path) == []


def test_the_key_goes_to_the_service_alone(service):
    elsewhere = {}

    with http_service() as storage:

        @storage.route("GET", "/song")
        def file(call):
            elsewhere.update(call.headers)
            return MP3

        service.route("GET", "/songs/")({"status": "done", "songs": [f"{storage.address}/song"]})
        assert isinstance(outcome(Toy(max_songs=1)), Song)
        assert KEY not in str(elsewhere) and elsewhere
        # nor is it carried along to where the service points
        service.route("POST", "/songs")((302, {}, {"Location": f"{storage.address}/songs"}))
        assert isinstance(outcome(Toy(max_songs=1)), Failure)
        assert [call.path for call in storage.calls] == ["/song"]
    assert all(call.headers.get("Authorization") == f"Bearer {KEY}" for call in service.calls)


# -- what is said before ----------------------------------------------------------------------------------------------


def test_nothing_is_sent_before_songs_are_made(service):
    system = Toy(max_songs=2)
    prompts = [request(name).prompt for name in "ab"]
    assert system.availability().ready
    system.unsupported(request())
    system.remarks(prompts, 3)
    assert system.parameters == {"model": "first", "address": service.address}
    with pytest.raises(InputError):
        system.check_costs([request(name) for name in "abc"])
    assert service.calls == []


def test_the_cost_is_said_with_the_setting_that_allows_it(service):
    prompts = [request(name).prompt for name in "abcd"] + [request("long", lyrics="[verse]\n" + "la " * 30).prompt]
    assert isinstance(Toy(), SystemWithRemarks)
    rows = Toy().remarks(prompts, 3)
    assert rows[0].startswith("toy costs money: 12 songs, USD 0.25 a song (toy.invalid/prices, May 2026), USD 3.00 at")
    assert rows[1] == "toy: none may be bought; for all: --set system.toy.max_songs=12"
    assert len(Toy(max_songs=12).remarks(prompts, 3)) == 1
    assert "USD 0.1 a song (as set), USD 1.20 at most" in Toy(price=0.1).remarks(prompts, 3)[0]


def test_songs_that_nobody_allowed_are_refused(service):
    with pytest.raises(InputError, match=r"would buy 2 songs.*USD 0.50.*--set system.toy.max_songs=2"):
        outcomes(Toy(), request("a"), request("b"))
    with pytest.raises(InputError, match="1 may be bought"):
        outcomes(Toy(max_songs=1), request("a"), request("b"))
    assert service.calls == []


@pytest.mark.parametrize(
    ("value", "reason"),
    [("", "TOY_KEY is not set"), ("a key", "blanks"), ("geheim\u00fc", "characters that no key has")],
)
def test_a_missing_or_impossible_key(service, monkeypatch, value, reason):
    monkeypatch.setenv("TOY_KEY", value)
    state = Toy().availability()
    assert not state.ready and reason in state.reason and "https://toy.invalid/keys" in state.cure
    assert not value or value not in state.reason + state.cure


def test_settings_are_checked(monkeypatch):
    with pytest.raises(InputError, match="Did you mean 'max_songs'"):
        Toy(max_song=3)
    with pytest.raises(InputError, match="max_songs"):
        Toy(max_songs=-1)
    with pytest.raises(InputError, match="no address of Toy"):
        Toy(address="toy.invalid")
    monkeypatch.setenv("TOY_URL", "ftp://toy.invalid")
    with pytest.raises(InputError, match="TOY_URL"):
        Toy()


def test_what_cannot_be_taken_is_unsupported():
    assert Toy().unsupported(request()) is None
    assert "Toy takes 60" in Toy().unsupported(request(lyrics="[verse]\n" + "la " * 30))
    assert Toy().unsupported(request(language="zh")) == "it does not sing zh"
    assert Toy().unsupported(request(language="en-GB")) is None


# -- what goes wrong ---------------------------------------------------------------------------------------------------


def by_turns(*answers):
    """Answers given one after the other, the last for ever."""
    left = list(answers)
    return lambda call: left.pop(0) if len(left) > 1 else left[0]


@pytest.mark.parametrize(
    ("answers", "orders"),
    [
        ([(429, {}, {"Retry-After": "0"}), {"id": "t"}], 2),
        ([(503, {}, {}), (500, {}, {}), {"id": "t"}], 3),
    ],
)
def test_what_fails_for_a_while_is_tried_again(service, answers, orders):
    service.route("POST", "/songs")(by_turns(*answers))
    service.route("GET", "/songs/")(
        by_turns((502, {}, {}), (None, b"", {}), {"status": "done", "songs": [f"{service.address}/files/0"]})
    )
    service.route("GET", "/files/0")(by_turns((503, b"", {}), MP3))
    assert isinstance(outcome(Toy(max_songs=1)), Song)
    assert service.count("POST") == orders


def test_tries_have_an_end(service, tmp_path):
    service.route("POST", "/songs")((429, {"error": {"message": "slow down"}}, {"Retry-After": "0"}))
    failure = outcome(Toy(max_songs=1))
    assert failure.cause == "Toy: HTTP 429: slow down (tried 6 times)"
    assert service.count("POST") == 6 and files(tmp_path) == []


def test_a_wait_of_hours_is_not_waited(service):
    service.route("POST", "/songs")((429, {}, {"Retry-After": "7200"}))
    begin = time.monotonic()
    assert "429" in outcome(Toy(max_songs=1)).cause
    assert time.monotonic() - begin < 2 and service.count("POST") == 1


@pytest.mark.parametrize("answer", [(504, {}, {}), (None, b"", {})])
def test_an_order_without_an_answer_is_not_given_twice_in_silence(service, tmp_path, answer):
    service.route("POST", "/songs")(answer)
    failure = outcome(Toy(max_songs=1))
    assert "your account" in failure.cause and service.count("POST") == 1
    assert len(files(tmp_path)) == 1
    service.route("POST", "/songs")({"id": "t"})
    song = outcome(Toy(max_songs=1))
    assert "was never answered, and may cost as well" in song.record.notes[1]


@pytest.mark.parametrize(
    ("status", "word"), [(401, "TOY_KEY"), (402, "your account"), (422, "not allowed"), (451, "not allowed")]
)
def test_refusals_are_recorded_and_never_name_the_key(service, tmp_path, status, word):
    service.route("POST", "/songs")((status, {"detail": {"message": f"not allowed for {KEY}"}}, {}))
    failure = outcome(Toy(max_songs=1))
    assert str(status) in failure.cause and word in failure.cause
    assert KEY not in failure.cause + failure.detail and "not allowed for …" in failure.cause
    assert service.count("POST") == 1 and files(tmp_path) == []


def test_a_key_that_is_refused_is_not_sent_for_every_song(service):
    service.route("POST", "/songs")((401, {"error": "no such key"}, {}))
    failures = outcomes(Toy(max_songs=8, at_once=1), *(request(f"p{number}") for number in range(8)))
    assert all(isinstance(failure, Failure) and "no such key" in failure.cause for failure in failures)
    assert service.count("POST") == 1


@pytest.mark.parametrize("status", ["failed", "cancelled"])
def test_a_task_that_fails_can_be_ordered_anew(service, tmp_path, status):
    service.route("GET", "/songs/")({"status": status})
    assert outcome(Toy(max_songs=1)).cause == f"Toy: the task {status}"
    assert files(tmp_path) == []


def test_a_task_that_takes_too_long_is_kept_and_picked_up(service, tmp_path):
    service.route("GET", "/songs/")({"status": "running"})
    failure = outcome(Toy(max_songs=1, timeout_s=0.05))
    assert "not done after 0.05 s" in failure.cause and "--retry-failed" in failure.cause
    assert len(files(tmp_path)) == 1
    service.route("GET", "/songs/")({"status": "done", "songs": [f"{service.address}/files/0"]})
    Toy().check_costs([request()])  # paid for already
    assert isinstance(outcome(Toy()), Song) and service.count("POST") == 1


@pytest.mark.parametrize(
    ("file", "cause"),
    [
        (b"<!doctype html><p>gone", "web page"),
        (b'{"error": "expired"}', "JSON"),
        (b"", "empty"),
        (MP3[: len(MP3) // 2], "the song"),
        ((404, b"", {}), "HTTP 404"),
        ((200, MP3, {"Content-Length": str(len(MP3) + 5)}), "stopped after"),
    ],
    ids=["page", "json", "empty", "cut", "gone", "short"],
)
def test_a_file_that_is_no_song(service, tmp_path, file, cause):
    service.route("GET", "/files/0")(file)
    failure = outcome(Toy(max_songs=1))
    assert isinstance(failure, Failure) and cause in failure.cause and str(tmp_path) not in failure.cause
    assert [Path(name).suffix for name in files(tmp_path)] == [".json"]
    service.route("GET", "/files/0")(MP3)
    assert isinstance(outcome(Toy()), Song) and service.count("POST") == 1  # fetched again, not bought again


def test_an_address_that_is_no_web_address(service):
    service.route("GET", "/songs/")({"status": "done", "songs": ["file:///etc/passwd"]})
    assert "no web address" in outcome(Toy(max_songs=1)).cause


def test_a_song_that_is_too_large(service, monkeypatch):
    monkeypatch.setattr("songbench.resources.hosted.client.LARGEST_BYTES", 1 << 10)
    assert "gave a song of more than" in outcome(Toy(max_songs=1)).cause
    monkeypatch.setattr("songbench.resources.hosted.client.LARGEST_BYTES", 1 << 3)
    assert "gave an answer of more than" in outcome(Toy(max_songs=1)).cause


def test_an_answer_that_is_none(service):
    service.route("POST", "/songs")(b"good day")
    assert "gave no JSON" in outcome(Toy(max_songs=1)).cause


def test_a_service_that_is_not_there(service, monkeypatch):
    monkeypatch.setenv("TOY_URL", "http://127.0.0.1:9")
    assert "cannot be reached" in outcome(Toy(max_songs=1)).cause


# -- pace and orders ---------------------------------------------------------------------------------------------------


def test_no_more_songs_at_once_than_the_account_allows(service):
    state = {"running": 0, "most": 0}

    @service.route("POST", "/instant")
    def instant(call):
        state["running"] += 1
        state["most"] = max(state["most"], state["running"])
        time.sleep(0.05)
        state["running"] -= 1
        return FLAC

    systems = [InstantToy(max_songs=3), InstantToy(max_songs=3)]  # as two processes would have them
    runs = [system.generate([request(f"{number}-{name}") for name in "abc"]) for number, system in enumerate(systems)]
    assert all(isinstance(song, Song) for pair in zip(*runs, strict=True) for song in pair)
    assert state["most"] <= 2


def test_orders_keep_their_distance(service):
    times = []

    @service.route("POST", "/instant")
    def instant(call):
        times.append(time.monotonic())
        return FLAC

    outcomes(InstantToy(max_songs=3, interval_s=0.1), *(request(name) for name in "abc"))
    assert times[2] - times[0] >= 0.19


def test_a_song_that_was_not_taken_is_there_the_next_time(service):
    songs = Toy(max_songs=1).generate([request()])
    first = next(songs)
    songs.close()  # killed while it was being stored
    calls = len(service.calls)
    second = outcome(Toy())
    assert second.source.digest == first.source.digest and second.record == first.record
    assert len(service.calls) == calls


SCRIPT = """
import sys
sys.path[:0] = [{folder!r}, {tests!r}]
from test_hosted_system import outcome
from toy_service import Toy
outcome(Toy(max_songs=1))
"""


def test_a_killed_run_picks_up_what_is_paid_for(service, tmp_path):
    service.route("GET", "/songs/")({"status": "running"})
    folder = Path(__file__).parent
    script = SCRIPT.format(folder=str(folder), tests=str(folder.parent))
    process = subprocess.Popen([sys.executable, "-c", script], env=os.environ.copy())
    try:
        deadline = time.monotonic() + 60
        while not service.count("GET", "/songs/") and time.monotonic() < deadline:
            time.sleep(0.02)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    (path,) = (tmp_path / "hosted" / "toy").iterdir()
    assert json.loads(path.read_text())["task"] == "t1"
    assert path.stat().st_mode & 0o077 == 0 and KEY not in path.read_text()
    service.route("GET", "/songs/t1")({"status": "done", "songs": [f"{service.address}/files/0"]})
    assert isinstance(outcome(Toy()), Song)
    assert service.count("POST") == 1 and files(tmp_path) == []


def test_a_broken_order_is_named(service, tmp_path):
    service.route("GET", "/songs/")({"status": "running"})
    outcome(Toy(max_songs=1, timeout_s=0.03))
    path = tmp_path / "hosted" / "toy" / files(tmp_path)[0]
    path.write_text("{")
    with (
        pytest.raises(InputError, match="Remove it"),
        contextlib.closing(Toy(max_songs=1).generate([request()])) as songs,
    ):
        next(songs)
