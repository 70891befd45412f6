"""Damaged inputs, one after the other: each ends in success or in a message within ten seconds, or it is kept."""

import contextlib
import os
import random
import shutil
import signal
import tempfile
import traceback
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from fuzz_kinds import KINDS

from songbench.domain.errors import SongbenchError

SECONDS = 10.0
"""Of the processor; what takes more hangs, however busy the machine is."""
WAITING = 6
"""So many times as long may be spent with waiting."""
MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
"""Where inputs lie: a disk would be waited for more than anything is computed."""
READ, REFUSED, TRACEBACK, HANG, CRASH = OUTCOMES = ("read", "refused", "traceback", "hang", "crash")
FINDINGS = (TRACEBACK, HANG, CRASH)


class HangError(BaseException):
    """Raised by the alarm; no `except Exception` of the code under test can swallow it."""


@dataclass(frozen=True)
class Outcome:
    """What came of one input.

    Attributes:
        number: of the input.
        ending: one of `OUTCOMES`; None: it has only begun.
        cause: of a traceback: its kind and where it was raised.
    """

    number: int
    ending: str | None = None
    cause: str = ""


def shares(count, names):
    """How many inputs of each kind."""
    total = sum(KINDS[name].share for name in names)
    return {name: max(1, round(count * KINDS[name].share / total)) for name in names}


def outcomes(name, seed, numbers, keep):
    """Read inputs of one kind; each is told when it begins and again when it has ended.

    Args:
        name: of the kind.
        seed: of the whole.
        numbers: of the inputs.
        keep: the folder for inputs that are findings.
    """
    with tempfile.TemporaryDirectory(prefix="songbench-fuzz-", dir=MEMORY) as place:
        (base := Path(place) / "base").mkdir()
        kind = KINDS[name](base)
        for number in numbers:
            yield Outcome(number)
            (folder := Path(place) / "input").mkdir()
            write_input(kind, seed, number, folder)
            ending, cause, report = outcome_of(kind, folder)
            if ending in FINDINGS:
                keep_input(kind, seed, number, keep, report)
            yield Outcome(number, ending, cause)
            shutil.rmtree(folder)


def outcome_of(kind, folder):
    """What comes of the input in this folder: one of `OUTCOMES`, a cause, a whole traceback."""
    try:
        with alarm(SECONDS):
            refused = kind.read(folder)
    except SongbenchError as error:
        str(error).encode(errors="backslashreplace")
        return REFUSED, "", ""
    except HangError:
        return HANG, "", traceback.format_exc()
    except Exception as error:
        where = traceback.extract_tb(error.__traceback__)[-1]
        cause = f"{type(error).__name__} at {Path(where.filename).name}:{where.lineno}"
        return TRACEBACK, cause, traceback.format_exc()
    return REFUSED if refused else READ, "", ""


def write_input(kind, seed, number, folder):
    """The files of one input, which follow from its kind, the seed and its number alone."""
    rng = random.Random(f"{kind.name} {seed} {number}")
    for name, data in kind.draw(rng).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def keep_input(kind, seed, number, keep, report):
    """Keep an input and what came of it, with the command that makes it again."""
    folder = keep / f"{kind.name}-{seed}-{number}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    write_input(kind, seed, number, folder / "input")
    again = f"python tests/fuzz/run.py --kind {kind.name} --seed {seed} --only {number}\n\n"
    (folder / "found.txt").write_text(again + report, encoding="utf-8", errors="backslashreplace")


def counted(outcomes):
    """Outcomes that have ended, counted by what they are."""
    return Counter(outcome.ending for outcome in outcomes if outcome.ending)


@contextlib.contextmanager
def alarm(seconds):
    """Raise `HangError` in this thread when it takes longer."""

    def ring(*_):
        raise HangError

    timers = ((signal.ITIMER_PROF, signal.SIGPROF, seconds), (signal.ITIMER_REAL, signal.SIGALRM, WAITING * seconds))
    before = [signal.signal(sent, ring) for _, sent, _ in timers]
    try:
        for timer, _, limit in timers:
            signal.setitimer(timer, limit)
        yield
    finally:
        for (timer, sent, _), handler in zip(timers, before, strict=True):
            signal.setitimer(timer, 0)
            signal.signal(sent, handler)
