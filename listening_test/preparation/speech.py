"""Spoken instructions: text to samples by espeak-ng, the library inside the package ``espeakng_loader``."""

from __future__ import annotations

import _ctypes
import ctypes
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import numpy.typing as npt

from songbench.domain.errors import UnavailableError

RATE = 22_050
VOICES = {"en": "en-us", "zh": "cmn-latn-pinyin"}
"""Mandarin is given as pinyin with tones, so that its reading does not hang on espeak-ng's own dictionary."""

_SYNCHRONOUS, _NO_EXIT, _UTF8 = 2, 0x8000, 1
_PARAM_RATE = 1
_lock = threading.Lock()
_Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)


def speak(text: str, language: str, words_per_minute: int = 150) -> npt.NDArray[np.float32]:
    """Speak a text: mono samples at `RATE`, within ±1. The same text always gives the same samples.

    The library keeps state between utterances that nothing resets, so each has an instance of its own: the system loads
    a copied file as another library.

    Args:
        text: in the language's own script.
        language: one of the protocol's.
        words_per_minute: 80 to 450.

    Raises:
        UnavailableError: when espeak-ng is not installed or does not start.
    """
    spelled = pinyin(text) if language == "zh" else text
    with _lock, _library() as library:
        return _said(library, spelled, VOICES[language], words_per_minute)


def pinyin(text: str) -> str:
    """Chinese characters as pinyin syllables with tone numbers, everything else as it is."""
    from pypinyin import Style, lazy_pinyin

    syllables = lazy_pinyin(text, style=Style.TONE3, neutral_tone_with_five=True)
    return " ".join(syllable.translate(_PAUSES) for syllable in syllables)


_PAUSES = str.maketrans({"，": ",", "。": ".", "“": " ", "”": " ", "、": ",", "：": ","})


@contextmanager
def _library() -> Iterator[Any]:
    try:
        import espeakng_loader
    except ImportError as error:
        raise UnavailableError(
            "Traps are spoken by espeakng-loader, which is not installed. Run: pip install espeakng-loader"
        ) from error
    with TemporaryDirectory() as folder:
        library = ctypes.CDLL(str(shutil.copy(espeakng_loader.get_library_path(), folder)))
    data = espeakng_loader.get_data_path().encode()
    try:
        if library.espeak_Initialize(_SYNCHRONOUS, 0, data, _NO_EXIT) != RATE:
            raise UnavailableError("espeak-ng did not start. Run: pip install --force-reinstall espeakng-loader")
        yield library
    finally:
        library.espeak_Terminate()
        _ctypes.dlclose(library._handle)


def _said(library: Any, text: str, voice: str, words_per_minute: int) -> npt.NDArray[np.float32]:
    chunks: list[npt.NDArray[np.int16]] = []

    def collect(wave: Any, count: int, _: Any) -> int:
        if wave and count > 0:
            chunks.append(np.ctypeslib.as_array(wave, (count,)).copy())
        return 0

    callback = _Callback(collect)  # kept in a name: the library calls it until it is done
    library.espeak_SetSynthCallback(callback)
    if library.espeak_SetVoiceByName(voice.encode()) != 0:
        raise UnavailableError(f"espeak-ng lacks the voice '{voice}'. Run: pip install -U espeakng-loader")
    library.espeak_ng_SetRandSeed(1)
    library.espeak_SetParameter(_PARAM_RATE, words_per_minute, 0)
    raw = text.encode()
    library.espeak_Synth(raw, len(raw) + 1, 0, 1, 0, _UTF8, None, None)
    return np.concatenate(chunks).astype(np.float32) / 32768.0 if chunks else np.zeros(0, np.float32)
