"""What is asked of a system and what it gives back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from songbench.domain.audio import Audio, AudioSource, MemoryAudio
from songbench.domain.hashing import Json
from songbench.domain.prompt import Prompt
from songbench.domain.remark import Remark
from songbench.domain.rendering import Rendering


@dataclass(frozen=True, kw_only=True)
class Request:
    """One song asked of a system.

    Attributes:
        prompt: what to make.
        take: 0-based number of the take.
        seed: the seed of this take; everything random in the system must follow from it.
        vocal: the prompt's vocal, ready to load, or None (track ``v2a`` always has it).
        prompt_audio: the prompt's style audio, ready to load, or None.
        reference: the prompt's reference song, in track ``v2a`` the true accompaniment, ready to load, or None (only
            sanity systems may listen to it).
        other_prompt: another prompt of the suite, whose reference is another recording, or None; only for systems with
            the condition ``another reference song``.
        other_reference: its reference, ready to load, or None.
    """

    prompt: Prompt
    take: int
    seed: int
    vocal: AudioSource | None = None
    prompt_audio: AudioSource | None = None
    reference: AudioSource | None = None
    other_prompt: Prompt | None = None
    other_reference: AudioSource | None = None

    @property
    def seconds(self) -> float | None:
        """The length asked for: that of the vocal where there is one (it is loaded), else what the prompt says."""
        return self.prompt.seconds if self.vocal is None else self.vocal.load().seconds


@dataclass(frozen=True)
class TimedWord:
    """A sung word (one character for Chinese) and when it sounds, in seconds from the song's start."""

    text: str
    start: float
    end: float


@dataclass(frozen=True)
class TimedSection:
    """A section as it was really placed, in seconds from the song's start."""

    tag: str
    start: float
    end: float


UNKNOWN_DEVICE = "unknown"
"""In place of a device that was not named: times of it compare with nothing."""


@dataclass(frozen=True, kw_only=True)
class GenerationRecord:
    """How a song came about.

    Attributes:
        seconds: compute time for this song alone, model loaded, warm-up excluded; None when it was not generated here
            (imported audio, sanity systems that only copy).
        device: where it ran, as the system names it, such as ``cpu`` or ``cuda:0 NVIDIA H100``; `UNKNOWN_DEVICE` where
            it does not say.
        peak_gib: peak memory in GiB (device memory on an accelerator, resident memory on a CPU); None: not measured.
        conditions: which of ``vocal``, ``lyrics``, ``style text``, ``prompt audio`` were really used.
        seed_honoured: whether the same seed gives the same samples.
        stages: seconds by stage of the system, for the curious.
        notes: anything a reader should know, e.g. "lyrics cut at 600 tokens".
        rendering: what the system was really given, where that is not the prompt as it stands.
        settings: those in force over there, by the system's own names.
        lossy: the codec of the file that the system wrote, such as ``mp3``; "" where nothing was lost.
        best_of: how many songs were made for this one to be chosen.
        fake_stereo: the system makes its second channel out of the first; the song is then the first alone.
        loading_included: `seconds` holds the loading of the model too, so that it is no speed.
        own_process: the model ran in another process, about whose memory that of the harness says nothing.
    """

    seconds: float | None = None
    device: str = "cpu"
    peak_gib: float | None = None
    conditions: tuple[str, ...] = ("lyrics",)
    seed_honoured: bool = True
    stages: Mapping[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    rendering: Rendering | None = None
    settings: Mapping[str, Json] = field(default_factory=dict)
    lossy: str = ""
    best_of: int = 1
    fake_stereo: bool = False
    loading_included: bool = False
    own_process: bool = False


@dataclass(frozen=True, kw_only=True)
class Song:
    """The audio a system gave for a request.

    Attributes:
        request: what was asked.
        source: the mix.
        record: how it came about.
        stems: parts of the mix by name (``vocals``, ``drums`` …), where the system knows them.
        words: when each word is sung, where the system knows it.
        sections: where each section lies, where the system knows it.
        midi: the score as a standard MIDI file, where there is one.
        remarks: what is odd about its sound or the file it came from, by the codes of `songbench.domain.sound.KINDS`. A
            system says what it knows; the rest is added when the song is stored.
    """

    request: Request
    source: AudioSource
    record: GenerationRecord = field(default_factory=GenerationRecord)
    stems: Mapping[str, AudioSource] = field(default_factory=dict)
    words: tuple[TimedWord, ...] = ()
    sections: tuple[TimedSection, ...] = ()
    midi: bytes | None = None
    remarks: tuple[Remark, ...] = ()

    @property
    def audio(self) -> Audio:
        """The mix, loaded now."""
        return self.source.load()

    @property
    def prompt(self) -> Prompt:
        """The prompt it was made for."""
        return self.request.prompt


@dataclass(frozen=True)
class Failure:
    """Something that was asked for and did not come about; stored, counted and shown.

    Attributes:
        stage: ``generate``, ``score`` or ``feature``.
        cause: one line for a table, e.g. "time-out after 600 s".
        detail: whatever helps to find the reason (the end of a traceback or of a log).
        request: the request that failed, when a system yields the failure itself.
    """

    stage: str
    cause: str
    detail: str = ""
    request: Request | None = None

    def to_json(self) -> dict[str, Json]:
        """What is stored; the request is known from the key."""
        return {"stage": self.stage, "cause": self.cause, "detail": self.detail}


def memory_song(request: Request, audio: Audio, record: GenerationRecord | None = None) -> Song:
    """A song from audio in memory, without stems."""
    return Song(request=request, source=MemoryAudio(audio), record=record or GenerationRecord())
