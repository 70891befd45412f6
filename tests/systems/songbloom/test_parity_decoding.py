"""Whole patches and whole songs against upstream, under the random draws that upstream used."""

from dataclasses import replace

import pytest
import torch
from songbloom_close import close

from systems.songbloom.decoding import DecodingEngine, DecodingInput, Patch, SongEnd
from systems.songbloom.draws import PatchDraws
from systems.songbloom.text import Vocabulary, phonemes_of_lyrics

RUNS = ["greedy_pen", "greedy_nopen", "greedy_win20", "greedy_global"]


class RecordedDraws:
    """Noise, and uniform numbers, one set per patch in order."""

    def __init__(self, noise, uniform=None):
        self._noise = iter(noise)
        self._uniform = iter(uniform) if uniform is not None else None

    def prompt(self, frames):
        raise AssertionError("the prompt was encoded with recorded noise")

    def patch(self):
        noise = next(self._noise)
        return PatchDraws(next(self._uniform) if self._uniform else torch.zeros(len(noise)), noise)


def settings(golden, kwargs):
    config = golden.config.decoding.changed(
        {
            "guidance": kwargs["cfg_coef"],
            "guidance_mode": kwargs["dit_cfg_type"],
            "sampling": kwargs["use_sampling"],
            "temperature": kwargs["temp"],
            "top_k": kwargs["top_k"],
            "top_p": kwargs.get("top_p", 0.0),
            "penalise_repetition": kwargs["penalty_repeat"],
            "repetition_window": kwargs["penalty_window"],
            "steps": kwargs["steps"],
            "diffusion_temperature": kwargs["diff_temp"],
        }
    )
    return replace(config, max_seconds=kwargs["max_frames"] / golden.config.autoencoder.frame_rate)


def first_order(golden, model, vae_noise, draws):
    """The song of the cases: the first lyrics with the first prompt."""
    wav = golden.cases["cond.wav0"]
    latents = model.encode_prompt(wav, vae_noise)
    return DecodingInput(golden.cases["cond.lyric_tokens"].tolist(), latents, draws)


def decode(engine, order):
    """Tokens (N,), latents (T, C) and the ending of one song."""
    events = list(engine.decode([order]))
    patches = [one for one in events if isinstance(one, Patch)]
    assert [one.number for one in patches] == list(range(len(patches)))
    assert isinstance(events[-1], SongEnd)
    assert events[-1].patches == len(patches)
    if not patches:
        return None, None, events[-1].ending
    tokens = torch.cat([one.tokens for one in patches])
    return tokens, torch.cat([one.latents for one in patches]), events[-1].ending


@pytest.mark.parametrize("fixed", [False, True], ids=["each", "fixed-shapes"])
@pytest.mark.parametrize("run", RUNS)
def test_greedy_songs(golden, packed_model, run, fixed):
    config = settings(golden, golden.facts[f"gen.{run}"]["kwargs"])
    engine = DecodingEngine(packed_model, config, capture=fixed)
    order = first_order(
        golden,
        packed_model,
        golden.cases[f"gen.{run}.vae_noise"][0],
        RecordedDraws(golden.cases[f"gen.{run}.noise"]),
    )
    tokens, latents, ending = decode(engine, order)
    assert tokens.tolist() == golden.cases[f"gen.{run}.tokens"][0].tolist()
    close(latents.T, golden.cases[f"gen.{run}.latent"][0], 1e-4)
    assert ending == "longest length"


def test_plain_weights_give_the_same_as_packed_ones(golden, golden_model):
    config = settings(golden, golden.facts["gen.greedy_pen"]["kwargs"])
    draws = RecordedDraws(golden.cases["gen.greedy_pen.noise"])
    order = first_order(golden, golden_model, golden.cases["gen.greedy_pen.vae_noise"][0], draws)
    tokens, latents, _ = decode(DecodingEngine(golden_model, config), order)
    assert tokens.tolist() == golden.cases["gen.greedy_pen.tokens"][0].tolist()
    close(latents.T, golden.cases["gen.greedy_pen.latent"][0], 1e-4)


def test_the_240_s_model(golden):
    model = golden.load()
    model.sketch_lm.config = replace(model.sketch_lm.config, lm_rotary_base=40000.0)
    config = settings(golden, golden.facts["gen.greedy_pen"]["kwargs"])
    draws = RecordedDraws(golden.cases["gen.greedy_pen.noise"])
    order = first_order(golden, model, golden.cases["gen.greedy_pen.vae_noise"][0], draws)
    tokens, latents, _ = decode(DecodingEngine(model.for_decoding(), config), order)
    assert tokens.tolist() == golden.long_cases["gen.greedy_pen.tokens"][0].tolist()
    close(latents.T, golden.long_cases["gen.greedy_pen.latent"][0], 1e-4)


