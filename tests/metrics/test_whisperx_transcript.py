"""WhisperX with the weights of Whisper base, which every installation has, beside the package's own pipeline."""

import os
import socket

import numpy as np
import pytest

from metrics.features import models
from metrics.features.transcript import WHISPER_BASE
from metrics.features.whisperx_transcript import RATE, WHISPER_LARGE_V3, WhisperXTranscript, load_pipeline
from metrics.functional import phonemes
from metrics.per import compare
from songbench.contracts.feature import Extractor
from songbench.domain.audio import Audio, AudioFile, MemoryAudio
from songbench.domain.errors import UnavailableError
from songbench.domain.song import Failure
from songbench.resources import weights
from songbench.resources.residency import ResidentModels

LINES = (
    "Morning comes in slowly over the railway line",
    "Every town we pass is shining in the rain",
    "We were only children with the world in our hands",
    "Keep the summer going till the river understands",
)

_missing = [state for state in (weights.availability(WHISPER_BASE), phonemes.availability()) if not state.ready]
pytestmark = pytest.mark.skipif(bool(_missing), reason=" ".join(f"{state.reason}: {state.cure}" for state in _missing))


@pytest.fixture(scope="module")
def clips():
    """Spoken lines: one, and three so far apart that two of them make a piece and the third the next."""
    from systems.rulebased.speech import speak

    spoken = [speak([line], "en", voice) for line, voice in zip(LINES, ("female", "male") * 2, strict=True)]
    rate = spoken[0][1]
    gap = np.zeros(12 * rate, np.float32)
    voices = [voice for voice, _ in spoken]
    apart = np.concatenate([voices[0], gap, voices[1], gap, voices[3]])
    return [MemoryAudio(Audio(samples[None], rate)) for samples in (voices[2], apart)]


