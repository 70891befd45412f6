"""The folder of a prepared listening test: `create` writes it, server and bundle read it, `report` joins its halves.

A folder has two halves. The public half, ``test.json`` and ``audio/``, holds opaque names only: whatever of it leaks to
a rater says nothing about systems, prompts, repetitions or anchors. (Traps can be told in it, as they have a stimulus
per language; a browser that is served gets one of them and cannot.) The other half, ``key.json``, says what is what;
the server never opens it.

    NAME/
      test.json      protocol, stimuli, items, trials, seats
      audio/         one file per stimulus, equal format, equal loudness, opaque names
      key.json       opaque names → systems, prompts, roles, expected answers
      checks.json    what traps and the headphone check ask for, see `check_answers`; for the owner only
      secret         signs invitations; readable by the owner only
      panel.json     where the raters of a panel go at the end, see `panel.settings`; for the owner only
      preparation.*  gains, cuts, coverage, power: for the experimenter
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args

from listening_test.private import write_private
from listening_test.protocol import Protocol
from songbench.domain.errors import InputError
from songbench.domain.hashing import Json, content_key, file_digest

TEST, KEY, SECRET, AUDIO = "test.json", "key.json", "secret", "audio"
SCHEMA = 1

Role: TypeAlias = Literal["system", "anchor", "reference", "prompt", "trap", "practice", "check"]
"""What a stimulus is: a song of a system, a hidden anchor, the (open or hidden) reference, what an item shows (style
sample, vocal alone), a trap's spoken instruction, a practice example, part of the sound and headphone checks."""

Kind: TypeAlias = Literal["test", "anchor", "repeat", "trap", "practice"]
KINDS: tuple[str, ...] = get_args(Kind)
"""What a trial is for. ``anchor``: a page of its own for an anchor, where a page holds one song or one pair."""


@dataclass(frozen=True, kw_only=True)
class Stimulus:
    """Something that is played.

    Attributes:
        id: opaque.
        file: relative to the folder, ``audio/ID.flac``.
        seconds: its length.
        peaks: outline for the player: the largest magnitude of equal slices, 0 to 100.
        sha256: of the file.
    """

    id: str
    file: str
    seconds: float
    peaks: tuple[int, ...]
    sha256: str


