"""``songbench sing`` as people type it: files that play, takes, mistakes, what is left behind when it is stopped."""

import os
import signal
import time

import command_line
import numpy as np
import pytest
import soundfile
from songbloom_cases import (
    ENDS_AT_ONCE,
    LYRICS,
    NEVER_ENDS,
    SHORT,
    calm_checkpoint,
    music,
    needs_text,
    write_audio,
)

from songbench.domain.errors import StoreWriteError
from systems.songbloom import load, singing
from systems.songbloom.command import _outcome, _SoundFile
from systems.songbloom.singing import SongSummary

SECONDS, RATE = 2.56, 48_000


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory):
    folder = tmp_path_factory.mktemp("checkpoints")
    for name, bias in (("long", NEVER_ENDS), ("none", ENDS_AT_ONCE)):
        calm_checkpoint(folder / name, end_bias=bias)
    return folder


@pytest.fixture(scope="module")
def singer(checkpoints):
    return load(checkpoints / "long", "cpu")


@pytest.fixture
def sing(songbench_here, tmp_path, checkpoints):
    """A function that runs the command, here or otherwise, with lyrics and a prompt that lie there."""
    (tmp_path / "song.txt").write_text(LYRICS, encoding="utf-8-sig")  # as some editors save it
    write_audio(tmp_path / "style.wav", music(1.5))

    def run(*words, lyrics="song.txt", prompt="style.wav", model="long", command=songbench_here):
        arguments = [lyrics, "--prompt", prompt, "--model", checkpoints / model, "--device", "cpu"]
        process = command("sing", *arguments, *words, folders=False)
        assert "Traceback" not in process.stderr
        return process

    return run


def left(tmp_path):
    return sorted(path.name for path in tmp_path.iterdir() if path.name not in ("song.txt", "style.wav"))


@needs_text
class TestSongs:
    def test_takes_are_the_songs_of_their_seeds(self, sing, songbench, singer, tmp_path):
        process = sing("--seed", "7", "--takes", "2", command=songbench)
        assert process.returncode == 0, process.stderr
        assert left(tmp_path) == ["song_s7.flac", "song_s8.flac"]
        for seed in (7, 8):
            samples, rate = soundfile.read(tmp_path / f"song_s{seed}.flac", always_2d=True)
            assert rate == RATE
            alone = singing.sing(singer, LYRICS, tmp_path / "style.wav", seed)
            assert samples.T.shape == alone.samples.shape == (2, round(SECONDS * RATE))
            assert np.abs(samples.T - alone.samples).max() < 1e-5
            assert f"song_s{seed}.flac: 2.6 s of music, ended by the longest length; computed in" in process.stdout

    def test_wav(self, sing, singer, tmp_path):
        process = sing("--out", "loud.WAV", "--set", "max_seconds=1", "--set", "guidance=2")
        assert process.returncode == 0, process.stderr
        samples, rate = soundfile.read(tmp_path / "loud.WAV", always_2d=True, dtype="float32")
        alone = singing.sing(singer, LYRICS, tmp_path / "style.wav", max_seconds=1.0, guidance=2)
        assert (samples.shape, rate) == ((round(1.28 * RATE), 2), RATE)
        assert np.abs(samples.T - alone.samples).max() < 1e-5

    def test_mp3_over_an_older_file(self, sing, tmp_path):
        (tmp_path / "song.mp3").write_text("older")
        words = ("--out", "song.mp3", "--set", "max_seconds=2.5")
        refused = sing(*words)
        assert refused.returncode == 2
        assert "'song.mp3' is there already. Add --overwrite" in refused.stderr
        assert (tmp_path / "song.mp3").read_text() == "older"
        process = sing(*words, "--overwrite")
        assert process.returncode == 0, process.stderr
        facts = soundfile.info(tmp_path / "song.mp3")
        assert (facts.format, facts.samplerate, facts.channels) == ("MP3", RATE, 2)
        assert abs(facts.duration - 2.56) < 0.1

    def test_a_song_that_ends_at_once(self, sing, tmp_path):
        process = sing(model="none")
        assert process.returncode == 1
        assert "song.flac: not written, the model ended the song before it began; try another seed" in process.stderr
        assert left(tmp_path) == []

    def test_what_is_odd_about_the_lyrics_is_said(self, sing, tmp_path):
        (tmp_path / "odd.txt").write_text("[verse]\nla la\nChorus:\nla\n\n[outro]\n00:10.00 la la\n")
        stderr = sing(lyrics="odd.txt", model="none").stderr
        for words in (
            "sung line 2 looks like a section heading: 'Chorus:'",
            "time stamps are left out (line 7",
            "[outro]",
        ):
            assert words in stderr

    def test_stopping_leaves_nothing(self, tmp_path, checkpoints):
        (tmp_path / "song.txt").write_text(LYRICS, encoding="utf-8")
        write_audio(tmp_path / "style.wav", music(1.5))
        words = ["--prompt", "style.wav", "--model", str(checkpoints / "long"), "--device", "cpu"]
        line = ["sing", "song.txt", *words, "--set", "max_seconds=300"]
        process = command_line.start(line, cwd=tmp_path, env=os.environ, output=tmp_path / "told")
        try:
            deadline = time.monotonic() + 120
            while (
                left(tmp_path) != [".song.flac.partial", "told"]
                and time.monotonic() < deadline
                and process.poll() is None
            ):
                time.sleep(0.05)
            assert left(tmp_path) == [".song.flac.partial", "told"]
            process.send_signal(signal.SIGINT)
            code = process.wait(timeout=60)
        finally:
            process.kill()
        message = (tmp_path / "told").read_text(encoding="utf-8")
        assert code == 130
        assert "Stopped. Songs that were not complete are not kept." in message
        assert "Traceback" not in message
        assert left(tmp_path) == ["told"]


