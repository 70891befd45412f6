"""Names for everything that was planned, its audio, and the two halves of the test."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import TypeAlias, TypeVar

from listening_test.preparation.audio_files import AudioWriter, Level, StimulusAudio
from listening_test.preparation.checks import tone_orders
from listening_test.preparation.clips import Clip, ClipRecipe, SongSource
from listening_test.preparation.design import ItemName
from listening_test.preparation.material import Material
from listening_test.preparation.rendering import Renderer
from listening_test.preparation.selection import Selection
from listening_test.preparation.session import Session
from listening_test.preparation.trials import PlacedTrial, TrialPlan
from listening_test.prepared import (
    AUDIO,
    PreparedKey,
    PreparedTest,
    PromptDisplay,
    PromptFacts,
    Seat,
    Step,
    Stimulus,
    StimulusKey,
    Trial,
    TrialKey,
)
from listening_test.protocol import Protocol
from songbench.domain.lyrics import render_block
from songbench.execution.results import SongId

Named = TypeVar("Named", Stimulus, PromptDisplay, Trial)
ProgressCallback: TypeAlias = Callable[[str, int, int], None]
"""Told what is being done, how much of it is done, and how much there is."""


@dataclass(frozen=True)
class WrittenTest:
    """Both halves of a test and what is known of its audio."""

    test: PreparedTest
    key: PreparedKey
    audio: Mapping[str, StimulusAudio]
    level: Level


class TestWriter:
    """Makes a test from a plan. Everything public is named by drawn numbers and listed in the order of these names.

    Args:
        material: the songs.
        selection: what takes part.
        protocol: what is asked.
        folder: of the test.
    """

    def __init__(self, material: Material, selection: Selection, protocol: Protocol, folder: Path) -> None:
        self._material, self._selection, self._protocol, self._folder = material, selection, protocol, folder
        self._draw = Random(f"names {protocol.seed} {material.run} {protocol.name}")
        self._names: set[str] = set()

    def make(self, renderer: Renderer, plan: Sequence[Session], tell: ProgressCallback) -> WrittenTest:
        """Write the audio and put the test together."""
        trial_plans = list(
            dict.fromkeys(turn.trial_plan for session in plan for turn in (*session.practice, *session.turns))
        )
        prompts = list(dict.fromkeys(trial_plan.item.prompt for trial_plan in trial_plans))
        samples = {name: _sample(name) for name in prompts if self._has_sample(name)}
        vocals = {trial_plan: _vocal(trial_plan.item) for trial_plan in trial_plans if self._has_vocal(trial_plan)}
        sound, tones = self._sound_check(), self._tones()
        clips = [clip for trial_plan in trial_plans for clip in trial_plan.every_clip] + [
            *samples.values(),
            *vocals.values(),
            *tones,
            *([sound] if sound else []),
        ]
        names = {clip: self._name() for clip in dict.fromkeys(clips)}
        audio, level = self._audio(renderer, names, _models(trial_plans, names), tell)
        items = {name: self._item(name, names[samples[name]] if name in samples else None) for name in prompts}
        trials = {
            trial_plan: self._trial(trial_plan, names, items, vocals.get(trial_plan)) for trial_plan in trial_plans
        }
        test = PreparedTest(
            folder=self._folder,
            protocol=self._protocol,
            stimuli=_by_name(self._stimulus(name, audio[name]) for clip, name in names.items()),
            items=_by_name(items.values()),
            trials=_by_name(trials.values()),
            seats=tuple(_seat(session, names, trials) for session in plan),
            sound_check=names[sound] if sound else None,
            headphone_check=tuple(names[clip] for clip in tones),
        )
        key = PreparedKey(
            test=test.digest(),
            run=self._material.run,
            runs=self._material.runs,
            systems=self._selection.names,
            prompts={name: self._facts(name) for name in sorted({*prompts, *self._selection.prompts})},
            stimuli=dict(sorted((name, self._stimulus_key(clip, audio[name])) for clip, name in names.items())),
            trials=dict(
                sorted((trial.id, _trial_key(trial_plan, names, trials)) for trial_plan, trial in trials.items())
            ),
            headphone_answers=tuple(clip.recipe.tones[0] for clip in tones),
            song_counts=dict(self._selection.song_counts),
            failed=dict(self._selection.failed),
        )
        return WrittenTest(test, key, audio, level)

    # -- sound -----------------------------------------------------------------------------------------------------

    def _audio(
        self, renderer: Renderer, names: Mapping[Clip, str], models: Mapping[str, str], tell: ProgressCallback
    ) -> tuple[dict[str, StimulusAudio], Level]:
        recipes: dict[ClipRecipe, list[str]] = {}
        for clip, name in names.items():
            recipes.setdefault(clip.recipe, []).append(name)
        count_so_far = 0

        def count(more: int) -> None:
            nonlocal count_so_far
            count_so_far += more
            tell("preparing audio", count_so_far, len(recipes))

        return AudioWriter(renderer=renderer, names=recipes, models=models, folder=self._folder, progress=count).write()

    def _has_sample(self, prompt: str) -> bool:
        return self._protocol.show.prompt_audio and prompt in self._material.prompt_audio

    def _has_vocal(self, trial_plan: TrialPlan) -> bool:
        return self._protocol.show.vocal and trial_plan.item.prompt in self._material.vocals

    def _sound_check(self) -> Clip | None:
        """Noise and a song that is not in the test, where there is one."""
        if not self._protocol.checks.sound_check:
            return None
        item, names = next(iter(self._selection.songs.items()))
        sources = [SongSource(item.prompt, name, item.take) for name in names]
        for prompt in self._selection.practice:
            takes = [SongSource(prompt, name, self._protocol.items.takes[0]) for name in self._selection.names]
            sources = [
                source for source in takes if self._material.songs.get(SongId(str(source.system), prompt, source.take))
            ] + sources
        return Clip(role="check", recipe=ClipRecipe(sort="sound check", source=sources[0]))

    def _tones(self) -> list[Clip]:
        orders = tone_orders(self._protocol.checks.headphone_check, self._draw)
        return [
            Clip(role="check", recipe=ClipRecipe(sort="tones", tones=order), copy=str(number))
            for number, order in enumerate(orders)
        ]

    # -- the public half -------------------------------------------------------------------------------------------

    def _name(self) -> str:
        while (name := f"{self._draw.getrandbits(64):016x}") in self._names:
            continue
        self._names.add(name)
        return name

    def _stimulus(self, name: str, audio: StimulusAudio) -> Stimulus:
        file = f"{AUDIO}/{name}.{self._protocol.listening.format}"
        return Stimulus(id=name, file=file, seconds=audio.seconds, peaks=audio.peaks, sha256=audio.sha256)

    def _item(self, prompt: str, sample: str | None) -> PromptDisplay:
        facts, show = self._material.prompts[prompt], self._protocol.show
        lyrics = render_block(facts.lyrics).strip() if show.lyrics else ""
        return PromptDisplay(
            id=self._name(),
            lyrics=lyrics,
            style=facts.style if show.style else "",
            language=facts.language,
            prompt_audio=sample,
        )

    def _trial(
        self, trial_plan: TrialPlan, names: Mapping[Clip, str], items: Mapping[str, PromptDisplay], vocal: Clip | None
    ) -> Trial:
        """Stimuli stand in the order of their names, which says nothing; each rater's order is in the steps."""
        return Trial(
            id=self._name(),
            item=items[trial_plan.item.prompt].id,
            stimuli=tuple(sorted(names[clip] for clip in trial_plan.clips)),
            scales=trial_plan.scales,
            reference=names[trial_plan.reference] if trial_plan.reference else None,
            vocal=names[vocal] if vocal else None,
            spoken={
                language: {names[trial_plan.clips[number]]: names[clip] for number, clip in replaced}
                for language, replaced in trial_plan.spoken
            },
        )

    # -- the other half --------------------------------------------------------------------------------------------

    def _stimulus_key(self, clip: Clip, audio: StimulusAudio) -> StimulusKey:
        source, item = clip.recipe.source, clip.of
        song = SongId(source.system, source.prompt, source.take) if source and source.system else None
        return StimulusKey(
            role=clip.role,
            system=source.system if source else None,
            prompt=item.prompt if item else source.prompt if source else None,
            take=item.take if item else 0,
            excerpt=clip.recipe.excerpt,
            anchor=clip.anchor,
            start=audio.start,
            gain_db=round(audio.gain_db, 3),
            song=self._material.keys.get(song, "") if song else "",
            notes="; ".join([*audio.notes, *_origin(clip)]),
        )

    def _facts(self, prompt: str) -> PromptFacts:
        facts = self._material.prompts[prompt]
        return PromptFacts(facts.language, dict(facts.tags))


