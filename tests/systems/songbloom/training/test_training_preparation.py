"""Songs into shards: what goes in comes out, odd audio is named, a stop loses nothing, others' work is not mixed in."""

import json
import signal
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest
import soundfile
import torch
from prepared_cases import LYRICS, SECTIONS, write_song
from songbloom_random import SMALL, random_checkpoint

from songbench.domain.errors import InputError, StoreBusyError
from systems.songbloom.training.data.basis import PreparationSettings, basis_of, split_of, splits_of
from systems.songbloom.training.data.checking import check_dataset
from systems.songbloom.training.data.crops import CropSettings
from systems.songbloom.training.data.dataset import SongDataset
from systems.songbloom.training.data.finding import find_source
from systems.songbloom.training.data.folder import PreparationFolder
from systems.songbloom.training.data.latents import LatentEncoder, load_autoencoder
from systems.songbloom.training.data.making import SongMaker
from systems.songbloom.training.data.preparation import SongPreparation
from systems.songbloom.training.data.records import read_songs
from systems.songbloom.training.data.shards import ShardReader, shard_paths
from systems.songbloom.training.tokenizer.codebook import CodebookTokenizer
from systems.songbloom.training.tokenizer.mel import BANDS, MelFeatures

CONFIG = replace(SMALL, model=replace(SMALL.model, sketch_vocabulary=16, patch=4))
CROP = CropSettings(patch=4, max_seconds=2, style_frames=25)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    return random_checkpoint(tmp_path_factory.mktemp("checkpoint"), CONFIG)


@pytest.fixture(scope="module")
def encoder(checkpoint):
    return LatentEncoder(load_autoencoder(checkpoint))


@pytest.fixture(scope="module")
def tokenizer():
    return CodebookTokenizer(MelFeatures(), 2 * torch.randn(16, BANDS, generator=torch.Generator().manual_seed(0)) - 5)


@pytest.fixture
def prepare(encoder, tokenizer):
    """A function that prepares a source into a folder."""

    def run(source, out, tokenizer=tokenizer, config=CONFIG, shard_songs=2, **settings):
        basis = basis_of(config, encoder, tokenizer, PreparationSettings(**settings))
        folder = PreparationFolder(out, basis, shard_songs=shard_songs)
        origin = find_source(str(source))
        return SongPreparation(folder, SongMaker(config, encoder, tokenizer, basis)).run(origin.songs(), origin.faults)

    return run


@pytest.fixture
def source(tmp_path):
    for name in ("a", "b", "c"):
        write_song(tmp_path / "songs", name)
    return tmp_path / "songs"


def content(folder):
    """Every tensor of a folder by song."""
    readers = [ShardReader(path) for path in shard_paths(folder / "shards")]
    return {entry.id: reader.song(entry.place) for reader in readers for entry in reader.entries}


def equal(first, second):
    return first.keys() == second.keys() and all(
        torch.equal(getattr(first[name], part), getattr(second[name], part))
        for name in first
        for part in ("sketch", "latents", "style")
    )


def test_what_goes_in_comes_out(prepare, encoder, tokenizer, source, tmp_path):
    report = prepare(source, tmp_path / "data", validation=0.0)
    assert (report.new, report.earlier, report.left_out) == (3, 0, ())
    songs = SongDataset(tmp_path / "data", split="train")
    songs.check(CONFIG)
    assert [song.id for song in songs.songs] == ["a", "b", "c"]
    song = find_source(str(source)).songs()[1]
    samples = encoder.samples(song.audio().load())
    example = songs.example(1, replace(CROP, max_seconds=10), torch.Generator())
    assert torch.equal(example.sketch, tokenizer.tokens(song.audio().load(), 100))
    mean, deviation = encoder.autoencoder.moments(samples[None])
    assert float(((example.latents - mean[0].T) / deviation[0].T).std()) == pytest.approx(1, abs=0.15)
    assert songs.songs[1].times == "given"
    assert [(one.tag, one.start, one.end) for one in songs.songs[1].sections] == [
        ("intro", 0, 25),
        ("verse", 25, 62),
        ("chorus", 62, 100),
    ]
    assert len(shard_paths(tmp_path / "data" / "shards")) == 2
    assert not (tmp_path / "data" / "work").exists()


