"""The worker of ACE-Step 1.5: runs in its environment, where there is no songbench.

Standard library only, beside what the authors' code imports itself. It serves the state of that code it was written for
and later ones, and sees from the code which of both it has.
"""

import dataclasses
import importlib
import os
import pathlib
import random
import shutil
import sys
import tempfile
from typing import Any

EXPECTED = ("acestep-v15-turbo", "vae", "Qwen3-Embedding-0.6B", "acestep-5Hz-lm-1.7B")
"""Folders that have to be there, used or not, lest the authors' code fetches all of them."""

SMALL_BYTES = 1_000_000
"""Files below this are copied, not linked: later states of the code write over some of them."""

LYRIC_TOKENS = 2048
"""Where the tokenizer is told to cut lyrics; style texts are cut earlier."""

SILENT_PEAK = 1e-5
LATE_SECONDS = 0.5
"""A song may be so much shorter than asked for, as its latents are 40 ms apart and its language model plans by 200."""

NO_VARIABLES = ("MAX_CUDA_VRAM", "MAX_MPS_VRAM", "SPACE_ID", "ACESTEP_VAE_ON_CPU", "ACESTEP_VAE_CHECKPOINT")
"""With these set the authors' code behaves otherwise."""

REWRITES = (
    ("use_cot_caption", "caption", "style text"),
    ("use_cot_language", "vocal_language", "language"),
)
"""Setting of the language model, what it then makes by its own name, and what that is."""


class CuttingTokenizer:
    """A tokenizer that notes which texts it was told to cut: the limit → how many tokens there were."""

    def __init__(self, tokenizer: Any) -> None:
        self.tokenizer = tokenizer
        self.cuts: dict[int, int] = {}

    def __call__(self, text: str, **options: Any) -> Any:
        """As the tokenizer itself."""
        limit = options.get("max_length")
        if limit and options.get("truncation"):
            tokens = len(self.tokenizer(text)["input_ids"])
            if tokens > limit:
                self.cuts[limit] = tokens
        return self.tokenizer(text, **options)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.tokenizer, name)


