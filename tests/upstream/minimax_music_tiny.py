"""Writes a checkpoint of MiniMax Music 3 of tiny random parts; runs in an environment with diffusers."""

import sys

import torch
from diffusers import (
    FlowMatchEulerDiscreteScheduler,
    MiniMaxMusic3Blocks,
    MiniMaxMusic3ConditionEncoder,
    MiniMaxMusic3RVQDepthDecoder,
    MiniMaxMusic3Transformer1DModel,
    MiniMaxMusic3Vocoder,
)
from transformers import Qwen2Tokenizer, Qwen3Config, Qwen3ForCausalLM

HIDDEN = 16
VOCABULARY = 151_675 + 16_384 + 133  # the places of audio tokens are fixed in the pipeline
PRINTABLE = [*range(33, 127), *range(161, 173), *range(174, 256)]
LETTERS = [chr(byte) for byte in PRINTABLE] + [chr(256 + number) for number in range(256 - len(PRINTABLE))]

torch.manual_seed(0)
pipeline = MiniMaxMusic3Blocks().init_pipeline()
pipeline.update_components(
    tokenizer=Qwen2Tokenizer(vocab={letter: number for number, letter in enumerate(LETTERS)}, merges=[]),
    language_model=Qwen3ForCausalLM(
        Qwen3Config(
            vocab_size=VOCABULARY,
            hidden_size=HIDDEN,
            intermediate_size=32,
            num_hidden_layers=1,
            num_attention_heads=2,
            num_key_value_heads=1,
            head_dim=8,
            tie_word_embeddings=False,
        )
    ),
    rvq_depth_decoder=MiniMaxMusic3RVQDepthDecoder(
        hidden_size=HIDDEN, num_layers=1, num_attention_heads=2, intermediate_size=32
    ),
    condition_encoder=MiniMaxMusic3ConditionEncoder(condition_hidden_dim=HIDDEN, out_dim=16),
    transformer=MiniMaxMusic3Transformer1DModel(
        in_channels=8,
        condition_dim=16,
        num_layers=1,
        num_attention_heads=2,
        attention_head_dim=8,
        ff_inner_dim=32,
        rotary_dim=4,
        fourier_embedding_dim=16,
    ),
    scheduler=FlowMatchEulerDiscreteScheduler(invert_sigmas=True, num_train_timesteps=1, shift=1.0),
    vocoder=MiniMaxMusic3Vocoder(latent_channels=8, decoder_input_dim=16, decoder_hidden_dim=32),
)
pipeline.save_pretrained(sys.argv[1])
