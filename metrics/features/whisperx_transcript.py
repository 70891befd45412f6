"""What is sung, as text: Whisper large-v3 through WhisperX 3.8 (Bain et al. 2023, arXiv 2303.00747).

Everything that decides about the text is WhisperX's own, called step by step so that pieces of several songs share a
batch: its speech detector finds where somebody speaks or sings, the detected stretches are merged to pieces of at most
30 s, and each piece is transcribed by Whisper once. The result is that of ``whisperx.load_model(…).transcribe(…)``.

- The detector is WhisperX's default, pyannote's, whose file lies in the package itself (the other choice, Silero, is
  fetched from a repository). It was made for speech: sung passages that it takes for music are never transcribed, which
  shows as deletions. ``Feature.data`` says how many seconds it passed on.
- The language is given, as detection fails on singing. The alignment model is not loaded: no times of words are needed.
- Beam 5 at temperature 0, without timestamps or text before. Although WhisperX lists rising temperatures and
  thresholds among its options, its batched decoding uses none of them: nothing is drawn at random, nothing is retried
  and nothing dropped.
- float32 on every device. WhisperX's own default on an accelerator is float16, where the company in a batch can move a
  rounding and with it a word.

pyannote's reports of its use to its makers are switched off. Its file is a pickle that is read with code of its own, as
part of the installed package that calls it.
"""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from metrics.features import models
from metrics.features.batches import in_batches
from metrics.features.windows import Mono
from songbench.domain.audio import AudioSource
from songbench.domain.errors import SongbenchError, UnavailableError
from songbench.domain.hashing import Json
from songbench.domain.song import Failure
from songbench.plugin import Feature
from songbench.resources.cpu_imports import mend_cpu_imports
from songbench.resources.weights import HubSource, WeightFile, Weights

WHISPER_LARGE_V3 = Weights(
    name="whisper-large-v3",
    version="1",
    summary="Whisper large-v3, multilingual, converted to CTranslate2 (float16) by Systran: words from singing.",
    licence="MIT",
    files=(
        WeightFile("model.bin", "69f74147e3334731bc3a76048724833325d2ec74642fb52620eda87352e3d4f1", 3_087_284_237),
        WeightFile("config.json", "a9306624f5ec14270a014b647e5c316b6e03a662c369758d1b90697a7b0655b9", 2_394),
        WeightFile("tokenizer.json", "6d8cbd7cd0d8d5815e478dac67b85a26bbe77c1f5e0c6d76d1ce2abc0e5f21ca", 2_480_617),
        WeightFile("vocabulary.json", "c69260f2ab26d659b7c398f9a2b2b48ed0df16c3b47d7326782fd9cba71690c1", 1_068_114),
        WeightFile("preprocessor_config.json", "7ccc62c6f2765af1f3b46c00c9b5894426835a05021c8b9c01eecb6dfb542711", 340),
    ),
    sources=(HubSource("Systran/faster-whisper-large-v3", "edaa852ec7e145841d8ffdb056a99866b5f0a478"),),
)
"""Whisper large-v3 as WhisperX itself fetches it."""

RATE = 16_000
"""Samples per second of WhisperX's input."""

_PIECE_SECONDS = 30
_COMPUTE_TYPE = "float32"
_PACKAGES = ("whisperx", "faster-whisper", "ctranslate2", "pyannote-audio")


@dataclass(frozen=True)
class WhisperXTranscript:
    """The words in a piece of audio (an `Extractor`).

    ``Feature.data`` has ``text`` (the segments joined by line ends), ``segments`` (a list of ``start`` and ``end`` in
    seconds and ``text``), ``dropped`` (always empty, as WhisperX keeps no account of what it leaves out), ``silent``
    (whether nothing was passed on to Whisper), ``seconds`` of the audio (above 0) and ``passed``, those that Whisper
    transcribed.

    Attributes:
        language: what Whisper is told, ``en`` or ``zh``; see `metrics.features.transcript.whisper_language`.
        weights: the Whisper model.
        batch: pieces in a batch; no part of the identity.
    """

    language: str
    weights: Weights = WHISPER_LARGE_V3
    batch: int = 16

    @property
    def name(self) -> str:
        """Its name among features."""
        return "whisperx transcript"

    @property
    def identity(self) -> Mapping[str, Json]:
        """Model, engine versions and every setting that is not WhisperX's default."""
        return {
            "version": "1",
            "weights": models.identity_of(self.weights),
            "language": self.language,
            "compute_type": _COMPUTE_TYPE,
            "engine": {package: version(package) for package in _PACKAGES},
        }

    def extract(self, sources: Sequence[AudioSource]) -> Iterator[Feature | Failure]:
        """Transcribe each source, in batches of pieces.

        Raises:
            UnavailableError: the weights, or libraries for the accelerator, are not here.
        """
        folder = models.require(self.weights)
        pipeline = models.resident(("whisperx", str(folder), _COMPUTE_TYPE), lambda: load_pipeline(folder), folder)
        from faster_whisper.tokenizer import Tokenizer

        model = pipeline.model
        tokenizer = Tokenizer(
            model.hf_tokenizer, model.model.is_multilingual, task="transcribe", language=self.language
        )
        yield from in_batches(
            (self._recording(source, pipeline) for source in sources),
            lambda pieces: _texts(pipeline, tokenizer, pieces),
            self.batch,
        )

    def _recording(self, source: AudioSource, pipeline: Any) -> _Recording | Failure:
        try:
            return _Recording(source.load().mono().at(RATE).samples[0], pipeline)
        except SongbenchError as error:
            return Failure("feature", f"transcript: {error}")


