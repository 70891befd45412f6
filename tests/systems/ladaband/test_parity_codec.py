"""MuCodec's parts against the numbers its public code gave on the same small random weights and inputs."""

import pytest
import torch
from ladaband_codec_cases import CodecGolden, codec_golden

from systems.ladaband.codec.latent_flow import LatentFlow
from systems.ladaband.codec.loading import load_flow
from systems.ladaband.codec.mucodec import decode_windows
from systems.ladaband.codec.solver import guided, solve_in_context
from systems.ladaband.codec.windows import LOUDEST, limited, sound_window, token_count, window_starts

TOLERANCE = 5e-5
"""Of quantiser, transformer and solver, from the golden set's own measurements."""


@pytest.fixture(scope="module")
def golden() -> CodecGolden:
    return codec_golden()


@pytest.fixture(scope="module")
def flow(golden) -> LatentFlow:
    return load_flow(golden.config, golden.weights).eval().requires_grad_(False)


def close(actual, expected, tolerance=TOLERANCE):
    torch.testing.assert_close(actual, expected, atol=tolerance, rtol=0)


def test_every_case_of_the_set_is_of_a_part_tested_here_or_of_the_training(golden):
    groups = {name.split(".")[0] for name in golden.cases}
    assert groups <= {"rvq", "dit", "cfm", "glue", "enc_glue", "enc", "aug", "loud"}


def test_quantizer(golden, flow):
    cases, features = golden.cases, golden.cases["rvq.in"].transpose(1, 2)
    ids = flow.quantizer.tokens(features)
    assert torch.equal(ids, cases["rvq.codes"][:, 0].long())
    close(flow.quantizer.features(ids).transpose(1, 2), cases["rvq.from_codes"])
    close(flow.quantizer.features(ids).transpose(1, 2), cases["rvq.quantized"])


def test_estimator(golden, flow):
    cases, estimator = golden.cases, flow.estimator
    _, modulation = estimator.adaln_single(cases["dit.t"])
    close(modulation.flatten(1), cases["dit.adaln"])
    close(estimator.pos_embed(cases["dit.in"]), cases["dit.patch_embed"])
    close(estimator(cases["dit.in"], cases["dit.t"]), cases["dit.out"])
    waves = []
    embedder = estimator.adaln_single.emb["timestep_embedder"]
    hook = embedder.linear_1.register_forward_pre_hook(lambda _, inputs: waves.append(inputs[0]))
    embedder(cases["dit.t"])
    hook.remove()
    close(waves[0], cases["dit.time_embed"])


def test_condition(golden, flow):
    close(flow.condition(golden.cases["cfm.codes"][:, 0].long()), golden.cases["cfm.mu"])


def test_solver(golden, flow):
    cases, codes = golden.cases, golden.cases["cfm.codes"][:, 0].long()
    tags = [name for name in golden.tags("cfm.") if f"cfm.{name}.noise" in cases]
    assert tags
    for tag in tags:
        facts, noise = golden.facts[f"cfm.{tag}"], cases[f"cfm.{tag}.noise"]
        length = facts["incontext_length"]
        prefix = cases["cfm.true_latents"][:, :, :length] if length else None
        guidance = facts["guidance_scale"]
        latents = flow.latents(codes, prefix, noise, steps=facts["num_steps"], guidance=guidance)
        close(latents, cases[f"cfm.{tag}.latents"])


def test_two_songs_are_solved_as_each_alone(golden, flow):
    codes = golden.cases["cfm.codes"][:, 0].long()
    prefix = golden.cases["cfm.true_latents"]
    noise, prefix = torch.cat([prefix.flip(0), prefix.flip(2)]), prefix[:, :, :4]
    settings = {"steps": 3, "guidance": 1.5}
    pair = flow.latents(torch.cat([codes, codes.flip(1)]), prefix.repeat(2, 1, 1, 1), noise, **settings)
    close(pair[:1], flow.latents(codes, prefix, noise[:1], **settings))
    close(pair[1:], flow.latents(codes.flip(1), prefix, noise[1:], **settings))


def test_guidance_of_one_asks_the_estimator_once():
    rows = []

    def velocity(x, times):
        rows.append(len(x))
        return torch.zeros_like(x[:, :2])

    noise = torch.ones(1, 2, 4, 4)
    for guidance in (1.0, 1.5):
        solve_in_context(guided(velocity, noise, noise, guidance), noise, None, 1)
    assert rows == [1, 2]


def test_decoding_joins_windows_as_upstream(golden):
    """The toy decoder of the golden set: a frame is the mean of its tokens, its sound the mean of its channels."""
    tags = [tag for tag in golden.tags("glue.") if f"glue.{tag}" in golden.facts]
    assert tags
    for tag in tags:
        facts, calls = golden.facts[f"glue.{tag}"], []

        def latents(ids, prefix, generators, calls=calls):
            length = 0 if prefix is None else prefix.shape[2]
            calls.append({"first": int(ids[0, 0]), "last": int(ids[0, -1]), "n": ids.shape[1], "incontext": length})
            frames = ids.float().unflatten(1, (-1, 2)).mean(2)
            maps = frames[:, None, :, None].repeat(1, 32, 1, 32)
            maps[:, 16:] += 0.5
            if prefix is not None:
                maps[:, :, :length] = prefix
            return maps

        def sound(window):
            return window.unflatten(0, (2, 16)).mean((1, 3)).repeat_interleave(3840, 1)

        (audio,) = decode_windows([torch.arange(int(tag))], [torch.Generator()], latents, sound, "released")
        assert audio.shape == (facts["channels"], facts["samples"])
        assert str(audio.dtype) == facts["dtype"]
        assert calls == [{key: call[key] for key in ("first", "last", "n", "incontext")} for call in facts["calls"]]
        close(audio[:, ::4999], golden.cases[f"glue.{tag}.out_every4999"], 1e-4)


def test_encoding_cuts_windows_as_upstream(golden):
    for tag in golden.tags("enc_glue."):
        samples, tokens = int(tag), golden.facts[f"enc_glue.{tag}"]["tokens"]
        assert token_count(samples) == tokens
        index, starts = (golden.cases[f"enc_glue.{tag}.{part}"].tolist() for part in ("index", "start_sample"))
        ramp = torch.arange(samples, dtype=torch.int32)[None]
        windows = [sound_window(ramp, start)[0, : 1024 * 1920 : 1920] for start in window_starts(samples)]
        assert [int(torch.cat(windows)[token]) for token in index if token < tokens] == [
            start for token, start in zip(index, starts, strict=True) if token < tokens
        ]


def test_peaks_are_limited_as_upstream(golden):
    songs = golden.cases["enc.norm_in"]
    close(limited(songs, LOUDEST, (1, 2)), golden.cases["enc.norm_out"], 1e-6)
    close(limited(songs.flatten(0, 1), 0.9, (1,)), golden.cases["enc.norm2_out"], 1e-6)
