"""Which songs a metric is given."""

import numpy as np
import pytest

from songbench.contracts import registry
from songbench.contracts.cards import Field, MetricCard
from songbench.contracts.exclusion import leave_out, not_judged, select_songs, with_left_out
from songbench.domain.audio import Audio, MemoryAudio
from songbench.domain.lyrics import parse_lyrics
from songbench.domain.prompt import Prompt
from songbench.domain.remark import Remark
from songbench.domain.score import NotApplicable, Scores
from songbench.domain.song import Failure, Request, Song

LYRICS = parse_lyrics("[verse]\nla la")


def card(mono):
    return MetricCard(name="m", backend="b", version="1", fields=(Field("m"),), summary="Made up.", mono=mono)


def song(name, seed, *codes, take=0):
    samples = np.random.default_rng(seed).standard_normal((2, 50)).astype(np.float32)
    remarks = tuple(Remark(code, f"{code} indeed") for code in codes)
    return Song(
        request=Request(prompt=Prompt(id=name, lyrics=LYRICS), take=take, seed=0),
        source=MemoryAudio(Audio(samples, 8000)),
        remarks=remarks,
    )


@pytest.mark.parametrize("mono", [True, False])
def test_only_what_hears_mono_refuses_opposite_channels(mono):
    refusal = not_judged(card(mono), song("p", 0, "antiphase"))
    assert (refusal is not None) == mono
    assert not_judged(card(mono), song("p", 0, "clipped")) is None


def test_a_recording_is_heard_once_and_silence_is_no_recording():
    songs = [song("a", 0), song("b", 0), song("a", 0, take=1), song("c", 1, "silent"), song("d", 1, "silent")]
    selection = select_songs(card(True), songs)
    assert [one.prompt.id for one in selection.songs] == ["a", "c", "d"]
    assert [(entry["prompt"], entry["take"], entry["reason"]) for entry in selection.left_out] == [
        ("b", 0, "the same recording as a"),
        ("a", 1, "the same recording as a"),
    ]


def test_opposite_channels_are_left_out_of_sets_and_bad_songs_are_not():
    songs = [song("a", 0, "antiphase"), song("b", 1, "very short", "clipped"), song("c", 2)]
    assert [one.prompt.id for one in select_songs(card(True), songs).songs] == ["b", "c"]
    assert [one.prompt.id for one in select_songs(card(False), songs).songs] == ["a", "b", "c"]


def test_lists_of_songs_left_out_are_joined():
    first, second = leave_out(song("a", 0), "why"), leave_out(song("b", 1), "because", failed=True)
    scores = with_left_out(Scores(values={"m": 1.0}), [first], [])
    assert with_left_out(scores, [second], [first]).detail == {
        "left_out": [second, first],
        "left_out_references": [first],
    }
    assert with_left_out(Scores(values={"m": 1.0}), [], []).detail == {}


def test_a_refusal_says_what_was_left_out():
    entry = leave_out(song("a", 0), "the same recording as b")
    refusal = with_left_out(NotApplicable("one song has no spread"), [entry, entry], [])
    assert refusal == NotApplicable("one song has no spread (2 left out: the same recording as b)")
    second = leave_out(song("b", 1), "the same recording as c")
    assert "2 left out, for example: the same recording as b" in str(
        with_left_out(NotApplicable(""), [entry, second], [])
    )
    failure = Failure("score", "broken")
    assert with_left_out(failure, [entry], []) is failure


def test_every_metric_of_a_mix_but_the_facts_of_its_signal_hears_mono():
    metrics = [name for name in registry.names(registry.METRICS) if not name.endswith("@probe")]
    mono = {name for name in metrics if registry.build_metric(name, {}).card.mono}
    assert set(metrics) - mono == {"audio", "loudness_balance", "rtf", "per@whisper-base-stem", "singmos@pro-stem"}
