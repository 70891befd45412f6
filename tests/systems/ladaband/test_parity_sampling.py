"""The sampler against upstream: filters, schedules, seeds, noise, and whole accompaniments under its recorded draws."""

from dataclasses import replace

import pytest
import torch
from ladaband_golden import Golden, parity_folder
from ladaband_models import golden_predictor

from systems.ladaband.config import SamplerConfig
from systems.ladaband.filters import candidates_of
from systems.ladaband.sampling import Denoising, sample
from systems.ladaband.schedules import remask_counts
from systems.ladaband.seeds import gumbel_noise, position_scores, random_scores, sample_seed, step_seed
from systems.ladaband.token_draws import MultinomialTokenDraws
from systems.ladaband.vocal_tokens import VocalTokens

STRATEGIES = {"fixed-position": "fixed_position", "no_remask": "one_shot"}


@pytest.fixture(scope="module")
def model(golden):
    return golden_predictor(golden)


def near(actual, expected, tolerance):
    torch.testing.assert_close(actual, expected, rtol=0, atol=tolerance)


class RecordedDraws:
    """Upstream's draws, a row per pass."""

    def __init__(self, choices):
        self._choices = choices

    def draw(self, step, frames, candidates):
        return self._choices[step, frames]


def full(candidates, vocabulary):
    """Probabilities of all tokens."""
    if candidates.ids is None:
        return candidates.probabilities
    zeros = torch.zeros(len(candidates.ids), vocabulary)
    return zeros.scatter(1, candidates.ids, candidates.probabilities)


def settings(facts):
    kwargs = facts["kwargs"]
    if kwargs.get("decode_mode") == "ar":
        config = SamplerConfig(causal=True)
    else:
        config = SamplerConfig(
            steps=kwargs["sampling_steps"],
            mask_temperature=kwargs["mask_temperature"],
            schedule=kwargs["remask_schedule"],
            ratios=tuple(kwargs["remask_ratios"]) if kwargs.get("remask_ratios") else None,
            strategy=STRATEGIES.get(kwargs["remask_strategy"], kwargs["remask_strategy"]),
            seed=kwargs["remask_seed"] or 0,
        )
    return replace(
        config,
        top_k=kwargs["top_k"] or 0,
        top_p=1.0 if kwargs["top_p"] is None else kwargs["top_p"],
        temperature=kwargs["temperature"],
        greedy=facts["mode"] == "argmax",
    )


def vocal_of(golden, description):
    """The vocal that a case names in its own words."""
    rows = golden.cases["ids.voc"].long()
    vocals = {"ids.voc[0]": rows[0], "ids.voc[0] ++ ids.voc[1]": rows.flatten()}
    if description in vocals:
        return vocals[description]
    if description.startswith("fwd.long.voc[:, :"):
        return golden.cases["fwd.long.voc"][0, : int(description.split(":")[-1].rstrip("]"))].long()
    return rows[0, : int(description.removeprefix("first "))]


def song_of(golden, name):
    facts = golden.facts[f"gen.{name}"]
    text, reference = golden.cases["emb.text"][0], golden.cases["emb.ref"][0]
    prefix = torch.stack([reference, text])
    if "no_prefix" in name or "noprefix" in name:
        prefix = None
    elif name == "zero_ref":
        prefix = torch.stack([torch.zeros_like(text), text])
    elif name == "text_only_p1":
        prefix = text[None]
    song_id = facts["kwargs"].get("remask_sequence_id")
    return VocalTokens(id="unknown" if song_id is None else song_id, ids=vocal_of(golden, facts["voc"]), prefix=prefix)


def pytest_generate_tests(metafunc):
    """One test per case that the golden numbers hold, whatever set they are."""
    facts = Golden(parity_folder()).facts if parity_folder().is_dir() else {}
    if "sampled_case" in metafunc.fixturenames:
        names = [name for name, fact in facts.items() if name.startswith("gen.") and fact["mode"] == "sample"]
        metafunc.parametrize("sampled_case", [name.removeprefix("gen.") for name in names])
    if "case" in metafunc.fixturenames:
        group = {"test_filters": "filter", "test_accompaniments": "gen"}[metafunc.function.__name__]
        names = [name.removeprefix(f"{group}.") for name in facts if name.startswith(f"{group}.")]
        metafunc.parametrize("case", names)


def test_filters(golden, case):
    logits, options = golden.cases["filter.logits"], golden.facts[f"filter.{case}"]
    top_p = 1.0 if options["top_p"] is None else options["top_p"]
    candidates = candidates_of(logits, top_k=options["top_k"] or 0, top_p=top_p, temperature=options["temperature"])
    near(full(candidates, logits.shape[-1]), golden.cases[f"filter.{case}.probs"], 1e-6)


