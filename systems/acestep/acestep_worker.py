"""The worker of ACE-Step v1: runs in its environment, where there is no songbench.

Standard library only, beside what the authors' code imports itself.
"""

import collections
import importlib
import os
import pathlib
import random
import re
import sys
from typing import Any

PARTS = ("ace_step_transformer", "music_dcae_f8c8", "music_vocoder", "umt5-base")
"""Without one of these folders the pipeline would fetch everything from the hub."""

STYLE_TOKENS = 256
"""What the pipeline reads of a style text."""

SECTION = re.compile(r"\[.*?\]")
OURS = ("prompt", "lyrics", "timecosts", "audio_path", "actual_seeds", "retake_seeds")
"""Entries of the pipeline's report that are no settings."""


class ReadLines:
    """A lyric tokenizer that notes what it could not read, which the pipeline only prints and leaves out."""

    def __init__(self, tokenizer: Any) -> None:
        self.tokenizer = tokenizer
        self.unread: list[str] = []

    def encode(self, text: str, language: str) -> Any:
        """As the tokenizer itself."""
        try:
            return self.tokenizer.encode(text, language)
        except Exception:
            self.unread.append(text)
            raise

    def __getattr__(self, name: str) -> Any:
        return getattr(self.tokenizer, name)


class Worker:
    """The pipeline with its model loaded.

    Args:
        settings: ``upstream`` and ``weights`` (folders), ``dtype``, ``overlapped_decode``, ``cpu_offload``,
            ``torch_compile``, ``device_id``, and ``sampling``: arguments of the pipeline's call.

    Raises:
        RuntimeError: a part of the weights is missing.
    """

    def __init__(self, settings: dict[str, Any]) -> None:
        (folder,) = settings["weights"].values()
        if missing := [part for part in PARTS if not pathlib.Path(folder, part).is_dir()]:
            raise RuntimeError(f"the weights lack {', '.join(missing)}, and nothing is fetched here")
        sys.dont_write_bytecode = True  # the checkout is only read
        os.environ.update(HF_HUB_OFFLINE="1", TRANSFORMERS_OFFLINE="1")
        os.environ.pop("ACE_PIPELINE_DTYPE", None)
        sys.path.insert(0, settings["upstream"])
        code = importlib.import_module("acestep.pipeline_ace_step")
        self.sampling, self.known_languages = settings["sampling"], code.SUPPORT_LANGUAGES
        self.pipeline = code.ACEStepPipeline(
            checkpoint_dir=folder,
            device_id=settings["device_id"],
            dtype=settings["dtype"],
            torch_compile=settings["torch_compile"],
            cpu_offload=settings["cpu_offload"],
            overlapped_decode=settings["overlapped_decode"],
        )
        self.pipeline.load_checkpoint(folder)
        self.pipeline.lyric_tokenizer = self.lines = ReadLines(self.pipeline.lyric_tokenizer)
        self.guess, self.pipeline.get_lang = self.pipeline.get_lang, self.language_of
        self.languages: collections.Counter[str] = collections.Counter()

    def language_of(self, line: str) -> str:
        """The pipeline's guess; the language that a sung line is then read in is counted."""
        language: str = self.guess(line)
        if not SECTION.match(line):
            self.languages[language if language in self.known_languages else "en"] += 1
        return language

    def describe(self) -> dict[str, Any]:
        """Where the model is."""
        return {"device": device_name(self.pipeline.device)}

    def generate(self, request: dict[str, Any]) -> dict[str, Any]:
        """One song.

        Raises:
            RuntimeError: the pipeline took another seed, or wrote no file.
        """
        # 1. everything random follows from the seed
        seed, target = request["seed"], pathlib.Path(request["folder"], "song.wav")
        seed_generators(seed)
        self.lines.unread.clear()
        self.languages.clear()
        reset_peak()
        # 2. the song
        *paths, report = self.pipeline(
            format="wav",
            audio_duration=request["seconds"],
            prompt=request["style"],
            lyrics=request["lyrics"],
            manual_seeds=[seed],
            retake_seeds=[seed],
            task="text2music",
            save_path=str(target),
            batch_size=1,
            **self.sampling,
        )
        # 3. what became of it
        if report["actual_seeds"] != [seed]:
            raise RuntimeError(f"the pipeline took the seed {report['actual_seeds']} instead of {seed}")
        if not target.is_file():
            raise RuntimeError(f"the pipeline names {paths} and wrote no {target.name}")
        settings = {name: value for name, value in report.items() if name not in OURS}
        return {
            "audio": target.name,
            "device": device_name(self.pipeline.device),
            "stages": report["timecosts"],
            "settings": {**settings, "dtype": str(self.pipeline.dtype), "line_languages": dict(self.languages)},
            "notes": self.notes(request),
            **peak(),
        }

    def notes(self, request: dict[str, Any]) -> list[str]:
        """What the pipeline passed over in silence."""
        notes = [f"not given to the model, as it could not read it: {line}" for line in self.lines.unread]
        tokens = len(self.pipeline.text_tokenizer(request["style"])["input_ids"])
        if tokens > STYLE_TOKENS:
            notes.append(f"of the style text {STYLE_TOKENS} of {tokens} tokens were read")
        expected = {"mixed": {"en", "zh"}}.get(request["language"], {request["language"].split("-")[0]})
        if foreign := {code: count for code, count in self.languages.items() if code not in expected}:
            counts = ", ".join(f"{count} as {code}" for code, count in sorted(foreign.items()))
            notes.append(f"lines read in another language: {counts}")
        return notes


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