@dataclass(frozen=True, kw_only=True)
class PromptDisplay:
    """What may be shown beside the player; empty strings where the protocol hides it.

    Attributes:
        id: opaque.
        lyrics: in block form, with section tags.
        style: in words.
        language: of the lyrics.
        prompt_audio: the id of the stimulus with the style sample, or None.
    """

    id: str
    lyrics: str = ""
    style: str = ""
    language: str = "en"
    prompt_audio: str | None = None


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One page of questions.

    Attributes:
        id: opaque.
        item: the id of what is shown beside it, or None.
        stimuli: what is judged: 1 for ``acr``, 2 for pairs, more for the continuous forms.
        scales: the ids of the questions.
        reference: the open reference of ``mushra``, or None.
        vocal: the vocal alone, or None.
        spoken: per language of the page, which stimulus is replaced by which (a voice speaks the page's language).
    """

    id: str
    item: str | None
    stimuli: tuple[str, ...]
    scales: tuple[str, ...]
    reference: str | None = None
    vocal: str | None = None
    spoken: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Step:
    """A trial as one rater meets it.

    Attributes:
        trial: its id.
        order: its stimuli in the order of the slots A, B, C …
    """

    trial: str
    order: tuple[str, ...]


@dataclass(frozen=True)
class Seat:
    """Everything one rater will hear, in order; drawn before the first rater comes.

    Attributes:
        practice: before the test.
        steps: the test.
    """

    practice: tuple[Step, ...]
    steps: tuple[Step, ...]


@dataclass(frozen=True, kw_only=True, eq=False)
class PreparedTest:
    """The public half of a prepared test; each object is itself, so that what follows from it can be kept beside it.

    Attributes:
        folder: where it lies.
        protocol: as declared, all defaults filled in.
        stimuli: by id.
        items: by id.
        trials: by id.
        seats: one per planned rater; rater n takes seat n modulo their number.
        sound_check: the stimulus of the volume page, or None.
        headphone_check: the stimuli of the headphone check, three tones each.
    """

    folder: Path
    protocol: Protocol
    stimuli: Mapping[str, Stimulus]
    items: Mapping[str, PromptDisplay]
    trials: Mapping[str, Trial]
    seats: tuple[Seat, ...]
    sound_check: str | None = None
    headphone_check: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The name of the protocol."""
        return self.protocol.name

    def to_json(self) -> dict[str, Json]:
        """What ``test.json`` holds, less the digest."""
        return {
            "schema": SCHEMA,
            "protocol": self.protocol.to_json(),
            "stimuli": [{**vars(one)} for one in self.stimuli.values()],
            "items": [{**vars(one)} for one in self.items.values()],
            "trials": [_trial_json(one) for one in self.trials.values()],
            "seats": [
                {
                    "practice": [{**vars(step)} for step in seat.practice],
                    "steps": [{**vars(step)} for step in seat.steps],
                }
                for seat in self.seats
            ],
            "sound_check": self.sound_check,
            "headphone_check": list(self.headphone_check),
        }

    def digest(self) -> str:
        """The sha256 of protocol, assignment and audio: what was fixed before data, printed in every report."""
        return self._digest

    @cached_property
    def _digest(self) -> str:
        return content_key("prepared listening test", json.loads(json.dumps(self.to_json())))


def _trial_json(trial: Trial) -> dict[str, Json]:
    """A trial; without a vocal as it was before there were any, so that older tests keep their digest."""
    return {name: value for name, value in vars(trial).items() if name != "vocal" or value is not None}


@dataclass(frozen=True, kw_only=True)
class StimulusKey:
    """What a stimulus is.

    Attributes:
        role: see `Role`.
        system: whose song it is; None where it is none's.
        prompt: the id of the prompt it was made for, or None.
        take: of the song.
        excerpt: the number of the protocol's excerpt.
        anchor: which of the anchors, "" for none.
        start: where in the song it begins, in seconds.
        gain_db: what it was raised by.
        song: the key of the song in the store, "" where there is none.
        notes: anything a reader should know, e.g. how the section was found.
    """

    role: Role
    system: str | None = None
    prompt: str | None = None
    take: int = 0
    excerpt: int = 0
    anchor: str = ""
    start: float = 0.0
    gain_db: float = 0.0
    song: str = ""
    notes: str = ""


@dataclass(frozen=True, kw_only=True)
class TrialKey:
    """What a trial is for.

    Attributes:
        kind: see `Kind`.
        prompt: the id of its prompt, or None.
        take: the number of the take.
        excerpt: the number of the protocol's excerpt.
        repeats: the trial that it repeats, or None.
        expected: for a trap: the answer that was asked for, as in `answers`.
        expected_of: for a trap among several stimuli: the one whose answer counts; None: every answer of the page.
    """

    kind: Kind
    prompt: str | None = None
    take: int = 0
    excerpt: int = 0
    repeats: str | None = None
    expected: str | None = None
    expected_of: str | None = None


@dataclass(frozen=True)
class PromptFacts:
    """What breakdowns need of a prompt."""

    language: str
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class PreparedKey:
    """The other half of a prepared test.

    Attributes:
        test: the digest of the public half it belongs to.
        run: the name of the run.
        runs: the folder of run folders, as given to `create`.
        systems: in the order of tables.
        prompts: by id.
        stimuli: by opaque id.
        trials: by opaque id.
        headphone_answers: 1 to 3 for each stimulus of the headphone check: the quietest tone.
        song_counts: per system, the songs that should have been there; ``asked`` in the file.
        failed: per system, those that were not.
    """

    test: str
    run: str
    runs: str
    systems: tuple[str, ...]
    prompts: Mapping[str, PromptFacts]
    stimuli: Mapping[str, StimulusKey]
    trials: Mapping[str, TrialKey]
    headphone_answers: tuple[int, ...] = ()
    song_counts: Mapping[str, int] = field(default_factory=dict)
    failed: Mapping[str, int] = field(default_factory=dict)

    def to_json(self) -> dict[str, Json]:
        """What ``key.json`` holds, less the digest."""
        fields = asdict(self)
        return {"schema": SCHEMA, **{"asked" if name == "song_counts" else name: fields[name] for name in fields}}

    def digest(self) -> str:
        """The sha256 of all of it: which song is which was fixed before data, too."""
        return content_key("listening test key", json.loads(json.dumps(self.to_json())))


def save_test(test: PreparedTest, key: PreparedKey) -> None:
    """Write both halves, the key first: a folder with a ``test.json`` is whole."""
    write_private(test.folder / KEY, _text({**key.to_json(), "digest": key.digest()}))
    write_private(test.folder / TEST, _text({**test.to_json(), "digest": test.digest()}))


def load_test(folder: str | Path) -> PreparedTest:
    """Read the public half.

    Raises:
        InputError: when there is none, when it is damaged or was edited.
    """
    folder = Path(folder)
    value = _read(folder / TEST)
    try:
        test = PreparedTest(
            folder=folder,
            protocol=Protocol.model_validate(value["protocol"]),
            stimuli={one["id"]: Stimulus(**{**one, "peaks": tuple(one["peaks"])}) for one in value["stimuli"]},
            items={one["id"]: PromptDisplay(**one) for one in value["items"]},
            trials={
                row["id"]: Trial(**{**row, "stimuli": tuple(row["stimuli"]), "scales": tuple(row["scales"])})
                for row in value["trials"]
            },
            seats=tuple(Seat(_steps(one["practice"]), _steps(one["steps"])) for one in value["seats"]),
            sound_check=value["sound_check"],
            headphone_check=tuple(value["headphone_check"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"The prepared test is damaged ({error}).", file=str(folder / TEST), cure=_AGAIN) from None
    if test.digest() != value.get("digest"):
        raise InputError(
            "The prepared test was changed after it was made; what was declared before data has to stay.",
            file=str(folder / TEST),
            cure=_AGAIN,
        )
    return test


def load_key(test: PreparedTest) -> PreparedKey:
    """Read the other half.

    Raises:
        InputError: when it is absent, damaged, was edited, or belongs to another test.
    """
    path = test.folder / KEY
    if not path.exists():
        raise InputError(
            "The key of this test is not here: without it nobody knows which file is which song.",
            file=str(path),
            cure="Put back the key.json that was made with the test.",
        )
    value = _read(path)
    try:
        key = PreparedKey(
            test=value["test"],
            run=value["run"],
            runs=value["runs"],
            systems=tuple(value["systems"]),
            prompts={name: PromptFacts(**one) for name, one in value["prompts"].items()},
            stimuli={name: StimulusKey(**one) for name, one in value["stimuli"].items()},
            trials={name: TrialKey(**one) for name, one in value["trials"].items()},
            headphone_answers=tuple(value["headphone_answers"]),
            song_counts=value["asked"],
            failed=value["failed"],
        )
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"The key is damaged ({error}).", file=str(path), cure="Restore it from a backup.") from None
    _check_key(key, value.get("digest"), path)
    if key.test != test.digest():
        raise InputError(
            "This key belongs to another test.", file=str(path), cure="Restore the key made with the test."
        )
    return key


def _check_key(key: PreparedKey, digest: object, path: Path) -> None:
    if digest is None:
        raise InputError(
            "The key does not say what it was when it was made: it is of an earlier version, or was edited.",
            file=str(path),
            field="digest",
            cure=f'Restore it from a backup; if you know that it was not edited, add "digest": "{key.digest()}".',
        )
    if digest != key.digest():
        raise InputError(
            "The key was changed after it was made: nobody knows any more which file is which song.",
            file=str(path),
            field="digest",
            cure="Restore it from a backup.",
        )


def check_audio(test: PreparedTest) -> None:
    """Make sure that every stimulus is there, byte for byte.

    Raises:
        InputError: naming the first file that is absent or changed, and how many more there are.
    """
    wrong = [
        stimulus.file
        for stimulus in test.stimuli.values()
        if not (test.folder / stimulus.file).is_file() or file_digest(test.folder / stimulus.file) != stimulus.sha256
    ]
    if wrong:
        more = f" So are {len(wrong) - 1} others." if len(wrong) > 1 else ""
        raise InputError(
            f"The audio is absent or not what was prepared.{more}", file=str(test.folder / wrong[0]), cure=_AGAIN
        )


_AGAIN = "Prepare the test again (songbench listen create) or restore the folder."


def _steps(rows: list[dict[str, Any]]) -> tuple[Step, ...]:
    return tuple(Step(row["trial"], tuple(row["order"])) for row in rows)


def _text(value: Mapping[str, Json]) -> bytes:
    return (json.dumps(value, ensure_ascii=False, indent=1) + "\n").encode()


def _read(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(
            "There is no prepared listening test here.", file=str(path), cure="Make one: songbench listen create RUN."
        ) from None
    except (OSError, ValueError) as error:
        raise InputError(f"The file cannot be read ({error}).", file=str(path), cure=_AGAIN) from None
    if not isinstance(value, dict) or value.get("schema") != SCHEMA:
        raise InputError(f"Expected schema {SCHEMA}.", file=str(path), cure=_AGAIN)
    return value
