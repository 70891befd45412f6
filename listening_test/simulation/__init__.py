"""Simulated raters: known truths, to find out whether the analysis finds them. Never evidence about songs.

- `population`: what raters are drawn from, careless ones included.
- `panel`: raters drawn, and what each thinks of each song.
- `fast`: collected answers without pages and audio, for calibration by the hundred.
- `sheets`: whole sessions, page by page, as a browser would send them.
"""
