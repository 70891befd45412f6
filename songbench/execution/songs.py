"""Songs and their audio in and out of the store."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from songbench.domain.audio import Audio, AudioFile, AudioSource, MemoryAudio, check_audio
from songbench.domain.errors import InputError
from songbench.domain.hashing import Json
from songbench.domain.prompt import FileAsset, Prompt
from songbench.domain.remark import remarks_from_json, remarks_to_json
from songbench.domain.rendering import rendering_from_json
from songbench.domain.song import GenerationRecord, Request, Song, TimedSection, TimedWord
from songbench.domain.sound import sound_remarks
from songbench.execution.intact_records import BASIS, Basis, basis_to_json
from songbench.execution.store import Store
from songbench.execution.store_layout import Blob

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


@dataclass(frozen=True)
class StoredAudio:
    """Audio in the store; loaded when needed."""

    store: Store
    blob: Blob

    @property
    def digest(self) -> str:
        """The sha256 of the stored file."""
        return self.blob.digest

    def load(self) -> Audio:
        """Decode it.

        Raises:
            DamageError: when the blob is gone, or its bytes are not those it is named after.
            InputError: when it cannot be decoded although they are.
        """
        import numpy as np
        import soundfile

        data = self.store.read_blob(self.blob)
        try:
            samples, rate = soundfile.read(io.BytesIO(data), dtype="float32", always_2d=True)
        except soundfile.SoundFileError as error:
            raise InputError(f"The stored audio {self.blob.name} is damaged ({error}).", file=self.store.url) from error
        return Audio(np.ascontiguousarray(samples.T), int(rate))


def encode_audio(audio: Audio) -> tuple[bytes, str]:
    """Encode for the store: 24-bit FLAC, or 32-bit float WAV where FLAC would clip samples beyond full scale.

    Returns:
        The bytes and the file suffix.

    Raises:
        InputError: for audio that cannot be a song (see `check_audio`).
    """
    import soundfile

    check_audio(audio)
    buffer = io.BytesIO()
    if audio.peak < 1.0 and audio.samples.shape[0] <= 8:
        soundfile.write(buffer, _frames(audio), audio.rate, format="FLAC", subtype="PCM_24")
        return buffer.getvalue(), "flac"
    from scipy.io import wavfile  # libsndfile writes the time of day into float WAVs: other bytes each time

    wavfile.write(buffer, audio.rate, audio.samples.T)
    return buffer.getvalue(), "wav"


def _frames(audio: Audio) -> npt.NDArray[np.float32]:
    """The samples as an encoder takes them, shape (n, channels), in one piece."""
    import numpy as np

    frames = audio.samples.T
    return frames if frames.flags.c_contiguous else np.stack(tuple(audio.samples), axis=1)  # twice as fast as a copy


def put_audio(store: Store, audio: AudioSource) -> StoredAudio:
    """Store audio; the same samples make the same blob."""
    if isinstance(audio, StoredAudio) and audio.store.url == store.url:
        return audio
    return StoredAudio(store, store.put_blob(*encode_audio(audio.load())))


def in_memory(song: Song) -> Song | None:
    """The song with its sound in memory of its own, which nobody else can change; None where a part is stored already.

    Raises:
        InputError: for a file that cannot be decoded.
    """
    sources = [song.source, *song.stems.values()]
    if not all(isinstance(source, MemoryAudio | AudioFile) for source in sources):
        return None
    source, *stems = (
        MemoryAudio(
            Audio(source.audio.samples.copy(), source.audio.rate) if isinstance(source, MemoryAudio) else source.load()
        )
        for source in sources
    )
    return replace(song, source=source, stems=dict(zip(song.stems, stems, strict=True)))


def save_song(store: Store, key: str, song: Song, assets: Mapping[str, str] | None = None, *, system: str = "") -> None:
    """Store a song with what is odd about its sound: its audio first, the record that makes it exist last.

    Args:
        store: where.
        key: the song's.
        song: what a system gave.
        assets: digests of the rendered prompt audio and references it was made from, by key.
        system: whose it is, so that the songs of a system can be named without any run.

    Raises:
        InputError: for audio that cannot be a song.
    """
    audio = song.audio
    check_audio(audio)
    source = song.source if isinstance(song.source, StoredAudio) else MemoryAudio(audio)
    remarks = {
        remark.code: remark for remark in (*sound_remarks(audio, wanted_seconds=song.request.seconds), *song.remarks)
    }
    stems = {name: put_audio(store, stem).blob.name for name, stem in sorted(song.stems.items())}
    record: dict[str, Json] = {
        "system_record": generation_to_json(song.record),
        "audio": put_audio(store, source).blob.name,
        "audio_seconds": audio.seconds,
        "remarks": remarks_to_json(list(remarks.values())),
        "stems": stems,
        "words": [[word.text, word.start, word.end] for word in song.words],
        "sections": [[section.tag, section.start, section.end] for section in song.sections],
        "midi": store.put_blob(song.midi, "mid").name if song.midi else None,
        "system": system,
        "prompt": song.prompt.id,
        "take": song.request.take,
        "seed": song.request.seed,
    }
    store.save("songs", key, {**record, BASIS: audio_basis(store, record, assets or {})})


_UNSAID = frozenset(("rendering", "settings", "lossy", "best_of", "fake_stereo", "loading_included", "own_process"))
"""What is left out of a stored record where it is as usual."""


def generation_to_json(record: GenerationRecord) -> dict[str, Json]:
    """How a song came about, as it is stored."""
    facts: dict[str, Json] = asdict(record)
    usual = asdict(GenerationRecord())
    if record.rendering is not None:
        facts["rendering"] = record.rendering.to_json()
    return {name: value for name, value in facts.items() if name not in _UNSAID or value != usual[name]}


def generation_from_json(facts: Mapping[str, Any]) -> GenerationRecord:
    """What was stored."""
    rendering = facts.get("rendering")
    return GenerationRecord(
        **{
            **facts,
            "conditions": tuple(facts["conditions"]),
            "notes": tuple(facts["notes"]),
            "rendering": None if rendering is None else rendering_from_json(rendering),
        }
    )


def audio_basis(store: Store, record: Mapping[str, Any], assets: Mapping[str, str]) -> dict[str, Json]:
    """What a record of audio rests on: its blobs, and what it was made from.

    Args:
        store: where the blobs are already.
        record: of a song or an asset.
        assets: digests of other assets, by key.
    """
    sizes = {blob.name: store.size(blob.place) or 0 for blob in blobs_of(record)}
    return basis_to_json(Basis(blobs=sizes, assets=dict(assets)))


def load_song(store: Store, key: str, request: Request) -> Song | None:
    """The stored song, its audio not loaded yet, or None."""
    record: dict[str, Any] | None = store.get("songs", key)
    if record is None:
        return None
    return Song(
        request=request,
        source=StoredAudio(store, Blob(record["audio"])),
        record=generation_from_json(record["system_record"]),
        stems={name: StoredAudio(store, Blob(blob)) for name, blob in record["stems"].items()},
        words=tuple(TimedWord(*word) for word in record["words"]),
        sections=tuple(TimedSection(*section) for section in record["sections"]),
        midi=store.read_blob(Blob(record["midi"])) if record["midi"] else None,
        remarks=remarks_from_json(record.get("remarks", ())),
    )


def blobs_of(record: Mapping[str, Any]) -> list[Blob]:
    """Every blob a song's or asset's record points to."""
    names = [record["audio"], *record.get("stems", {}).values(), record.get("midi")]
    return [Blob(name) for name in names if name]


def asset_source(store: Store, prompt: Prompt, name: str, keys: Mapping[str, str]) -> AudioSource | None:
    """Audio of a prompt, ready to load; None where the prompt has none of this name.

    Args:
        store: holds what was rendered or cut.
        prompt: whose.
        name: one of `ASSETS`.
        keys: of what was rendered or cut, by these names.

    Raises:
        FileNotFoundError: it is to be rendered or cut and is not in the store.
    """
    asset = prompt.assets.get(name)
    if asset is None:
        return None
    if isinstance(asset, FileAsset):
        return AudioFile(asset.path)
    record = store.get("assets", keys[name])
    if record is None:
        raise FileNotFoundError(f"the {name} of prompt '{prompt.id}' is not in the store")
    return StoredAudio(store, Blob(record["audio"]))
