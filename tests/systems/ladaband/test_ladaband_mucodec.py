"""The whole of MuCodec with small random weights: lengths, generators, company, odd inputs, files."""

import os
from dataclasses import replace

import numpy as np
import pytest
import torch
from ladaband_codec_cases import SMALL, SMALL_SOUND, random_parts, released_files, released_state, save_state

from songbench.domain.audio import Audio
from songbench.domain.errors import InputError, UnavailableError
from systems.ladaband.codec import Codec
from systems.ladaband.codec.audio import fitted
from systems.ladaband.codec.loading import MuCodecFiles, load_encoder, load_mucodec, missing, needs
from systems.ladaband.codec.mucodec import MuCodec
from systems.ladaband.codec.vocoder import HifiGan
from systems.ladaband.codec.windows import (
    cross_faded,
    levelled,
    sample_count,
    sound_window,
    token_count,
    token_windows,
    window_starts,
)
from systems.ladaband.config import SAMPLE_RATE


def bursts(seconds: float) -> torch.Tensor:
    """Noise that comes and goes every 120 ms."""
    noise = torch.randn(2, round(seconds * SAMPLE_RATE), generator=generator())
    return 0.2 * noise * (torch.arange(noise.shape[1]) // 5760 % 2)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture(scope="module")
def codec() -> MuCodec:
    return MuCodec(*random_parts())


class TestEndToEnd:
    @pytest.fixture(scope="class")
    def ids(self, codec) -> torch.Tensor:
        return codec.encode(bursts(0.3))

    @pytest.fixture(scope="class")
    def audio(self, codec, ids) -> torch.Tensor:
        return codec.decode(ids, generator())

    def test_a_short_song_there_and_back(self, codec, ids, audio):
        assert isinstance(codec, Codec)
        assert ids.shape == (8,)
        assert ids.dtype == torch.int64
        assert len(ids.unique()) > 1
        assert audio.shape == (2, 8 * 1920)
        assert audio.dtype == torch.float32
        assert torch.isfinite(audio).all()
        assert audio.abs().max() <= 1
        assert not torch.equal(audio[0], audio[1])

    def test_another_generator_gives_another_sound(self, codec, ids, audio):
        sound = codec.decode(ids, generator(1), 14_400)
        assert sound.shape == (2, 14_400)
        assert not torch.equal(sound, audio[:, :14_400])

    def test_songs_together_are_songs_alone(self, codec, ids, audio):
        long = torch.arange(1030) % 40
        together = codec.decode_songs([long, ids], [generator(2), generator()], [None, 10_000])
        assert [song.shape[1] for song in together] == [1030 * 1920, 10_000]
        for song, alone in zip(together, (codec.decode(long, generator(2)), audio[:, :10_000]), strict=True):
            torch.testing.assert_close(song, alone, atol=1e-4, rtol=0)
        assert codec.decode_songs([], []) == []

    def test_an_estimator_in_bfloat16_is_close(self, codec):
        ids, start = torch.arange(32)[None], torch.randn(1, 4, 16, 4, generator=generator())
        rounded = MuCodec(*random_parts(), precision=torch.bfloat16)
        exact, close = (each.flow.latents(ids, None, start, steps=2, guidance=1.5) for each in (codec, rounded))
        assert close.dtype == torch.float32
        assert 0 < (close - exact).abs().max() < 0.05 * exact.abs().max()

    def test_spectrograms_become_sound_in_overlapping_pieces(self):
        sizes = {"upsampling": (4, 2), "upsampling_kernels": (8, 4), "residual_kernels": (3, 5), "dilations": (1, 3)}
        vocoder = HifiGan(replace(SMALL_SOUND, chunk_frames=8, chunk_hop=2, **sizes))
        spectrogram = torch.randn(1, 8, 20, generator=generator())
        with torch.no_grad():
            sound = vocoder.sound(spectrogram)
            pieces = [vocoder(spectrogram[..., start : start + 8]) for start in range(0, 13, 2)]
        assert sound.shape == (1, 160)
        assert torch.equal(sound[:, :16], pieces[0][:, :16])
        assert torch.equal(sound[:, -16:], pieces[-1][:, -16:])
        assert torch.equal(sound, cross_faded(pieces, 48))


class TestOddSound:
    def test_silence_and_samples_that_are_none_are_the_same(self, codec):
        silent = codec.encode(torch.zeros(2, 14_400))
        assert len(silent) == 8
        assert torch.equal(codec.encode(torch.full((2, 14_400), torch.nan)), silent)

    def test_loud_and_clipped_songs_are_brought_to_one_peak(self, codec):
        song = bursts(0.3)
        song /= song.abs().max()
        torch.testing.assert_close(levelled(song), levelled(0.85 * song))
        square = torch.sign(song)
        assert torch.equal(levelled(3 * square), levelled(square))
        assert len(codec.encode(3 * square)) == 8

    def test_a_telephone_call_resampled(self, codec):
        call = Audio(0.1 * np.random.default_rng(0).standard_normal((1, 4000)).astype("float32"), 8000).at(SAMPLE_RATE)
        mono = torch.from_numpy(call.samples)
        ids = codec.encode(mono)
        assert len(ids) == 13
        assert torch.equal(ids, codec.encode(mono.expand(2, -1)))

    @pytest.mark.parametrize("shape", [(3, 5000), (5000,), (2, 0)])
    def test_what_is_no_song_is_refused(self, codec, shape):
        with pytest.raises(InputError):
            codec.encode(torch.zeros(shape))

    def test_tokens_of_another_codec_are_refused(self, codec):
        with pytest.raises(InputError, match="0 to 39"):
            codec.decode(torch.tensor([40]), generator())


class TestLengths:
    def test_twelve_minutes(self):
        samples = 720 * SAMPLE_RATE
        tokens = token_count(samples)
        assert tokens == 18_001
        assert len(window_starts(samples)) == 18
        windows = token_windows(torch.arange(tokens))
        assert windows.shape == (24, 1024)
        assert windows[:, 0].tolist() == list(range(0, 24 * 768, 768))
        assert windows[-1, -1] == 23 * 768 + 1023 - tokens
        assert sample_count(tokens) >= samples

    def test_windows_drift_by_ten_milliseconds_unless_exact(self):
        places = [place * 40.96 for place in range(5)]
        assert [start / SAMPLE_RATE for start in window_starts(200 * SAMPLE_RATE, "exact")] == pytest.approx(places)
        drifted = [place + 0.01 * number for number, place in enumerate(places)]
        assert [start / SAMPLE_RATE for start in window_starts(200 * SAMPLE_RATE)] == pytest.approx(drifted)

    @pytest.mark.parametrize("timing", ["released", "exact"])
    def test_windows_of_a_repeated_song(self, timing):
        song = torch.arange(100_003)[None]
        start = window_starts(5_000_000, timing)[2]
        window = sound_window(song, start, timing)
        assert window.shape == (1, 1_966_080 + (480 if timing == "released" else 0))
        assert torch.equal(window[0], torch.arange(start, start + window.shape[1]) % 100_003)

    def test_rounding_of_lengths(self):
        """Found in upstream's floating point: 1.16 s are 29 tokens and not 30, 251 tokens lose a sample."""
        assert (token_count(29 * 1920), token_count(29 * 1920, "exact")) == (29, 30)
        assert (sample_count(251), sample_count(251, "exact")) == (481_919, 481_920)

    @pytest.mark.parametrize("tokens", [1, 1024, 1025, 1664, 2432])
    def test_the_last_window_is_whole(self, tokens):
        windows = token_windows(torch.arange(tokens))
        assert windows.shape[1] == 1024
        assert (len(windows) - 1) * 768 + 1024 >= tokens
        assert len(windows) == 1 or (len(windows) - 2) * 768 + 1024 < tokens

    def test_pieces_of_one_signal_join_to_it(self):
        signal = torch.randn(2, 1000, generator=generator())
        pieces = [signal[:, start : start + 400] for start in (0, 300, 600)]
        torch.testing.assert_close(cross_faded(pieces, 100), signal)
        assert cross_faded([torch.zeros(4), torch.ones(4)], 2).tolist() == [0, 0, 0, 1, 1, 1]

    def test_lengths_are_cut_or_filled_up(self):
        assert fitted(torch.ones(2, 3), 5).sum(0).tolist() == [2, 2, 2, 0, 0]
        assert fitted(torch.ones(2, 3), 1).shape == (2, 1)


class TestFiles:
    @pytest.fixture
    def files(self, tmp_path) -> MuCodecFiles:
        return released_files(tmp_path)

    def test_released_layouts_give_the_codec_that_was_saved(self, codec, files):
        loaded = load_mucodec(files, config=SMALL, sound_config=SMALL_SOUND)
        for part, original in zip(
            (loaded.encoder, loaded.flow, loaded.sound), (codec.encoder, codec.flow, codec.sound), strict=True
        ):
            assert equal(part, original)

    def test_an_encoder_in_the_main_file_goes_before_the_file_of_its_own(self, files):
        encoder, _, _ = random_parts(1)
        state = torch.load(files.flow, weights_only=True) | released_state(encoder, "muencoder.model.")
        torch.save(state, files.flow)
        assert equal(load_encoder(SMALL, files), encoder)

    def test_an_encoder_from_a_file_of_muq(self, files):
        encoder, _, _ = random_parts()
        path = save_state(released_state(encoder, "model."), files.flow.with_name("model.safetensors"))
        files.encoder.unlink()
        files = MuCodecFiles.find(path.parent)
        assert files.encoder == path
        assert equal(load_encoder(SMALL, files), encoder)

    def test_files_that_do_not_fit_name_themselves_and_the_tensors(self, files):
        state = torch.load(files.flow, weights_only=True)
        bias = "cond_muencoder_emb.bias"
        cases = {
            "1 tensor is missing: cond_muencoder_emb.bias": {n: t for n, t in state.items() if n != bias},
            r"cond_muencoder_emb.bias \[3\] instead of \[8\]": state | {bias: torch.zeros(3)},
            "without a place in it: surplus": state | {"surplus": torch.zeros(1)},
            "NaN or infinity.* in cond_muencoder_emb.bias": state | {bias: torch.full((8,), torch.nan)},
            "sums over nothing": state | {"normfeat.counts": torch.zeros(1)},
        }
        for words, content in cases.items():
            torch.save(content, files.flow)
            with pytest.raises(InputError, match=words) as caught:
                load_mucodec(files, config=SMALL, sound_config=SMALL_SOUND)
            assert "mucodec.pt" in str(caught.value)
            assert "songbench setup muse-codec" in str(caught.value)

    def test_without_an_encoder_it_cannot_hear(self, files):
        torch.save({"model": {"other": torch.zeros(1)}}, files.encoder)
        with pytest.raises(InputError, match=r"muq\.pt.*no tensors of MuQ"):
            load_encoder(SMALL, files)

    def test_objects_that_could_run_code_are_refused(self, files, tmp_path):
        class Trap:
            def __reduce__(self):
                return os.mkdir, (str(tmp_path / "sprung"),)

        content = torch.load(files.encoder, weights_only=True)
        torch.save({**content, "cfg": Trap()}, files.encoder)
        with pytest.raises(InputError, match="could run code"):
            load_encoder(SMALL, files)
        assert not (tmp_path / "sprung").exists()

    def test_a_folder_that_lacks_files(self, tmp_path):
        with pytest.raises(InputError, match=r"mucodec\.pt and audioldm_48k\.pth"):
            MuCodecFiles.find(tmp_path)

    def test_released_weights_that_are_not_set_up(self, monkeypatch, tmp_path):
        monkeypatch.setenv("SONGBENCH_WEIGHTS", str(tmp_path))
        assert missing().cure == "songbench setup muse-codec muse-audioldm --accept-licence"
        assert [one.name for one in needs()] == ["muse-codec", "muse-audioldm"]
        with pytest.raises(UnavailableError, match="songbench setup muse-codec"):
            MuCodecFiles.find()

    def test_sizes_that_make_no_sound_of_the_right_length(self):
        encoder, flow, sound = random_parts()
        sound.config = type(SMALL_SOUND)(latent_channels=2, multiples=(1, 2), mel_bands=8)
        with pytest.raises(InputError, match="becomes 960 samples, but stands for 3840"):
            MuCodec(encoder, flow, sound)


def equal(part: torch.nn.Module, second: torch.nn.Module) -> bool:
    return all(
        torch.equal(tensor, second.state_dict()[name])
        for name, tensor in part.state_dict().items()
        if tensor.is_floating_point()
    )
