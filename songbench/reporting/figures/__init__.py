"""Figures: intervals, quality against speed, errors by kind, structure, prompts. Each is a function of a leaderboard.

All share one look (`songbench.reporting.figures.style`) and one way to files (`songbench.reporting.figures.files`).
"""