@pytest.fixture(scope="module")
def long():
    """Lines without a stop, enough for several pieces of 30 s."""
    from systems.rulebased.speech import speak

    voices = [speak([line], "en", voice) for line, voice in zip(LINES * 2, ("female", "male") * 4, strict=True)]
    pause = np.zeros(voices[0][1] // 2, np.float32)
    return MemoryAudio(
        Audio(np.concatenate([part for voice, _ in voices for part in (voice, pause)])[None], voices[0][1])
    )


@pytest.fixture(scope="module")
def upstream():
    """WhisperX's own pipeline, as its documentation builds it."""
    load_pipeline(weights.path(WHISPER_BASE))  # makes the package importable
    import whisperx

    return whisperx.load_model(str(weights.path(WHISPER_BASE)), "cpu", compute_type="float32", language="en", threads=1)


def transcripts(*sources, batch=16, language="en"):
    return list(WhisperXTranscript(language, WHISPER_BASE, batch).extract(sources))


def mono(source):
    return source.load().mono().at(RATE).samples[0]


@pytest.fixture(scope="module")
def together(clips):
    """All clips in one batch, from a fresh start and without a network."""

    def connect(*_):
        raise AssertionError("nothing may be fetched")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", connect)
        patch.setattr(models, "RESIDENT", ResidentModels())
        yield transcripts(*clips)


def as_upstream(clip, transcript, upstream):
    segments = upstream.transcribe(mono(clip), batch_size=4)["segments"]
    return [(part["start"], part["end"], part["text"].strip()) for part in segments] == [
        (part["start"], part["end"], part["text"]) for part in transcript.data["segments"]
    ]


@pytest.mark.slow
def test_the_text_is_that_of_whisperx(clips, together, upstream):
    assert as_upstream(clips[1], together[1], upstream)
    assert [len(transcript.data["segments"]) for transcript in together] == [1, 2]
    assert os.environ["PYANNOTE_METRICS_ENABLED"] == "false"


def test_speech_is_understood_and_silence_is_not_passed_on(together):
    speech, apart = (transcript.data for transcript in together)
    assert compare(LINES[2:3], speech).values["per"] < 25
    assert compare(LINES[:1], speech).values["per"] > 60
    assert compare((*LINES[:2], LINES[3]), apart).values["per"] < 25
    assert speech["passed"] <= speech["seconds"] and not speech["silent"] and speech["dropped"] == []


def test_the_batch_does_not_change_the_text(clips, together):
    assert transcripts(clips[1], batch=1) == together[1:]
    assert WhisperXTranscript("en", batch=1).identity == WhisperXTranscript("en", batch=16).identity


def test_odd_songs(clips, together, tmp_path):
    import soundfile

    rng = np.random.default_rng(0)
    soundfile.write(tmp_path / "nan.wav", np.array([0.1, np.nan], np.float32), 8000, subtype="FLOAT")
    soundfile.write(tmp_path / "low.wav", np.repeat(clips[0].audio.at(8000).samples.T, 2, axis=1), 8000)
    shapes = {"silent": np.zeros((2, RATE)), "short": 0.1 * rng.standard_normal((1, 4800)), "empty": np.zeros((1, 0))}
    still = [MemoryAudio(Audio(samples.astype(np.float32), RATE)) for samples in shapes.values()]
    tick = MemoryAudio(Audio(np.ones((1, 1), np.float32), RATE))
    broken, low, *rest, last = transcripts(
        AudioFile(tmp_path / "nan.wav"), AudioFile(tmp_path / "low.wav"), *still, tick, clips[0]
    )
    assert isinstance(broken, Failure) and "NaN" in broken.cause
    assert compare(LINES[2:3], low.data).values["per"] < 50
    for transcript in rest:
        assert (
            transcript.data["text"] == ""
            and transcript.data["silent"]
            and transcript.data["passed"] == 0 < transcript.data["seconds"]
        )
    assert last == together[0]


@pytest.mark.gpu
def test_an_accelerator_hears_the_same_words(clips, monkeypatch):
    import torch

    if not torch.cuda.is_available():
        pytest.skip("needs a CUDA device")
    together, alone = transcripts(*clips), transcripts(*clips, batch=1)
    monkeypatch.setattr(models, "device", lambda: torch.device("cpu"))
    monkeypatch.setattr(models, "RESIDENT", ResidentModels())
    texts = [[speech.data["text"] for speech in transcript] for transcript in (together, alone, transcripts(*clips))]
    assert texts[0] == texts[1] == texts[2]


@pytest.mark.slow
def test_the_text_of_long_and_short_passages_is_that_of_whisperx(clips, long, together, upstream):
    for batch in (1, 16):
        short, transcript = transcripts(clips[0], long, batch=batch)
        assert short == together[0] and as_upstream(clips[0], short, upstream)
        assert as_upstream(long, transcript, upstream) and len(transcript.data["segments"]) > 1


@pytest.mark.slow
def test_twenty_minutes(long):
    long = long.audio
    repeats = -(-20 * 60 * long.rate // long.samples.shape[1])
    (transcript,) = transcripts(MemoryAudio(Audio(np.tile(long.samples, repeats), long.rate)))
    assert transcript.data["seconds"] >= 1200
    assert compare(LINES * 2 * repeats, transcript.data).values["per"] < 25


def test_identity_and_weights(monkeypatch, tmp_path):
    assert isinstance(WhisperXTranscript("en"), Extractor)
    assert WhisperXTranscript("en").identity != WhisperXTranscript("zh").identity
    assert WhisperXTranscript("en").identity["weights"] != WhisperXTranscript("en", WHISPER_BASE).identity["weights"]
    assert WHISPER_LARGE_V3.pinned and not WHISPER_LARGE_V3.restricted
    monkeypatch.setenv("SONGBENCH_WEIGHTS", str(tmp_path))
    with pytest.raises(UnavailableError, match="songbench setup whisper-large-v3"):
        list(WhisperXTranscript("en").extract([]))
