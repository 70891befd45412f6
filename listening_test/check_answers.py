"""The answers that traps and the headphone check ask for, in a file of their own: ``checks.json``.

The server never opens the key, and need not: these answers tell who paid attention and nothing about any system. Both
what a panel is told at the end of a session and the charts of the administration rest on them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from listening_test.answers import NOT_APPLICABLE
from listening_test.pages import SLOTS
from listening_test.prepared import PreparedKey, PreparedTest
from listening_test.private import write_private
from songbench.domain.errors import InputError

CHECKS = "checks.json"
_SCHEMA = 1
_TOLERANCE = 5.0
"""Points of a 0 to 100 scale by which the answer to a trap may be off."""


@dataclass(frozen=True)
class TrapAnswer:
    """What the voice of a trap asks for.

    Attributes:
        expected: the answer, as in `answers`.
        stimulus: the one whose answer counts; None: every answer of the page.
    """

    expected: str
    stimulus: str | None = None

    def is_right(self, order: Sequence[str], ratings: Sequence[Mapping[str, str]]) -> bool:
        """Whether every answer that counts is the one asked for; on continuous scales within 5 points of it.

        Args:
            order: the stimuli in the order of the slots.
            ratings: the answer's, each with ``slot`` and ``answer``.
        """
        answers = self.counted(order, ratings)
        return bool(answers) and all(self._near(answer) for answer in answers)

    def counted(self, order: Sequence[str], ratings: Sequence[Mapping[str, str]]) -> list[str]:
        """The answers that count."""
        slot = None if self.stimulus is None else SLOTS[order.index(self.stimulus)]
        return [rating["answer"] for rating in ratings if slot in (None, rating["slot"])]

    def _near(self, answer: str) -> bool:
        if self.stimulus is None or answer == NOT_APPLICABLE:
            return answer == self.expected
        return abs(float(self.expected) - float(answer)) <= _TOLERANCE


@dataclass(frozen=True)
class CheckAnswers:
    """The right answers of one prepared test.

    Attributes:
        test: the digest of the test.
        traps: by the id of the trial.
        headphones: 1 to 3 for each line of the headphone check.
    """

    test: str
    traps: Mapping[str, TrapAnswer] = field(default_factory=dict)
    headphones: tuple[int, ...] = ()

    @classmethod
    def of(cls, key: PreparedKey) -> CheckAnswers:
        """Out of the key."""
        traps = {
            name: TrapAnswer(trial.expected or "", trial.expected_of)
            for name, trial in key.trials.items()
            if trial.kind == "trap"
        }
        return cls(key.test, traps, key.headphone_answers)

    def headphones_right(self, answer: Mapping[str, Any]) -> int:
        """How many lines of the headphone check were answered rightly."""
        return sum(expected == choice for expected, choice in zip(self.headphones, answer["choices"], strict=True))


def save_check_answers(folder: Path, answers: CheckAnswers) -> None:
    """Write the file, for its owner only.

    Raises:
        OSError: when it cannot be written.
    """
    text = json.dumps({"schema": _SCHEMA, **asdict(answers)}, indent=1) + "\n"
    write_private(folder / CHECKS, text.encode())


def load_check_answers(test: PreparedTest) -> CheckAnswers | None:
    """Read it back; None where the test was prepared by a version that did not write it.

    Raises:
        InputError: when it is damaged or belongs to another test.
    """
    path = test.folder / CHECKS
    if not path.exists():
        return None
    cure = "Delete it, and with key.json beside it run: songbench listen panel FOLDER."
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
        if value["schema"] != _SCHEMA:
            raise ValueError(f"schema {value['schema']}, expected {_SCHEMA}")
        traps = {name: TrapAnswer(**trap) for name, trap in value["traps"].items()}
        answers = CheckAnswers(value["test"], traps, tuple(value["headphones"]))
    except (OSError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(f"The answers of the checks are damaged ({error}).", file=str(path), cure=cure) from None
    if answers.test != test.digest():
        raise InputError("These answers of checks belong to another test.", file=str(path), cure=cure)
    return answers
