"""Which songs of a run take part, which are for practice, which are missing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random

from listening_test.preparation.design import ItemName
from listening_test.preparation.excerpts import has_section
from listening_test.preparation.material import Contestant, Material
from listening_test.protocol import Protocol, load_protocol, preset_names
from songbench.domain.errors import InputError
from songbench.domain.prompt import Prompt
from songbench.execution.results import SongId

PROMPTS_PER_PRACTICE = 5
"""One prompt in five is set aside for practice, as far as practice needs it."""


@dataclass(frozen=True, kw_only=True)
class Selection:
    """What a test is about.

    Attributes:
        systems: in the order of tables.
        songs: per item, the systems whose song is there.
        practice: prompts that are for practice only.
        song_counts: per system, songs that should be there.
        failed: per system, those that are not.
        notes: what was left out and why, a line each.
    """

    systems: tuple[Contestant, ...]
    songs: Mapping[ItemName, tuple[str, ...]]
    practice: tuple[str, ...]
    song_counts: Mapping[str, int]
    failed: Mapping[str, int]
    notes: tuple[str, ...]

    @property
    def prompts(self) -> tuple[str, ...]:
        """The prompts of the items."""
        return tuple(dict.fromkeys(item.prompt for item in self.songs))

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the systems."""
        return tuple(system.name for system in self.systems)


def select(material: Material, protocol: Protocol) -> Selection:
    """Choose.

    Raises:
        InputError: for names that the run does not have, a run that has not finished, too few systems for the form, or
            checks that the material does not allow.
    """
    _track(material, protocol)
    systems = _systems(material, protocol)
    _takes(material, protocol)
    _declared_pairs(protocol, [system.name for system in systems])
    notes: list[str] = []
    prompts = _prompts(material, protocol, notes)
    prompt_ids, practice = _draw_prompts(prompts, protocol)
    if practice:
        notes.append(f"for practice only: {', '.join(practice)}")
    elif protocol.checks.training:
        notes.append("too few prompts to keep one for practice: it plays references, and songs of the test made worse")
    names = [system.name for system in systems]
    _finished(material, protocol, names, [*prompt_ids, *practice])
    songs = {
        item: tuple(name for name in names if material.songs[SongId(name, item.prompt, item.take)])
        for item in _items(material, protocol, prompt_ids, notes)
    }
    made_songs = {
        name: [bool(material.songs[SongId(name, p, t)]) for p in prompt_ids for t in protocol.items.takes]
        for name in names
    }
    failed = {name: flags.count(False) for name, flags in made_songs.items()}
    notes += [
        f"{name}: {count} of {len(made_songs[name])} songs were not made" for name, count in failed.items() if count
    ]
    if not any(songs.values()):
        raise InputError("None of the songs was made.", cure="`songbench run` with --retry-failed makes them.")
    return Selection(
        systems=systems,
        songs={item: singers for item, singers in songs.items() if singers},
        practice=practice,
        song_counts={name: len(flags) for name, flags in made_songs.items()},
        failed=failed,
        notes=tuple(notes),
    )


def _track(material: Material, protocol: Protocol) -> None:
    if material.track not in protocol.tracks:
        fitting = [name for name in preset_names() if material.track in load_protocol(name).tracks]
        raise InputError(
            f"The protocol '{protocol.name}' asks about runs of the track {' and '.join(protocol.tracks)}, and the run"
            f" '{material.run}' is of the track {material.track}.",
            field="tracks",
            cure=f"Presets for it: {', '.join(fitting)}. A protocol of your own says tracks: [{material.track}].",
        )


def _systems(material: Material, protocol: Protocol) -> tuple[Contestant, ...]:
    by_name = {system.name: system for system in material.systems}
    for name in protocol.items.systems:
        if name not in by_name:
            raise InputError(
                f"The run '{material.run}' has no system '{name}'.",
                field="items.systems",
                value=name,
                allowed=by_name,
            )
    names = tuple(dict.fromkeys(protocol.items.systems))
    systems = tuple(by_name[name] for name in names) or tuple(one for one in material.systems if not one.sanity)
    fewest = 1 if protocol.form in ("acr", "mushra") else 2
    if len(systems) < fewest:
        raise InputError(
            f"A test of the form '{protocol.form}' compares systems, and {_taking_part(systems)}.",
            field="items.systems",
            cure=f"Name two or more with --systems; the run has {', '.join(by_name)}. A preset of the form acr, such as"
            " songbloom, can rate one system alone.",
        )
    return systems


def _taking_part(systems: Sequence[Contestant]) -> str:
    return f"only one takes part ({systems[0].name})" if systems else "none takes part"


def _takes(material: Material, protocol: Protocol) -> None:
    for take in protocol.items.takes:
        if take not in material.takes:
            raise InputError(
                f"The run has no take {take}.", field="items.takes", allowed=[str(one) for one in material.takes]
            )


def _declared_pairs(protocol: Protocol, systems: Sequence[str]) -> None:
    """A misspelt name would leave its pair untested, without a word."""
    for pair in () if protocol.analysis.pairs == "all" else protocol.analysis.pairs:
        for name in pair:
            if name not in systems:
                raise InputError(
                    f"The pair {pair[0]}, {pair[1]} is declared, and '{name}' does not take part.",
                    field="analysis.pairs",
                    value=name,
                    allowed=systems,
                )


