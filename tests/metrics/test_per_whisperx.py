"""PER with WhisperX: its side fields by hand, the order of its questions, the whole pipeline on stand-in weights."""

import importlib.util
from fractions import Fraction

import numpy as np
import pytest

from metrics import per
from metrics.features.demucs_stems import HTDEMUCS_TORCH
from metrics.features.transcript import WHISPER_BASE
from metrics.features.whisperx_transcript import WHISPER_LARGE_V3
from metrics.per import (
    SIDE_FIELDS,
    compare,
    repeated,
    whisper_base_mix,
    whisperx_large_v3,
    whisperx_large_v3_mix,
    with_side_fields,
)
from songbench.contracts.feature import Feature
from songbench.contracts.metric import SongMetric
from songbench.domain.audio import Audio, AudioFile, MemoryAudio
from songbench.domain.lyrics import parse_lyrics
from songbench.domain.prompt import Prompt
from songbench.domain.score import NotApplicable, Scores
from songbench.domain.song import Failure, Request, Song
from songbench.execution.features import StoredFeatures
from songbench.execution.store import Store
from songbench.resources import weights

BOTH = [whisperx_large_v3, whisperx_large_v3_mix]


def song(lyrics="[verse]\nHello world", language="en", source=None):
    audio = source or MemoryAudio(Audio(np.ones((1, 8), np.float32), 16_000))
    return Song(
        request=Request(prompt=Prompt(id="p", lyrics=parse_lyrics(lyrics), language=language), take=0, seed=0),
        source=audio,
    )


def transcript_of(text, passed=6.0):
    return {"text": text, "segments": [], "dropped": [], "silent": not text, "seconds": 8.0, "passed": passed}


def sides(lines, text, **facts):
    data = transcript_of(text, **facts)
    return with_side_fields(compare(lines, data), lines, data)


class Asked:
    """Features that know what is sung in which audio, and note who asks for what."""

    def __init__(self, text="hello world"):
        self.text, self.calls = text, []

    def of(self, extractor, sources):
        self.calls.append((extractor, list(sources)))
        if extractor.name == "stems":
            voice = Feature({"vocals": np.zeros(4, np.uint8)}, {"peak": {"vocals": 1.0}})
            return [Failure("feature", "broken") if weight.load().samples.min() < 0 else voice for weight in sources]
        return [Feature(data=transcript_of(self.text)) for _ in sources]


# --- fields


def test_per_is_the_same_as_of_other_backends():
    lines, text = ["Hello world", "choose fire"], "hello word choose a fire"
    plain, result = compare(lines, transcript_of(text)), sides(lines, text)
    assert {name: result.values[name] for name in plain.values} == dict(plain.values)
    assert {name: result.weights[name] for name in plain.weights} == dict(plain.weights)
    assert set(result.values) == {field.name for field in (*per.FIELDS, *SIDE_FIELDS)}


def test_clipped():
    assert sides(["go"], "go " * 6).values["per_clipped"] == 100
    assert sides(["Hello world"], "hello").values["per_clipped"] == 50


def test_characters():
    assert sides(["Hello, world!"], "hello word").values["cer"] == 10
    assert sides(["我爱你"], "我爱她").values["cer"] == pytest.approx(100 / 3)
    assert sides(["我爱你"], "我愛你").values["cer"] == pytest.approx(100 / 3)  # as the field's description warns


def test_passed_is_a_share_of_the_audio():
    result = sides(["Hello world"], "hello world")
    assert result.values["passed"] == 75 and result.weights["passed"] == 8
    assert sides(["Hello world"], "", passed=0.0).values["passed"] == 0


def test_repeated_by_hand():
    lyrics = list("abcdefghij")  # five runs of six
    assert repeated(lyrics, lyrics) == (0, 5)
    assert repeated(lyrics, lyrics + lyrics) == (5, 5)
    assert repeated(lyrics, lyrics[:6] + lyrics) == (1, 5)
    assert repeated(lyrics, lyrics[:5] + lyrics) == (0, 5)
    assert repeated(lyrics, list("0123456789") + lyrics) == (0, 5)
    assert repeated(list("aaaaaaa"), list("a" * 10)) == (3, 2)
    assert repeated(list("ab"), list("abab")) == (1, 1)
    assert repeated(lyrics, []) == (0, 5)


def test_repetition_tells_a_chorus_sung_twice_from_other_words():
    verse, chorus = "Morning comes in slowly over the railway line", "Keep the summer going till the river understands"
    unrelated = "Nobody ever asked a question about Bordeaux"
    assert sides([verse, chorus], f"{verse} {chorus}").values["repetition"] == 0
    twice, strange = (
        sides([verse, chorus], f"{verse} {chorus} {chorus}"),
        sides([verse, chorus], f"{verse} {chorus} {unrelated}"),
    )
    assert 40 < twice.values["repetition"] < 60 and strange.values["repetition"] < 3
    assert sides([verse, chorus, chorus], f"{verse} {chorus} {chorus}").values["repetition"] == 0


# --- the order of the questions