@pytest.mark.parametrize("run", ["eos", "eos_first"])
def test_songs_that_the_model_ends(golden, run):
    model = golden.load()
    with torch.no_grad():
        model.sketch_lm.classifier[2].bias[-1] += golden.facts[f"gen.{run}.eos_bias_added"]
    config = settings(golden, golden.facts[f"gen.{run}"]["kwargs"])
    draws = RecordedDraws(golden.cases[f"gen.{run}.noise"])
    order = first_order(golden, model, golden.cases[f"gen.{run}.vae_noise"][0], draws)
    tokens, latents, ending = decode(DecodingEngine(model.for_decoding(), config), order)
    assert ending == "end token"
    if run == "eos_first":  # upstream answers with one patch of zeros; here the song has no patch
        assert tokens is None
        assert not golden.cases[f"gen.{run}.latent"].any()
        return
    assert tokens.tolist() == golden.cases[f"gen.{run}.tokens"][0].tolist()
    close(latents.T, golden.cases[f"gen.{run}.latent"][0], 1e-4)


def _inside(weights, index):
    """A uniform number that falls into the middle of `index` when `weights` is inverted."""
    total = weights.double().cumsum(-1)
    at = torch.arange(len(weights))
    return ((total[at, index] - weights[at, index].double() / 2) / total[:, -1]).float()


@pytest.mark.parametrize("run", ["sampled_topk10", "sampled_topp0.8"])
def test_sampled_songs(golden, packed_model, run):
    """Upstream's recorded choices, turned into the uniform numbers that lead to them."""
    config = settings(golden, golden.facts[f"gen.{run}"]["kwargs"])
    weights = golden.cases.get(f"gen.{run}.probs", golden.cases.get(f"gen.{run}.sorted_probs"))
    choice = golden.cases[f"gen.{run}.choice"][:, 0].long()
    noise = golden.cases[f"gen.{run}.noise"]
    draws = RecordedDraws(noise, _inside(weights, choice).view(len(noise), -1))
    order = first_order(golden, packed_model, golden.cases[f"gen.{run}.vae_noise"][0], draws)
    tokens, latents, _ = decode(DecodingEngine(packed_model, config), order)
    assert tokens.tolist() == golden.cases[f"gen.{run}.tokens"][0].tolist()
    close(latents.T, golden.cases[f"gen.{run}.latent"][0], 1e-4)


BLOCKS = [
    ("h_T1", {"diffusion_temperature": 1.0}),
    ("h_T0.95", {}),
    ("global_T0.95", {"guidance_mode": "global"}),
    ("none_T0.95", {"guidance_mode": "none"}),
    ("cfgpair_T0.95", {"guidance": 2.0, "diffusion_guidance": 3.0}),
    ("pen_T0.95", {"penalise_repetition": True}),
]


@pytest.mark.parametrize(("block", "changes"), BLOCKS, ids=[name for name, _ in BLOCKS])
def test_single_patches(golden, packed_model, block, changes):
    cases = golden.cases
    config = replace(golden.config.decoding, steps=6, sampling=False, penalise_repetition=False, **{})
    engine = DecodingEngine(packed_model, config.changed(changes))
    draws = RecordedDraws(cases["block.noise"])
    lane = engine._admit(0, 0, first_order(golden, packed_model, cases["cond.vae_noise"][0], draws))
    engine._previous[0] = cases["block.prev_latents"][0]
    if block.startswith("pen"):
        engine._recent[0] = cases["block.pen.pool"][0]
    (patch,) = engine._patch([lane])
    assert patch.tokens.tolist() == cases[f"block.{block}.tokens"][0].tolist()
    close(patch.latents, cases[f"block.{block}.latent"][0], 1e-4)
    embedded = packed_model.sketch_embedding(patch.tokens)
    close(torch.cat([embedded, engine._inputs]), cases[f"block.{block}.seq"][0], 1e-4)


def test_logits_of_a_patch(golden, golden_model):
    cases, lm = golden.cases, golden_model.sketch_lm
    sequence = torch.cat([lm.bos[None], cases["block.h_T1.seq"][0, :-1]])[None].expand(2, -1, -1)
    prefix = torch.cat([cases["cond.prompt_wav"], cases["cond.lyrics"]], dim=1)
    logits = lm.logits(lm(torch.cat([prefix, sequence], dim=1)))[:, prefix.shape[1] :]
    close(logits[:, :-1].transpose(0, 1), cases["block.h_T1.raw_logits"])


def test_from_text_and_audio_to_audio(golden, packed_model):
    facts = golden.facts["e2e"]
    vocabulary = Vocabulary(golden.config.model.vocabulary.symbols)
    ids = vocabulary.ids(phonemes_of_lyrics(facts["lyrics"]))
    config = settings(golden, facts["params"])
    latents = packed_model.encode_prompt(golden.cases["cond.wav0"], golden.cases["e2e.vae_noise"][0])
    order = DecodingInput(ids, latents, RecordedDraws(golden.cases["e2e.noise"]))
    _, latents, _ = decode(DecodingEngine(packed_model, config), order)
    close(packed_model.autoencoder.decode(latents.T[None]), golden.cases["e2e.audio"], 1e-4)