class TestMistakes:
    """All are found before the model is loaded, most before anything is."""

    @pytest.mark.parametrize(
        ("words", "message"),
        [
            (["--out", "song.ogg"], "'song.ogg' is no audio file this can write. Allowed: .flac, .wav, .mp3"),
            (["--out", "nowhere/song.wav"], "There is no folder 'nowhere'"),
            (["--takes", "0"], "field '--takes': Expected a number >= 1, found 0"),
            (["--set", "stepz=3"], "Did you mean 'steps'?"),
            (["--set", "steps=["], "field 'steps': The value '[' cannot be read"),
            (["--set", "steps"], "Write key=value, e.g. --set steps=18"),
            (["--precision", "half"], "Allowed: float32, bfloat16"),
        ],
    )
    def test_options(self, sing, tmp_path, words, message):
        process = sing(*words)
        assert process.returncode == 2
        assert message in process.stderr
        assert left(tmp_path) == []

    def test_files(self, sing, tmp_path):
        (tmp_path / "bad.txt").write_text("[verse]\n月亮\n\n[vrese]\n月亮\n", encoding="utf-8")
        (tmp_path / "latin.txt").write_bytes("[verse]\né".encode("latin-1"))
        (tmp_path / "noise.wav").write_bytes(b"RIFFxxxxWAVEnot really")
        for words, message in (
            ({"lyrics": "none.txt"}, "none.txt: No such lyrics file"),
            ({"lyrics": "bad.txt"}, "bad.txt, line 4: Unknown section tag [vrese]. Did you mean 'verse'?"),
            ({"lyrics": "latin.txt"}, "latin.txt, line 2: This is not UTF-8 text"),
            ({"lyrics": "."}, "This is a folder, not a lyrics file"),
            ({"prompt": "none.wav"}, "none.wav: No such audio file"),
            ({"prompt": "noise.wav"}, "noise.wav: The audio cannot be decoded"),
        ):
            process = sing(**words)
            assert process.returncode == 2
            assert message in process.stderr
        assert left(tmp_path) == ["bad.txt", "latin.txt", "noise.wav"]

    @needs_text
    def test_what_this_model_cannot_do(self, sing, tmp_path):
        write_audio(tmp_path / "short.wav", music(0.5))
        process = sing(prompt="short.wav")
        assert process.returncode == 2
        assert (
            "short.wav, field 'prompt_wav': The style prompt lasts 0.50 s; this model follows prompts of 1 s."
            in process.stderr
        )

    def test_the_prompt_is_asked_for(self, songbench_here, tmp_path):
        (tmp_path / "song.txt").write_text(LYRICS, encoding="utf-8")
        process = songbench_here("sing", "song.txt", folders=False)
        assert process.returncode == 2
        assert "Missing option '--prompt'" in process.stderr

    def test_without_weights(self, songbench_here, tmp_path):
        (tmp_path / "song.txt").write_text(LYRICS, encoding="utf-8")
        write_audio(tmp_path / "style.wav", music(1.5))
        bare = {"SONGBENCH_WEIGHTS": str(tmp_path / "none")}
        process = songbench_here("sing", "song.txt", "--prompt", "style.wav", folders=False, env=bare)
        assert process.returncode == 4
        assert "Get them: songbench setup songbloom:full_150s --accept-licence" in process.stderr

    def test_help(self, songbench_here):
        text = " ".join(songbench_here("sing", "--help", folders=False).stdout.split())
        for word in ("[verse]", "[inst]", "--prompt", "--takes", "full_150s_dpo", "my-song.txt"):
            assert word in text
        assert "\\[" not in text


class TestSoundFiles:
    def test_a_disk_without_room(self, tmp_path, monkeypatch):
        sound = _SoundFile(tmp_path / "song.flac", RATE, 2)
        assert left(tmp_path) == [".song.flac.partial"]

        def full(*_):
            raise soundfile.LibsndfileError(2)

        monkeypatch.setattr(soundfile.SoundFile, "write", full)
        with pytest.raises(StoreWriteError, match=r"song\.flac' cannot be written .*room on the disk"):
            sound.write(np.zeros((2, 10), "float32"))
        assert left(tmp_path) == []

    @pytest.mark.parametrize(("name", "message"), [("a.flac", "peaks of +6.0 dB were cut off"), ("a.wav", None)])
    def test_samples_beyond_full_scale(self, tmp_path, name, message):
        sound = _SoundFile(tmp_path / name, RATE, 2)
        sound.write(np.full((2, RATE), 2.0, "float32"))
        sound.complete()
        text = _outcome(sound, SongSummary(0, RATE, "end token", {"sketch": 0.5}), RATE)
        assert "1.0 s of music, ended by the end token; computed in 0.5 s (sketch 0.5), 0.50 s per second" in text
        assert (message in text) if message else ("cut off" not in text)
        assert soundfile.read(tmp_path / name)[0].max() == pytest.approx(1.0 if message else 2.0, abs=1e-6)


def test_these_songs_are_as_long_as_assumed():
    assert SHORT.decoding.max_seconds == SECONDS
