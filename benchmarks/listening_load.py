"""How long raters of a listening test wait when many answer at once, and its experimenter when many have answered.

Two loads, on SQLite and PostgreSQL: raters who answer at once, so that a request always waits for every other (what the
server can bear), and raters who rest for a second between two answers, still far hastier than people, who listen.
Raters and server share this machine. A latency runs from the request to the whole reply, which is sent after the
commit. Both databases wait for the disk at every commit. Afterwards the answers that were acknowledged are counted
against those in the database.

Then a database with the ratings of simulated raters: how long the page of the administration takes, from its address to
the last of its tables and charts, and how long `songbench listen report` does.

Run: python benchmarks/listening_load.py [--raters 50 200] [--stored 100000] [--to results/listening_load.json]
"""

import argparse
import json
import os
import platform
import random
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))  # helpers of the tests
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "listening_test"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "listening_test" / "collection"))

import private_postgres
import served
from made_up import made_up_test
from sqlalchemy import insert

from listening_test.answer_sheets import AnswerSheet
from listening_test.answers import heard_seconds
from listening_test.collection.database import Database, PageRow, PlayRow, RaterRow, RatingRow, default_url
from listening_test.collection.export import read_answers
from listening_test.collection.tokens import new_token, token_hash
from listening_test.pages import session_pages
from listening_test.prepared import PreparedTest
from listening_test.simulation.population import Population
from listening_test.simulation.sheets import simulate
from songbench.resources.files import write_atomically

HERE = Path(__file__).resolve().parents[1]
RESTS = (0.0, 1.0)
EFFECTS = {"alphasinger": 2.5, "betasinger": 3.0, "gammasinger": 3.6}
LOOKS = 5
"""How often the administration is opened; the median counts."""


def take_part(rater: served.Rater, rest: float, draw: random.Random) -> None:
    """A session to its end; the rests vary, so that raters do not march in step."""
    while rater.page["kind"] != "thanks":
        time.sleep(rest * draw.uniform(0.5, 1.5))
        rater.answer()


def measure(kind: str, url: str, test: PreparedTest, raters: int, rest: float) -> dict[str, object]:
    """One session of every rater, all at once, against a server of its own."""
    with served.start(test.folder, "--db", url) as server:
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
    answers = sum(len(sheet.entries) for sheet in read_answers(test, url))
    return {
        "database": kind,
        "raters": raters,
        "rest_seconds": rest,
        "unfinished": unfinished,
        "answers": len(latencies),
        "lost": sum(len(rater.acknowledged) for rater in people) - answers,
        "answers_per_second": round(len(latencies) / seconds, 1),
        "median_ms": round(float(np.median(latencies)), 1),
        "p95_ms": round(float(np.quantile(latencies, 0.95)), 1),
        "longest_ms": round(float(latencies.max()), 1),
    }


def fill(test: PreparedTest, sheets: list[AnswerSheet]) -> int:
    """Store simulated raters as if they had just come; how many ratings that is."""
    rows: dict[type, list[dict[str, object]]] = {RaterRow: [], PageRow: [], RatingRow: [], PlayRow: []}
    later = time.time() - max(sheet.finished or 0.0 for sheet in sheets) - 60.0
    for number, sheet in enumerate(sheets):
        pages = session_pages(test, sheet.seat)
        rows[RaterRow].append(
            {
                "id": sheet.rater,
                "test": sheet.test,
                "token_hash": token_hash(new_token()),
                "invitation": None,
                "seat": sheet.seat,
                "round": number // len(test.seats),
                "language": sheet.language,
                "device": sheet.device,
                "started": sheet.started + later,
                "active": (sheet.finished or 0.0) + later,
                "finished": (sheet.finished or 0.0) + later,
                "withdrawn": None,
                "completion_code": f"{number:05d}-AAAAA",
            }
        )
        for entry in sheet.entries:
            place = {"rater": sheet.rater, "page": entry.page}
            times = {"served": entry.served + later, "answered": entry.answered + later}
            rows[PageRow].append(place | times | {"kind": pages[entry.page].kind, "answer": entry.answer})
            rows[RatingRow] += [place | rating for rating in entry.answer.get("ratings", ())]
            rows[PlayRow] += [
                place | play | {"seconds_heard": heard_seconds(play["ranges"])}
                for play in entry.answer.get("plays", ())
            ]
    database = Database(default_url(test.folder), test)
    with database.writing() as session:
        for table, table_rows in rows.items():
            session.execute(insert(table), table_rows)
    database.close()
    return len(rows[RatingRow])


