"""Sound files as they come: cut short, joined, on another scale, of another kind than their name says."""

import struct

import numpy as np
import pytest
import soundfile

from songbench.domain.audio import Audio, check_audio, read_audio, read_audio_with_remarks
from songbench.domain.errors import InputError
from songbench.domain.mpeg import mpeg_facts

RATE = 44_100
KINDS = {
    "wav": ("WAV", "PCM_16"),
    "flac": ("FLAC", "PCM_16"),
    "mp3": ("MP3", None),
    "ogg": ("OGG", "VORBIS"),
    "opus": ("OGG", "OPUS"),
    "aiff": ("AIFF", "PCM_16"),
    "aifc": ("AIFF", "FLOAT"),
    "au": ("AU", "PCM_16"),
    "caf": ("CAF", "PCM_16"),
    "w64": ("W64", "PCM_16"),
    "rf64": ("RF64", "PCM_16"),
}


def music(seconds=4.0, rate=RATE, channels=2, quiet=0.0):
    """A beating tone with some noise, after `quiet` seconds of silence (which makes the mp3's rate vary)."""
    time = np.arange(round(seconds * rate)) / rate
    wave = 0.3 * np.sin(2 * np.pi * 330 * time) * (1 + 0.5 * np.sin(2 * np.pi * 2 * time))
    noise = 0.02 * np.random.default_rng(0).standard_normal((len(time), channels))
    return np.concatenate([np.zeros((round(quiet * rate), channels)), wave[:, None] + noise])


def write(path, samples=None, rate=RATE, kind=None, subtype=None):
    kind = kind or path.suffix[1:]
    rate = 48_000 if kind == "opus" else rate
    samples = music(rate=rate) if samples is None else samples
    container, usual = KINDS[kind]
    soundfile.write(path, samples, rate, format=container, subtype=subtype or usual)
    return path.read_bytes()


def message_of(path):
    with pytest.raises(InputError) as caught:
        read_audio(path)
    assert str(path) in str(caught.value)
    return str(caught.value)


def codes(path):
    return [remark.code for remark in read_audio_with_remarks(path)[1]]


# -- whole files -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_read_whole_and_without_a_remark(tmp_path, kind):
    path = tmp_path / f"a.{kind}"
    write(path)
    audio, remarks = read_audio_with_remarks(path)
    assert audio.seconds == pytest.approx(4.0, abs=0.001)
    assert remarks == ()


