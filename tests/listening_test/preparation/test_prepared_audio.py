"""The sound of stimuli: equal in everything but the song."""

import hashlib
import math
from dataclasses import replace

import numpy as np
import pyloudnorm
import pytest
import soundfile
import soxr
from small_material import RATE, music, quick_protocol, silent, small_material, small_protocol, with_song

from listening_test.preparation.build import prepare
from listening_test.preparation.sound import framed, loudness, outline, sounding, true_peak
from listening_test.prepared import AUDIO, check_audio, load_key, load_test
from songbench.domain.audio import Audio, AudioFile, MemoryAudio
from songbench.domain.errors import InputError
from songbench.domain.song import Song
from songbench.execution.results import SongId


def measurements(test):
    """Per stimulus: samples (n, channels), loudness, true peak, measured in the file."""
    for stimulus in test.stimuli.values():
        samples, rate = soundfile.read(test.folder / stimulus.file, always_2d=True)
        with np.errstate(divide="ignore"):
            level = pyloudnorm.Meter(rate).integrated_loudness(samples)
        finer = soxr.resample(samples, rate, 4 * rate)
        peak = 20 * math.log10(max(1e-9, np.abs(samples).max(), np.abs(finer).max()))
        yield stimulus, samples, level, peak


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    protocol = small_protocol(show={"lyrics": True, "prompt_audio": True})
    return prepare(small_material(samples=True), protocol, tmp_path_factory.mktemp("t"))


def test_every_stimulus_has_the_same_loudness_format_and_ends(prepared):
    edge = round(0.1 * RATE)
    roles = set()
    for stimulus, samples, level, peak in measurements(prepared.test):
        info = soundfile.info(prepared.test.folder / stimulus.file)
        assert (info.format, info.subtype, info.samplerate, info.channels) == ("FLAC", "PCM_16", RATE, 2)
        assert level == pytest.approx(-23.0, abs=0.05) and peak < -1.0
        assert not samples[:edge].any() and not samples[-edge:].any() and samples[edge : edge + 400].any()
        assert stimulus.seconds == pytest.approx(len(samples) / RATE, abs=1e-4)
        assert len(stimulus.peaks) == 200 and max(stimulus.peaks) == 100
        roles.add(prepared.key.stimuli[stimulus.id].role)
    assert roles == {"system", "anchor", "trap", "practice", "prompt", "check"}


def test_files_say_nothing_about_themselves(prepared):
    files = sorted((prepared.test.folder / AUDIO).iterdir())
    assert {path.stat().st_mtime for path in files} == {946_684_800.0}
    assert all(len(path.stem) == 16 and int(path.stem, 16) >= 0 for path in files)
    for path in files:
        with soundfile.SoundFile(path) as file:
            assert not any(file.copy_metadata().values())
    assert list(prepared.test.stimuli) == sorted(prepared.test.stimuli)


