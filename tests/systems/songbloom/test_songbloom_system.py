"""SongBloom as a songbench system, used from Python: what it asks for and gives, what fails and what then goes on."""

import platform
import re
from dataclasses import replace

import numpy as np
import pytest
import torch
from songbloom_cases import (
    ENDS_AT_ONCE,
    ENDS_SOMEWHERE,
    LYRICS,
    NEVER_ENDS,
    calm_checkpoint,
    edit_yaml,
    music,
    needs_text,
    request,
    rewritten,
)
from songbloom_random import SMALL

from songbench.contracts.system import System, SystemWithRemarks
from songbench.domain.audio import Audio
from songbench.domain.errors import InputError
from songbench.domain.song import Failure, Song
from systems.songbloom import decoding, singing
from systems.songbloom.autoencoder import Autoencoder
from systems.songbloom.checkpoint_files import CheckpointFiles
from systems.songbloom.system import SongBloomSystem

pytestmark = needs_text


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("checkpoints")
    for name, bias in (("long", NEVER_ENDS), ("some", ENDS_SOMEWHERE), ("none", ENDS_AT_ONCE)):
        calm_checkpoint(folder / name, end_bias=bias)
    return folder


def system(folder, name="some", **options):
    return SongBloomSystem(checkpoint=str(folder / name), device="cpu", **options)


def same_song(song, expected):
    samples, reference = song.audio.samples, expected.audio.samples
    assert samples.shape == reference.shape
    assert np.abs(samples - reference).max() <= 1e-4 * np.abs(reference).max()


def by_prompt(outcomes):
    by_id = {}
    for outcome in outcomes:
        assert outcome.request.prompt.id not in by_id, "two outcomes for one request"
        by_id[outcome.request.prompt.id] = outcome
    return by_id


class TestBuilding:
    def test_it_is_a_system(self, folder):
        built = system(folder)
        assert isinstance(built, System)
        assert isinstance(built, SystemWithRemarks)
        assert built.availability().ready
        assert built.card.name == "songbloom"

    def test_names_of_rows(self, folder):
        assert SongBloomSystem().card.name == SongBloomSystem("full_150s").card.name == "songbloom"
        assert SongBloomSystem("full_240s").card.name == "songbloom:full_240s"
        assert SongBloomSystem("full_240s").card.max_seconds == 240.0
        custom = SongBloomSystem("mine", source=str(folder / "some"))
        assert custom.card.name == "songbloom:mine"
        assert custom.card.max_seconds is None
        assert custom.remarks([], 1) == [f"songbloom:mine is the checkpoint {folder / 'some'}"]

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"variant": "full_150"}, r"Did you mean 'full_150s'\?.*songbloom:full_150=PATH"),
            ({"variant": "full_240s", "checkpoint": "x"}, "name of a release.*songbloom:NAME=PATH"),
            ({"stepz": 3}, r"no setting 'stepz'. Did you mean 'steps'\?"),
            ({"chekpoint": "x"}, r"no setting 'chekpoint'. Did you mean 'checkpoint'\?"),
            ({"steps": "many"}, "Expected a whole number, found 'many'"),
            ({"batch": 0}, "whole number from 1"),
            ({"batch": "four"}, "whole number from 1"),
            ({"batch": True}, "whole number from 1"),
            ({"precision": "float16"}, "Allowed: float32, bfloat16"),
            ({"precision": 16}, "Allowed: float32, bfloat16"),
            ({"device": "gpu"}, "Unknown device 'gpu'"),
            ({"device": 0}, "Unknown device '0'"),
            ({"compiled": "yes"}, "true or false"),
        ],
    )
    def test_mistakes(self, options, message):
        with pytest.raises(InputError, match=message):
            SongBloomSystem(**options)

    def test_a_path_that_is_a_number(self):
        with pytest.raises(InputError, match="There is no SongBloom checkpoint '123'"):
            SongBloomSystem(checkpoint=123).availability()

    def test_releases_that_are_not_here(self, tmp_path, monkeypatch):
        monkeypatch.setenv("SONGBENCH_WEIGHTS", str(tmp_path))
        state = SongBloomSystem("full_150s_dpo").availability()
        assert not state.ready
        for word in ("songbloom-full-150s-dpo", "8.2 GB", "songbloom-autoencoder", "675 MB", "songbloom-text"):
            assert word in state.reason
        assert state.cure == "songbench setup songbloom:full_150s_dpo --accept-licence"
        assert SongBloomSystem().parameters["checkpoint"] is None

    @pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has the device")
    def test_a_device_that_is_not_here(self, folder):
        state = SongBloomSystem(checkpoint=str(folder / "some"), device="cuda").availability()
        assert "no CUDA device" in state.reason


