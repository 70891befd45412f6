"""What ACE-Step 1.5 needs: packages, its authors' code at one commit, and the released weights, part by part.

Sizes and checksums are those that other projects have published for these commits of the model hub.
"""

from __future__ import annotations

from collections.abc import Mapping

from songbench.resources.checkouts import Checkout
from songbench.resources.environments import Environment
from songbench.resources.weights import HubSource, WeightFile, Weights

LICENCE = "MIT"

ENVIRONMENT = Environment(
    name="acestep15",
    summary="What inference with ACE-Step 1.5 imports, for the pinned commit and later ones; its pages, its training"
    " and vLLM need more, which is left out.",
    requirements=(
        "torch==2.10.0",
        "torchaudio==2.10.0",
        "torchvision==0.25.0",
        "torchcodec==0.10.0",
        "torchao==0.16.0",
        "transformers==4.57.6",
        "diffusers==0.37.0",
        "accelerate==1.12.0",
        "peft==0.18.1",
        "huggingface_hub==0.36.2",
        "numpy==2.3.5",
        "scipy==1.17.0",
        "soundfile==0.13.1",
        "loguru==0.7.3",
        "einops==0.8.2",
        "numba==0.63.1",
        "vector-quantize-pytorch==1.27.20",
        "tqdm==4.67.1",
        "pyyaml==6.0.3",
        "toml==0.10.2",
        "pytorch-wavelets==1.3.0",
        "pywavelets==1.9.0",
    ),
    licence="each package its own",
    python=">=3.11.12,<3.12",  # release candidates of 3.11.0 crash in vLLM
    about=9_000_000_000,  # with torch for CUDA
)

CHECKOUT = Checkout(
    name="acestep15",
    summary="ACE-Step 1.5: text, lyrics and reference audio to songs of 10 s to 10 min.",
    repository="ace-step/ACE-Step-1.5",
    commit="f30aee4c186c33b7b8a6ea59a4b7fc36f795b49f",
    licence=LICENCE,
    files=("acestep/inference.py", "acestep/handler.py", "acestep/llm_inference.py"),
    about=30_000_000,
)

_MAIN = "ACE-Step/Ace-Step1.5"
_MAIN_COMMIT = "19671f406d603126926c1b7e2adc169acbcade22"
_SILENCE = WeightFile(
    "silence_latent.pt", "a778e9dd942f5e8b2c09c55370782d318834432b03dabbcdf70e6ed49ad6358b", 3_841_215
)


def _weights(name: str, summary: str, files: tuple[WeightFile, ...], source: HubSource) -> Weights:
    return Weights(
        name=f"acestep15-{name}", version="1", summary=summary, licence=LICENCE, files=files, sources=(source,)
    )


def _inside(folder: str, files: tuple[WeightFile, ...]) -> HubSource:
    """Files that lie in a folder of the main repository."""
    return HubSource(_MAIN, _MAIN_COMMIT, {file.name: f"{folder}/{file.name}" for file in files})


_TEXT_ENCODER_FILES = (
    WeightFile("added_tokens.json", "c0284b582e14987fbd3d5a2cb2bd139084371ed9acbae488829a1c900833c680", 707),
    WeightFile("chat_template.jinja", "87a2728cb8dc9fe424d624542f6060ec05a1d285ebbec578bb078900e33396b5", 4_116),
    WeightFile("config.json", "bb23c1607cfe059a58d8f0196cf1cebb52082b1056b8e358a579da80a5759420", 1_359),
    WeightFile("merges.txt", "8831e4f1a044471340f7c0a83d7bd71306a5b867e95fd870f74d0c5308a904d5", 1_671_853),
    WeightFile("model.safetensors", "0437e45c94563b09e13cb7a64478fc406947a93cb34a7e05870fc8dcd48e23fd", 1_191_586_416),
    WeightFile("special_tokens_map.json", "76862e765266b85aa9459767e33cbaf13970f327a0e88d1c65846c2ddd3a1ecd", 613),
    WeightFile("tokenizer.json", "def76fb086971c7867b829c23a26261e38d9d74e02139253b38aeb9df8b4b50a", 11_423_705),
    WeightFile("tokenizer_config.json", "443bfa629eb16387a12edbf92a76f6a6f10b2af3b53d87ba1550adfcf45f7fa0", 5_404),
    WeightFile("vocab.json", size=2_776_833),
)
TEXT_ENCODER = _weights(
    "text-encoder",
    "Qwen3-Embedding-0.6B, which reads style and lyrics.",
    _TEXT_ENCODER_FILES,
    _inside("Qwen3-Embedding-0.6B", _TEXT_ENCODER_FILES),
)