def test_statistics(prepare, source, tmp_path):
    info = prepare(source, tmp_path / "data").info
    facts, songs = info.statistics, content(tmp_path / "data").values()
    latents = torch.cat([song.latents for song in songs]).double()
    sketch = torch.cat([song.sketch for song in songs])
    shares = torch.bincount(sketch, minlength=16).double() / len(sketch)
    assert facts["songs"] == 3
    assert facts["hours"] == pytest.approx(12 / 3600)
    assert facts["languages"] == {"zh": 3}
    assert facts["latents"]["mean"] == pytest.approx(float(latents.mean()))
    assert facts["latents"]["deviation"] == pytest.approx(float(latents.std(correction=0)))
    assert facts["channels"]["deviation"] == pytest.approx(latents.std(dim=0, correction=0).tolist())
    assert facts["codes"]["used"] == int((shares > 0).sum())
    assert facts["codes"]["entropy bits"] == pytest.approx(
        float(-(shares[shares > 0] * shares[shares > 0].log2()).sum())
    )


def test_odd_audio_is_named_and_left_out(prepare, source, tmp_path):
    write_song(source, "low rate", rate=22_050, channels=1)
    write_song(source, "short", seconds=0.1, sections=None)
    write_song(source, "silent")
    soundfile.write(source / "silent.wav", np.zeros((48_000, 2)), 48_000)
    write_song(source, "not finite")
    soundfile.write(source / "not finite.wav", np.full((48_000, 2), np.nan), 48_000, subtype="FLOAT")
    write_song(source, "corrupt").write_bytes(b"RIFF no sound")
    write_song(source, "twin")
    (source / "twin.wav").write_bytes((source / "a.wav").read_bytes())
    write_song(source, "wrong times", sections=SECTIONS[:2])
    write_song(source, "late times", seconds=2.0)
    write_song(source, "cyrillic", lyrics="[verse]\nДоброе утро\n", sections=None)
    report = prepare(source, tmp_path / "data")
    assert report.new == 4
    reasons = {fault.id: fault.reason for fault in report.left_out}
    assert "less than a patch of 4" in reasons["short"]
    assert "silent" in reasons["silent"]
    assert "NaN or infinite" in reasons["not finite"]
    assert "corrupt.wav" in reasons["corrupt"]
    assert reasons["twin"] == "It is the same recording as 'a'."
    assert "the lyrics have [intro] [verse] [chorus]" in reasons["wrong times"]
    assert "the audio 2.0 s" in reasons["late times"]
    assert "SongBloom cannot sing" in reasons["cyrillic"]
    assert len(reasons) == 8
    notes = json.loads((tmp_path / "data" / "report.json").read_text())
    assert {one["id"] for one in notes["left out"]} == set(reasons)
    low = next(song for song in read_songs(tmp_path / "data") if song.id == "low rate")
    assert low.frames == 100
    # What was mended is prepared, the rest is not touched.
    write_song(source, "silent", frequency=777)
    report = prepare(source, tmp_path / "data")
    assert (report.new, report.earlier, len(report.left_out)) == (1, 4, 7)


def test_no_song_at_all(prepare, tmp_path):
    write_song(tmp_path / "songs", "silent")
    soundfile.write(tmp_path / "songs" / "silent.wav", np.zeros(48_000), 48_000)
    with pytest.raises(InputError, match=r"None of the 1 songs can be used\.\n  silent: The audio is silent"):
        prepare(tmp_path / "songs", tmp_path / "data")


