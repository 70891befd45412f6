"""The system ``damaged``: songs of another system, with one fault of known kind and strength."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from songbench.domain.audio import Audio, MemoryAudio
from songbench.domain.damages import DAMAGES, STRENGTHS, Damage
from songbench.domain.errors import InputError, SongbenchError
from songbench.domain.hashing import Json, derived_seed
from songbench.domain.song import Failure, GenerationRecord, Request, Song
from songbench.plugin import Availability, System, SystemCard, build_system

_RESUNG = ("wrong_lyrics", "repeated_lines")
_OF_BANDS = ("late_band", "slower_band", "transposed_band", "stopped_band")
_OTHER_REFERENCE = "another reference song"
_KEPT = 12
"""Base songs a process keeps: the same ones are damaged again and again."""

_bases: dict[str, Song] = {}


class Damaged:
    """Damages the songs of another system.

    Args:
        variant: ``DAMAGE-STRENGTH``, e.g. ``noise-3`` (`songbench.domain.damages.DAMAGES`, 1 to 4); None: the songs
            as they are.
        base: the system whose songs are damaged, as written on the command line. Damage to the voice needs its vocal
            stem, damage to the form its sections; where it gives none, the song fails with that reason.
        base_settings: of the base, what ``system.<base>.<setting>`` gives it where it enters itself.

    Raises:
        InputError: for an unknown damage, strength or base.
    """

    def __init__(
        self, variant: str | None = None, base: str = "rulebased", base_settings: Mapping[str, Any] | None = None
    ) -> None:
        """Check the choices; the base is built, not run."""
        kind, _, number = (variant or "").partition("-")
        if variant is not None and (kind not in DAMAGES or number not in map(str, STRENGTHS)):
            raise InputError(
                f"'damaged:{variant}' names no damage and strength.",
                value=kind,
                allowed=DAMAGES,
                cure="Write damaged:NAME-STRENGTH with a strength from 1 (mild) to 4, e.g. damaged:noise-3.",
            )
        self.damage: Damage | None = DAMAGES.get(kind)
        self.strength = int(number) if self.damage else 0
        self._spec = base
        try:
            self._base: System = build_system(base, base_settings)
        except InputError as error:
            raise error.within("base_settings") if error.field in (base_settings or {}) else error from None
        below = self._base.card
        if self.damage and not set(self.damage.tracks) & set(below.tracks):
            raise InputError(
                f"The damage '{kind}' is done to songs of the track {' and '.join(self.damage.tracks)}, and '{base}'"
                f" makes songs of the track {' and '.join(below.tracks)}.",
                field="base",
                value=base,
            )
        self.card = SystemCard(
            name=f"damaged:{variant}" if variant else "damaged",
            version=f"1/{below.version}",
            summary=self._summary(below.name),
            licence=below.licence,
            languages=below.languages,
            conditions=(*below.conditions, *((_OTHER_REFERENCE,) if kind == "other_band" else ())),
            vocals=below.vocals,
            max_seconds=below.max_seconds,
            sample_rate=below.sample_rate,
            needs=below.needs,
            sanity=True,
            tracks=below.tracks,
        )

    @property
    def parameters(self) -> Mapping[str, Json]:
        """Damage, strength, and the base with its own parameters."""
        return {
            "damage": self.damage.name if self.damage else None,
            "strength": self.strength,
            "base": self._spec,
            "of base": dict(self._base.parameters),
        }

    def availability(self) -> Availability:
        """That of the base."""
        return self._base.availability()

    def generate(self, requests: Sequence[Request]) -> Iterator[Song | Failure]:
        """One song per request, in order; what cannot be damaged is yielded as a failure."""
        for request in requests:
            try:
                yield self._damaged(request)
            except SongbenchError as error:
                yield Failure("generate", str(error), request=request)

    def _summary(self, base: str) -> str:
        if self.damage is None:
            return f"Songs of {base} with one fault, damaged:NAME-1 to NAME-4, for NAME {', '.join(DAMAGES)}."
        return f"Songs of {base}, damaged: {self.damage.summary} ({self.damage.strengths[self.strength - 1]})"

    def _damaged(self, request: Request) -> Song | Failure:
        name = self.damage.name if self.damage else ""
        seed = derived_seed("damage", name, request.seed)
        song = self._base_song(self._other_words(request, name, seed) if name in _RESUNG else request)
        if isinstance(song, Failure):
            return replace(song, request=request)
        record = GenerationRecord(seconds=None, conditions=song.record.conditions, notes=(self.card.summary,))
        song = replace(song, request=request, record=record)
        return song if not name or name in _RESUNG else _Patient(song, self.strength, seed).with_(name)

    def _other_words(self, request: Request, damage: str, seed: int) -> Request:
        from systems.damaged import words

        if request.vocal is not None:
            raise InputError("an accompaniment has no words to change")
        prompt, strength = request.prompt, self.strength
        if damage == "wrong_lyrics":
            return replace(
                request,
                prompt=replace(prompt, lyrics=words.wrong_lyrics(prompt.lyrics, prompt.language, strength, seed)),
            )
        lyrics = words.repeated_lines(prompt.lyrics, strength, seed)
        longer = prompt.seconds and prompt.seconds * len(lyrics.lines) / max(1, len(prompt.lyrics.lines))
        return replace(request, prompt=replace(prompt, lyrics=lyrics, seconds=longer))

    def _base_song(self, request: Request) -> Song | Failure:
        reference = request.reference.digest if request.reference else ""  # sanity systems give it back
        base = f"{self._spec} {dict(self._base.parameters)} {reference}"
        sources = (request.vocal, request.prompt_audio, request.reference, request.other_reference)
        audio = [source and source.digest for source in sources]
        key = f"{base} {request.prompt.words_to_json()} {audio} {request.take} {request.seed}"
        if key not in _bases:
            outcome = next(iter(self._base.generate([request])))
            if isinstance(outcome, Failure):
                return outcome
            while len(_bases) >= _KEPT:
                del _bases[next(iter(_bases))]
            vocals = {name: stem for name, stem in outcome.stems.items() if name == "vocals"}
            _bases[key] = replace(outcome, stems=vocals, midi=None)
        return _bases[key]


@dataclass(frozen=True)
class _Patient:
    """A song about to be damaged."""

    song: Song
    strength: int
    seed: int

    def with_(self, damage: str) -> Song:
        """The song with this damage; stems and times are kept only as far as they still hold."""
        if damage in ("noise", "lowpass", "clipping", "mp3", "loudness", "mono", "tempo_wobble"):
            return self._sound(damage)
        if damage in ("detuned_voice", "voice_removed", "dropped_lines"):
            return self._voice(damage)
        if damage in ("shuffled_sections", "dropped_sections"):
            return self._form(damage)
        if damage in _OF_BANDS:
            return self._band(damage)
        if damage == "other_band":
            return self._other_band()
        return self._mixed_vocal() if damage == "mixed_vocal" else self._copy()

    def _band(self, damage: str) -> Song:
        from systems.damaged import band

        changed: Audio = getattr(band, damage)(self.song.audio, self.strength)
        return self._without_parts(changed)

    def _other_band(self) -> Song:
        from systems.damaged import form

        neighbour = self.song.request.other_reference
        if neighbour is None:
            raise InputError("no other prompt of the suite has a true accompaniment of its own")
        return self._without_parts(form.prompt_copied(self.song.audio, neighbour.load(), self.strength))

    def _mixed_vocal(self) -> Song:
        from systems.damaged import band

        vocal = self.song.request.vocal
        if vocal is None:
            raise InputError("the prompt has no vocal")
        return self._without_parts(band.mixed_vocal(self.song.audio, vocal.load(), self.strength))

    def _without_parts(self, audio: Audio) -> Song:
        """The song with other audio; what was known of its parts holds no longer."""
        return replace(self.song, source=MemoryAudio(audio), stems={}, words=(), sections=())

    def _sound(self, damage: str) -> Song:
        from systems.damaged import sound

        def apply(audio: Audio) -> Audio:
            if damage == "noise":
                return sound.noise(audio, self.strength, self.seed)
            changed: Audio = getattr(sound, damage)(audio, self.strength)
            return changed

        stems = {name: MemoryAudio(apply(stem.load())) for name, stem in self.song.stems.items()}
        damaged = replace(self.song, source=MemoryAudio(apply(self.song.audio)), stems=stems)
        return replace(damaged, words=(), sections=()) if damage == "tempo_wobble" else damaged

    def _voice(self, damage: str) -> Song:
        from systems.damaged import voice

        mix, vocals = self.song.audio, self._vocals()
        if damage == "dropped_lines":
            if not self.song.words:
                raise InputError("the base does not say when words are sung")
            changed, left = voice.dropped_lines(mix, vocals, self.song.words, self.strength, self.seed)
            return replace(self.song, source=MemoryAudio(changed), stems={"vocals": MemoryAudio(left)}, words=())
        changed = getattr(voice, damage)(mix, vocals, self.strength)
        left = Audio(changed.samples - (mix.samples - vocals.samples), mix.rate)
        return replace(self.song, source=MemoryAudio(changed), stems={"vocals": MemoryAudio(left)})

    def _vocals(self) -> Audio:
        stem = self.song.stems.get("vocals")
        if stem is None:
            raise InputError("the base gives no vocal stem")
        vocals, mix = stem.load(), self.song.audio
        if vocals.samples.shape != mix.samples.shape or vocals.rate != mix.rate:
            raise InputError("the base's vocal stem does not fit its mix")
        return vocals

    def _form(self, damage: str) -> Song:
        from systems.damaged import form

        sections = self.song.sections
        if len(sections) < 2:
            raise InputError("the base does not say where its sections lie")
        order = (form.shuffled if damage == "shuffled_sections" else form.dropped)(sections, self.strength, self.seed)
        mix = self.song.audio
        return replace(
            self.song,
            source=MemoryAudio(form.rearranged(mix, sections, order)),
            stems={
                name: MemoryAudio(form.rearranged(stem.load(), sections, order))
                for name, stem in self.song.stems.items()
            },
            sections=form.retimed(sections, order, mix.seconds),
            words=(),
        )

    def _copy(self) -> Song:
        from systems.damaged import form

        prompt = self.song.request.prompt_audio
        if prompt is None:
            raise InputError("the prompt has no audio to copy")
        return self._without_parts(form.prompt_copied(self.song.audio, prompt.load(), self.strength))