_VAE_FILES = (
    WeightFile("config.json", size=425),
    WeightFile(
        "diffusion_pytorch_model.safetensors",
        "da17edb604c40deaf09e9b24974e590d1ca83a374070e5d0884cfa4bed9a99b0",
        337_431_388,
    ),
)
VAE = _weights("vae", "The autoencoder between sound and latents.", _VAE_FILES, _inside("vae", _VAE_FILES))

_TURBO_FILES = (
    WeightFile("config.json", size=1_968),
    WeightFile("configuration_acestep_v15.py", size=13_130),
    WeightFile("modeling_acestep_v15_turbo.py", size=96_036),
    WeightFile("model.safetensors", "3f6e0797fad420a39bd33979eb6e840e30989e34a3794e843d23b60ec6e422d7", 4_787_825_604),
    _SILENCE,
)
_OTHER_TURBO_FILES = (
    WeightFile("config.json", about=2_000),
    WeightFile("configuration_acestep_v15.py", about=13_000),
    WeightFile("modeling_acestep_v15_turbo.py", about=96_000),
    WeightFile("model.safetensors", about=4_787_825_604),
    WeightFile("silence_latent.pt", about=3_841_215),
)
_BASE_FILES = (
    WeightFile("apg_guidance.py", about=8_000),
    WeightFile("config.json", about=1_940),
    WeightFile("configuration_acestep_v15.py", about=13_130),
    WeightFile("modeling_acestep_v15_base.py", about=95_500),
    WeightFile("model.safetensors", "4177f600501a6d4bd81cadaa0abac557ffd15c54e5c8cb52053cdb24a0844d6b", 4_787_825_604),
    _SILENCE,
)
_SFT_FILES = (
    WeightFile("apg_guidance.py", "0c0ce9755952c99307ecad2fac67863d43258e34541cd37ce2f2221f59e76b15", 7_956),
    WeightFile("config.json", about=1_940),
    WeightFile(
        "configuration_acestep_v15.py", "b89870c5c7a7ce060eb0bcdbb5ffc86b0b1a324ca325a26be552ea1b42496dc5", 13_130
    ),
    WeightFile(
        "modeling_acestep_v15_base.py", "5e3b475d46965dcd5b0d037e53a9af359305a7dbd78e2ee08b39e94c4b02ca48", 95_910
    ),
    WeightFile("model.safetensors", about=4_787_825_604),
    _SILENCE,
)


def _xl_files(model: str) -> tuple[WeightFile, ...]:
    shards = (4_986_971_456, 4_986_942_776, 4_986_942_808, 4_988_483_464)
    guidance = () if model == "turbo" else (WeightFile("apg_guidance.py", about=8_000),)
    return (
        *guidance,
        WeightFile("config.json", about=2_400),
        WeightFile("configuration_acestep_v15.py", about=13_225),
        WeightFile(f"modeling_acestep_v15_xl_{'turbo' if model == 'turbo' else 'base'}.py", about=104_000),
        WeightFile("model.safetensors.index.json", about=71_500),
        *(WeightFile(f"model-{n:05}-of-00004.safetensors", about=size) for n, size in enumerate(shards, 1)),
        WeightFile("silence_latent.pt", about=3_841_215),
    )