@pytest.mark.parametrize(
    ("rate", "channels"), [(8000, 1), (11025, 2), (22050, 6), (96_000, 2), (192_000, 1), (48_000, 8)]
)
def test_usual_rates_and_channels_are_read(tmp_path, rate, channels):
    write(tmp_path / "a.wav", music(0.5, rate, channels), rate)
    audio = read_audio(tmp_path / "a.wav")
    assert (audio.rate, audio.samples.shape) == (rate, (channels, rate // 2))


@pytest.mark.parametrize("size", [0xFFFFFFFF, 0x7FFFFFFF, 0x7FFFF000, 0])
def test_a_wav_from_a_pipe_is_whole(tmp_path, size):
    data = write(tmp_path / "a.wav")
    at = data.index(b"data") + 4
    (tmp_path / "a.wav").write_bytes(
        data[:4] + struct.pack("<I", 0xFFFFFFFF) + data[8:at] + struct.pack("<I", size) + data[at + 4 :]
    )
    audio, remarks = read_audio_with_remarks(tmp_path / "a.wav")
    assert audio.seconds == pytest.approx(4.0, abs=1e-4)
    assert remarks == ()


def test_chunks_after_the_sound_are_no_sound(tmp_path):
    data = write(tmp_path / "a.wav")
    (tmp_path / "a.wav").write_bytes(data + b"LIST" + struct.pack("<I", 100_000) + b"INFO" + bytes(99_996))
    audio, remarks = read_audio_with_remarks(tmp_path / "a.wav")
    assert audio.seconds == pytest.approx(4.0, abs=1e-4)
    assert remarks == ()


def test_tags_around_an_mp3_are_no_sound(tmp_path):
    data = write(tmp_path / "a.mp3")
    tagged = b"ID3\x04\x00\x00\x00\x00\x10\x00" + bytes(2048) + data + b"TAG" + bytes(125)
    (tmp_path / "a.mp3").write_bytes(tagged)
    audio, remarks = read_audio_with_remarks(tmp_path / "a.mp3")
    assert audio.seconds == pytest.approx(4.0, abs=0.03)
    assert remarks == ()


@pytest.mark.parametrize("kind", ["flac", "wav", "ogg"])
def test_tags_of_mp3s_before_other_kinds(tmp_path, kind):
    data = write(tmp_path / f"a.{kind}")
    (tmp_path / f"a.{kind}").write_bytes(b"ID3\x04\x00\x00\x00\x00\x01\x00" + bytes(128) + data)
    audio, remarks = read_audio_with_remarks(tmp_path / f"a.{kind}")
    assert audio.seconds == pytest.approx(4.0, abs=1e-3)
    assert remarks == ()


def test_an_mp3_of_varying_rate_without_a_header_is_read_whole(tmp_path):
    data = write(tmp_path / "a.mp3", music(quiet=4.0))
    facts = mpeg_facts(data)
    assert facts.headers == 1 and not facts.constant
    (tmp_path / "a.mp3").write_bytes(data[facts.first + facts.header_bytes :])
    assert read_audio(tmp_path / "a.mp3").seconds == pytest.approx(8.0, abs=0.1)


# -- files that end early ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("share", [0.4, 0.9])
@pytest.mark.parametrize("kind", KINDS)
def test_a_download_that_stopped_is_no_song(tmp_path, kind, share):
    path = tmp_path / f"a.{kind}"
    data = write(path)
    path.write_bytes(data[: int(share * len(data))])
    assert "ends early" in message_of(path) or "lost sync" in message_of(path)
    assert "again" in message_of(path)


@pytest.mark.parametrize("kind", ["wav", "aiff", "au", "w64", "rf64", "mp3"])
def test_it_says_how_much_is_there(tmp_path, kind):
    path = tmp_path / f"a.{kind}"
    data = write(path)
    path.write_bytes(data[: int(0.4 * len(data))])
    assert "1.6 of 4.0 s are there" in message_of(path)


def test_a_header_alone_is_no_song(tmp_path):
    data = write(tmp_path / "a.wav")
    at = data.index(b"data") + 8
    (tmp_path / "a.wav").write_bytes(data[:at])
    assert "nothing behind its header" in message_of(tmp_path / "a.wav")
    write(tmp_path / "b.wav", np.zeros((0, 2)))
    assert "no samples" in message_of(tmp_path / "b.wav")


def test_an_end_that_cannot_be_known_is_remarked(tmp_path):
    data = write(tmp_path / "a.mp3")
    facts = mpeg_facts(data)
    (tmp_path / "a.mp3").write_bytes(data[facts.first + facts.header_bytes : int(0.4 * len(data))])
    assert codes(tmp_path / "a.mp3") == ["end torn"]
    data = write(tmp_path / "a.ogg")
    (tmp_path / "a.ogg").write_bytes(data[: data.rindex(b"OggS")])
    assert codes(tmp_path / "a.ogg") == ["end unmarked"]


# -- joined files ------------------------------------------------------------------------------------------------------


def test_joined_mp3s_are_heard_whole_and_named(tmp_path):
    data = write(tmp_path / "a.mp3")
    (tmp_path / "a.mp3").write_bytes(data + data)
    audio, remarks = read_audio_with_remarks(tmp_path / "a.mp3")
    assert audio.seconds == pytest.approx(8.0, abs=0.2)
    assert [remark.code for remark in remarks] == ["joined"]


def test_unlike_recordings_in_one_mp3_are_refused(tmp_path):
    joined = write(tmp_path / "a.mp3") + write(tmp_path / "b.mp3", music(rate=48_000), 48_000)
    (tmp_path / "a.mp3").write_bytes(joined)
    assert "44100 Hz with 2 channels and 48000 Hz with 2 channels" in message_of(tmp_path / "a.mp3")
    assert "ffmpeg -i" in message_of(tmp_path / "a.mp3")


def test_joined_oggs_are_refused_as_only_the_first_is_read(tmp_path):
    data = write(tmp_path / "a.ogg")
    (tmp_path / "a.ogg").write_bytes(data + data)
    assert "2 recordings follow each other" in message_of(tmp_path / "a.ogg")


def test_sound_behind_a_wav_is_named(tmp_path):
    data = write(tmp_path / "a.wav")
    at = data.index(b"data") + 4
    (tmp_path / "a.wav").write_bytes(data[:at] + struct.pack("<I", RATE * 4) + data[at + 4 :])
    audio, remarks = read_audio_with_remarks(tmp_path / "a.wav")
    assert audio.seconds == pytest.approx(1.0)
    assert [remark.code for remark in remarks] == ["more sound"]


# -- what no song is ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rate", "channels", "words"),
    [(1, 1, "A rate of 1 "), (4000, 2, "A rate of 4000"), (2_000_000, 2, "2000000"), (44_100, 9, "9 channels")],
)
def test_absurd_headers(tmp_path, rate, channels, words):
    write(tmp_path / "a.wav", np.zeros((1000, channels)), rate)
    assert words in message_of(tmp_path / "a.wav")


def test_absurd_length_is_refused_before_it_is_decoded(tmp_path):
    data = bytearray(write(tmp_path / "a.flac"))
    data[8 + 13] = data[8 + 13] & 0xF0 | 1  # STREAMINFO: the highest bits of the number of samples
    (tmp_path / "a.flac").write_bytes(data)
    assert "at most 3600 s" in message_of(tmp_path / "a.flac")


@pytest.mark.parametrize("scale", [128, 32_768, 2**31])
def test_integers_written_as_floats_are_no_sound(tmp_path, scale):
    write(tmp_path / "a.wav", (music() * scale).astype(np.float32), subtype="FLOAT")
    assert "on another scale" in message_of(tmp_path / "a.wav")
    assert "32768" in message_of(tmp_path / "a.wav")


def test_peaks_a_little_beyond_full_scale_are_kept():
    check_audio(Audio(np.full((1, 100), 1.5, np.float32), RATE))
    with pytest.raises(InputError, match="NaN"):
        check_audio(Audio(np.full((1, 100), np.nan, np.float32), RATE))


# -- other kinds of file -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"<!DOCTYPE html><html><body>Log in</body></html>", "a web page"),
        (b"\n\n <HTML><head>", "a web page"),
        (b'<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>', "XML"),
        (b'{"detail": "Not found"}', "JSON"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n", "git lfs pull"),
        (b"Access denied. Please log in.", "text, not sound: it begins with 'Access denied"),
        (b"\0\0\0\x20ftypM4A \0\0\0\0" + bytes(99), "ffmpeg -i"),
        (b"\0\0\0\x18ftypmp42" + bytes(99), "MPEG-4"),
        (b"\x1aE\xdf\xa3" + bytes(99), "WebM"),
        (b"0&\xb2u\x8ef\xcf\x11" + bytes(99), "Windows Media"),
        (b"\xff\xf1\x50\x80" + bytes(99), "AAC"),
        (b"ID3\x04\x00\x00\x00\x00\x00\x0a" + bytes(10) + b"\xff\xf1\x50\x80" + bytes(99), "AAC"),
        (b"MThd" + bytes(99), "MIDI"),
        (b"PK\x03\x04" + bytes(99), "archive"),
        (bytes(4096), "zero bytes"),
        (b"RIFF....WAVEjunk", "decoded"),
        (b"\x01\x02\x03\xfe" * 500, "cannot be decoded"),
    ],
)
@pytest.mark.parametrize("name", ["song.mp3", "song.wav", "song.raw"])
def test_other_kinds_are_called_what_they_are(tmp_path, content, words, name):
    (tmp_path / name).write_bytes(content)
    assert words in message_of(tmp_path / name)


def test_the_content_counts_and_not_the_suffix(tmp_path):
    write(tmp_path / "a.mp3", kind="wav")
    assert read_audio(tmp_path / "a.mp3").seconds == pytest.approx(4.0)


def test_folders_and_impossible_names(tmp_path):
    assert "folder" in message_of(tmp_path)
    for name in ("none.wav", "x" * 300 + ".wav", "a\0b.wav"):
        assert "audio file" in message_of(tmp_path / name)


@pytest.mark.parametrize(
    ("samples", "peak"), [([0.5, -0.75], 0.75), ([0.0], 0.0), ([np.inf, 0], np.inf), ([-np.inf, 0], np.inf)]
)
def test_peak(samples, peak):
    assert Audio(np.array([samples], np.float32), RATE).peak == peak


def test_the_peak_of_what_is_no_number_is_none():
    assert np.isnan(Audio(np.array([[0.5, np.nan, 2.0]], np.float32), RATE).peak)