def test_accompaniments(golden, model, case):
    song, config = song_of(golden, case), settings(golden.facts[f"gen.{case}"])
    expected = {name: golden.cases.get(f"gen.{case}.{name}") for name in ("acc_in", "sel_probs", "new_mask", "choice")}
    tokens = golden.cases[f"gen.{case}.tokens"].tolist()
    draws = [] if config.greedy else [RecordedDraws(expected["choice"].long())]
    if config.causal:
        assert sample(model, [song], config, draws)[0].tolist() == tokens
        return
    denoising = Denoising(model, [song], config, draws)
    assert denoising.steps == len(expected["acc_in"])
    trace = golden.facts[f"gen.{case}"]["trace"]
    for step in range(denoising.steps):
        assert denoising.tokens[0].tolist() == expected["acc_in"][step].tolist()
        result = denoising.advance()[0]
        assert len(result.frames) == trace[step]["mask_count_start"]
        assert len(result.remasked) == trace[step]["actual_remask_count"]
        assert result.tokens.tolist() == expected["choice"][step, result.frames].tolist()
        near(float(result.confidences.mean()), trace[step]["mean_confidence"], 1e-5)
        if expected["sel_probs"] is not None:
            near(result.confidences, expected["sel_probs"][step, result.frames], 1e-5)
            assert set(expected["sel_probs"][step].isfinite().nonzero().flatten().tolist()) == set(
                result.frames.tolist()
            )
            assert result.remasked.tolist() == expected["new_mask"][step].nonzero().flatten().tolist()
    assert denoising.tokens[0].tolist() == tokens
    assert sample(model, [song], config, draws)[0].tolist() == tokens


def test_the_same_seed_draws_what_upstream_draws(golden, model, sampled_case):
    """With the random numbers of ``torch.multinomial`` on a CPU, without any recorded draw."""
    facts, song = golden.facts[f"gen.{sampled_case}"], song_of(golden, sampled_case)
    frames = 1 if settings(facts).causal else len(song.ids)
    draws = MultinomialTokenDraws(facts["torch_seed"], frames, model.config.accompaniment_vocabulary, "cpu")
    tokens = sample(model, [song], settings(facts), [draws])[0]
    assert tokens.tolist() == golden.cases[f"gen.{sampled_case}.tokens"].tolist()


def test_distributions_of_the_first_and_last_pass(golden, model):
    """Of all frames, also of those that are fixed and so need no distribution here."""
    song, config = song_of(golden, "main"), settings(golden.facts["gen.main"])
    for step, name in ((0, "probs0"), (-1, "probs_last")):
        packed = model.pack([song.ids], [song.prefix])
        logits = model.logits(model.encode_packed(packed, golden.cases["gen.main.acc_in"][step].long()))
        candidates = candidates_of(logits, top_k=config.top_k, top_p=config.top_p, temperature=config.temperature)
        near(full(candidates, logits.shape[-1]), golden.cases[f"gen.main.{name}"], 1e-5)


def test_schedules(golden):
    for name, ratios in golden.facts["sched.ratios"].items():
        schedule, steps = name.split("|")
        assert SamplerConfig(schedule=schedule, steps=int(steps)).remask_ratios == pytest.approx(ratios, abs=1e-15)


def test_counts(golden):
    for name, counts in golden.facts["sched.counts"].items():
        schedule, steps, frames = name.split("|")
        ratios = SamplerConfig(schedule=schedule, steps=int(steps)).remask_ratios
        assert remask_counts(ratios, int(frames)) == counts, name


def test_seeds(golden):
    for name, value in golden.facts["seed.sample"].items():
        seed, song = name.split("|", 1)
        assert sample_seed(int(seed), song) == value
    for row in golden.facts["seed.step"]:
        assert step_seed(row["seed"], row["id"], row["step"], row["salt"]) == int(row["value"])


def test_noise(golden):
    kwargs = golden.facts["gen.main"]["kwargs"]
    seed, song = kwargs["remask_seed"], kwargs["remask_sequence_id"]
    frames = len(golden.cases["noise.fixed_position"])
    near(position_scores(seed, song, frames), golden.cases["noise.fixed_position"], 1e-6)
    steps = [int(name.rpartition("step")[2]) for name in golden.cases if name.startswith("noise.gumbel.step")]
    assert steps
    for step in steps:
        gumbel = golden.cases[f"noise.gumbel.step{step}"]
        near(gumbel_noise(seed, song, step, frames), gumbel, 1e-6)
        near(torch.exp(-torch.exp(-gumbel)), golden.cases[f"noise.uniform.step{step}"], 1e-6)
        near(random_scores(seed, song, step, frames), golden.cases[f"noise.random_scores.step{step}"], 1e-6)
