"""The vocal of a request as a file for a system of other people's, and its length as that of the accompaniment."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from songbench.domain.audio import Audio, AudioSource, MemoryAudio
from songbench.domain.errors import InputError
from songbench.domain.prompt import Prompt
from songbench.resources.environments import write_wav

SILENT_PEAK = 1e-5
"""-100 dB below full scale: a vocal that never gets louder holds nothing to accompany."""

SMALL_SECONDS = 0.1
"""Two frames of a slow codec: what is cut or added at the end up to that is not worth a note."""


def path_of(prompt: Prompt, folder: Path) -> Path:
    """Where the vocal lies in a song's folder: its name is the prompt's id, which programs take for the song's."""
    return folder / "vocal" / f"{prompt.id}.wav"


@dataclass(frozen=True, kw_only=True)
class VocalFile:
    """How a system wants the vocal, and what holds for the length of what it gives.

    Attributes:
        rate: samples per second of the file; None: as the vocal has it.
        mono: whether it gets the mean of the channels.
        least_s: how long the vocal has to be, in seconds.
        most_s: how long it may be, in seconds; None: any length.
        fitted: whether what comes is brought to the vocal's length: cut, or silence added.
    """

    rate: int | None = None
    mono: bool = False
    least_s: float = 0.0
    most_s: float | None = None
    fitted: bool = True

    def write(self, source: AudioSource, path: Path) -> None:
        """Write the vocal as float32 wav, alone in a new folder.

        Args:
            source: the vocal.
            path: as `path_of` gives it.

        Raises:
            InputError: it cannot be decoded, is too short, too long, or silent.
        """
        import numpy as np

        audio = source.load()
        seconds = audio.seconds
        if seconds < self.least_s:
            raise InputError(f"The vocal has {seconds:.2f} s; the system needs {self.least_s:g} s.")
        if self.most_s is not None and seconds > self.most_s:
            raise InputError(f"The vocal has {seconds:.2f} s, of which the system takes {self.most_s:g}.")
        if np.abs(audio.samples).max() < SILENT_PEAK:
            raise InputError("The vocal is silent: there is nothing to accompany.")
        path.parent.mkdir()
        write_wav(MemoryAudio(audio), path, rate=self.rate, mono=self.mono)

    def fit(self, audio: Audio, path: Path) -> tuple[Audio, tuple[str, ...]]:
        """Bring an accompaniment to the length of the vocal.

        Args:
            audio: the accompaniment.
            path: of the file that `write` has written.

        Returns:
            The accompaniment; and what a reader should know of that, empty where it is next to nothing.
        """
        import numpy as np
        import soundfile

        if not self.fitted:
            return audio, ()
        facts = soundfile.info(path)
        target, length = round(facts.frames * audio.rate / facts.samplerate), audio.samples.shape[1]
        late = (target - length) / audio.rate
        if length > target:
            fitted = np.ascontiguousarray(audio.samples[:, :target])
        else:
            fitted = np.pad(audio.samples, ((0, 0), (0, target - length)))
        note = f"{-late:.1f} s were cut at its end" if late < 0 else f"silence was added for the last {late:.1f} s"
        return Audio(fitted, audio.rate), (note,) if abs(late) > SMALL_SECONDS else ()
