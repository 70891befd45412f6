"""songbench: benchmark and evaluation harness for song generators.

From Python::

    import songbench

    run = songbench.run(systems=["rulebased", "imported:suno-v5=downloads"], metrics=["per", "audio"])
    run.leaderboard()  # systems x metrics with intervals and significance groups
    run.scores  # a tidy pandas frame: one row per song and number
"""

from songbench.api import Run, compare, generate, load_run, run, runs, score, score_files

__all__ = ["Run", "compare", "generate", "load_run", "run", "runs", "score", "score_files"]

__version__ = "0.1.0"
