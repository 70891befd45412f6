"""Engines: where units of work run."""