def _origin(clip: Clip) -> Iterable[str]:
    """From what an anchor was made, and which song is behind other words."""
    source = clip.recipe.source
    if clip.anchor and source:
        song = f"the song of {source.system}" if source.system else "the reference song"
        yield f"made from {song} for {source.prompt}"


def _models(trial_plans: Iterable[TrialPlan], names: Mapping[Clip, str]) -> dict[str, str]:
    """What a voice speaks over in another language, by the stimulus that is heard then."""
    return {
        names[clip]: names[trial_plan.clips[number]]
        for trial_plan in trial_plans
        for _, replaced in trial_plan.spoken
        for number, clip in replaced
    }


def _sample(prompt: str) -> Clip:
    return Clip(
        role="prompt", recipe=ClipRecipe(sort="style sample", source=SongSource(prompt, None)), of=ItemName(prompt)
    )


def _vocal(item: ItemName) -> Clip:
    recipe = ClipRecipe(sort="vocal", source=SongSource(item.prompt, None), excerpt=item.excerpt)
    return Clip(role="prompt", recipe=recipe, of=ItemName(item.prompt, excerpt=item.excerpt))


def _seat(session: Session, names: Mapping[Clip, str], trials: Mapping[TrialPlan, Trial]) -> Seat:
    def steps(turns: Sequence[PlacedTrial]) -> tuple[Step, ...]:
        return tuple(
            Step(trials[turn.trial_plan].id, tuple(names[turn.trial_plan.clips[number]] for number in turn.order))
            for turn in turns
        )

    return Seat(steps(session.practice), steps(session.turns))


def _trial_key(trial_plan: TrialPlan, names: Mapping[Clip, str], trials: Mapping[TrialPlan, Trial]) -> TrialKey:
    return TrialKey(
        kind=trial_plan.kind,
        prompt=trial_plan.item.prompt,
        take=trial_plan.item.take,
        excerpt=trial_plan.item.excerpt,
        repeats=trials[trial_plan.repeats].id if trial_plan.repeats else None,
        expected=trial_plan.expected,
        expected_of=names[trial_plan.clips[trial_plan.expected_of]] if trial_plan.expected_of is not None else None,
    )


def _by_name(parts: Iterable[Named]) -> dict[str, Named]:
    return {part.id: part for part in sorted(parts, key=lambda part: part.id)}