def test_finished_songs_are_never_made_again(prepare, source, tmp_path, monkeypatch):
    expected = tmp_path / "at once"
    prepare(source, expected)
    calls = []
    original = SongMaker.make

    def stopped(maker, song, loaded):
        if len(calls) == 2:
            raise KeyboardInterrupt
        calls.append(song.id)
        return original(maker, song, loaded)

    monkeypatch.setattr(SongMaker, "make", stopped)
    for shard_songs in (2, 9):
        calls.clear()
        out = tmp_path / f"stopped {shard_songs}"
        with pytest.raises(KeyboardInterrupt):
            prepare(source, out, shard_songs=shard_songs)
        with pytest.raises(InputError, match="was not finished"):
            SongDataset(out, split="train")
        calls[:] = ["nothing yet"]
        report = prepare(source, out, shard_songs=shard_songs)
        assert calls == ["nothing yet", "c"]
        assert (report.new, report.earlier) == (1, 2)
        assert equal(content(out), content(expected))
        assert check_dataset(out).faults == ()


def test_a_writer_killed_between_a_shard_and_its_pieces(prepare, source, tmp_path):
    prepare(source, tmp_path / "data", shard_songs=9)
    before = content(tmp_path / "data")
    songs = tmp_path / "data" / "work" / "songs"
    songs.mkdir(parents=True)
    (songs / "00000000-piece.safetensors").write_bytes((tmp_path / "data/shards/00000.safetensors").read_bytes())
    (tmp_path / "data/shards/.00001.safetensors.0123abcd.tmp").write_bytes(b"half")
    report = prepare(source, tmp_path / "data", shard_songs=9)
    assert (report.new, report.earlier) == (0, 3)
    assert equal(content(tmp_path / "data"), before)
    assert len(shard_paths(tmp_path / "data" / "shards")) == 1
    assert not list((tmp_path / "data" / "shards").glob(".*"))


def test_new_songs_go_beside_the_old_ones(prepare, source, tmp_path):
    prepare(source, tmp_path / "data")
    write_song(source, "d")
    report = prepare(source, tmp_path / "data")
    assert (report.new, report.earlier, report.info.statistics["songs"]) == (1, 3, 4)
    assert check_dataset(tmp_path / "data").faults == ()


def test_a_song_that_changed_is_not_put_beside_its_old_self(prepare, source, tmp_path):
    prepare(source, tmp_path / "data")
    write_song(source, "a", lyrics=LYRICS.replace("月光", "阳光"))
    (fault,) = prepare(source, tmp_path / "data").left_out
    assert fault.id == "a" and "prepared before from other audio, words or times" in fault.reason


def test_another_basis_is_refused(prepare, encoder, tokenizer, source, tmp_path):
    prepare(source, tmp_path / "data")
    unlike = CodebookTokenizer(tokenizer.features, tokenizer.codebook + 1)
    with pytest.raises(InputError, match=r"tokenizer digest .* before, .* now"):
        prepare(source, tmp_path / "data", tokenizer=unlike)
    with pytest.raises(InputError, match=r"latents float32 before, float16 now; validation 0\.05 before, 0\.5 now"):
        prepare(source, tmp_path / "data", half=True, validation=0.5)
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "cat.jpg").touch()
    with pytest.raises(InputError, match=r"holds other files \(cat\.jpg\)"):
        prepare(source, tmp_path / "photos")


def test_one_preparation_at_a_time(prepare, encoder, tokenizer, source, tmp_path):
    basis = basis_of(CONFIG, encoder, tokenizer, PreparationSettings())
    with PreparationFolder(tmp_path / "data", basis).exclusive(), pytest.raises(StoreBusyError, match="at work in"):
        prepare(source, tmp_path / "data")


def test_half_the_room(prepare, source, tmp_path):
    prepare(source, tmp_path / "float32")
    prepare(source, tmp_path / "float16", half=True)
    full, half = (content(tmp_path / name)["a"] for name in ("float32", "float16"))
    assert half.latents.dtype == half.style.dtype == torch.float16
    torch.testing.assert_close(half.latents.float(), full.latents, rtol=1e-3, atol=1e-3)


