"""Intervals, paired tests and ranks: pure functions on arrays, for the leaderboard and for listening tests.

The unit of inference is the prompt: takes of one prompt resemble each other, so a hundred takes of one prompt say
little about other prompts. Every interval and every test therefore treats prompts as drawn at random and takes as
nested in them.

- Figures that are means over songs: `bootstrap_interval` and `compare_takes`.
- Figures of a whole set (FAD, KAD): `jackknife_interval` and `compare_sets`. The jackknife and not the bootstrap,
  because resampling with replacement plays songs twice: the resampled set is less varied than any real set of its size,
  and a distance between distributions grows with every repetition. Its bootstrap interval can lie wholly above the
  figure. Leaving out one prompt repeats nothing.
- Many pairs: `holm`; what to print beside a name: `compact_letters` or `rank_ranges`.

How often the intervals hold the truth and the tests err is measured by ``benchmarks/leaderboard_calibration.py``.
"""

from songbench.statistics.intervals import Interval, bootstrap_interval, jackknife_interval, pseudo_values
from songbench.statistics.paired import PairedTest, SetFigure, compare_prompts, compare_sets, compare_takes
from songbench.statistics.ranks import compact_letters, holm, rank_ranges
from songbench.statistics.takes import Array, Takes, prompt_values

__all__ = [
    "Array",
    "Interval",
    "PairedTest",
    "SetFigure",
    "Takes",
    "bootstrap_interval",
    "compact_letters",
    "compare_prompts",
    "compare_sets",
    "compare_takes",
    "holm",
    "jackknife_interval",
    "prompt_values",
    "pseudo_values",
    "rank_ranges",
]
