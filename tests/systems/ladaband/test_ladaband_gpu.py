"""On a CUDA device: the tokens of a CPU, and bfloat16."""

import pytest
import torch
from ladaband_models import TINY, random_predictor

from systems.ladaband.config import SamplerConfig
from systems.ladaband.sampling import sample
from systems.ladaband.vocal_tokens import VocalTokens

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
]

LENGTHS = (37, 5, 300)


def songs():
    for number, frames in enumerate(LENGTHS):
        generator = torch.Generator().manual_seed(number)
        ids = torch.randint(TINY.vocal_vocabulary, (frames,), generator=generator)
        prefix = torch.randn(number, TINY.condition_dim, generator=generator) * 0.05 if number else None
        yield VocalTokens(id=f"s{number}", ids=ids, prefix=prefix)


@pytest.mark.parametrize("causal", [False, True])
def test_the_same_tokens_as_on_a_cpu(causal):
    config = SamplerConfig(steps=8, top_k=20, causal=causal)
    on_cpu = sample(random_predictor(), list(songs()), config)
    on_cuda = sample(random_predictor().to("cuda"), list(songs()), config)
    assert [tokens.tolist() for tokens in on_cuda] == [tokens.tolist() for tokens in on_cpu]


@pytest.mark.parametrize("draws", ["portable", "multinomial"])
def test_bfloat16(draws):
    model = random_predictor().to("cuda", torch.bfloat16)
    model.to_logits.float()
    config = SamplerConfig(steps=8, top_k=20, draws=draws)
    first, second = (sample(model, list(songs()), config) for _ in range(2))
    assert [len(tokens) for tokens in first] == list(LENGTHS)
    assert [tokens.tolist() for tokens in first] == [tokens.tolist() for tokens in second]
