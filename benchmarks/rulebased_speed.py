"""Speed of `rulebased`: seconds of song per second of computing, on one core, cold caches, import time excluded.

Run: OMP_NUM_THREADS=1 python benchmarks/rulebased_speed.py
"""

import json
import os
import time

os.environ.setdefault("OMP_NUM_THREADS", "1")

from songbench.domain.lyrics import Lyrics, Section
from systems.rulebased.perform import Recipe, perform, warm_up
from systems.rulebased.style import GENRES, Style

VERSE = ("The river is running away from my window", "I hear every word that you left in the rain")
CHORUS = ("Hold me closer under the silver sky", "We are dancing until the stars go by")


def song(number: int) -> Lyrics:
    """A minute of song whose lines no earlier song has sung, so that nothing comes from a cache."""
    verse = tuple(f"{line} {'la ' * number}" for line in VERSE)
    chorus = tuple(f"{line} {'oh ' * number}" for line in CHORUS)
    return Lyrics(
        (
            Section("intro", seconds=6.0),
            Section("verse", verse * 2),
            Section("chorus", chorus),
            Section("inst", seconds=6.0),
            Section("chorus", chorus),
            Section("outro", seconds=6.0),
        )
    )


def main() -> None:
    """Prints one JSON object per genre and a total."""
    warm_up()
    audio = compute = 0.0
    for number, genre in enumerate(GENRES, start=1):
        started = time.perf_counter()
        performance = perform(song(number), "en", Recipe(Style(genre=genre), "female", "full", number), 60.0)
        seconds = time.perf_counter() - started
        length = performance.mix.shape[1] / performance.rate
        audio, compute = audio + length, compute + seconds
        split = {name: round(value, 3) for name, value in performance.stages.items()}
        print(json.dumps({"genre": genre, "seconds": length, "times_real_time": round(length / seconds, 1), **split}))
    print(json.dumps({"genre": "all", "times_real_time": round(audio / compute, 1)}))


if __name__ == "__main__":
    main()
