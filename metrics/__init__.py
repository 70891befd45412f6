"""Metrics, one file each. They know songbench; songbench finds them through entry points."""
