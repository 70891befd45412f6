"""Speech with exact phoneme times from espeak-ng, called as a C library.

Facts used: the public header `speak_lib.h` of espeak-ng 1.52.0 (the build inside `espeakng-loader` 0.2.4).
The library holds global state (phases, echoes, noise) that nothing resets, so that what was said before would be heard,
faintly, in what is said next. So every utterance has an instance of the library of its own, which costs a few
milliseconds: the same text gives the same samples, always.
"""

import _ctypes
import ctypes
import shutil
import threading
from dataclasses import dataclass
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import numpy.typing as npt

from songbench.domain.errors import InputError, UnavailableError

RATE = 22_050
"""Samples per second of espeak-ng speech."""

_SYNCHRONOUS, _PHONEME_EVENTS, _NO_EXIT = 2, 0x0001, 0x8000
_PARAM_RATE = 1
_UTF8 = 1
_EVENT_END_OF_LIST, _EVENT_PHONEME = 0, 7


@dataclass(frozen=True, kw_only=True)
class Phoneme:
    """One phoneme of an utterance.

    Attributes:
        name: espeak-ng mnemonic without stress marks, e.g. `aI`, `tS`, `_` for a pause.
        stress: 0 none, 1 secondary, 2 primary.
        start: first sample.
        end: one past the last sample.
        position: 0-based character of the text where the phoneme's word starts.
    """

    name: str
    stress: int
    start: int
    end: int
    position: int

    @property
    def is_vowel(self) -> bool:
        """Whether the phoneme can carry a note. Mnemonics of vowels start with a vowel letter, `@`, `0` or `3`."""
        return self.name[0] in "aAeEiIoOuUVyY@03&"

    @property
    def is_voiceless(self) -> bool:
        """Whether it is a consonant without voice; `t#` is the voiced flap of "better"."""
        return self.name[0] in "ptkfTsSChxX" and self.name != "t#"

    @property
    def is_pause(self) -> bool:
        """Whether the phoneme is silence."""
        return self.name[0] == "_"


@dataclass(frozen=True, eq=False)
class Utterance:
    """Spoken text.

    Attributes:
        samples: float32 (n,), within [-1, 1], at `RATE`.
        phonemes: in time order, without gaps.
    """

    samples: npt.NDArray[np.float32]
    phonemes: tuple[Phoneme, ...]


class _EventId(ctypes.Union):
    _fields_ = [("number", ctypes.c_int), ("name", ctypes.c_char_p), ("string", ctypes.c_char * 8)]


class _Event(ctypes.Structure):
    _fields_ = [
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", _EventId),
    ]


_Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event))


class _Library:
    """An instance of espeak-ng with state of its own: the system loads a copied file as another library."""

    def __init__(self, voice: str) -> None:
        try:
            import espeakng_loader
        except ImportError as error:
            raise UnavailableError("The voice needs espeakng-loader. Run: pip install espeakng-loader") from error
        with TemporaryDirectory() as folder:
            self._lib = ctypes.CDLL(str(shutil.copy(espeakng_loader.get_library_path(), folder)))
        data = espeakng_loader.get_data_path().encode()
        if self._lib.espeak_Initialize(_SYNCHRONOUS, 0, data, _PHONEME_EVENTS | _NO_EXIT) != RATE:
            raise UnavailableError("espeak-ng did not start. Run: pip install --force-reinstall espeakng-loader")
        self._chunks: list[npt.NDArray[np.int16]] = []
        self._events: list[tuple[str, int, int]] = []
        self._callback = _Callback(self._collect)
        self._lib.espeak_SetSynthCallback(self._callback)
        if self._lib.espeak_SetVoiceByName(voice.encode()) != 0:
            raise InputError(f"espeak-ng has no voice '{voice}'.", cure="Use a name that `espeak-ng --voices` lists.")

    def _collect(self, wave: Any, count: int, events: Any) -> int:
        if wave and count > 0:
            self._chunks.append(np.ctypeslib.as_array(wave, (count,)).copy())
        index = 0
        while events[index].type != _EVENT_END_OF_LIST:
            event = events[index]
            if event.type == _EVENT_PHONEME:
                self._events.append((event.id.string.decode(), event.sample, event.text_position))
            index += 1
        return 0

    def close(self) -> None:
        """Free its memory; without this a long run would gather one library per line."""
        self._lib.espeak_Terminate()
        _ctypes.dlclose(self._lib._handle)

    def say(self, text: str, words_per_minute: int, f0: int) -> Utterance:
        self._chunks, self._events = [], []
        self._lib.espeak_ng_SetConstF0(f0)
        self._lib.espeak_ng_SetRandSeed(1)
        self._lib.espeak_SetParameter(_PARAM_RATE, words_per_minute, 0)
        raw = text.encode()
        self._lib.espeak_Synth(raw, len(raw) + 1, 0, 1, 0, _UTF8, None, None)
        samples = np.concatenate(self._chunks) if self._chunks else np.zeros(0, np.int16)
        return Utterance(samples.astype(np.float32) / 32768.0, _phonemes(self._events, len(samples)))


def _phonemes(events: list[tuple[str, int, int]], total: int) -> tuple[Phoneme, ...]:
    """Events hold starts only; a phoneme ends where the next starts. A change of language is an event in brackets."""
    ends = [start for _, start, _ in events[1:]] + [total]
    phonemes = []
    for (mnemonic, start, position), end in zip(events, ends, strict=True):
        name = mnemonic.lstrip("',%=|")
        stress = 2 if mnemonic.startswith("'") else 1 if mnemonic.startswith(",") else 0
        if name and name[0] != "(" and end > start:
            phonemes.append(Phoneme(name=name, stress=stress, start=start, end=end, position=max(0, position - 1)))
    return tuple(phonemes)


_lock = threading.Lock()


def say(text: str, voice: str, words_per_minute: int = 150, f0: int = 100) -> Utterance:
    """Speaks a text on one pitch and reports when each phoneme sounds.

    Args:
        text: plain text, or tone-numbered pinyin for a pinyin voice.
        voice: espeak-ng voice with optional variant, e.g. `en-us+f2`, `cmn-latn-pinyin`.
        words_per_minute: speaking rate, 80-450.
        f0: constant fundamental in Hz; 0 lets espeak-ng intone freely.

    Raises:
        InputError: the voice does not exist.
        UnavailableError: espeak-ng is not installed or does not start.
    """
    with _lock:
        library = _Library(voice)
        try:
            return library.say(text, words_per_minute, f0)
        finally:
            library.close()
