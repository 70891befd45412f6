"""The training loop on a few small pairs: what it learns, from where it goes on, what it refuses."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from ladaband_models import TINY, random_predictor

from songbench.domain.audio import Audio
from songbench.domain.errors import InputError
from systems.ladaband.codec.blocks import BlockCodec, blocks_of
from systems.ladaband.config import PRESETS as MODELS
from systems.ladaband.config import SamplerConfig
from systems.ladaband.predictor import MaskPredictor
from systems.ladaband.sampling import sample
from systems.ladaband.training.config import PRESETS, TrainingConfig
from systems.ladaband.training.dropout import ConditionDropout
from systems.ladaband.training.fit import STATE_FILE, fit
from systems.ladaband.training.masking import Curriculum, MaskingConfig, Milestone
from systems.ladaband.training.objective import ObjectiveConfig
from systems.ladaband.training.pairs import PairBatches, TrainingPair, encode_pair, stereo
from systems.ladaband.vocal_tokens import VocalTokens

SHORT = replace(PRESETS["overfit"], steps=6, warm_up=2, batch=2, learning_rate=1e-3)
SIZES = replace(TINY, condition_dim=12)


def pair(frames=10, seed=0, conditions=False):
    generator = torch.Generator().manual_seed(seed)
    vectors = torch.randn(2, SIZES.condition_dim, generator=generator)
    return TrainingPair(
        vocal=torch.randint(SIZES.vocal_vocabulary, (frames,), generator=generator),
        accompaniment=torch.randint(SIZES.accompaniment_vocabulary, (frames,), generator=generator),
        text=vectors[0] if conditions else None,
        reference=vectors[1] if conditions else None,
    )


def pairs(count=3, conditions=False):
    return [pair(10 + number, number, conditions) for number in range(count)]


def numbers(model):
    return torch.cat([part.detach().flatten() for part in model.parameters()])


def test_pairs_are_learnt_by_heart_and_given_back():
    model, songs = random_predictor(), pairs(2)
    history = fit(model, songs, replace(SHORT, steps=120, learning_rate=1e-2, warm_up=5))
    assert history[-1].masked < history[0].masked / 4
    assert history[-1].step == 120
    assert "step 120/120: loss" in str(history[-1])
    vocals = [VocalTokens(id=str(number), ids=song.vocal) for number, song in enumerate(songs)]
    tokens = sample(model, vocals, SamplerConfig(steps=8))
    right = [float((ids == song.accompaniment).float().mean()) for ids, song in zip(tokens, songs, strict=True)]
    assert min(right) > 0.9


def test_a_training_goes_on_where_it_was_interrupted(tmp_path):
    config = replace(SHORT, condition_dropout=0.5, accumulation=2)
    songs = pairs(conditions=True)
    complete = random_predictor(SIZES)
    fit(complete, songs, config)

    def interrupt(step):
        if step.step == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit(random_predictor(SIZES), songs, config, folder=tmp_path, save_every=2, progress=interrupt)
    resumed = random_predictor(SIZES, seed=9)
    history = fit(resumed, songs, config, folder=tmp_path, save_every=2)
    assert [step.step for step in history] == [3, 4, 5, 6]
    assert torch.equal(numbers(complete), numbers(resumed))
    with pytest.raises(InputError, match="other settings"):
        fit(random_predictor(SIZES), songs, replace(config, clip=2.0), folder=tmp_path)
    assert (tmp_path / STATE_FILE).is_file()


def test_the_callers_random_numbers_are_left_alone():
    torch.manual_seed(4)
    expected = torch.rand(1)
    torch.manual_seed(4)
    fit(random_predictor(), pairs(), replace(SHORT, steps=3, warm_up=1))
    assert torch.equal(torch.rand(1), expected)


def test_rtd_trains_its_head_alone_unless_it_is_told_otherwise():
    heads = []
    for objective in (ObjectiveConfig(), ObjectiveConfig(rtd=False), ObjectiveConfig(backbone_gradient=True)):
        model = random_predictor()
        fit(model, pairs(), replace(SHORT, objective=objective, weight_decay=0.0, clip=1e9))
        heads.append((model.rtd_head.weight, model.lm.norm.weight))
    (with_rtd, body), (without_rtd, plain_body), (_, trained_body) = heads
    assert not torch.equal(with_rtd, without_rtd)
    assert torch.equal(body, plain_body)
    assert not torch.equal(body, trained_body)


def test_masking_follows_the_curriculum_up_to_continuing():
    curriculum = Curriculum(
        MaskingConfig(strategy="exact_random", least=0.5, most=0.5), (Milestone(3, {"strategy": "autoregressive"}),)
    )
    history = fit(random_predictor(), pairs(), replace(SHORT, curriculum=curriculum))
    assert all(step.replaced > 0 for step in history[:3])
    assert all(step.replaced == 0 for step in history[3:])


def test_batches_hold_every_pair_once_per_epoch_and_pad_the_shorter():
    batches = PairBatches(pairs(4), SIZES, batch=2, frames=None, seed=1)
    dropout = ConditionDropout(0.0)
    epoch = [batches(number, dropout) for number in range(2)]
    lengths = sorted(
        int(length) for batch in epoch for length in (batch.accompaniment != SIZES.accompaniment_pad).sum(dim=1)
    )
    assert lengths == [10, 11, 12, 13]
    for batch in epoch:
        assert torch.equal(batch.vocal == SIZES.vocal_pad, batch.accompaniment == SIZES.accompaniment_pad)
        assert batch.prefix is None


def test_long_pairs_are_cut_at_one_place_in_both_tracks():
    ids = torch.arange(50)
    batches = PairBatches([TrainingPair(vocal=ids, accompaniment=ids)], SIZES, batch=1, frames=8, seed=0)
    starts = set()
    for number in range(10):
        batch = batches(number, ConditionDropout(0.0))
        assert torch.equal(batch.vocal, batch.accompaniment)
        assert torch.equal(batch.vocal[0], batch.vocal[0, 0] + torch.arange(8))
        starts.add(int(batch.vocal[0, 0]))
    assert len(starts) > 3


def test_conditions_stand_text_first_with_zeros_for_what_is_absent():
    complete, text_only = pair(conditions=True), replace(pair(conditions=True), reference=None)
    batches = PairBatches([complete, text_only], SIZES, batch=2, frames=None, seed=0)
    prefix = batches(0, ConditionDropout(0.0)).prefix
    assert prefix.shape == (2, 2, SIZES.condition_dim)
    assert torch.equal(prefix[:, 0], complete.text.expand(2, -1))
    assert (prefix[:, 1].abs().sum(dim=1) == 0).sum() == 1
    assert not batches(0, ConditionDropout(1.0)).prefix.any()


def test_tracks_are_levelled_filtered_and_filled_up():
    noise = np.random.default_rng(0).standard_normal((1, 24_000)).astype(np.float32) * 0.01
    vocal, band = Audio(noise, 24_000), Audio(np.repeat(noise[:, :20_000], 2, axis=0), 48_000)
    assert stereo(vocal).shape == (2, 48_000)
    codec = BlockCodec.from_blocks(blocks_of(torch.from_numpy(stereo(vocal))))
    tokens = encode_pair(codec, vocal, band)
    assert tokens.vocal.shape == tokens.accompaniment.shape == (26,)
    louder = encode_pair(codec, Audio(noise * 3, 24_000), band)
    assert torch.equal(tokens.vocal, louder.vocal)
    kept_level = encode_pair(codec, vocal, band, levelled=False)
    assert torch.equal(kept_level.vocal, torch.arange(26))
    plain = [encode_pair(codec, vocal, band) for _ in range(2)]
    filtered = [encode_pair(codec, vocal, band, equaliser=torch.Generator().manual_seed(seed)) for seed in range(8)]
    assert torch.equal(plain[0].accompaniment, plain[1].accompaniment)
    assert any(not torch.equal(song.accompaniment, plain[0].accompaniment) for song in filtered)


def test_impossible_trainings_are_refused():
    with pytest.raises(InputError, match="no pairs"):
        fit(random_predictor(), [], SHORT)
    with pytest.raises(InputError, match="does not know"):
        fit(random_predictor(), [TrainingPair(vocal=torch.tensor([60]), accompaniment=torch.tensor([0]))], SHORT)
    with pytest.raises(InputError, match="one length"):
        TrainingPair(vocal=torch.zeros(3), accompaniment=torch.zeros(4))
    with pytest.raises(InputError, match="steps is 0"):
        TrainingConfig(steps=0)
    with pytest.raises(InputError, match="no room"):
        TrainingConfig(steps=100)
    model = random_predictor()
    model.to_logits.weight.data.fill_(float("nan"))
    with pytest.raises(InputError, match="At step 1 the loss is nan"):
        fit(model, pairs(), SHORT)


def test_presets_are_those_of_the_public_files():
    assert PRESETS["s1_1b"].condition_dropout == 0
    assert PRESETS["s2_1b"].condition_dropout == 0.5
    assert (PRESETS["s1_3b"].steps, PRESETS["s1_3b"].window_seconds) == (100_000, 20.48)
    assert PRESETS["s2_1b"].frames == 4097
    assert PRESETS["ar_ablation_1b"].curriculum.at(0).autoregressive
    assert MaskPredictor(replace(MODELS["tiny"].predictor, rtd_head=False)).rtd_head is None
