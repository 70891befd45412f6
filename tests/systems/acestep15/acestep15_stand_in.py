"""A stand-in for the code of ACE-Step 1.5: the same signatures and quirks, in the pinned state and in a later one."""

HANDLER = """
import os, random


class Config:
    is_turbo = True
    _attn_implementation = "sdpa"


class Tokenizer:
    pad_token_id = 0

    def __call__(self, text, padding=None, truncation=False, max_length=None, return_tensors=None):
        words = text.split() if text.isascii() else list(text)
        return {"input_ids": words[:max_length] if truncation else words}


class AceStepHandler:
    def __init__(self):
        self.device, self.dtype, self.config, self.text_tokenizer = "cpu", "float32", Config(), None
        self.lora_loaded = self.use_lora = False

    def _get_project_root(self):
        return os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

    def initialize_service(
        self, project_root, config_path, device="auto", use_flash_attention=False, compile_model=False,
        offload_to_cpu=False, offload_dit_to_cpu=False, quantization=None, prefer_source=None
    ):
        checkpoints = os.path.join(self._get_project_root(), "checkpoints")
        main = ["acestep-v15-turbo", "vae", "Qwen3-Embedding-0.6B", "acestep-5Hz-lm-1.7B"]
        for folder in [*main, config_path]:
            if not os.path.exists(os.path.join(checkpoints, folder)):
                return f"would fetch {folder} from the hub", False
        if not os.path.exists(os.path.join(checkpoints, config_path, "config.json")):
            return "Error initializing model: no config.json", False
        if os.environ.get("HF_HUB_OFFLINE") != "1":
            return "would reach the hub", False
        if "MAX_CUDA_VRAM" in os.environ:
            return "would take the device for a smaller one", False
        with open(os.path.join(checkpoints, config_path, "config.json"), "w") as file:
            file.write("synchronised")
        self.text_tokenizer = Tokenizer()
        return "initialized", True

    def prepare_seeds(self, actual_batch_size, seed, use_random_seed):
        if use_random_seed:
            return [random.randint(0, 2**32 - 1) for _ in range(actual_batch_size)], ""
        seeds = [int(float(part)) if part else -1 for part in str(seed).split(",")]
        return [seed if seed >= 0 else random.randint(0, 2**32 - 1) for seed in seeds[:actual_batch_size]], ""

    def process_reference_audio(self, audio_file):
        with open(audio_file, "rb") as file:
            samples = file.read()[100:]
        return random.random() if any(samples) else None

    def process_src_audio(self, audio_file):
        with wave_of(audio_file) as sound:
            rate, channels, frames = sound.samplerate, sound.channels, sound.frames
            peak = abs(sound.read()).max()
        return Sound(peak, frames) if rate == 48000 else None


class Sound:
    def __init__(self, peak, frames):
        self.peak, self.frames = peak, frames

    def abs(self):
        return self

    def max(self):
        return self.peak


def wave_of(path):
    import soundfile

    return soundfile.SoundFile(path)
"""

LANGUAGE_MODEL = """
import os


class LLMHandler:
    def __init__(self, persistent_storage_path=None):
        self.llm_initialized, self.llm_backend = False, None

    def initialize(
        self, checkpoint_dir, lm_model_path, backend="vllm", device="auto", offload_to_cpu=False, dtype=None
    ):
        if not os.path.exists(os.path.join(checkpoint_dir, lm_model_path, "config.json")):
            return "5Hz LM model not found", False
        self.llm_initialized, self.llm_backend = True, "pt"
        return "initialized (PyTorch fallback)", True
"""