def look(url: str) -> float:
    """Seconds from opening the administration to its tables and charts, with a password that was given before."""
    form = urllib.parse.urlencode({"username": "admin", "password": served.ADMIN_PASSWORD}).encode()
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    status, headers, _ = served.get(url + "admin/login", kind, "POST", form)
    cookie = {"Cookie": "; ".join(value.partition(";")[0] for value in headers.get_all("Set-Cookie") or ())}
    began = time.perf_counter()
    replies = [served.get(url + "admin/", cookie)]
    config = json.loads(served.get(url + "admin/config", cookie)[2])
    for event in config["dependencies"]:
        if any(target[1] == "load" for target in event["targets"]):
            body = json.dumps({"data": [], "fn_index": event["id"], "session_hash": "look"}).encode()
            json_kind = {"Content-Type": "application/json", **cookie}
            replies.append(served.get(url + "admin/gradio_api/run/predict", json_kind, "POST", body))
    seconds = time.perf_counter() - began
    if status != 200 or len(replies) != 3 or any(reply[0] != 200 for reply in replies):
        raise RuntimeError(f"The administration does not answer: {status}, {[reply[0] for reply in replies]}")
    return seconds


def measure_stored(folder: Path, ratings: int) -> dict[str, object]:
    """The experimenter's waits with so many ratings in SQLite."""
    test, key = made_up_test(folder, systems=tuple(EFFECTS), prompts=24, seats=48, traps=2, repeats=2)
    people = Population(effects=EFFECTS, careless=0.05, languages={"en": 0.5, "zh": 0.5})
    (first,) = simulate(test, key, people, 0, raters=1)
    raters = -(-ratings // sum(len(entry.answer.get("ratings", ())) for entry in first.entries))
    count = fill(test, simulate(test, key, people, 0, raters=raters))
    with served.start(folder) as server:
        look(server.url)
        looks = [look(server.url) for _ in range(LOOKS)]
    command = [sys.executable, "-m", "songbench", "listen", "report", str(folder), "--no-leaderboard"]
    began = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - began
    if status:
        raise RuntimeError(f"The report ended with {status}.")
    return {
        "ratings": count,
        "raters": raters,
        "administration_seconds": round(statistics.median(looks), 2),
        "report_seconds": round(seconds, 1),
        "report_processor_seconds": round(usage.ru_utime + usage.ru_stime, 1),
        "report_peak_mib": round(usage.ru_maxrss / 1024),
    }


def main() -> None:
    """Print one JSON object per measurement and keep them with what they were measured on."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--raters", type=int, nargs="+", default=[50, 200])
    parser.add_argument("--stored", type=int, default=100_000, help="ratings; 0: the loads only")
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
        test, _ = made_up_test(Path(scratch) / "test", prompts=8, seats=8, listening={"minimum_seconds": 0.0})
        cases = [(raters, rest) for raters in options.raters for rest in RESTS]
        for raters, rest in cases:
            url = f"sqlite:///{scratch}/ratings-{raters}-{rest}.sqlite"
            loads.append(measure("SQLite", url, test, raters, rest))
            print(json.dumps(loads[-1]), flush=True)
        if private_postgres.binaries() is None:
            print("PostgreSQL's server is not installed; not measured.")
        else:
            with private_postgres.private_server(durable="on") as server:
                for raters, rest in cases:
                    loads.append(measure("PostgreSQL", server.new_database(), test, raters, rest))
                    print(json.dumps(loads[-1]), flush=True)
        waits = measure_stored(Path(scratch) / "stored", options.stored) if options.stored else None
        print(json.dumps(waits), flush=True)
    description = " ".join((__doc__ or "").split("Run:")[0].split())
    content = {"what": description, "machine": where, "loads": loads, "stored": waits}
    write_atomically(options.to, (json.dumps(content, indent=1) + "\n").encode())


if __name__ == "__main__":
    main()