class TestIdentity:
    """What decides the samples is in the parameters, which make the key; what does not is not."""

    def test_settings_and_weights(self, folder):
        first = system(folder).parameters
        assert first == system(folder, batch=1).parameters
        assert first != system(folder, steps=3).parameters
        assert first != system(folder, precision="bfloat16").parameters
        assert first["checkpoint"] != system(folder, "long").parameters["checkpoint"]
        assert first["config"] == system(folder, "long").parameters["config"]

    def test_the_yaml_file_counts_but_its_comments_and_name_do_not(self, folder, tmp_path):
        original = CheckpointFiles.find(folder / "some")
        for file in original.weights.parent.iterdir():
            (tmp_path / file.name.replace("small", "other")).write_bytes(file.read_bytes())
        copy_yaml = tmp_path / "other.yaml"
        copy_yaml.write_text("# a comment\n" + copy_yaml.read_text())
        copy = SongBloomSystem(checkpoint=str(copy_yaml), device="cpu")
        assert copy.parameters == system(folder).parameters
        edit_yaml(copy_yaml, lambda settings: settings["inference"].update(steps=9))
        changed = SongBloomSystem(checkpoint=str(copy_yaml), device="cpu")
        assert changed.parameters != system(folder).parameters

    def test_an_autoencoder_of_its_own_counts(self, folder, tmp_path):
        weights = {}

        def split(state):
            weights.update({name: state.pop(name) for name in list(state) if name.startswith("vae.")})
            return state

        path = rewritten(CheckpointFiles.find(folder / "some"), tmp_path, split)
        edit_yaml(path.with_suffix(".yaml"), lambda settings: settings["vae"].update(vae_ckpt="own.ckpt"))

        def identity():
            torch.save(weights, tmp_path / "own.ckpt")
            return SongBloomSystem(checkpoint=str(path), device="cpu").parameters["checkpoint"]

        first = identity()
        name = next(iter(weights))
        weights[name] = weights[name] + 1
        assert identity() != first


class TestSongs:
    @pytest.fixture(scope="class")
    def together(self, folder):
        return by_prompt(system(folder, batch=4).generate([request(number) for number in range(6)]))

    def test_what_a_song_tells(self, together, folder):
        songs = [one for one in together.values() if isinstance(one, Song)]
        assert len({song.audio.samples.shape for song in songs}) > 1, "they should end at different patches"
        for song in songs:
            assert song.audio.rate == 48_000
            assert song.audio.samples.shape[0] == 2
            assert song.audio.samples.shape[1] % (16 * 1920) == 0
            record = song.record
            assert record.conditions == ("lyrics", "prompt audio")
            assert set(record.stages) == {"prompt", "prefix", "sketch", "acoustic", "audio"}
            assert record.seconds == pytest.approx(sum(record.stages.values()))
            assert record.device == "cpu"
            assert record.notes[0] in ("ended by the end token", "ended by the longest length")

    def test_a_batch_changes_nothing(self, together, folder):
        alone = by_prompt(system(folder, batch=1).generate([request(number) for number in reversed(range(6))]))
        for name, song in together.items():
            expected = alone[name]
            assert type(song) is type(expected)
            if isinstance(song, Song):
                same_song(song, expected)

    def test_again_with_the_same_system(self, folder):
        built = system(folder, "long")
        first = next(iter(built.generate([request(3)])))
        again = by_prompt(built.generate([request(4), request(3)]))
        same_song(first, again["p3"])
        assert np.abs(again["p4"].audio.samples - first.audio.samples).max() > 0.01

    def test_settings_are_used(self, folder):
        def first(**options):
            return next(iter(system(folder, "long", **options).generate([request()])))

        assert first(max_seconds=1.0).audio.seconds == 1.28
        few, many = first(steps=1), first(steps=2)
        assert not np.array_equal(few.audio.samples, many.audio.samples)

    def test_what_is_not_used_is_told(self, folder):
        styled = request()
        styled = replace(styled, prompt=replace(styled.prompt, style="bright pop"))
        (song,) = system(folder, "long").generate([styled])
        assert "the style in words was not used" in song.record.notes

    def test_none_asked_none_made(self, folder):
        assert list(system(folder).generate([])) == []


