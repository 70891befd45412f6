"""Damaged inputs by the thousand: none may end in a traceback or take longer than ten seconds.

    python tests/fuzz/run.py --count 5000 --seed 0

Prints a table of the kinds and exits with 1 when there were findings; each is kept with its files, its traceback and
the command that makes it again. Every input follows from kind, seed and number alone.
"""

import argparse
import json
import selectors
import subprocess
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path

HERE = Path(__file__).resolve().parent
for place in (HERE, HERE.parent, HERE.parent / "plugins", HERE.parents[1]):
    sys.path.insert(0, str(place))

import fuzz_harness as harness  # noqa: E402
from fuzz_kinds import KINDS  # noqa: E402

GRACE_S = 10.0
"""After the alarm, which cannot ring inside a library that does not return, the whole process is ended."""
PREPARE_S = 180.0


def main():
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=5000, help="inputs in all")
    parser.add_argument("--seed", type=int, default=0, help="other seeds, other inputs")
    parser.add_argument("--kind", choices=sorted(KINDS), action="append", help="only these kinds (repeatable)")
    parser.add_argument("--only", type=int, help="one input of one kind, in this process")
    parser.add_argument("--jobs", type=int, default=1, help="kinds at once")
    parser.add_argument("--keep", type=Path, default=Path("build/fuzz"), help="where findings are kept")
    parser.add_argument("--worker", nargs=2, type=int, help=argparse.SUPPRESS)
    given = parser.parse_args()
    names = given.kind or list(KINDS)
    if given.worker:
        for outcome in harness.outcomes(names[0], given.seed, range(*given.worker), given.keep):
            print(json.dumps(asdict(outcome)), flush=True)
        return 0
    if given.only is not None:
        return report({names[0]: list(harness.outcomes(names[0], given.seed, [given.only], given.keep))}, given.keep)
    counts = harness.shares(given.count, names)
    with ThreadPoolExecutor(given.jobs) as pool:
        found = pool.map(lambda name: watched(name, given.seed, counts[name], given.keep), names)
        return report(dict(zip(names, found, strict=True)), given.keep)


def watched(name, seed, count, keep):
    """The outcomes of a kind, read in a process of its own; one that does not come back is followed by another."""
    found, first = [], 0
    while first < count:
        with tempfile.TemporaryFile("w+") as errors:
            words = ["--kind", name, "--seed", str(seed), "--keep", str(keep), "--worker", str(first), str(count)]
            process = subprocess.Popen(
                [sys.executable, "-X", "faulthandler", str(HERE / "run.py"), *words],
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )
            news = list(listened(process))
            errors.seek(0)
            said = errors.read()[-4000:]
        if not news:
            raise SystemExit(f"{name}: the process ended before its first input.\n{said}")
        found += [outcome for outcome in news if outcome.what]
        last = news[-1]
        if not last.what:
            found.append(harness.Outcome(last.number, harness.CRASH))
            with tempfile.TemporaryDirectory(prefix="songbench-fuzz-") as base:
                harness.keep_input(
                    KINDS[name](Path(base)), seed, last.number, keep, f"It crashed or did not return.\n{said}"
                )
        first = last.number + 1
    return found


def listened(process):
    """What a process tells, until it ends or has to be ended."""
    limit = PREPARE_S
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while True:
            heard = time.monotonic()
            while not selector.select(timeout=1.0):
                if time.monotonic() - heard > limit:
                    process.kill()
            if not (line := process.stdout.readline()):
                break
            yield harness.Outcome(**json.loads(line))
            limit = harness.WAITING * harness.SECONDS + GRACE_S
    process.wait()


def report(found, keep):
    """Print how many of each kind came to what; 1 when there were findings."""
    print("".join(f"{title:>12}" for title in ("kind", "inputs", *harness.OUTCOMES)))
    whole = Counter()
    for name, these in found.items():
        counts = harness.counted(these)
        whole += counts
        print(row(name, counts))
    print(row("all", whole))
    for name, these in found.items():
        causes = Counter(outcome.cause for outcome in these if outcome.what == harness.TRACEBACK)
        for cause, count in causes.most_common():
            number = next(outcome.number for outcome in these if outcome.cause == cause)
            print(f"{name}: {count} × {cause}, such as input {number}")
    if any(whole[what] for what in harness.FINDINGS):
        print(f"Kept in {keep}.")
        return 1
    return 0


def row(name, counts):
    """One line of the table."""
    return f"{name:>12}{sum(counts.values()):>12}" + "".join(f"{counts[what]:>12}" for what in harness.OUTCOMES)


if __name__ == "__main__":
    sys.exit(main())
