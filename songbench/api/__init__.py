"""songbench from Python: run, load, look and compare."""

from songbench.api.comparing import compare
from songbench.api.loaded_run import Run
from songbench.api.loading import load_run, runs
from songbench.api.running import generate, run, score
from songbench.api.scoring_files import score_files

__all__ = ["Run", "compare", "generate", "load_run", "run", "runs", "score", "score_files"]