def test_the_gain_is_what_was_done(prepared):
    """A song of 8 s in mono at 22 kHz, cut at 0.5 s: found again in its file, only louder."""
    material = small_material()
    name, key = next((n, k) for n, k in prepared.key.stimuli.items() if k.role == "system" and k.system == "betasinger")
    original = material.songs[SongId("betasinger", key.prompt, 0)].source.load()
    cut = original.at(RATE).samples[0][RATE // 2 : RATE // 2 + 6 * RATE]
    file = soundfile.read(prepared.test.folder / prepared.test.stimuli[name].file)[0][round(0.1 * RATE) :][: 6 * RATE]
    inside = slice(RATE, 5 * RATE)
    assert np.allclose(file[inside, 0], file[inside, 1], atol=1e-4)  # each channel has its own dither
    assert np.allclose(file[inside, 0], cut[inside] * 10 ** (key.gain_db / 20), atol=1e-4)
    assert key.start == pytest.approx(0.5, abs=0.001)


def test_where_one_peak_would_be_too_high_all_are_softer(tmp_path):
    material = small_material(prompts=3)
    spiky = music(8.0, seed=5)
    spiky.samples[:, RATE :: RATE // 2] = 0.99  # clicks: a high peak at little loudness
    spiky = Audio(spiky.samples * 0.5, RATE)
    material = with_song(material, SongId("alphasinger", "en-prompt-0", 0), spiky)
    protocol = small_protocol(listening={"loudness": -12.0}, checks={"traps": 0, "training": 0, "headphone_check": 0})
    preparation = prepare(material, protocol, tmp_path)
    sounds = list(measurements(preparation.test))
    assert preparation.level.target == -12 and preparation.level.actual < -13
    assert all(level == pytest.approx(preparation.level.actual, abs=0.06) for _, _, level, _ in sounds)
    assert max(peak for *_, peak in sounds) == pytest.approx(-1.05, abs=0.1)
    assert any("LUFS, not at -12" in note for note in preparation.notes)


def test_a_silent_song_is_a_legitimate_stimulus_and_a_silent_reference_is_not(tmp_path):
    material = silent(small_material(prompts=3), "alphasinger", "en-prompt-0")
    preparation = prepare(material, quick_protocol(), tmp_path / "a")
    silent_keys = [k for k in preparation.key.stimuli.values() if k.role == "system" and "silent" in k.notes]
    assert {(k.system, k.prompt, k.gain_db) for k in silent_keys} == {("alphasinger", "en-prompt-0", 0.0)}
    material = small_material(prompts=3, references=True)
    quiet = Audio(np.zeros((1, 8 * RATE), "float32"), RATE)
    material = replace(material, references=dict.fromkeys(material.references, MemoryAudio(quiet)))
    with pytest.raises(InputError, match=r"reference song of prompt '.*' is silent"):
        prepare(material, small_protocol(), tmp_path / "b")


def test_songs_that_cannot_be_used_are_named_with_their_file(tmp_path):
    material, name = small_material(prompts=3), SongId("alphasinger", "zh-prompt-1", 0)
    broken = tmp_path / "broken.wav"
    broken.write_bytes(b"RIFF, but no sound")
    old = material.songs[name]
    files = {**material.songs, name: Song(request=old.request, source=AudioFile(broken))}
    with pytest.raises(
        InputError, match=r"broken.wav: The song of alphasinger for prompt 'zh-prompt-1' cannot be used"
    ):
        prepare(replace(material, songs=files), small_protocol(), tmp_path / "a")
    short = with_song(material, name, music(0.4))
    with pytest.raises(InputError, match=r"alphasinger .*'zh-prompt-1'.* lasts 0.4 s and excerpt 1 begins at 0.5 s"):
        prepare(short, small_protocol(), tmp_path / "a")
    with pytest.raises(InputError, match=r"its excerpt lasts 0.20 s, and 0.4 s are needed"):
        prepare(with_song(material, name, music(0.7)), small_protocol(), tmp_path / "a")
    absent_songs = {**material.songs, name: Song(request=old.request, source=AudioFile(tmp_path / "gone.wav"))}
    with pytest.raises(InputError, match=r"gone.wav: The song of alphasinger.*No such audio file"):
        prepare(replace(material, songs=absent_songs), small_protocol(), tmp_path / "a")
    bad = music(8.0)
    bad.samples[0, 1000] = np.nan
    with pytest.raises(InputError, match="not finite"):
        prepare(with_song(material, name, bad), small_protocol(), tmp_path / "a")
    assert not (tmp_path / "a" / "test.json").exists()


def test_the_same_seed_makes_the_same_bytes(tmp_path):
    def digests(folder):
        return {
            path.name: hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(folder.rglob("*"))
            if path.is_file() and path.name != "secret"
        }

    material, protocol = small_material(prompts=3), quick_protocol(checks={"traps": 1, "headphone_check": 1})
    first, second = (prepare(material, protocol, tmp_path / name) for name in "ab")
    assert digests(tmp_path / "a") == digests(tmp_path / "b") and first.key == second.key
    assert load_test(tmp_path / "a").digest() == second.test.digest()
    check_audio(load_test(tmp_path / "a"))
    assert load_key(first.test) == first.key
    secrets = [(tmp_path / name / "secret") for name in "ab"]
    assert secrets[0].read_text() != secrets[1].read_text() and secrets[0].stat().st_mode & 0o777 == 0o600


def test_stimuli_of_a_reference_test_stay_aligned(tmp_path):
    """Systems that delay nothing must not be shifted: leading silence of one of them is kept."""
    material = small_material(prompts=4, references=True)
    late = material.references["en-prompt-0"].load().samples.copy()
    late[:, :RATE] = 0
    material = with_song(material, SongId("alphasinger", "en-prompt-0", 0), Audio(late, RATE))
    preparation = prepare(material, quick_protocol("mushra", checks={"anchors": ["lowpass-3500"]}), tmp_path)
    lengths, starts = set(), {}
    for stimulus, samples, *_ in measurements(preparation.test):
        key = preparation.key.stimuli[stimulus.id]
        if key.prompt == "en-prompt-0" and key.role != "check":
            lengths.add(len(samples) / RATE)
            starts[key.role, key.system] = np.flatnonzero(np.abs(samples[:, 0]) > 1e-3)[0] / RATE
    assert max(lengths) - min(lengths) < 0.5  # of silence at the end, see `disguise`
    assert starts["system", "alphasinger"] == pytest.approx(0.1 + 0.5, abs=0.01)  # the excerpt begins at 0.5 s
    assert starts["reference", None] == pytest.approx(0.1, abs=0.02)


def test_arithmetic_on_sound():
    tone = np.sin(2 * np.pi * 997 * np.arange(48000 * 3) / 48000).astype("float32")
    assert loudness(np.stack([tone, tone]), 48000) == pytest.approx(0.0, abs=0.1)  # BS.1770: -3.01 in one channel
    assert loudness(np.stack([tone, 0 * tone]), 48000) == pytest.approx(-3.01, abs=0.1)
    assert loudness(np.zeros((2, 48000), "float32"), 48000) == -math.inf
    quarter = np.sin(np.pi / 4 + 2 * np.pi * 12000 * np.arange(48000) / 48000)  # samples at ±0.707, peaks at ±1
    between = np.stack([quarter, quarter]).astype("float32")
    assert np.abs(between).max() < 0.71 and true_peak(between, 48000) == pytest.approx(0.0, abs=0.1)
    padded = np.pad(between, ((0, 0), (100, 50)))
    assert sounding(padded) == (100, 48100) and sounding(0 * padded) == (0, 48150)
    assert framed(between, 48000).shape[1] == 48000 + 2 * 4800
    assert outline(0 * between) == (0,) * 200 and outline(between)[100] == 100
