"""From material and protocol to a prepared test: the parts of this package in order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from listening_test.check_answers import CheckAnswers, save_check_answers
from listening_test.collection.tokens import load_secret
from listening_test.pages import SLOTS, session_minutes
from listening_test.preparation.assignment import assign
from listening_test.preparation.audio_files import Level, StimulusAudio
from listening_test.preparation.clips import SongSource
from listening_test.preparation.coverage import Coverage, cover, prove
from listening_test.preparation.design import Design, ItemName
from listening_test.preparation.excerpts import ExcerptSpan
from listening_test.preparation.material import Material
from listening_test.preparation.planning import Lengths, pages_per_seat
from listening_test.preparation.rendering import Renderer, unusable
from listening_test.preparation.selection import Selection, select
from listening_test.preparation.session import Session, SessionPlanner, repetitions
from listening_test.preparation.sound import EDGE_SECONDS
from listening_test.preparation.trials import Trials, per_page
from listening_test.preparation.writing import ProgressCallback, TestWriter
from listening_test.prepared import PreparedKey, PreparedTest, check_audio, save_test
from listening_test.protocol import Protocol
from listening_test.reporting.wording import counted
from songbench.domain.errors import InputError


@dataclass(frozen=True, kw_only=True)
class Preparation:
    """A prepared test and how it came about, for the report.

    Attributes:
        test: the public half.
        key: the other half.
        selection: what takes part.
        design: what the assignment was made for.
        coverage: what raters will meet.
        level: the loudness of all stimuli.
        audio: per stimulus, what was made.
        minutes: how long each seat's session takes.
        notes: what the experimenter should know.
    """

    test: PreparedTest
    key: PreparedKey
    selection: Selection
    design: Design
    coverage: Coverage
    level: Level
    audio: Mapping[str, StimulusAudio]
    minutes: tuple[float, ...]
    notes: tuple[str, ...]


def prepare(
    material: Material, protocol: Protocol, folder: Path, tell: ProgressCallback = lambda *_: None
) -> Preparation:
    """Make a test. Its ``test.json`` is written last: a folder that has one is whole.

    Args:
        material: the songs.
        protocol: what is asked.
        folder: where to; `folder.claim` makes sure that it is free.
        tell: progress.

    Raises:
        InputError: for anything that cannot be used, naming it.
    """
    # 1. which songs take part
    selection = select(material, protocol)
    trials = Trials(material, selection, protocol)
    # 2. where every excerpt lies
    renderer = Renderer(material, protocol, {})
    places = _places(renderer, selection, tell)
    if protocol.form == "mushra":
        renderer = replace(renderer, common=_common(renderer, selection))
    # 3. who hears what, proven to be balanced
    design = _design(
        protocol, selection, Lengths({name: one.seconds + 2 * EDGE_SECONDS for name, one in places.items()})
    )
    assigned = assign(design)
    prove(design, assigned)
    # 4. sessions with anchors, traps and repetitions among the test pages
    sessions = SessionPlanner(trials, design.seats)
    plan = [sessions.session(pages) for pages in assigned]
    # 5. the audio and both halves of the test
    result = TestWriter(material, selection, protocol, folder).make(renderer, plan, tell)
    load_secret(folder)
    save_check_answers(result.test.folder, CheckAnswers.of(result.key))
    save_test(result.test, result.key)
    check_audio(result.test)
    minutes = tuple(session_minutes(result.test, seat) for seat in range(len(result.test.seats)))
    return Preparation(
        test=result.test,
        key=result.key,
        selection=selection,
        design=design,
        coverage=cover(design, assigned),
        level=result.level,
        audio=result.audio,
        minutes=minutes,
        notes=(
            *selection.notes,
            *_design_notes(protocol, design, selection, trials, plan),
            *_level_notes(protocol, result.level, minutes),
        ),
    )


def _design(protocol: Protocol, selection: Selection, lengths: Lengths) -> Design:
    """What the assignment is made for, with as many pages as fit."""
    systems = selection.names
    design = Design(
        form=protocol.form,
        systems=systems,
        songs=selection.songs,
        seats=protocol.raters.planned,
        pages=1,
        per_page=per_page(protocol, len(systems)),
        lyrics_once=protocol.raters.lyrics_once,
        seed=protocol.seed,
    )
    on_page = design.per_page + len(protocol.checks.anchors) + (design.form == "mushra")
    if design.continuous and on_page > len(SLOTS):
        raise InputError(
            f"A page would hold {on_page} songs, and {len(SLOTS)} have room.",
            field="raters.stimuli_per_page",
            cure="Ask for fewer, or for fewer anchors.",
        )
    pages = pages_per_seat(protocol, design, lengths)
    if not pages:
        raise InputError(
            "No prompt has the songs of two systems, so that nothing can be compared.",
            cure="Take the form acr, or make the missing songs (`songbench run` with --retry-failed).",
        )
    return replace(design, pages=pages)


def _places(
    renderer: Renderer, selection: Selection, tell: ProgressCallback
) -> dict[tuple[ItemName, str], ExcerptSpan]:
    """Where every excerpt lies, from the lengths of the songs alone."""
    songs = {(item.prompt, item.take, name) for item, names in selection.songs.items() for name in names}
    lengths = {}
    for number, (prompt, take, name) in enumerate(sorted(songs)):
        tell("looking at songs", number + 1, len(songs))
        lengths[prompt, take, name] = renderer.seconds_of(SongSource(prompt, name, take))
    return {
        (item, name): renderer.place_of(
            SongSource(item.prompt, name, item.take), item.excerpt, lengths[item.prompt, item.take, name]
        )
        for item, names in selection.songs.items()
        for name in names
    }


def _common(renderer: Renderer, selection: Selection) -> dict[tuple[str, int], ExcerptSpan]:
    """Per prompt and excerpt, the part that the reference and all songs have; placed in the reference."""
    common: dict[tuple[str, int], ExcerptSpan] = {}
    for item, names in selection.songs.items():
        songs = [SongSource(item.prompt, name, item.take) for name in names]
        shortest = min(songs, key=renderer.seconds_of)
        reference = SongSource(item.prompt, None)
        span = renderer.place_of(reference, item.excerpt, renderer.seconds_of(reference))
        seconds = renderer.seconds_of(shortest) - span.start
        if seconds <= 0:
            why = f"it ends before the excerpt begins in the reference song ({span.start:.1f} s)"
            raise unusable(shortest, why, renderer.audio_of(shortest))
        before = common.get((item.prompt, item.excerpt), span)
        common[item.prompt, item.excerpt] = replace(span, seconds=min(seconds, span.seconds, before.seconds))
    return common


def _design_notes(
    protocol: Protocol, design: Design, selection: Selection, trials: Trials, plan: Sequence[Session]
) -> list[str]:
    """What came out other than the protocol asked for, or needs an ear."""
    notes = []
    target = repetitions(protocol.checks.repeats, design.pages)
    fewest = min(session.repeats for session in plan)
    if fewest < target:
        notes.append(
            f"sessions are too short for {counted(target, 'repetition')} {protocol.checks.repeat_distance} pages apart;"
            f" some have {fewest}"
        )
    for name in protocol.checks.anchors:
        without = [item for item in selection.songs if trials.anchor_clip(name, item) is None]
        if without:
            prompts = ", ".join(dict.fromkeys(item.prompt for item in without))
            notes.append(f"no anchor '{name}' for {prompts}: there is nothing to make it of")
    if protocol.checks.traps and "zh" in protocol.languages:
        notes.append(
            "the Mandarin voice of the traps is hard to understand: have a speaker listen to them before the test,"
            " or leave traps out (--set checks.traps=0)"
        )
    return notes


def _level_notes(protocol: Protocol, level: Level, minutes: Sequence[float]) -> list[str]:
    notes = []
    if level.actual < level.target:
        notes.append(
            f"all stimuli are at {level.actual:.1f} LUFS, not at {level.target:g}: there the highest true peak"
            f" would exceed {protocol.listening.true_peak:g} dBTP"
        )
    if max(minutes) > protocol.raters.minutes:
        notes.append(
            f"the longest session takes about {max(minutes):.0f} minutes, wanted were {protocol.raters.minutes:g}"
        )
    return notes