class _Recording:
    """One song on its way through WhisperX: a `metrics.features.batches.Work`."""

    def __init__(self, mono: Mono, pipeline: Any) -> None:
        """Cut mono samples at 16 kHz, shape (n,), into the pieces that the detector passes on."""
        self.seconds = max(1, mono.size) / RATE  # a few samples at another rate can become none
        # Where nothing sounds nothing is said, and the detector cannot take less than one of its frames.
        spans = _detected(mono, pipeline) if mono.any() else []
        self.spans: list[tuple[float, float]] = [(span["start"], span["end"]) for span in spans]
        # Copies, so that a song that waits for the rest of its batch keeps only what is left to transcribe.
        self.waiting = [
            mono[int(start * RATE) : int(end * RATE)][: _PIECE_SECONDS * RATE].copy() for start, end in self.spans
        ]
        self.passed = sum(piece.size for piece in self.waiting) / RATE
        self.segments: list[dict[str, Json]] = []

    def pieces(self) -> Iterator[Mono]:
        """What the detector passes on, each of at most 30 s, shape (n,)."""
        while self.waiting:
            yield self.waiting.pop(0)

    def take(self, answer: str) -> None:
        """The text of the next piece."""
        start, end = self.spans[len(self.segments)]
        # Times as exact as WhisperX itself keeps them.
        self.segments.append({"start": round(start, 3), "end": round(end, 3), "text": answer.strip()})

    def result(self) -> Feature:
        """The transcript."""
        return Feature(
            data={
                "text": "\n".join(str(segment["text"]) for segment in self.segments),
                "segments": self.segments,
                "dropped": [],
                "silent": not self.spans,
                "seconds": self.seconds,
                "passed": self.passed,
            }
        )


def _detected(mono: Mono, pipeline: Any) -> list[dict[str, Any]]:
    """The stretches of samples, shape (n,), that WhisperX passes on to Whisper: ``start`` and ``end`` in seconds."""
    detector, limits = pipeline.vad_model, pipeline._vad_params
    scores = detector({"waveform": detector.preprocess_audio(mono), "sample_rate": RATE})
    merged: list[dict[str, Any]] = detector.merge_chunks(
        scores, _PIECE_SECONDS, onset=limits["vad_onset"], offset=limits["vad_offset"]
    )
    return merged


def _texts(pipeline: Any, tokenizer: Any, pieces: Sequence[Mono]) -> list[str]:
    """The text of each piece of shape (n,)."""
    import torch

    batch = torch.stack([pipeline.preprocess({"inputs": piece})["inputs"] for piece in pieces])
    try:
        answer = pipeline.model.generate_segment_batched(batch.numpy(), tokenizer, pipeline.options)
    except RuntimeError as error:
        if "libcu" not in str(error):
            raise
        raise UnavailableError(
            f"CTranslate2 {version('ctranslate2')} cannot use this accelerator: {error}. To get what it misses:"
            " pip install nvidia-cublas-cu12 'nvidia-cudnn-cu12>=9', and add their folders to LD_LIBRARY_PATH"
        ) from error
    return [str(text) for text in answer["text"]]


def load_pipeline(folder: Path) -> Any:
    """WhisperX's pipeline with the Whisper model of a folder, on this worker's device; nothing is fetched.

    Args:
        folder: a model in CTranslate2's format, with its tokenizer.
    """
    os.environ["PYANNOTE_METRICS_ENABLED"] = "false"
    mend_cpu_imports()
    with warnings.catch_warnings():
        # pyannote regrets at length that torchcodec cannot decode files; it is given samples.
        warnings.simplefilter("ignore")
        from whisperx import asr
    for name in ("whisperx", "lightning.pytorch.utilities.migration.utils"):
        logging.getLogger(name).setLevel(logging.ERROR)
    return asr.load_model(
        str(folder),
        device=models.device().type,
        compute_type=_COMPUTE_TYPE,
        vad_method="pyannote",
        local_files_only=True,
        # More threads would add up products in another order.
        threads=1,
    )