INFERENCE = """
import os, random, struct, wave
from dataclasses import asdict, dataclass, field
from typing import Any, Optional

LATER = {later}


@dataclass
class GenerationParams:
    task_type: str = "text2music"
    instruction: str = "Fill the audio semantic mask based on the given conditions:"
    reference_audio: Optional[str] = None
    src_audio: Optional[str] = None
    audio_codes: str = ""
    caption: str = ""
    lyrics: str = ""
    instrumental: bool = False
    vocal_language: str = "unknown"
    bpm: Optional[int] = None
    keyscale: str = ""
    timesignature: str = ""
    duration: float = -1.0
    inference_steps: int = 8
    seed: int = -1
    guidance_scale: float = 7.0
    use_adg: bool = False
    cfg_interval_start: float = 0.0
    cfg_interval_end: float = 1.0
    shift: float = 1.0
    infer_method: str = "ode"
    timesteps: Any = None
    thinking: bool = True
    lm_temperature: float = 0.85
    lm_cfg_scale: float = 2.0
    lm_top_k: int = 0
    lm_top_p: float = 0.9
    use_cot_metas: bool = True
    use_cot_caption: bool = True
    use_cot_language: bool = True
{extra}

@dataclass
class GenerationConfig:
    batch_size: int = 2
    allow_lm_batch: bool = False
    use_random_seed: bool = True
    seeds: Any = None
    lm_batch_chunk_size: int = 8
    constrained_decoding_debug: bool = False
    audio_format: str = "flac"


@dataclass
class GenerationResult:
    audios: list = field(default_factory=list)
    status_message: str = ""
    extra_outputs: dict = field(default_factory=dict)
    success: bool = True
    error: Optional[str] = None


class Tensor:
    def __init__(self, level, count):
        self.level, self.shape = level, (2, count)

    def abs(self):
        return self

    def max(self):
        return self.level


class Tier:
    tier = "tier1"


def get_gpu_config():
    return Tier


def write(path, level, count):
    with wave.open(path, "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(48000)
        file.writeframes(struct.pack("<hh", round(level * 32767), 0) * count)


def generate_music(dit_handler, llm_handler, params, config, save_dir=None, progress=None):
    try:
        return make(dit_handler, llm_handler, params, config, save_dir)
    except Exception as error:
        return GenerationResult(status_message=f"Error: {error}", success=False, error=str(error))


def make(dit_handler, llm_handler, params, config, save_dir):
    if "out of memory" in params.lyrics:
        raise RuntimeError("CUDA out of memory")
    seeds = "" if config.seeds is None else ",".join(map(str, config.seeds))
    actual, _ = dit_handler.prepare_seeds(config.batch_size, seeds, config.use_random_seed)
    if not LATER and params.duration <= 0 and params.reference_audio:
        params.duration = 10.0
    if not LATER and params.duration > 180:
        params.duration = 180.0
    piece = dit_handler.process_reference_audio(params.reference_audio) if params.reference_audio else 0.0
    source = None
    if params.task_type == "complete":
        assert params.duration == -1 and not params.thinking and params.instruction.startswith("Complete the input")
        source = dit_handler.process_src_audio(params.src_audio)
        params.duration = source.frames / 48000 + 0.02 if source else random.uniform(10, 120)
    planned = {"duration": int(params.duration)} if llm_handler is not None and params.thinking else None
    piece = random.random() if planned else piece  # the language model samples
    if planned and params.use_cot_metas:
        planned.update(bpm=92)
        if params.use_cot_caption:
            planned["caption"] = "something else"
        if params.use_cot_language:
            planned["vocal_language"] = "fr"
    dit_handler.text_tokenizer(params.caption, truncation=True, max_length=256)
    dit_handler.text_tokenizer(params.lyrics, truncation=True, max_length=2048)
    level = 0.0 if "silent" in params.lyrics else (actual[0] % 97 + 1) / 100 * (1 - (piece or 0.0) / 2)
    tensor = Tensor(level, round(params.duration * 48))  # a thousandth of the length
    seed = 1 if "another seed" in params.lyrics else actual[0]
    os.makedirs(save_dir, exist_ok=True)
    path = os.path.join(save_dir, "0" * 8 + "." + config.audio_format)
    silent = not LATER and level == 0.0
    if silent or "unsaved" in params.lyrics:
        path = ""
    else:
        write(path, level, tensor.shape[-1])
    audio = {"path": path, "tensor": tensor, "key": "0" * 8, "sample_rate": 48}
    audio["params"] = {**asdict(params), "seed": seed}
    if not LATER:
        audio["silent"] = silent
    audios = [audio] * (2 if "twice" in params.lyrics else 1)
    return GenerationResult(audios, "made", {"lm_metadata": planned, "time_costs": {"dit_total_time_cost": 0.25}})
"""
LATER_FIELDS = """    enable_normalization: bool = True
    normalization_db: float = -1.0
"""

DOWNLOADER = '"acestep-v15-xl-turbo"'


def files(*, later):
    """Name → text of the files of a checkout."""
    inference = INFERENCE.replace("{later}", str(later))
    return {
        "acestep/__init__.py": "",
        "acestep/handler.py": HANDLER,
        "acestep/llm_inference.py": LANGUAGE_MODEL,
        "acestep/inference.py": inference.replace("{extra}", LATER_FIELDS if later else ""),
        "acestep/model_downloader.py": DOWNLOADER if later else "",
    }
