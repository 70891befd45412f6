import numpy as np
import pytest

from metrics.rtf import Rtf
from songbench.contracts.metric import SongMetric
from songbench.domain.audio import Audio, AudioFile
from songbench.domain.lyrics import parse_lyrics
from songbench.domain.prompt import Prompt
from songbench.domain.score import NotApplicable
from songbench.domain.song import Failure, GenerationRecord, Request, Song, memory_song

REQUEST = Request(prompt=Prompt(id="p", lyrics=parse_lyrics("[verse]\nla")), take=0, seed=0)


def song_of(audio_seconds, compute, peak=None):
    audio = Audio(np.zeros((2, round(audio_seconds * 1000)), np.float32), 1000)
    return memory_song(REQUEST, audio, GenerationRecord(seconds=compute, device="cuda:0 X", peak_gib=peak))


def test_system_figure_is_total_compute_over_total_audio():
    scores = list(Rtf().score([song_of(10, 5, 2.5), song_of(30, 3, 3.5)], None))
    assert [s.values["rtf"] for s in scores] == [0.5, 0.1]
    assert [s.values["peak_gib"] for s in scores] == [2.5, 3.5]
    total = sum(s.values["rtf"] * s.weights["rtf"] for s in scores) / sum(s.weights["rtf"] for s in scores)
    assert total == pytest.approx(8 / 40)
    assert scores[0].detail["device"] == "cuda:0 X"


def test_unknown_memory_is_left_out():
    (score,) = Rtf().score([song_of(10, 5)], None)
    assert set(score.values) == {"rtf"}


def test_imported_and_broken_songs(tmp_path):
    assert next(iter(Rtf().score([song_of(10, None)], None))).reason.startswith("not generated here")
    assert isinstance(next(iter(Rtf().score([song_of(0, 1)], None))), NotApplicable)
    missing = Song(request=REQUEST, source=AudioFile(tmp_path / "gone.wav"), record=GenerationRecord(seconds=1.0))
    assert isinstance(next(iter(Rtf().score([missing], None))), Failure)


def test_card():
    assert isinstance(Rtf(), SongMetric)
    card = Rtf().card
    assert card.citation and card.limits and "arm-up" in card.limits
    assert [(field.name, field.direction) for field in card.fields] == [("rtf", "lower"), ("peak_gib", "lower")]
