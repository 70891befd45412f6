"""Run in an environment and a checkout of ACE-Step v1: writes weights of the real kinds, random and of tiny sizes.

``python tiny_acestep.py FOLDER``. Only the lyric encoder has its real size, which its code does not let anyone change.
"""

import sys
from pathlib import Path

import torch
from diffusers import AutoencoderDC
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast, UMT5Config, UMT5EncoderModel

sys.path.insert(0, str(Path.cwd()))
from acestep.models.ace_step_transformer import ACEStepTransformer2DModel
from acestep.music_dcae.music_vocoder import ADaMoSHiFiGANV1

TEXT = 16


def write_transformer(folder):
    """20 blocks, as its guidance weakens the attention of the last of them."""
    model = ACEStepTransformer2DModel(
        in_channels=8,
        num_layers=20,
        inner_dim=16,
        attention_head_dim=8,
        num_attention_heads=2,
        mlp_ratio=2.0,
        out_channels=8,
        text_embedding_dim=TEXT,
        ssl_encoder_depths=[1, 1],
        ssl_latent_dims=[4, 4],
        lyric_encoder_vocab_size=6693,
        max_width=32768,
    )
    model.to(torch.bfloat16).save_pretrained(folder)


def write_autoencoder(folder):
    AutoencoderDC(
        in_channels=2,
        latent_channels=8,
        attention_head_dim=4,
        encoder_block_types="ResBlock",
        decoder_block_types="ResBlock",
        encoder_block_out_channels=(4, 4, 4, 8),
        decoder_block_out_channels=(4, 4, 4, 8),
        encoder_layers_per_block=(1, 1, 1, 1),
        decoder_layers_per_block=(1, 1, 1, 1),
        encoder_qkv_multiscales=((), (), (), ()),
        decoder_qkv_multiscales=((), (), (), ()),
    ).save_pretrained(folder)


def write_vocoder(folder):
    ADaMoSHiFiGANV1(
        depths=[1, 1, 1, 1],
        dims=[4, 4, 4, 8],
        num_mels=8,
        upsample_initial_channel=128,
        resblock_kernel_sizes=(3,),
        resblock_dilation_sizes=((1, 1, 1),),
    ).save_pretrained(folder)


def write_text_encoder(folder):
    """Ten blocks, as its guidance weakens the attention of the last two; a token for each byte."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {symbol: number for number, symbol in enumerate(["<pad>", "</s>", *alphabet])}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="<pad>",
        eos_token="</s>",
        model_input_names=["input_ids", "attention_mask"],
    ).save_pretrained(folder)
    config = UMT5Config(vocab_size=len(vocabulary), d_model=TEXT, d_kv=8, d_ff=16, num_layers=10, num_heads=2)
    UMT5EncoderModel(config).save_pretrained(folder)


def main(folder):
    torch.manual_seed(0)
    write_transformer(folder / "ace_step_transformer")
    write_autoencoder(folder / "music_dcae_f8c8")
    write_vocoder(folder / "music_vocoder")
    write_text_encoder(folder / "umt5-base")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
