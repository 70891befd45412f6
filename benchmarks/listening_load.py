"""How long a rater waits for the next page of a listening test when many answer at once, on SQLite and PostgreSQL.

Two loads: raters who answer at once, so that a request always waits for every other (what the server can bear), and
raters who rest for a second between two answers, still far hastier than people, who listen. Raters and server share
this machine. A latency runs from the request to the whole reply, which is sent after the commit. Both databases wait
for the disk at every commit.

Run: python benchmarks/listening_load.py [--raters 50] [--to results/listening_load.json]
"""

import argparse
import json
import os
import platform
import random
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))  # helpers of the tests
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "listening_test"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "listening_test" / "collection"))

import private_postgres
import served
from made_up import made_up_test

from songbench.execution.store import write_atomically

HERE = Path(__file__).resolve().parents[1]
RESTS = (0.0, 1.0)


def take_part(rater: served.Rater, rest: float, draw: random.Random) -> None:
    """A session to its end; the rests vary, so that raters do not march in step."""
    while rater.page["kind"] != "thanks":
        time.sleep(rest * draw.uniform(0.5, 1.5))
        rater.answer()


def measure(kind: str, url: str, folder: Path, raters: int, rest: float) -> dict[str, object]:
    """One session of every rater, all at once, against a server of its own."""
    with served.start(folder, "--db", url) as server:
        number = served.component(server.url)
        people = [served.Rater(server.url, number=number) for _ in range(raters)]
        for rater in people:
            rater.open()
        threads = [
            threading.Thread(target=take_part, args=(rater, rest, random.Random(n))) for n, rater in enumerate(people)
        ]
        began = time.perf_counter()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        seconds = time.perf_counter() - began
    latencies = 1000 * np.array([value for rater in people for value in rater.latencies])
    unfinished = sum(rater.page["kind"] != "thanks" for rater in people)
    return {
        "database": kind,
        "raters": raters,
        "rest_seconds": rest,
        "unfinished": unfinished,
        "answers": len(latencies),
        "answers_per_second": round(len(latencies) / seconds, 1),
        "median_ms": round(float(np.median(latencies)), 1),
        "p95_ms": round(float(np.quantile(latencies, 0.95)), 1),
        "longest_ms": round(float(latencies.max()), 1),
    }


def main() -> None:
    """Print one JSON object per database and keep them with what they were measured on."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--raters", type=int, default=50)
    parser.add_argument("--to", type=Path, default=HERE / "results" / "listening_load.json")
    options = parser.parse_args()
    where: dict[str, object] = {
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "system": platform.system(),
    }
    where["load_of_others_before"] = round(os.getloadavg()[0], 1)
    loads = []
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "test"
        made_up_test(folder, prompts=8, seats=8, listening={"minimum_seconds": 0.0})
        for rest in RESTS:
            url = f"sqlite:///{scratch}/ratings-{rest}.sqlite"
            loads.append(measure("SQLite", url, folder, options.raters, rest))
            print(json.dumps(loads[-1]), flush=True)
        if private_postgres.binaries() is None:
            print("PostgreSQL's server is not installed; not measured.")
        else:
            with private_postgres.private_server(durable="on") as server:
                for rest in RESTS:
                    loads.append(measure("PostgreSQL", server.new_database(), folder, options.raters, rest))
                    print(json.dumps(loads[-1]), flush=True)
    description = " ".join((__doc__ or "").split("Run:")[0].split())
    content = {"what": description, "machine": where, "loads": loads}
    write_atomically(options.to, (json.dumps(content, indent=1) + "\n").encode())


if __name__ == "__main__":
    main()