def test_splits_follow_from_the_audio_alone(prepare, source, tmp_path):
    for name in "defgh":
        write_song(source, name)
    prepare(source, tmp_path / "all", validation=0.4)
    splits = {song.id: song.split for song in read_songs(tmp_path / "all")}
    assert set(splits.values()) == {"train", "validation"}
    (source / "a.wav").rename(source / "renamed.wav")
    (source / "a.json").rename(source / "renamed.json")
    (source / "b.wav").unlink()
    prepare(source, tmp_path / "others", validation=0.4)
    later = {song.id: song.split for song in read_songs(tmp_path / "others")}
    assert later.pop("renamed") == splits.pop("a")
    assert later == {name: split for name, split in splits.items() if name != "b"}
    counts = [split_of(f"{number:064x}", 0.1) for number in range(2000)].count("validation")
    assert 150 < counts < 250


def test_of_few_songs_one_is_held_out() -> None:
    digests = [f"{number:064x}" for number in range(40) if split_of(f"{number:064x}", 0.05) == "train"][:6]
    splits = splits_of(digests, 0.05)
    assert splits.count("validation") == 1
    held_out = digests[splits.index("validation")]
    assert splits_of(digests[::-1], 0.05)[::-1] == splits
    assert splits_of([held_out, *(digest for digest in digests if digest != held_out)][:5], 0.01)[0] == "validation"
    assert "validation" not in splits_of(digests[:4], 0.05)
    assert "validation" not in splits_of(digests, 0)
    by_digest = next(f"{number:064x}" for number in range(100) if split_of(f"{number:064x}", 0.05) == "validation")
    assert splits_of([*digests, by_digest], 0.05) == ["train"] * 6 + ["validation"]


def test_a_prepared_folder_holds_a_song_out(prepare, source, tmp_path):
    for name in "defgh":
        write_song(source, name)
    info = prepare(source, tmp_path / "data", validation=1e-9).info
    assert info.statistics["splits"]["validation"]["songs"] == 1
    assert len(SongDataset(tmp_path / "data", split="validation").songs) == 1
    assert check_dataset(tmp_path / "data").faults == ()


class TestGivenTensors:
    @pytest.fixture
    def fork(self, tmp_path):
        folder = tmp_path / "fork" / "song"
        folder.mkdir(parents=True)
        torch.save(torch.randn(8, 103), folder / "x_latent.pt")
        torch.save(torch.arange(101) % 16, folder / "x_sketch.pt")
        (folder / "lyrics.txt").write_text("[intro] , [verse] w o3 m en5")
        (folder / "meta.json").write_text(json.dumps({"structure_duration": [["intro", 0, 2], ["verse", 2, 4]]}))
        return tmp_path / "fork"

    def test_latents_and_tokens_of_a_fork(self, prepare, fork, tmp_path):
        report = prepare(fork, tmp_path / "data", tokenizer=None)
        assert report.info.basis.tokenizer == "given tokens"
        song = content(tmp_path / "data")["song"]
        latents = torch.load(fork / "song" / "x_latent.pt")
        assert torch.equal(song.latents, latents.T[:101])
        assert torch.equal(song.sketch.long(), torch.arange(101) % 16)
        assert torch.equal(song.style, latents.T)

    def test_its_prompt_is_encoded(self, prepare, fork, tmp_path):
        write_song(tmp_path, "prompt", lyrics=None, sections=None, seconds=2)
        samples, rate = soundfile.read(tmp_path / "prompt.wav")
        soundfile.write(fork / "song" / "prompt_wav.flac", samples, rate)
        prepare(fork, tmp_path / "data", tokenizer=None)
        assert content(tmp_path / "data")["song"].style.shape == (50, 8)

    def test_what_does_not_fit(self, prepare, fork, tmp_path, tokenizer):
        with pytest.raises(InputError, match="Its sketch tokens are given, and a tokenizer, too"):
            prepare(fork, tmp_path / "one", tokenizer=tokenizer)
        torch.save(torch.full((101,), 16), fork / "song" / "x_sketch.pt")
        with pytest.raises(InputError, match="not all of 0 to 15"):
            prepare(fork, tmp_path / "two", tokenizer=None)
        torch.save(torch.arange(40) % 16, fork / "song" / "x_sketch.pt")
        with pytest.raises(InputError, match="40 sketch tokens for 103 frames"):
            prepare(fork, tmp_path / "three", tokenizer=None)
        torch.save(torch.arange(103) % 16, fork / "song" / "x_sketch.pt")
        torch.save(torch.randn(6, 103), fork / "song" / "x_latent.pt")
        with pytest.raises(InputError, match="6 channels, the model has 8"):
            prepare(fork, tmp_path / "four", tokenizer=None)

    def test_without_tokens_and_tokenizer(self, prepare, source, tmp_path):
        with pytest.raises(InputError, match=r"It has no sketch tokens\. Give --tokenizer"):
            prepare(source, tmp_path / "data", tokenizer=None)