class Worker:
    """Both models, loaded.

    Args:
        settings: ``upstream`` and ``weights`` (folders), ``places`` (name of weights → folder in ``checkpoints``),
            ``model`` and ``lm`` (such folders; ``lm`` may be None), ``backend`` of the language model, ``device``,
            ``use_flash_attention``, ``compile_model``, ``offload_to_cpu``, ``offload_dit_to_cpu``, and ``parameters``:
            fields of the authors' ``GenerationParams``.

    Raises:
        RuntimeError: a model cannot be loaded as was asked.
    """

    def __init__(self, settings: dict[str, Any]) -> None:
        # 1. what is found outside must not change a song, and nothing is written into the checkout
        if settings["backend"] == "vllm" and sys.version_info.releaselevel != "final":
            raise RuntimeError(f"Python {sys.version.split()[0]} is no final release, and crashes in vLLM")
        root = pathlib.Path(tempfile.mkdtemp(dir=settings["scratch"]))
        checkpoints = lay_out(settings["weights"], settings["places"], root / "checkpoints")
        sys.dont_write_bytecode = True
        for name in NO_VARIABLES:
            os.environ.pop(name, None)
        os.environ.update(
            HF_HUB_OFFLINE="1",
            TRANSFORMERS_OFFLINE="1",
            HF_MODULES_CACHE=str(root / "modules"),
            ACESTEP_PROJECT_ROOT=str(root),
            ACESTEP_CHECKPOINTS_DIR=str(checkpoints),
        )
        sys.path.insert(0, settings["upstream"])
        self.inference, self.parameters = importlib.import_module("acestep.inference"), settings["parameters"]
        # 2. the diffusion transformer
        self.handler = handler_at(root)
        status, success = self.handler.initialize_service(
            project_root=str(root),
            config_path=settings["model"],
            device=settings["device"],
            use_flash_attention=settings["use_flash_attention"],
            compile_model=settings["compile_model"],
            offload_to_cpu=settings["offload_to_cpu"],
            offload_dit_to_cpu=settings["offload_dit_to_cpu"],
        )
        if not success:
            raise RuntimeError(f"the model could not be loaded: {status}")
        device = str(self.handler.device).split(":")[0]
        if settings["device"] not in ("auto", device):
            raise RuntimeError(f"the device {settings['device']} is not there: {device} would be used")
        self.handler.text_tokenizer = CuttingTokenizer(self.handler.text_tokenizer)
        # 3. the language model
        self.lm = None
        if settings["lm"]:
            self.lm = language_model(checkpoints, settings["lm"], settings["backend"], settings["device"])

    def describe(self) -> dict[str, Any]:
        """Where the models are."""
        return {"device": device_name(self.handler.device)}

    def generate(self, request: dict[str, Any]) -> dict[str, Any]:
        """One song.

        Raises:
            RuntimeError: there is none, it is silent, or it was not made from what was asked.
        """
        # 1. everything random follows from the seed
        seed, folder = request["seed"], pathlib.Path(request["folder"], "written")
        seed_generators(seed)
        self.handler.text_tokenizer.cuts.clear()
        self.handler.reference_used = self.handler.source_used = None
        reset_peak()
        # 2. the song
        parameters = self.inference.GenerationParams(**self.parameters_of(request))
        result = self.inference.generate_music(
            self.handler,
            self.lm,
            parameters,
            self.inference.GenerationConfig(
                batch_size=1, use_random_seed=False, seeds=[seed], allow_lm_batch=False, audio_format="flac"
            ),
            save_dir=str(folder),
        )
        # 3. whether it is one
        song = only_song(result, seed)
        if request["prompt_audio"] and not self.handler.reference_used:
            raise RuntimeError("the reference audio is silent or could not be read, and the song was made without it")
        if request["vocal"] and not self.handler.source_used:
            raise RuntimeError("the vocal is silent or could not be read, and music was made without it")
        if tokens := self.handler.text_tokenizer.cuts.get(LYRIC_TOKENS):
            raise RuntimeError(f"the lyrics have {tokens} tokens, of which {LYRIC_TOKENS} are read")
        target = pathlib.Path(request["folder"], "song.flac")
        shutil.move(song["path"], target)
        # 4. what became of it
        planned = result.extra_outputs.get("lm_metadata")
        costs = result.extra_outputs.get("time_costs") or {}
        return {
            "audio": target.name,
            "device": device_name(self.handler.device),
            "stages": {name: float(seconds) for name, seconds in costs.items() if isinstance(seconds, (int, float))},
            "settings": {**self.in_force(song["params"]), "lm_metadata": plain(planned)},
            "notes": self.notes(request, song, planned),
            **peak(),
        }

    def parameters_of(self, request: dict[str, Any]) -> dict[str, Any]:
        """The parameters of a song; those that this state of the code does not have are left out."""
        parameters = {
            **self.parameters,
            "task_type": "text2music",
            "caption": request["style"],
            "lyrics": request["lyrics"],
            "vocal_language": request["language"],
            "duration": request["seconds"],
            "reference_audio": request["prompt_audio"],
            "thinking": self.lm is not None,
            "enable_normalization": False,
        }
        if request["vocal"]:
            parameters.update(
                task_type="complete",
                src_audio=request["vocal"],
                instruction=request["instruction"],
                duration=-1,
                thinking=False,
            )
        fields = {field.name for field in dataclasses.fields(self.inference.GenerationParams)}
        return {name: value for name, value in parameters.items() if name in fields}

    def in_force(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """The settings by the authors' names, without the song's own words and codes."""
        words = ("caption", "lyrics", "audio_codes", "reference_audio", "src_audio", "instruction")
        attention = getattr(getattr(self.handler, "config", None), "_attn_implementation", None)
        return {
            **{name: plain(value) for name, value in parameters.items() if name not in words},
            "dtype": str(self.handler.dtype),
            "attention": attention,
            "lm_backend": self.lm.llm_backend if self.lm else None,
        }

    def notes(self, request: dict[str, Any], song: dict[str, Any], planned: Any) -> list[str]:
        """What was changed in silence."""
        notes = [
            f"of the style text with its instruction {limit} of {tokens} tokens were read"
            for limit, tokens in self.handler.text_tokenizer.cuts.items()
        ]
        seconds = song["tensor"].shape[-1] / song["sample_rate"]
        if request["seconds"] is not None and seconds < request["seconds"] - LATE_SECONDS:
            notes.append(f"{request['seconds']:g} s were asked for, and {seconds:.1f} s made{self.tier()}")
        for setting, name, word in REWRITES:
            if self.parameters[setting] and planned and planned.get(name):
                notes.append(f"the language model made the {word}: {planned[name]}")
        return notes

    def tier(self) -> str:
        """How the authors' code rates the device's memory, where it does."""
        rate = getattr(self.inference, "get_gpu_config", None)
        return f", as its code rates this device '{rate().tier}'" if rate else ""


def lay_out(weights: dict[str, str], places: dict[str, str], checkpoints: pathlib.Path) -> pathlib.Path:
    """The folder in which the authors' code looks for its models: links to what was set up, copies of small files."""
    for name, folder in weights.items():
        place = checkpoints / places[name]
        place.mkdir(parents=True)
        for file in pathlib.Path(folder).iterdir():
            if file.stat().st_size < SMALL_BYTES:
                shutil.copy2(file, place / file.name)
            else:
                (place / file.name).symlink_to(file.resolve())
    for folder in EXPECTED:
        if not (checkpoints / folder).exists():
            (checkpoints / folder).mkdir()
            (checkpoints / folder / "model.safetensors").touch()
    return checkpoints


def read_sound(path: str, **options: Any) -> tuple[Any, int]:
    """In the place of ``torchaudio.load``, which wants FFmpeg's libraries: the file is a wav of ours."""
    soundfile, torch = importlib.import_module("soundfile"), importlib.import_module("torch")
    samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    return torch.from_numpy(samples.T.copy()), rate


def handler_at(root: pathlib.Path) -> Any:
    """The authors' handler, which looks for weights in that folder and tells whether it could use reference audio."""
    parent: Any = importlib.import_module("acestep.handler").AceStepHandler
    if torchaudio := sys.modules.get("torchaudio"):
        torchaudio.load = read_sound  # type: ignore[attr-defined]

    class Handler(parent):  # type: ignore[misc]  # known only over there
        reference_used: bool | None = None
        source_used: bool | None = None

        def _get_project_root(self) -> str:
            return str(root)

        def process_reference_audio(self, audio_file: Any) -> Any:
            audio = super().process_reference_audio(audio_file)
            self.reference_used = audio is not None
            return audio

        def process_src_audio(self, audio_file: Any) -> Any:
            audio = super().process_src_audio(audio_file)
            self.source_used = audio is not None and float(audio.abs().max()) > SILENT_PEAK
            return audio

    return Handler()


def language_model(checkpoints: pathlib.Path, folder: str, backend: str, device: str) -> Any:
    """The language model, loaded.

    Raises:
        RuntimeError: it could not be, or by another backend only.
    """
    handler = importlib.import_module("acestep.llm_inference").LLMHandler()
    status, success = handler.initialize(
        checkpoint_dir=str(checkpoints), lm_model_path=folder, backend=backend, device=device
    )
    if not success or not handler.llm_initialized:
        raise RuntimeError(f"the language model could not be loaded: {status}")
    if handler.llm_backend != backend:
        raise RuntimeError(f"the language model runs by {handler.llm_backend} only, not by {backend}: {status}")
    return handler


def only_song(result: Any, seed: int) -> dict[str, Any]:
    """The song of a result.

    Raises:
        RuntimeError: it has none that can be used.
    """
    if not result.success:
        raise RuntimeError(result.error or result.status_message or "no success, and no reason")
    if len(result.audios) != 1:
        raise RuntimeError(f"one song was asked for, {len(result.audios)} came: {result.status_message}")
    song: dict[str, Any] = result.audios[0]
    if song.get("silent") or float(song["tensor"].abs().max()) <= SILENT_PEAK:
        raise RuntimeError(f"the song is silent: {result.status_message}")
    if song["params"].get("seed") != seed:
        raise RuntimeError(f"the seed {song['params'].get('seed')} was taken instead of {seed}")
    if not song["path"] or not pathlib.Path(song["path"]).is_file():
        raise RuntimeError(f"no file was saved: {result.status_message}")
    return song


def plain(value: Any) -> Any:
    """A value as JSON can hold it."""
    if isinstance(value, dict):
        return {str(name): plain(entry) for name, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(entry) for entry in value]
    return value if value is None or isinstance(value, (bool, int, float, str)) else str(value)


def seed_generators(seed: int) -> None:
    """Seed those of Python, and of NumPy and torch where the authors' code has imported them."""
    random.seed(seed)
    if numpy := sys.modules.get("numpy"):
        numpy.random.seed(seed % 2**32)
    if torch := sys.modules.get("torch"):
        torch.manual_seed(seed)


def cuda() -> Any:
    """The module ``torch.cuda`` where a CUDA device is in use, or None."""
    torch = sys.modules.get("torch")
    return torch.cuda if torch is not None and torch.cuda.is_available() else None


def device_name(device: Any) -> str:
    """The device with its model, e.g. ``cuda:0 NVIDIA H100``."""
    return f"{device} {module.get_device_name(device)}" if (module := cuda()) else str(device)


def reset_peak() -> None:
    """Begin to measure the peak of the device's memory."""
    if module := cuda():
        module.reset_peak_memory_stats()


def peak() -> dict[str, float]:
    """It in GiB; nothing on a CPU, where it is not known for one song."""
    return {"peak_gib": module.max_memory_allocated() / 2**30} if (module := cuda()) else {}
