import ctypes
import shutil
from types import SimpleNamespace

import numpy as np
import pytest

from metrics.features.transcript import RATE, WHISPER_BASE, Transcript, whisper_language
from metrics.functional import phonemes
from metrics.per import compare
from songbench.contracts.feature import Extractor
from songbench.domain.audio import Audio, AudioFile, MemoryAudio
from songbench.domain.song import Failure
from songbench.resources import weights

RIGHT = ("Morning comes in slowly over the railway line", "Every town we pass is shining in the rain")
WRONG = ("We were only children with the world in our hands", "Keep the summer going till the river understands")

_missing = weights.availability(WHISPER_BASE)
needs_model = pytest.mark.skipif(not _missing.ready, reason=f"{_missing.reason}: {_missing.cure}")


@pytest.fixture(scope="module")
def speech(tmp_path_factory):
    """Plain synthetic speech of `RIGHT`, from a library of its own so that no other user of espeak-ng is disturbed."""
    if not phonemes.availability().ready:
        pytest.skip(phonemes.availability().reason)
    import espeakng_loader

    copy = tmp_path_factory.mktemp("espeak") / "espeak.so"
    shutil.copyfile(espeakng_loader.get_library_path(), copy)
    library, pieces = ctypes.CDLL(str(copy)), []
    callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)

    @callback
    def collect(wave, count, _events):
        if wave and count > 0:
            pieces.append(np.ctypeslib.as_array(wave, (count,)).astype(np.float32) / 32768)
        return 0

    rate = library.espeak_Initialize(2, 0, espeakng_loader.get_data_path().encode(), 0x8000)
    library.espeak_SetSynthCallback(collect)
    assert library.espeak_SetVoiceByName(b"en-us") == 0
    library.espeak_SetParameter(1, 140, 0)
    for line in RIGHT:
        text = line.encode()
        library.espeak_Synth(text, len(text) + 1, 0, 1, 0, 1, None, None)
        pieces.append(np.zeros(rate // 3, np.float32))
    return MemoryAudio(Audio(np.concatenate(pieces)[None], rate))


def transcribed(source, language="en"):
    return next(iter(Transcript(language).extract([source])))


@pytest.fixture(scope="module")
def transcript(speech):
    """What is heard of it alone."""
    return transcribed(speech)


@needs_model
def test_speech_is_understood_and_wrong_lyrics_are_noticed(transcript):
    assert compare(RIGHT, transcript.data).values["per"] < 25
    assert compare(WRONG, transcript.data).values["per"] > 60
    assert transcript.data["dropped"] == []


@needs_model
def test_same_audio_gives_the_same_text_in_any_company(speech, transcript):
    noise = MemoryAudio(Audio(0.1 * np.random.default_rng(1).standard_normal((1, RATE)).astype(np.float32), RATE))
    stereo = MemoryAudio(Audio(np.repeat(speech.audio.samples, 2, axis=0), speech.audio.rate))
    _, second = Transcript("en").extract([noise, stereo])
    assert transcript == second


@needs_model
@pytest.mark.parametrize("seconds", [pytest.param(20, marks=pytest.mark.slow), 35])
def test_lyrics_after_a_long_silence_are_heard(speech, seconds):
    rate = speech.audio.rate
    pause = np.zeros((1, seconds * rate), np.float32)
    transcript = transcribed(MemoryAudio(Audio(np.concatenate([pause, speech.audio.samples], axis=1), rate)))
    assert compare(RIGHT, transcript.data).values["per"] < 25
    assert transcript.data["segments"][0]["start"] == pytest.approx(seconds, abs=0.5)


def test_silence_is_empty_without_the_model(monkeypatch):
    monkeypatch.setattr(Transcript, "_model", None)
    for samples in (np.zeros((2, RATE)), np.full((1, RATE), 9e-4), np.zeros((1, 0))):
        transcript = transcribed(MemoryAudio(Audio(samples.astype(np.float32), RATE)))
        assert transcript.data == {"text": "", "segments": [], "dropped": [], "silent": True}


class FakeModel:
    """Says what it is told: for each call (text, compression ratio, no-speech probability, mean log probability)."""

    def __init__(self, *answers):
        self.answers, self.lengths = list(answers), []

    def transcribe(self, samples, **_):
        self.lengths.append(samples.size / RATE)
        names = "text", "compression_ratio", "no_speech_prob", "avg_logprob"
        return [SimpleNamespace(**dict(zip(names, self.answers.pop(0), strict=True)))], None


def hear(monkeypatch, seconds, *answers):
    model = FakeModel(*answers)
    monkeypatch.setattr(Transcript, "_model", lambda self: model)
    transcript = transcribed(MemoryAudio(Audio(np.ones((1, round(seconds * RATE)), np.float32), RATE)))
    assert not model.answers
    return transcript, model.lengths


def test_windows_without_speech_are_dropped_and_kept_on_record(monkeypatch):
    transcript, _ = hear(monkeypatch, 3, (" thank you", 1.0, 0.9, -1.5))
    assert transcript.data["text"] == "" and not transcript.data["silent"]
    assert transcript.data["dropped"][0]["text"] == "thank you"
    transcript, _ = hear(monkeypatch, 3, (" sure of it", 1.0, 0.9, -0.5))
    assert transcript.data["text"] == "sure of it"


def test_loops_are_heard_again_in_halves_then_dropped(monkeypatch):
    loop = (" la la", 3.0, 0.1, -0.1)
    transcript, lengths = hear(monkeypatch, 12, loop, (" one", 1.0, 0.1, -0.1), (" two", 1.0, 0.1, -0.1))
    assert transcript.data["text"] == "one\ntwo"
    assert transcript.data["dropped"] == []
    assert lengths[0] == 12 and sum(lengths[1:]) == 12
    transcript, lengths = hear(monkeypatch, 7, loop)
    assert transcript.data["text"] == "" and len(lengths) == 1
    assert transcript.data["dropped"][0]["reason"].startswith("repetitive")


def test_broken_file_is_a_failure_of_its_own(tmp_path):
    quiet = MemoryAudio(Audio(np.zeros((1, 9), np.float32), RATE))
    broken, good = Transcript("en").extract([AudioFile(tmp_path / "gone.wav"), quiet])
    assert isinstance(broken, Failure) and "gone.wav" in broken.cause
    assert good.data["silent"]


def test_identity_and_language():
    assert isinstance(Transcript("en"), Extractor)
    assert Transcript("en").identity != Transcript("zh").identity
    assert [whisper_language(language) for language in ("en", "zh", "mixed")] == ["en", "zh", "zh"]