TURBO = _weights(
    "turbo",
    "The diffusion transformer of 8 steps, distilled at shifts 1, 2 and 3.",
    _TURBO_FILES,
    _inside("acestep-v15-turbo", _TURBO_FILES),
)
TURBO_SHIFT1 = _weights(
    "turbo-shift1",
    "The diffusion transformer of 8 steps, distilled at shift 1.",
    _OTHER_TURBO_FILES,
    HubSource("ACE-Step/acestep-v15-turbo-shift1", "5b86586cc1faecd5214281b05440c8903b6da20f"),
)
TURBO_SHIFT3 = _weights(
    "turbo-shift3",
    "The diffusion transformer of 8 steps, distilled at shift 3.",
    _OTHER_TURBO_FILES,
    HubSource("ACE-Step/acestep-v15-turbo-shift3", "625a282f7c8d882c930a5e500be4c82800f84fb4"),
)
TURBO_CONTINUOUS = _weights(
    "turbo-continuous",
    "The diffusion transformer of 8 steps, distilled at shifts from 1 to 5; experimental.",
    _OTHER_TURBO_FILES,
    HubSource("ACE-Step/acestep-v15-turbo-continuous", "f8e893768347fd42f5988e07d1d80675fc3e5718"),
)
SFT = _weights(
    "sft",
    "The fine-tuned diffusion transformer, with guidance.",
    _SFT_FILES,
    HubSource("ACE-Step/acestep-v15-sft", "c410d249e71ea9385a7b586865e65b1473e1098d"),
)
BASE = _weights(
    "base",
    "The pretrained diffusion transformer, with guidance.",
    _BASE_FILES,
    HubSource("ACE-Step/acestep-v15-base", "e432212fec32b8965a14ffa57ae653438d6abd14"),
)
XL_TURBO = _weights(
    "xl-turbo",
    "The diffusion transformer of 4 B parameters, of 8 steps.",
    _xl_files("turbo"),
    HubSource("ACE-Step/acestep-v15-xl-turbo", "d4a0b288b83ebb7e25a8c0b32c573c22e134e8ee"),
)
XL_SFT = _weights(
    "xl-sft",
    "The fine-tuned diffusion transformer of 4 B parameters, with guidance.",
    _xl_files("sft"),
    HubSource("ACE-Step/acestep-v15-xl-sft", "d06de46b4622f781cf07f4a013a67d591ca52819"),
)
XL_BASE = _weights(
    "xl-base",
    "The pretrained diffusion transformer of 4 B parameters, with guidance.",
    _xl_files("base"),
    HubSource("ACE-Step/acestep-v15-xl-base", "220c1166efbdd9583eafcb12eb160594bbfcb241"),
)


def _language_model_files(*tensors: WeightFile) -> tuple[WeightFile, ...]:
    return (
        WeightFile("added_tokens.json", about=2_217_787),
        WeightFile("chat_template.jinja", about=4_168),
        WeightFile("config.json", about=1_385),
        WeightFile("merges.txt", about=1_671_853),
        *tensors,
        WeightFile("special_tokens_map.json", about=1_824_199),
        WeightFile("tokenizer.json", about=24_321_939),
        WeightFile("tokenizer_config.json", about=14_072_925),
        WeightFile("vocab.json", about=2_776_833),
    )


_LM_1_7B_FILES = _language_model_files(
    WeightFile("model.safetensors", "f161689da73e5ecefa28ff780d51c2d92a00f056d021d7933c779ed5c6cd7db8", 3_708_521_528)
)
LM_0_6B = _weights(
    "lm-0.6b",
    "The small language model that plans a song.",
    _language_model_files(WeightFile("model.safetensors", about=1_325_804_024)),
    HubSource("ACE-Step/acestep-5Hz-lm-0.6B", "148d8ea0225bdab342ee1ae3a354275ccd60ca80"),
)
LM_1_7B = _weights(
    "lm-1.7b",
    "The language model that plans a song.",
    _LM_1_7B_FILES,
    _inside("acestep-5Hz-lm-1.7B", _LM_1_7B_FILES),
)
LM_4B = _weights(
    "lm-4b",
    "The large language model that plans a song.",
    _language_model_files(
        WeightFile("model-00001-of-00002.safetensors", about=5_000_000_000),
        WeightFile("model-00002-of-00002.safetensors", about=3_400_000_000),
        WeightFile("model.safetensors.index.json", about=33_000),
    ),
    HubSource("ACE-Step/acestep-5Hz-lm-4B", "0a3ec94b557aea7d508da38b31cfe7341f6ff737"),
)

PLACES: Mapping[str, str] = {
    VAE.name: "vae",
    TEXT_ENCODER.name: "Qwen3-Embedding-0.6B",
    TURBO.name: "acestep-v15-turbo",
    TURBO_SHIFT1.name: "acestep-v15-turbo-shift1",
    TURBO_SHIFT3.name: "acestep-v15-turbo-shift3",
    TURBO_CONTINUOUS.name: "acestep-v15-turbo-continuous",
    SFT.name: "acestep-v15-sft",
    BASE.name: "acestep-v15-base",
    XL_TURBO.name: "acestep-v15-xl-turbo",
    XL_SFT.name: "acestep-v15-xl-sft",
    XL_BASE.name: "acestep-v15-xl-base",
    LM_0_6B.name: "acestep-5Hz-lm-0.6B",
    LM_1_7B.name: "acestep-5Hz-lm-1.7B",
    LM_4B.name: "acestep-5Hz-lm-4B",
}
"""Where its authors' code looks for each part, below its folder ``checkpoints``."""
