"""What prompts of a track must have, and must not."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

from songbench.domain.audio_file import file_seconds
from songbench.domain.errors import InputError
from songbench.domain.prompt import Asset, CutAsset, FileAsset, Prompt, RenderAsset

TRACK_TITLES: Mapping[str, str] = {"song": "lyrics to song", "v2a": "vocal to accompaniment"}
"""What is made in each of `songbench.domain.prompt.TRACKS`."""


def in_words(track: str) -> str:
    """A track for a sentence, such as ``v2a (vocal to accompaniment)``."""
    return f"{track} ({TRACK_TITLES[track]})" if track in TRACK_TITLES else track


def recorded_seconds(vocal: Asset) -> float | None:
    """How long a vocal lasts that is a file or cut from one, in seconds to the millisecond.

    Returns:
        None for one that is rendered, or whose file is not there.

    Raises:
        InputError: the file is no sound, or the cut begins after its end.
    """
    source = vocal.recording if isinstance(vocal, CutAsset) else vocal
    if not isinstance(source, FileAsset) or not source.path.is_file():
        return None
    try:
        seconds = file_seconds(source.path)
    except InputError as error:
        raise InputError(f"{source.path.name}: {error.message}", field="vocal", cure=error.cure) from None
    if isinstance(vocal, CutAsset):
        if vocal.start >= seconds:
            raise InputError(
                f"There is no cut from {vocal.start:g} s on in {seconds:.1f} s of audio.",
                field="vocal",
                cure="Begin it inside the audio.",
            )
        seconds = min(vocal.seconds, seconds - vocal.start)
    return round(seconds, 3)


def check_track(prompt: Prompt) -> None:
    """Refuse a prompt that does not fit its track.

    Raises:
        InputError: a song with a vocal, an accompaniment without one, a rendered vocal without words, a style clip that
            is a piece of the true accompaniment.
    """
    if prompt.track == "song":
        if prompt.vocal is not None:
            raise InputError(
                "A prompt of the track song has no vocal.", field="vocal", cure='Add "track": "v2a" to accompany it.'
            )
        return
    if prompt.vocal is None:
        raise InputError(
            "A prompt of the track v2a needs the vocal to accompany.",
            field="vocal",
            cure='Write "vocal": "vocal.wav", or a render recipe with "stem": "vocals".',
        )
    if not prompt.lyrics_known and isinstance(prompt.origin(prompt.vocal), RenderAsset):
        raise InputError("The field is missing.", field="lyrics", cure="A rendered vocal sings the prompt's lyrics.")
    if prompt.reference is not None and prompt.prompt_audio is not None:
        _refuse_overlap(_stretch(prompt.prompt_audio, prompt), _stretch(prompt.reference, prompt))


@dataclass(frozen=True)
class _Stretch:
    """A stretch of a recording or of a rendered song with all its stems, in seconds."""

    origin: Asset
    start: float = 0.0
    end: float = math.inf


def _stretch(asset: Asset, prompt: Prompt) -> _Stretch:
    if isinstance(asset, CutAsset):
        origin = prompt.origin(asset)
        source = _stretch(asset.recording or prompt.reference or origin, prompt)
        start = source.start + asset.start
        return replace(source, start=start, end=min(source.end, start + asset.seconds))
    if isinstance(asset, RenderAsset):
        return _Stretch(replace(asset, stem=""))
    return _Stretch(FileAsset(asset.path.resolve()))


def _refuse_overlap(clip: _Stretch, truth: _Stretch) -> None:
    if clip.origin == truth.origin and clip.start < truth.end and truth.start < clip.end:
        raise InputError(
            "The style clip is a piece of the true accompaniment, which is held back from systems.",
            field="prompt_wav",
            cure="Take it from another song, or from another part of this one.",
        )
