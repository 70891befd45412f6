"""Intervals, tests, ranks and models: pure functions on arrays, for the leaderboard and for listening tests.

Scores of songs. The unit of inference is the prompt: takes of one prompt resemble each other, so a hundred takes of one
prompt say little about other prompts. Every interval and every test therefore treats prompts as drawn at random and
takes as nested in them.

- Figures that are means over songs (`takes`): `bootstrap_interval` (`means`) and `compare_takes` (`paired`); of many
  systems and columns `bootstrap_intervals` and `compare_all_takes`, which share their draws (`resampling`,
  `sign_flips`).
- Figures of a whole set, FAD and KAD: `jackknife_interval` (`jackknife`) and `compare_sets`. The jackknife and not the
  bootstrap, because resampling with replacement plays songs twice: the resampled set is less varied than any real set
  of its size, and a distance between distributions grows with every repetition. Its bootstrap interval can lie wholly
  above the figure. Leaving out one prompt repeats nothing.
- What a comparison can find (`detectable`), and whether prompts or takes would help it more (`variance`).
- Many pairs (`ranks`): `holm`; what to print beside a name: `compact_letters`, `rank_ranges`, `standings`.

Answers of raters. Raters and items are both drawn at random, and crossed.

- `mixed`: linear models with crossed random effects; `crossed`: standard errors and resampling without a model.
- `bradley_terry`: strengths from comparisons of two; `ordinal`: answers as ranks only.
- `reliability`: how far raters agree.

How often the intervals hold the truth and the tests err is measured by ``benchmarks/leaderboard_calibration.py`` and
``benchmarks/listening_calibration.py``.
"""

from songbench.statistics.arrays import Array, Codes, codes_of, pair_codes
from songbench.statistics.detectable import minimal_detectable_difference, prompts_needed
from songbench.statistics.jackknife import jackknife_interval, pseudo_values
from songbench.statistics.means import Interval, bootstrap_interval, bootstrap_intervals
from songbench.statistics.paired import (
    PairedTest,
    SetFigure,
    compare_all_sets,
    compare_all_takes,
    compare_prompts,
    compare_sets,
    compare_takes,
    wilcoxon_p,
    win_probability,
)
from songbench.statistics.ranks import Pair, Standing, compact_letters, holm, rank_ranges, standings
from songbench.statistics.takes import Takes, prompt_values
from songbench.statistics.variance import VarianceParts, variance_parts

__all__ = [
    "Array",
    "Codes",
    "Interval",
    "Pair",
    "PairedTest",
    "SetFigure",
    "Standing",
    "Takes",
    "VarianceParts",
    "bootstrap_interval",
    "bootstrap_intervals",
    "codes_of",
    "compact_letters",
    "compare_all_sets",
    "compare_all_takes",
    "compare_prompts",
    "compare_sets",
    "compare_takes",
    "holm",
    "jackknife_interval",
    "minimal_detectable_difference",
    "pair_codes",
    "prompt_values",
    "prompts_needed",
    "pseudo_values",
    "rank_ranges",
    "standings",
    "variance_parts",
    "wilcoxon_p",
    "win_probability",
]
