"""Pages of questions as they are planned: what is played, what is asked, what it is for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import NamedTuple

from listening_test.preparation import checks
from listening_test.preparation.anchors import LOWPASS
from listening_test.preparation.clips import Clip, song
from listening_test.preparation.design import ItemName
from listening_test.preparation.material import Material
from listening_test.preparation.selection import Selection
from listening_test.prepared import Kind
from listening_test.protocol import Protocol, Scale
from songbench.domain.errors import InputError

SOUND_ANCHORS = (*LOWPASS, "mp3-64k")
"""Anchors that are a song made worse; the others are other songs."""


@dataclass(frozen=True, kw_only=True)
class TrialPlan:
    """A trial before anything has a name.

    Attributes:
        kind: what it is for.
        item: what is shown beside it.
        clips: what is judged, in an order that says nothing.
        scales: ids of the questions.
        reference: the open reference, or None.
        spoken: per language, what replaces which of the clips (by number).
        expected: of a trap: the answer.
        expected_of: of a trap among several: the number of the clip it is about.
        repeats: what it repeats, or None.
    """

    kind: Kind
    item: ItemName
    clips: tuple[Clip, ...]
    scales: tuple[str, ...]
    reference: Clip | None = None
    spoken: tuple[tuple[str, tuple[tuple[int, Clip], ...]], ...] = ()
    expected: str | None = None
    expected_of: int | None = None
    repeats: TrialPlan | None = None

    @property
    def every_clip(self) -> tuple[Clip, ...]:
        """Everything that can be played on the page, style sample aside."""
        spoken = tuple(clip for _, replaced in self.spoken for _, clip in replaced)
        return (*self.clips, *spoken, *((self.reference,) if self.reference else ()))


class PlacedTrial(NamedTuple):
    """A trial at its place in a session.

    Attributes:
        trial_plan: the trial.
        order: the numbers of its clips in slots A, B, C …
    """

    trial_plan: TrialPlan
    order: tuple[int, ...]


class Trials:
    """Makes the trials of one test.

    Args:
        material: the songs.
        selection: what takes part.
        protocol: what is asked.
    """

    def __init__(self, material: Material, selection: Selection, protocol: Protocol) -> None:
        self.material, self.selection, self.protocol = material, selection, protocol
        self._draw = Random(f"trials {protocol.seed}")
        self._use_counts: Counter[str] = Counter()
        self._bases: dict[tuple[str, ItemName], Clip | None] = {}
        self._conditions: Mapping[str, tuple[str, ...]] = {one.name: one.conditions for one in material.systems}
        self._check_anchors()

    # -- the trials ------------------------------------------------------------------------------------------------

    def test(self, item: ItemName, systems: Sequence[str]) -> TrialPlan:
        """A page of the test itself; with hidden anchors and hidden reference for the continuous forms."""
        clips = tuple(song(item, system) for system in systems)
        if self.protocol.continuous:
            clips += tuple(filter(None, (self.anchor_clip(name, item) for name in self.protocol.checks.anchors)))
        return self._plan("test", item, clips, systems)

    def anchor(self, name: str, item: ItemName) -> TrialPlan | None:
        """A page for an anchor; for pairs a song beside the anchor. None where the item does not allow it."""
        clip = self.anchor_clip(name, item)
        if clip is None:
            return None
        if not self.protocol.pairwise:
            return self._plan("anchor", item, (clip,), _systems_of([clip]))
        source = clip.recipe.source
        system = source.system if source and name in SOUND_ANCHORS else self._system(item, f"beside {name}")
        return self._plan("anchor", item, (song(item, system), clip), [system] if system else [])

    def practice(self) -> list[TrialPlan]:
        """The practice pages: they show how good and how bad songs can be."""
        spare = [name for name in self.selection.practice if self._singers(self._practice_item(name))]
        prompts = spare or self.selection.prompts
        trial_plans = []
        for number in range(self.protocol.checks.training):
            prompt = prompts[number // 2 % len(prompts)]
            item = self._practice_item(prompt)
            trial_plans.append(self._practice_page(item, number))
        return trial_plans

    def trap(self, item: ItemName, answer: str) -> TrialPlan:
        """An ordinary page on which a voice says what to answer."""
        systems = self._page_systems(item)
        clips = tuple(song(item, system) for system in systems)
        if self.protocol.continuous:
            clips += tuple(filter(None, (self.anchor_clip(name, item) for name in self.protocol.checks.anchors)))
        trial_plan = self._plan("trap", item, clips, systems)
        scales = tuple(self.protocol.scale(name) for name in trial_plan.scales)
        about = self._draw.randrange(len(systems)) if self.protocol.continuous else None
        return self._with_voice(trial_plan, scales, answer, about)

    def repetition(self, trial_plan: TrialPlan) -> TrialPlan:
        """The same page with stimuli of other names."""
        clips = tuple(clip.again() for clip in trial_plan.clips)
        reference = trial_plan.reference.again() if trial_plan.reference else None
        return replace(trial_plan, kind="repeat", clips=clips, reference=reference, repeats=trial_plan)

    # -- anchors ---------------------------------------------------------------------------------------------------

    def anchor_clip(self, name: str, item: ItemName) -> Clip | None:
        """The stimulus of an anchor for an item; None where there is nothing to make it of. Always the same one."""
        if (name, item) not in self._bases:
            self._bases[name, item] = self._anchor_clip(name, item)
        return self._bases[name, item]

    def _anchor_clip(self, name: str, item: ItemName) -> Clip | None:
        if name == "other-words":
            other_item = self._other_words(item)
            return other_item and replace(
                song(other_item, self._system(other_item, name), "anchor", anchor=name), of=item
            )
        has_reference = item.prompt in self.material.references
        if name == "reference-song":
            return song(item, None, "anchor", anchor=name) if has_reference else None
        system = None if has_reference and not self.protocol.pairwise else self._system(item, name)
        return song(item, system, "anchor", anchor=name, effect=name)

    def _other_words(self, item: ItemName) -> ItemName | None:
        """The same excerpt of another prompt in the same language with other words."""
        prompts, own_prompt = self.material.prompts, self.material.prompts[item.prompt]
        candidates = [
            candidate
            for candidate in self.selection.songs
            if (candidate.take, candidate.excerpt) == (item.take, item.excerpt)
            and prompts[candidate.prompt].language == own_prompt.language
            and prompts[candidate.prompt].lyrics != own_prompt.lyrics
        ]
        return self._draw.choice(candidates) if candidates else None

    def _system(self, item: ItemName, use: str) -> str:
        """A system with a song for this item: the one that was drawn least often for this use; sanity systems last."""
        sanity = {one.name for one in self.selection.systems if one.sanity}
        candidates = list(self.selection.songs.get(item) or self._singers(item))
        self._draw.shuffle(candidates)
        system = min(candidates, key=lambda name: (name in sanity, self._use_counts[f"{use} {name}"]))
        self._use_counts[f"{use} {system}"] += 1
        return system

    def _check_anchors(self) -> None:
        anchors = self.protocol.checks.anchors
        if "other-words" in anchors and not self.protocol.show.lyrics:
            raise InputError(
                "The anchor 'other-words' is heard by reading along, and the lyrics are not shown.",
                field="checks.anchors",
                cure="Set show.lyrics to true, or leave it out.",
            )
        for name in anchors:
            if not any(self.anchor_clip(name, item) for item in self.selection.songs):
                why = {
                    "other-words": "no two prompts of one language have different lyrics",
                    "reference-song": "no prompt has a reference song",
                }[name]
                raise InputError(f"The anchor '{name}' cannot be made: {why}.", field="checks.anchors")

    # -- practice --------------------------------------------------------------------------------------------------

    def _practice_item(self, prompt: str) -> ItemName:
        inside = next((item for item in self.selection.songs if item.prompt == prompt), None)
        if inside:
            return inside
        from listening_test.preparation.excerpts import has_section

        lyrics = self.material.prompts[prompt].lyrics
        excerpt = next(n for n, rule in enumerate(self.protocol.excerpts) if has_section(rule, lyrics))
        return ItemName(prompt, self.protocol.items.takes[0], excerpt)

    def _practice_page(self, item: ItemName, number: int) -> TrialPlan:
        good, bad = self._range_of(item)
        if self.protocol.form == "acr":
            clips: tuple[Clip, ...] = ((good, bad)[number % 2],)
        elif self.protocol.pairwise:
            clips = (good, bad)
        else:
            middle = replace(bad, recipe=replace(bad.recipe, effect="lowpass-7000"), anchor="lowpass-7000")
            clips = (middle, bad) if self.protocol.form == "mushra" else (good, middle, bad)
        trial_plan = self._plan("practice", item, clips, _systems_of(clips))
        hidden = [replace(clip, role="practice", copy=f"practice {number}") for clip in trial_plan.clips]
        return replace(trial_plan, clips=tuple(hidden))

    def _range_of(self, item: ItemName) -> tuple[Clip, Clip]:
        """A good example, the reference or a song that is not in the test or a hardly changed one; and a bad one."""
        singers = self._singers(item)
        worst: str | None = self._draw.choice(singers) if singers else None
        has_reference = item.prompt in self.material.references
        bad = song(item, worst, "practice", anchor="lowpass-3500", effect="lowpass-3500")
        if has_reference:
            return song(item, None, "practice"), bad
        hardly = "" if item.prompt in self.selection.practice else "mp3-64k"
        return song(item, worst, "practice", anchor=hardly, effect=hardly), bad

    def _singers(self, item: ItemName) -> list[str]:
        from songbench.execution.results import SongId

        songs = self.material.songs
        return [name for name in self.selection.names if songs.get(SongId(name, item.prompt, item.take))]

    # -- parts -----------------------------------------------------------------------------------------------------

    def _plan(self, kind: Kind, item: ItemName, clips: tuple[Clip, ...], systems: Sequence[str]) -> TrialPlan:
        reference = None
        if self.protocol.form == "mushra":
            clips = (*clips, replace(song(item, None, "reference"), copy="hidden"))
            reference = song(item, None, "reference")
        scales = self.scales(item, systems)
        if not scales:
            raise InputError(
                f"There is nothing to ask of {' and '.join(systems)} for prompt '{item.prompt}': every scale is about"
                " the style sample.",
                field="scales",
                cure="Add a scale without only_with, or leave out what was not made from a style sample.",
            )
        return TrialPlan(kind=kind, item=item, clips=clips, scales=scales, reference=reference)

    def scales(self, item: ItemName, systems: Sequence[str]) -> tuple[str, ...]:
        """The questions that make sense of these systems' songs for this item."""
        sample = item.prompt in self.material.prompt_audio and all(
            "prompt audio" in self._conditions[name] for name in systems
        )
        return tuple(scale.id for scale in self.protocol.scales if sample or scale.only_with != "prompt_audio")

    def _page_systems(self, item: ItemName) -> list[str]:
        """The systems of a trap's page, as many as an ordinary page has."""
        systems = list(self.selection.songs[item])
        self._draw.shuffle(systems)
        if self.protocol.form == "acr":
            return systems[:1]
        return (
            systems[:2] if self.protocol.pairwise else systems[: per_page(self.protocol, len(self.selection.systems))]
        )

    def _with_voice(
        self, trial_plan: TrialPlan, scales: tuple[Scale, ...], answer: str, about: int | None
    ) -> TrialPlan:
        """A voice over every clip, or over the one it is about; the first language's take the place of the clips."""
        numbers = range(len(trial_plan.clips)) if about is None else (about,)
        spoken = []
        for language in self.protocol.languages:
            text = checks.instruction(self.protocol, scales, answer, language)
            replaced = tuple(
                (
                    number,
                    replace(
                        trial_plan.clips[number],
                        role="trap",
                        anchor="",
                        recipe=replace(trial_plan.clips[number].recipe, voice_text=text, language=language),
                    ),
                )
                for number in numbers
            )
            spoken.append((language, replaced))
        first = dict(spoken[0][1])
        clips = tuple(first.get(number, clip) for number, clip in enumerate(trial_plan.clips))
        return replace(trial_plan, clips=clips, spoken=tuple(spoken), expected=answer, expected_of=about)


def per_page(protocol: Protocol, systems: int) -> int:
    """How many systems a page of the continuous forms holds."""
    return min(systems, protocol.raters.stimuli_per_page or 8)


def _systems_of(clips: Sequence[Clip]) -> list[str]:
    """Whose songs the clips are; reference songs are nobody's."""
    systems = [clip.recipe.source.system for clip in clips if clip.recipe.source]
    return [name for name in dict.fromkeys(systems) if name]
