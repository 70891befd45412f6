import numpy as np
import pytest
import soundfile

from songbench.domain.audio import Audio, AudioFile, MemoryAudio, read_audio
from songbench.domain.errors import InputError, nearest
from songbench.domain.hashing import KeyPrefix, canonical_json, content_key, derived_seed
from songbench.domain.score import Scores


def tone(rate=44100, seconds=0.5, channels=2):
    t = np.arange(round(rate * seconds)) / rate
    return Audio(np.stack([0.4 * np.sin(2 * np.pi * 440 * t)] * channels).astype("float32"), rate)


@pytest.mark.parametrize("suffix", ["wav", "flac", "mp3", "ogg"])
def test_reads_every_kind_at_any_rate(tmp_path, suffix):
    path = tmp_path / f"a.{suffix}"
    soundfile.write(path, tone(22050).samples.T, 22050)
    audio = read_audio(path)
    assert audio.rate == 22050
    assert audio.samples.shape[0] == 2
    assert audio.seconds == pytest.approx(0.5, abs=0.06)
    assert np.sqrt(np.mean(audio.samples**2)) == pytest.approx(0.4 / np.sqrt(2), rel=0.1)


def test_resampling_keeps_pitch_and_level():
    audio = tone(44100).at(16000).mono()
    spectrum = np.abs(np.fft.rfft(audio.samples[0]))
    assert np.argmax(spectrum) * 16000 / audio.samples.shape[1] == pytest.approx(440, abs=3)
    assert audio.samples.shape == (1, 8000)


def test_cut_is_exact_and_stops_at_the_end():
    audio = tone(1000, 2.0)
    assert audio.cut(0.5, 1.0).samples.shape == (2, 1000)
    assert audio.cut(1.5, 1.0).seconds == 0.5
    for start, seconds in ((-0.5, 1.0), (2.0, 1.0), (0.0, 0.0), (float("nan"), 1.0)):
        with pytest.raises(InputError, match="no cut"):
            audio.cut(start, seconds)


@pytest.mark.parametrize(("content", "words"), [(b"", "empty"), (b"not audio at all", "is text, not sound")])
def test_broken_files_are_named(tmp_path, content, words):
    path = tmp_path / "bad.wav"
    path.write_bytes(content)
    with pytest.raises(InputError, match=words) as caught:
        AudioFile(path).load()
    assert caught.value.file == str(path)
    with pytest.raises(InputError, match="No such audio file"):
        read_audio(tmp_path / "none.wav")


def test_nan_in_a_file_is_refused(tmp_path):
    path = tmp_path / "nan.wav"
    soundfile.write(path, np.array([0.0, np.nan, 0.1]), 8000, subtype="FLOAT")
    with pytest.raises(InputError, match="NaN"):
        read_audio(path)


def test_digest_is_of_content(tmp_path):
    assert MemoryAudio(tone()).digest == MemoryAudio(tone()).digest
    assert MemoryAudio(tone()).digest != MemoryAudio(tone(48000)).digest
    with pytest.raises(InputError, match="float32"):
        Audio(np.zeros(5), 8000)


def test_keys_ignore_order_and_refuse_nan():
    assert content_key({"a": 1, "b": [1.5, "é"]}) == content_key({"b": [1.5, "é"], "a": 1})
    assert content_key("a", "b") != content_key("ab")
    assert canonical_json({"b": None, "a": "你"}) == '{"a":"你","b":null}'
    first, rest = ("score", {"b": 1.5, "a": "你"}), ('key"', {"take": 1, "seed": None}, None)
    assert KeyPrefix(*first).key(*rest) == content_key(*first, *rest)
    assert KeyPrefix(*first).key("key") == content_key(*first, "key")
    assert list(KeyPrefix(*first).keys(["key", "ö"])) == [content_key(*first, "key"), content_key(*first, "ö")]
    with pytest.raises(ValueError, match="JSON"):
        content_key(float("nan"))
    assert 0 <= derived_seed(0, "p", 1) < 2**31
    assert len({derived_seed(0, f"p{i}", t) for i in range(50) for t in range(3)}) == 150


def test_scores_refuse_nan_and_round_trip():
    with pytest.raises(InputError, match="per"):
        Scores(values={"per": float("nan")})
    scores = Scores(values={"per": 12.5}, weights={"per": 40.0}, n=1, leave_one_out={}, detail={"text": "la"})
    assert Scores.from_json(scores.to_json()) == scores


def test_nearest_spelling():
    assert nearest("Rulbased", ["rulebased", "noise"]) == "rulebased"
    assert nearest("xyz", ["rulebased", "noise"]) is None