def test_all_songs_are_separated_before_the_first_is_transcribed():
    negative = MemoryAudio(Audio(np.full((1, 8), -1, np.float32), 16_000))
    songs = [
        song(),
        song("[inst]"),
        song("[verse]\n我爱你", "zh"),
        song(source=negative),
        song(),
        song("[verse]\noui", "fr"),
    ]
    features = Asked()
    verdicts = list(whisperx_large_v3().score(songs, features))
    assert [type(weight) for weight in verdicts] == [Scores, NotApplicable, Scores, Failure, Scores, NotApplicable]
    assert verdicts[0] == verdicts[4] and verdicts[3] == Failure("feature", "broken")
    assert [(extractor.name, len(sources)) for extractor, sources in features.calls] == [
        ("stems", 4),
        ("whisperx transcript", 2),
        ("whisperx transcript", 1),
    ]
    assert features.calls[0][1] == [songs[i].source for i in (0, 2, 3, 4)]
    assert [extractor.language for extractor, _ in features.calls[1:]] == ["en", "zh"]
    assert list(whisperx_large_v3().score([], features)) == []


def test_a_verdict_does_not_depend_on_the_other_songs():
    songs = [song(), song("[verse]\nmixed 我爱你", "mixed"), song("[verse]\n我爱你", "zh")]
    for metric in (whisper_base_mix(), whisperx_large_v3_mix()):
        alone = [next(iter(metric.score([weight], Asked()))) for weight in songs]
        assert list(metric.score(songs, Asked())) == alone


def test_nothing_heard_is_100_percent():
    result = next(iter(whisperx_large_v3().score([song()], Asked(""))))
    assert result.values["per"] == result.values["del"] == result.values["cer"] == result.values["per_clipped"] == 100
    assert result.values["coverage"] == result.values["repetition"] == 0


# --- cards


@pytest.mark.parametrize("build", BOTH)
def test_card(build):
    metric = build()
    assert isinstance(metric, SongMetric)
    card = metric.card
    assert card.reference and card.procedure and card.verified and card.hears
    assert [field.name for field in card.fields if field.headline] == ["per"]
    assert set(sides(["Hello"], "hello").values) == {field.name for field in card.fields}
    assert "edaa852ec7" in card.procedure.revision
    assert not whisper_base_mix().card.reference and whisper_base_mix().card.version == "4"


def test_availability_names_what_is_missing(monkeypatch, tmp_path):
    monkeypatch.setenv("SONGBENCH_WEIGHTS", str(tmp_path))
    assert whisperx_large_v3().availability().cure == "songbench setup whisper-large-v3"
    monkeypatch.setattr(weights, "path", lambda weight: None if weight is HTDEMUCS_TORCH else tmp_path)
    assert whisperx_large_v3().availability().cure == "songbench setup htdemucs-torch --accept-licence"
    assert whisperx_large_v3_mix().availability() == whisper_base_mix().availability()
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "demucs" else name)
    state = whisperx_large_v3().availability()
    assert "'demucs'" in state.reason and state.cure == "pip install 'songbench[asr]'"


# --- the whole pipeline


@pytest.fixture
def stand_ins(monkeypatch, tmp_path):
    """Whisper base for large-v3, and a small random network for HTDemucs."""
    import torch

    from songbench.resources.cpu_imports import mend_cpu_imports

    mend_cpu_imports()
    from demucs.htdemucs import HTDemucs

    torch.manual_seed(0)
    names = ["drums", "bass", "other", "vocals"]
    network = HTDemucs(names, channels=8, bottom_channels=16, t_layers=1, t_heads=2, segment=Fraction(4))
    args, kwargs = network._init_args_kwargs
    torch.save(
        {"klass": HTDemucs, "args": args, "kwargs": kwargs, "state": network.state_dict()},
        tmp_path / HTDEMUCS_TORCH.files[0].name,
    )
    base = weights.path(WHISPER_BASE)
    if base is None:
        pytest.skip(weights.availability(WHISPER_BASE).reason)
    folders = {WHISPER_LARGE_V3.name: base, HTDEMUCS_TORCH.name: tmp_path}
    for look in ("path", "verified"):  # other files under these names, which the check of checksums would refuse
        monkeypatch.setattr(weights, look, lambda weight: folders[weight.name])


def test_pipeline_on_odd_songs(stand_ins, tmp_path):
    import soundfile

    from systems.rulebased.speech import speak

    line = "Every town we pass is shining in the rain"
    voice, rate = speak([line], "en", "female")
    soundfile.write(tmp_path / "nan.wav", np.array([0.1, np.nan], np.float32), 8000, subtype="FLOAT")
    sources = [
        MemoryAudio(Audio(np.repeat(voice[None], 2, axis=0), rate)),
        AudioFile(tmp_path / "nan.wav"),
        MemoryAudio(Audio(np.zeros((2, 16_000), np.float32), 16_000)),
        MemoryAudio(Audio(voice[None, : round(0.3 * rate)], rate)),
        MemoryAudio(Audio(voice[None], rate).at(8000)),
    ]
    songs = [song(f"[verse]\n{line}", source=source) for source in sources]
    features = StoredFeatures(Store(str(tmp_path / "store")))
    mix = list(whisperx_large_v3_mix().score(songs, features))
    assert mix[0].values["per"] < 25 and mix[4].values["per"] < 50
    vocals = list(whisperx_large_v3().score(songs[:4], features))
    for verdicts in (mix, vocals):
        assert isinstance(verdicts[1], Failure) and "NaN" in verdicts[1].cause
        assert verdicts[2].values["per"] == 100 and verdicts[2].values["passed"] == 0
        assert all(isinstance(weight, Scores) for weight in (verdicts[0], *verdicts[2:]))
        assert all(0 <= weight.values["passed"] <= 100 for weight in (verdicts[0], *verdicts[2:]))
    assert list(whisperx_large_v3().score([songs[0]], features)) == vocals[:1]
