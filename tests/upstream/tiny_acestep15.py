"""Run in an environment of ACE-Step 1.5: writes weights of tiny sizes where its code looks for them.

``python tiny_acestep15.py FOLDER``. The autoencoder, the text encoder and the language model are of the real kinds with
random weights. The diffusion transformer, whose code lies beside its weights on the hub, is one of ours behind the same
methods: noise by the seeds it is given, shifted by the style, the lyrics, the reference audio and the codes.
"""

import json
import sys
from pathlib import Path

import torch
from diffusers.models import AutoencoderOobleck
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast, Qwen3Config, Qwen3ForCausalLM, Qwen3Model

LATENTS = 64
FRAMES = 15_000
"""Of silence: ten minutes at 25 frames per second."""

CHAT = "{% for message in messages %}{{ message['role'] }}: {{ message['content'] }}\\n{% endfor %}"

MODELING = """
import torch
from transformers import PretrainedConfig, PreTrainedModel


class TinyConfig(PretrainedConfig):
    model_type = "acestep_tiny"

    def __init__(self, is_turbo=True, **options):
        self.is_turbo = is_turbo
        super().__init__(**options)


class Quantizer(torch.nn.Module):
    def get_output_from_indices(self, indices):
        return torch.cos(indices.float() * torch.arange(1, 65))


class CodeTokenizer(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.quantizer = Quantizer()


class Detokenizer(torch.nn.Module):
    def forward(self, quantized):
        return quantized.repeat_interleave(5, dim=1)


class TinyModel(PreTrainedModel):
    config_class = TinyConfig
    _supports_sdpa = True

    def __init__(self, config):
        super().__init__(config)
        self.scale = torch.nn.Parameter(torch.ones(1))
        self.tokenizer, self.detokenizer = CodeTokenizer(), Detokenizer()
        self.post_init()

    def prepare_condition(self, text_hidden_states, text_attention_mask, src_latents, **others):
        return text_hidden_states, text_attention_mask, src_latents

    def generate_audio(
        self, text_hidden_states, text_attention_mask, lyric_hidden_states, lyric_attention_mask,
        refer_audio_acoustic_hidden_states_packed, refer_audio_order_mask, src_latents, chunk_masks, is_covers,
        silence_latent=None, attention_mask=None, seed=None, infer_method="ode", infer_steps=8,
        diffusion_guidance_sale=7.0, audio_cover_strength=1.0, non_cover_text_hidden_states=None,
        non_cover_text_attention_mask=None, precomputed_lm_hints_25Hz=None, use_adg=False, cfg_interval_start=0.0,
        cfg_interval_end=1.0, shift=1.0, timesteps=None,
    ):
        print(f"generate_audio: seed {seed}, steps {infer_steps}, shift {shift}, guidance {diffusion_guidance_sale}")
        noise = torch.stack(
            [torch.randn(src_latents.shape[1:], generator=torch.Generator().manual_seed(s)) for s in seed]
        )
        conditions = text_hidden_states, lyric_hidden_states, refer_audio_acoustic_hidden_states_packed
        latents = self.scale * noise + sum(condition.mean() for condition in conditions)
        if precomputed_lm_hints_25Hz is not None:
            latents = latents + precomputed_lm_hints_25Hz
        return {"target_latents": latents, "time_costs": {"total_time_cost": 0.5, "diffusion_per_step_time_cost": 0.1}}
"""


def write_autoencoder(folder):
    AutoencoderOobleck(
        encoder_hidden_size=2,
        downsampling_ratios=[2, 4, 4, 6, 10],
        channel_multiples=[1, 1, 1, 1, 1],
        decoder_channels=2,
        decoder_input_channels=LATENTS,
        audio_channels=2,
        sampling_rate=48_000,
    ).save_pretrained(folder)


def write_tokenizer(folder, special=()):
    """A byte-level tokenizer without merges: one token for each byte of a text. Returns how many tokens it has."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {symbol: number for number, symbol in enumerate([*alphabet, "<|endoftext|>"])}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<|endoftext|>", eos_token="<|endoftext|>", chat_template=CHAT
    )
    fast.add_tokens(list(special), special_tokens=True)
    fast.save_pretrained(folder)
    return len(fast)


def sizes(tokens):
    return Qwen3Config(
        vocab_size=tokens,
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        num_key_value_heads=1,
        head_dim=8,
    )


def write_text_encoder(folder):
    Qwen3Model(sizes(write_tokenizer(folder))).save_pretrained(folder)


def write_language_model(folder):
    """Its answer is made of codes, five for each second of sound."""
    tokens = write_tokenizer(folder, [f"<|audio_code_{number}|>" for number in range(100)])
    Qwen3ForCausalLM(sizes(tokens)).save_pretrained(folder)


def write_diffusion_transformer(folder):
    folder.mkdir()
    (folder / "modeling_tiny.py").write_text(MODELING)
    config = {
        "architectures": ["TinyModel"],
        "auto_map": {"AutoConfig": "modeling_tiny.TinyConfig", "AutoModel": "modeling_tiny.TinyModel"},
        "model_type": "acestep_tiny",
        "is_turbo": True,
    }
    (folder / "config.json").write_text(json.dumps(config))
    from safetensors.torch import save_file

    save_file({"scale": torch.ones(1)}, folder / "model.safetensors", metadata={"format": "pt"})
    torch.save(
        torch.randn(1, LATENTS, FRAMES, generator=torch.Generator().manual_seed(1)), folder / "silence_latent.pt"
    )


def main(folder):
    torch.manual_seed(0)
    folder.mkdir(parents=True, exist_ok=True)
    write_autoencoder(folder / "vae")
    write_text_encoder(folder / "Qwen3-Embedding-0.6B")
    write_language_model(folder / "acestep-5Hz-lm-0.6B")
    write_diffusion_transformer(folder / "acestep-v15-turbo")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
