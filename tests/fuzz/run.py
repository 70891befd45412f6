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
    arguments = parser.parse_args()
    names = arguments.kind or list(KINDS)
    if arguments.worker:
        for outcome in harness.outcomes(names[0], arguments.seed, range(*arguments.worker), arguments.keep):
            print(json.dumps(asdict(outcome)), flush=True)
        return 0
    if arguments.only is not None:
        return report(
            {names[0]: list(harness.outcomes(names[0], arguments.seed, [arguments.only], arguments.keep))},
            arguments.keep,
        )
    counts = harness.shares(arguments.count, names)
    with ThreadPoolExecutor(arguments.jobs) as pool:
        outcomes = pool.map(lambda name: watched(name, arguments.seed, counts[name], arguments.keep), names)
        return report(dict(zip(names, outcomes, strict=True)), arguments.keep)


def watched(name, seed, count, keep):
    """The outcomes of a kind, read in a process of its own; one that does not come back is followed by another."""
    outcomes, first = [], 0
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
            message = errors.read()[-4000:]
        if not news:
            raise SystemExit(f"{name}: the process ended before its first input.\n{message}")
        outcomes += [outcome for outcome in news if outcome.ending]
        last = news[-1]
        if not last.ending:
            outcomes.append(harness.Outcome(last.number, harness.CRASH))
            with tempfile.TemporaryDirectory(prefix="songbench-fuzz-") as base:
                harness.keep_input(
                    KINDS[name](Path(base)), seed, last.number, keep, f"It crashed or did not return.\n{message}"
                )
        first = last.number + 1
    return outcomes


def listened(process):
    """What a process tells, until it ends or has to be ended."""
    limit = PREPARE_S
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while True:
            start = time.monotonic()
            while not selector.select(timeout=1.0):
                if time.monotonic() - start > limit:
                    process.kill()
            if not (line := process.stdout.readline()):
                break
            yield harness.Outcome(**json.loads(line))
            limit = harness.WAITING * harness.SECONDS + GRACE_S
    process.wait()


def report(outcomes, keep):
    """Print how many of each kind came to what; 1 when there were findings."""
    print("".join(f"{title:>12}" for title in ("kind", "inputs", *harness.OUTCOMES)))
    total = Counter()
    for name, results in outcomes.items():
        counts = harness.counted(results)
        total += counts
        print(row(name, counts))
    print(row("all", total))
    for name, results in outcomes.items():
        causes = Counter(outcome.cause for outcome in results if outcome.ending == harness.TRACEBACK)
        for cause, count in causes.most_common():
            number = next(outcome.number for outcome in results if outcome.cause == cause)
            print(f"{name}: {count} × {cause}, such as input {number}")
    if any(total[ending] for ending in harness.FINDINGS):
        print(f"Kept in {keep}.")
        return 1
    return 0


def row(name, counts):
    """One line of the table."""
    return f"{name:>12}{sum(counts.values()):>12}" + "".join(f"{counts[ending]:>12}" for ending in harness.OUTCOMES)


if __name__ == "__main__":
    sys.exit(main())