BAD = {
    "long": ("[verse]\n" + "月亮代表我的心\n" * 60, r"symbols, but the model reads at most 400.*Take out"),
    "kana": ("[verse]\nこんにちは", "cannot sing 'こ'.*Hiragana"),
    "hangul": ("[verse]\n안녕", "Hangul"),
    "nothing": ("[verse]\n...", "nothing to sing|has no lyrics"),
    "instrumental": ("[inst] [inst]", "nothing to sing"),
}


class TestFailures:
    def good(self, outcome):
        assert isinstance(outcome, Song), outcome
        return True

    def test_each_is_told_and_the_others_go_on(self, folder):
        requests = {"fine": request(0), "also fine": request(1)}
        for number, (name, (lyrics, _)) in enumerate(BAD.items(), 10):
            try:
                requests[name] = request(number, lyrics)
            except InputError:  # some are refused as a prompt already
                continue
        requests["no prompt"] = replace(request(20), prompt_audio=None)
        requests["short"] = request(21, audio=music(0.5))
        requests["silent"] = request(22, audio=Audio(np.zeros((1, 48_000), "float32"), 48_000))
        patterns = {name: pattern for name, (_, pattern) in BAD.items()}
        patterns |= {"no prompt": "this prompt has none. Give it 1 s", "short": "lasts 0.50 s", "silent": "are silent"}
        order = sorted(requests, key=lambda name: name[::-1])
        outcomes = by_prompt(system(folder, "long", batch=2).generate([requests[name] for name in order]))
        assert len(outcomes) == len(requests)
        for name, source in requests.items():
            outcome = outcomes[source.prompt.id]
            if name in patterns:
                assert isinstance(outcome, Failure), name
                assert re.search(patterns[name], outcome.cause), outcome.cause
                assert outcome.stage == "generate"
                assert "\n" not in outcome.cause
            else:
                assert self.good(outcome)

    def test_a_song_that_ends_at_once(self, folder):
        (failure,) = system(folder, "none").generate([request()])
        assert isinstance(failure, Failure)
        assert "another seed may help" in failure.cause

    def test_prompt_audio_that_cannot_be_loaded(self, folder):
        class Broken:
            digest = "x"

            def load(self):
                raise OSError("the disk is gone")

        broken = replace(request(1), prompt_audio=Broken())
        outcomes = by_prompt(system(folder, "long").generate([request(0), broken, request(2)]))
        assert outcomes["p1"].cause == "OSError: the disk is gone"
        assert "Traceback" in outcomes["p1"].detail
        assert self.good(outcomes["p0"])
        assert self.good(outcomes["p2"])

    def test_a_failing_decode_hits_only_its_cause(self, folder, monkeypatch):
        """Whatever breaks a batch, songs that were in it are sung alone, and those that waited go on together."""
        real = singing._encoded

        def order(engine, song, number):
            if song.seed == 102:
                raise RuntimeError("no luck")
            return real(engine, song, number)

        monkeypatch.setattr(singing, "_encoded", order)
        built = system(folder, "long", batch=2)
        outcomes = by_prompt(built.generate([request(number) for number in range(5)]))
        assert [name for name, one in outcomes.items() if isinstance(one, Failure)] == ["p2"]
        assert outcomes["p2"].cause == "RuntimeError: no luck"
        assert "Traceback" in outcomes["p2"].detail
        monkeypatch.undo()
        fresh = by_prompt(system(folder, "long", batch=1).generate([request(number) for number in range(5)]))
        for name in ("p0", "p1", "p3", "p4"):
            same_song(outcomes[name], fresh[name])
        assert self.good(by_prompt(built.generate([request(2)]))["p2"]), "the next call works again"

    @pytest.mark.parametrize(
        ("precision", "batch", "honoured"), [("float32", 2, True), ("bfloat16", 1, True), ("bfloat16", 2, False)]
    )
    def test_a_seed_is_promised_only_where_company_cannot_change_the_song(self, folder, precision, batch, honoured):
        built = system(folder, "long", precision=precision, batch=batch)
        for song in built.generate([request(0), request(1)]):
            assert song.record.seed_honoured is honoured
            assert any("bfloat16" in note for note in song.record.notes) is not honoured

    def test_when_everything_fails_each_says_so(self, folder, monkeypatch):
        def broken(*_):
            raise RuntimeError("out of order")

        built = system(folder, "long", batch=2)
        with monkeypatch.context() as patch:
            patch.setattr(decoding.DecodingEngine, "_solve", broken)
            outcomes = by_prompt(built.generate([request(number) for number in range(3)]))
        assert [one.cause for one in outcomes.values()] == ["RuntimeError: out of order"] * 3
        assert all(self.good(one) for one in by_prompt(built.generate([request(0), request(1)])).values())

    def test_samples_that_are_no_numbers(self, folder, monkeypatch):
        built = system(folder, "long")
        with monkeypatch.context() as patch:
            patch.setattr(Autoencoder, "decode", lambda self, latents: latents.new_full((1, 2, 99_999), torch.nan))
            (failure,) = built.generate([request()])
        assert "not finite" in failure.cause
        assert self.good(next(iter(built.generate([request()]))))

    def test_a_listener_who_leaves_leaves_nothing_behind(self, folder):
        """Times of songs that nobody waited for must not be added to the next ones."""
        built = system(folder, "long")
        songs = built.generate([request(0)])
        (first,) = songs
        built._engine.clock.add("sketch", (0,), 1000.0)
        (again,) = built.generate([request(0)])
        assert again.record.seconds < 900
        np.testing.assert_array_equal(first.audio.samples, again.audio.samples)

    def test_remarks(self, folder):
        prompts = [request(number).prompt for number in range(7)]
        *_, remark = system(folder).remarks(prompts, 1)
        assert remark == "songbloom needs prompt_wav, 10 s of music; 7 prompts have none: p0, p1, p2, p3, p4 …"
        assert "1 prompt has none: p0" in system(folder).remarks(prompts[:1], 1)[-1]

    @pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="what other processors have is not asked")
    @pytest.mark.parametrize(("bf16", "amx"), [(False, False), (True, False), (False, True)])
    def test_bfloat16_without_instructions_for_it_is_remarked(self, folder, monkeypatch, bf16, amx):
        monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: bf16)
        monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: amx)
        remarks = [remark for remark in system(folder, precision="bfloat16").remarks([], 1) if "bfloat16" in remark]
        assert [remark.startswith("songbloom: this processor has no instructions") for remark in remarks] == (
            [] if bf16 or amx else [True]
        )
        assert not [remark for remark in system(folder).remarks([], 1) if "bfloat16" in remark]


def test_the_lyrics_of_these_tests_fit():
    from systems.songbloom.text import encode, one_line

    line = one_line(request().prompt.lyrics, 1.0)
    assert line.startswith("[intro] , [verse] ")
    assert len(encode(line, SMALL.model.vocabulary, SMALL.model.lyrics_length).ids) > 20
    assert LYRICS.count("[") == 3
