"""Every part against the numbers upstream's code gave on the same weights and inputs."""

import math

import pytest
import torch
from songbloom_close import close

from systems.layers.attention import attend_fully
from systems.songbloom.solver import ddim, euler, time_grid


class TestAutoencoder:
    def test_encoder_and_bottleneck(self, golden, golden_autoencoder):
        cases = golden.cases
        close(golden_autoencoder.encoder(cases["vae.wav_in"]), cases["vae.encoder_out"])
        mean, deviation = golden_autoencoder.moments(cases["vae.wav_in"])
        close(mean, cases["vae.mean"])
        close(deviation, cases["vae.stdev"])
        close(golden_autoencoder.encode(cases["vae.wav_in"], cases["vae.sample_noise"]), cases["vae.sampled_latent"])

    def test_lengths_that_are_no_multiple_of_a_frame(self, golden, golden_autoencoder):
        wav = golden.cases["vae.odd_wav_in"]
        close(golden_autoencoder.encoder(wav), golden.cases["vae.odd_encoder_out"])
        assert golden_autoencoder.frames(wav.shape[-1]) == golden.cases["vae.odd_encoder_out"].shape[-1]

    def test_decoder(self, golden, golden_autoencoder):
        close(golden_autoencoder.decode(golden.cases["vae.mean"]), golden.cases["vae.decode_of_mean"])
        close(golden_autoencoder.decode(golden.cases["vae.chunk_latent"]), golden.cases["vae.full_decode"])

    @pytest.mark.parametrize(("chunk", "frames"), [(1, 22), (16, 60), (96, 60), (1000, 60)])
    def test_decoding_in_pieces_changes_nothing(self, golden, golden_autoencoder, chunk, frames):
        latents = golden.long_cases["vae.latent160"][..., :frames]
        pieces = list(golden_autoencoder.decode_chunked(latents, chunk))
        close(torch.cat(pieces, -1), golden_autoencoder.decode(latents))

    def test_upstream_chunked_decoding_gave_the_same(self, golden, golden_autoencoder):
        decoded = torch.cat(list(golden_autoencoder.decode_chunked(golden.cases["vae.chunk2_latent"], 96)), -1)
        close(decoded[..., ::97], golden.cases["vae.chunk2_decode_128_32_every97"])
        decoded = torch.cat(list(golden_autoencoder.decode_chunked(golden.long_cases["vae.latent160"], 96)), -1)
        close(decoded[..., ::31], golden.long_cases["vae.decode_chunked_every31"])

    def test_upstream_chunks_shorter_than_the_reach(self, golden, golden_autoencoder):
        """Chunks of 16 frames change the edges, so they must be cut and pasted here as upstream does."""
        chunk, overlap, hop = 16, 4, golden.config.autoencoder.hop

        def pasted(total, piece):
            starts = sorted({*range(0, total - chunk, chunk - overlap), total - chunk})
            pieces = []
            for start in starts:
                first = 0 if start == 0 else start + overlap // 2
                last = total if start == total - chunk else start + chunk - overlap // 2
                pieces.append(piece(start, first - start, last - start))
            return torch.cat(pieces, -1)

        wav, latents = golden.cases["vae.chunk_wav_in_mono"].expand(-1, 2, -1), golden.cases["vae.chunk_latent"]

        def encoded(start, first, last):
            mean, _ = golden_autoencoder.moments(wav[..., start * hop : (start + chunk) * hop])
            return mean[..., first:last]

        def decoded(start, first, last):
            return golden_autoencoder.decode(latents[..., start : start + chunk])[..., first * hop : last * hop]

        close(pasted(wav.shape[-1] // hop, encoded), golden.cases["vae.chunk_encode_16_4_mean"])
        close(pasted(latents.shape[-1], decoded), golden.cases["vae.chunk_decode_16_4"])


class TestConditioning:
    def _latents(self, golden, model, wav, noise):
        return model.autoencoder.encode(wav[None, None].expand(1, 2, -1), noise[None])[0].T

    def test_prompt_lyrics_and_null(self, golden, golden_model):
        cases, conditioning = golden.cases, golden_model.conditioning
        latents = self._latents(golden, golden_model, cases["cond.wav0"], cases["cond.vae_noise"][0])
        close(conditioning.style(latents), cases["cond.prompt_wav"][0])
        close(conditioning.lyrics(cases["cond.lyric_tokens"].tolist()), cases["cond.lyrics"][0])
        null = conditioning.null_prefix()
        frames = golden.config.model.prompt_frames
        assert torch.equal(null[:frames], cases["cond.prompt_wav"][1])
        close(null[frames:], cases["cond.lyrics"][1])
        assert cases["cond.null_lyric_tokens"].tolist() == [0]
        # Upstream's masks only count what is real; they are never applied, and there are none here.
        symbols = min(len(cases["cond.lyric_tokens"]), golden.config.model.lyrics_length)
        assert cases["cond.lyrics.mask"].sum(1).tolist() == [symbols, 1]
        assert cases["cond.prompt_wav.mask"].sum(1).tolist() == [frames, 0]

    def test_order_of_the_prefix(self, golden, golden_model):
        cases = golden.cases
        latents = self._latents(golden, golden_model, cases["cond.wav0"], cases["cond.vae_noise"][0])
        prefix = golden_model.conditioning.prefix(cases["cond.lyric_tokens"].tolist(), latents)
        close(prefix, cases["lm.fused_input"][0, : len(prefix)])
        close(golden_model.conditioning.null_prefix(), cases["lm.fused_input"][1, : len(prefix)])

    def test_double_spaces_and_short_prompts(self, golden, golden_model):
        cases, conditioning = golden.cases, golden_model.conditioning
        close(conditioning.lyrics(cases["cond2.lyric_tokens1"].tolist()), cases["cond2.lyrics"][1])
        latents = self._latents(golden, golden_model, cases["cond.wav1"], cases["cond3.vae_noise"][0])
        close(conditioning.style(latents), cases["cond3.prompt_wav"][0])

    def test_prompt_padded_in_a_batch(self, golden, golden_model):
        """Upstream pads a batch's waveforms to the longest and blanks the frames beyond each song's own."""
        cases = golden.cases
        length = len(cases["cond.wav0"])
        wav = torch.nn.functional.pad(cases["cond.wav1"], (0, length - len(cases["cond.wav1"])))
        latents = self._latents(golden, golden_model, wav, cases["cond2.vae_noise"][1])
        frames = int(cases["cond2.prompt_wav.mask"][1].sum())
        close(golden_model.conditioning.style(latents[:frames]), cases["cond2.prompt_wav"][1])


class TestSketchLM:
    def _sequence(self, golden, model, prefix=True):
        cases = golden.cases
        if not prefix:
            return cases["lm.input"]
        return torch.cat([cases["cond.prompt_wav"], cases["cond.lyrics"], cases["lm.input"]], dim=1)

    def test_inputs(self, golden, golden_model):
        cases, sizes = golden.cases, golden.config.model
        latents = cases["lm.latent"].transpose(1, 2).unflatten(1, (-1, sizes.patch))
        embedded = golden_model.acoustic_encoder(latents)
        close(embedded, cases["lm.latent_emb"])
        sketch = golden_model.sketch_embedding(cases["lm.sketch"].long()).unflatten(1, (-1, sizes.patch))
        patches = torch.cat([sketch, embedded[:, :, None]], dim=2).flatten(1, 2)
        bos = golden_model.sketch_lm.bos.expand(len(patches), 1, -1)
        close(torch.cat([bos, patches], dim=1), cases["lm.input"])

    def test_whole_sequences(self, golden, golden_model):
        cases, lm = golden.cases, golden_model.sketch_lm
        hidden = lm(self._sequence(golden, golden_model))[:, -cases["lm.out"].shape[1] :]
        close(hidden, cases["lm.out"])
        close(lm.logits(hidden), cases["lm.logits"])
        close(lm(self._sequence(golden, golden_model, prefix=False)), cases["lm.out_nocond"])

    @pytest.mark.parametrize("fixed", [False, True])
    def test_step_by_step_with_a_cache(self, golden, packed_model, fixed):
        from systems.songbloom.batches import KVCache, RaggedStep, StaticStep

        cases, lm, sizes = golden.cases, packed_model.sketch_lm, golden.config.model
        prefix = torch.cat([cases["cond.prompt_wav"], cases["cond.lyrics"]], dim=1)
        length = prefix.shape[1] + cases["lm.input"].shape[1]
        cache = KVCache(sizes, 2, 2, length, prefix.device, torch.float32, zeroed=fixed)
        lm.prefill(prefix, cache.keys[:, 1], cache.values[:, 1])
        rope, first = lm.rope(length, prefix.device), prefix.shape[1]
        out = []
        for position, x in enumerate(cases["lm.input"].unbind(1), first):
            if fixed:
                step = StaticStep(lm, cache, rope, torch.tensor([position, position]), length)
            else:
                step = RaggedStep(lm, cache, rope, torch.tensor([position]), [1])
            songs = torch.stack([torch.zeros_like(x), x]) if fixed else x[None]
            out.append(step.hidden(songs)[-1])
        close(torch.stack(out, dim=1), cases["lm.out_streaming"])

    def test_another_rotary_base(self, golden, golden_model):
        """The 240 s model: positions of the language model turn slower, those of the diffusion transformer do not."""
        from dataclasses import replace

        lm = golden_model.sketch_lm
        released = lm.config
        try:
            lm.config = replace(released, lm_rotary_base=40000.0)
            hidden = lm(self._sequence(golden, golden_model))
        finally:
            lm.config = released
        close(hidden[:, -golden.long_cases["lm.out"].shape[1] :], golden.long_cases["lm.out"])


class TestAcousticDiT:
    def _inputs(self, golden):
        return (golden.cases[f"dit.{name}"] for name in ("x", "t", "h", "s", "history"))

    def test_time_embedding(self, golden, golden_model):
        dit = golden_model.acoustic_dit
        close(dit.time_features(golden.cases["time.t"]), golden.cases["time.features"])
        close(dit.time_embedding(golden.cases["time.t"]), golden.cases["time.embed"])

    def test_positions(self, golden, golden_model):
        rope = golden_model.acoustic_dit.rope(torch.device("cpu"))
        angles = golden.cases["dit.rotary_freqs"]
        turned = angles.shape[1]
        close(rope.cos[:, :turned], angles.cos())
        close(rope.sin[:, :turned].abs(), angles.sin().abs())
        assert (rope.cos[:, turned:] == 1).all()
        assert (rope.sin[:, turned:] == 0).all()

    def test_velocity(self, golden, golden_model):
        x, t, h, s, history = self._inputs(golden)
        dit = golden_model.acoustic_dit
        close(dit(x, t, h, s, history), golden.cases["dit.out"])

    def test_first_attention(self, golden, golden_model):
        layer = golden_model.acoustic_dit.layers[0]
        x = golden.cases["dit.transformer_in"]
        attended = attend_fully(*layer.project(x, golden_model.acoustic_dit.rope(x.device)))
        close(layer.attention.merge(attended), golden.cases["dit.layer0_attn_out"])

    def test_all_layers(self, golden, golden_model):
        dit, x = golden_model.acoustic_dit, golden.cases["dit.transformer_in"]
        for layer in dit.layers:
            x = layer(x, dit.rope(x.device), attend_fully)
        close(x, golden.cases["dit.transformer_out"])

    def test_guidance(self, golden, golden_model):
        x, t, h, s, history = self._inputs(golden)
        dit = golden_model.acoustic_dit
        conditional = dit(x, t, h, s, history)
        null = dit(x, t, torch.zeros_like(h), torch.zeros_like(s), history)
        close(null + 1.5 * (conditional - null), golden.cases["dit.out_cfg1.5"])
        assert torch.equal(golden.long_cases["dit.out_cfg1.5"], golden.cases["dit.out_cfg1.5"])


class TestSolver:
    """On the field v(x, t) = tanh(x)·(1 + t) - 0.3·cos(3x), whose solutions were recorded."""

    def _field(self, grid):
        times = grid.tolist()
        return lambda x, step: torch.tanh(x) * (1 + times[step]) - 0.3 * torch.cos(3 * x)

    def test_euler(self, golden):
        cases = [name for name in golden.cases if name.startswith("toy.euler_s")]
        assert cases
        for name in cases:
            steps, temperature = name.removeprefix("toy.euler_s").split("_T")
            solved = euler(
                self._field(time_grid(int(steps))), golden.cases["toy.noise"], int(steps), float(temperature)
            )
            close(solved, golden.cases[name])

    def test_plain_euler(self, golden):
        close(euler(self._field(time_grid(8)), golden.cases["toy.noise"], 8, 1.0), golden.cases["toy.euler_plain_s8"])

    def test_ddim(self, golden):
        grid = torch.linspace(1, 0, 9)[:-1]
        close(ddim(self._field(grid), golden.cases["toy.noise"], 8), golden.cases["toy.v_ddim_s8"])
        assert math.isclose(float(grid[0]), 1.0)
