"""songbench: benchmark and evaluation harness for song generators.

The command line, from Python::

    import songbench

    board = songbench.run(systems=["rulebased", "imported:suno-v5=downloads"], metrics=["per", "audio"])
    frame = board.to_frame()  # one row per system and number
"""

from songbench.api import generate, list_runs, load_run, run, score

__all__ = ["generate", "list_runs", "load_run", "run", "score"]

__version__ = "0.1.0"
