"""Simulated raters: known truths, to find out whether the analysis finds them. Never evidence about songs.

- `population`: what raters are drawn from, careless raters included.
- `raters`: raters drawn, and what each thinks of each song.
- `ratings`: collected answers without pages and audio, by the hundred.
- `power_check`: how often simulated tests find the difference that planning calls resolvable.
- `sheets`: whole sessions, page by page, as a browser would send them.

``benchmarks/listening_coverage.py`` builds on it: how often intervals hold the truth and tests err.
"""
