"""Shared extractors: what several metrics derive from the same audio, computed once."""