def _prompts(material: Material, protocol: Protocol, notes: list[str]) -> list[Prompt]:
    names = protocol.items.prompts or tuple(material.prompts)
    for name in names:
        if name not in material.prompts:
            raise InputError(
                f"The run has no prompt '{name}'.", field="items.prompts", value=name, allowed=material.prompts
            )
    prompts = [material.prompts[name] for name in dict.fromkeys(names)]
    if protocol.form == "mushra":
        prompts = _fitting(prompts, lambda p: p.id in material.references, "no reference song", notes)
        if not prompts:
            raise InputError(
                "A MUSHRA test compares with a reference, and no prompt of the run has a reference song.",
                field="form",
                cure="For free generation take the form multistimulus: --protocol multistimulus.",
            )
    prompts = _fitting(
        prompts, lambda p: any(has_section(rule, p.lyrics) for rule in protocol.excerpts), _no_section(protocol), notes
    )
    if not prompts:
        raise InputError(
            f"No prompt can be used: {_no_section(protocol)}.", field="excerpts", cure="Choose another section or rule."
        )
    if protocol.show.prompt_audio:
        for prompt in prompts:
            if prompt.prompt_audio and prompt.id not in material.prompt_audio:
                raise InputError(
                    f"The style sample of prompt '{prompt.id}' is not in the store.",
                    field="show.prompt_audio",
                    cure=f"Make it with `songbench generate`, or name the store of run '{material.run}' with --store.",
                )
    for prompt in prompts:
        if prompt.vocal and prompt.id not in material.vocals:
            raise InputError(
                f"The vocal of prompt '{prompt.id}' is not in the store.",
                cure=f"Make it with `songbench generate`, or name the store of run '{material.run}' with --store.",
            )
    return prompts


def _no_section(protocol: Protocol) -> str:
    sections = [f"[{rule.tag}] number {rule.occurrence}" for rule in protocol.excerpts if rule.rule == "section"]
    return f"the lyrics have no {' or '.join(sections)}"


def _fitting(prompts: Sequence[Prompt], fits: object, why: str, notes: list[str]) -> list[Prompt]:
    assert callable(fits)
    out = [prompt.id for prompt in prompts if not fits(prompt)]
    if out:
        notes.append(f"left out: {', '.join(out)} ({why})")
    return [prompt for prompt in prompts if fits(prompt)]


def _items(material: Material, protocol: Protocol, prompt_ids: Sequence[str], notes: list[str]) -> list[ItemName]:
    items = []
    for name in prompt_ids:
        for number, rule in enumerate(protocol.excerpts):
            if not has_section(rule, material.prompts[name].lyrics):
                notes.append(f"left out: excerpt {number + 1} of {name} (the lyrics have no [{rule.tag}])")
                continue
            items += [ItemName(name, take, number) for take in protocol.items.takes]
    return items


def _draw_prompts(prompts: Sequence[Prompt], protocol: Protocol) -> tuple[list[str], tuple[str, ...]]:
    """The prompts of the test in suite order, and those kept for practice."""
    order = spread_over(prompts, Random(f"prompts {protocol.seed}"))
    most, practice = protocol.items.max_prompts or len(order), protocol.checks.training
    spare = order[most:]
    if len(spare) < practice:
        reserve = min(practice - len(spare), len(order[:most]) // PROMPTS_PER_PRACTICE)
        spare = [*spare, *order[:most][len(order[:most]) - reserve :]]
    ids = set(order[:most]) - set(spare)
    return [prompt.id for prompt in prompts if prompt.id in ids], tuple(spare[:practice])


def spread_over(prompts: Sequence[Prompt], draw: Random) -> list[str]:
    """All prompts in a drawn order whose every beginning is spread over languages, and in each over genres."""
    strata: dict[str, dict[str, list[str]]] = {}
    for prompt in draw.sample(list(prompts), len(prompts)):
        genre = prompt.tags.get("genre", "")
        strata.setdefault(prompt.language, {}).setdefault(genre, []).append(prompt.id)
    return _alternating([_alternating(list(genres.values())) for genres in strata.values()])


def _alternating(rows: Sequence[list[str]]) -> list[str]:
    """One of each row in turn, as long as there is any."""
    left = [list(row) for row in rows]
    order = []
    while any(left):
        order += [row.pop(0) for row in left if row]
    return order


def _finished(material: Material, protocol: Protocol, systems: Sequence[str], prompts: Sequence[str]) -> None:
    open_ = [
        name
        for name in material.pending
        if name.system in systems and name.prompt in prompts and name.take in protocol.items.takes
    ]
    if open_:
        raise InputError(
            f"The run '{material.run}' has not finished: {len(open_)} songs are neither made nor failed, first that of"
            f" {open_[0].system} for '{open_[0].prompt}'.",
            cure="Run the same `songbench run` again; it goes on where it stopped. If it had finished, its results lie"
            " elsewhere: name that store with --store.",
        )
