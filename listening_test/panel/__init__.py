"""Raters of a panel: who they are there, and where a session sends them at its end.

- `settings`: kind of panel, codes, addresses, names of parameters; `panel.json` in the test's folder.
- `visits`: what a rater's link carries, checked.
- `decisions`: when a session ends early, and whom the panel should pay.
"""