class TestCheck:
    @pytest.fixture
    def data(self, prepare, source, tmp_path):
        prepare(source, tmp_path / "data")
        return tmp_path / "data"

    def test_all_is_as_it_was_written(self, data):
        result = check_dataset(data)
        assert (result.songs, result.faults) == (3, ())

    def test_changes_are_found(self, data):
        path = data / "shards" / "00000.safetensors"
        data_bytes = bytearray(path.read_bytes())
        data_bytes[-1] ^= 1
        path.write_bytes(data_bytes)
        (data / "shards" / "00001.safetensors").rename(data / "shards" / "00007.safetensors")
        stranger, changed, absent = check_dataset(data).faults
        assert stranger.startswith("00007.safetensors: the description does not know")
        assert changed.startswith("00000.safetensors was changed: its sha256 is")
        assert absent == "00001.safetensors is gone."

    def test_the_list_of_songs_is_held_against_the_shards(self, data):
        path = data / "songs.jsonl"
        first, *rest = path.read_text().splitlines(keepends=True)
        path.write_text("".join(rest))
        assert any("other songs than the list" in fault for fault in check_dataset(data).faults)
        path.write_text(first + "{}\n")
        with pytest.raises(InputError, match="line 2: The list of songs is damaged"):
            check_dataset(data)


PROGRAM = [sys.executable, "-c", "from songbench.cli import main; main()", "train", "prepare"]


def test_killed_while_it_works_and_given_again(prepare, checkpoint, tokenizer, source, tmp_path):
    """The program itself, killed where it stands, loses no finished song, and the end is the same."""
    for name in "defghij":
        write_song(source, name, seconds=6.0)
    out, expected, codes = (tmp_path / name for name in ("data", "at once", "codes.safetensors"))
    tokenizer.save(codes)
    words = [source, "--tokenizer", codes, "--autoencoder", checkpoint.weights.parent, "--out", out, "--device", "cpu"]
    with subprocess.Popen([*PROGRAM, *map(str, words)], stderr=subprocess.PIPE) as process:
        songs = out / "work" / "songs"
        while not list(songs.glob("*.safetensors")):
            assert process.poll() is None, process.stderr.read()
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
    finished = {path.name: path.stat().st_mtime_ns for path in songs.glob("*.safetensors")}
    assert 0 < len(finished) < 10
    report = prepare(source, out, shard_songs=64)
    assert (report.new, report.earlier) == (10 - len(finished), len(finished))
    prepare(source, expected, shard_songs=64)
    assert equal(content(out), content(expected))
    assert read_songs(out) == read_songs(expected)
    assert check_dataset(out).info == check_dataset(expected).info
