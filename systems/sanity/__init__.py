"""Anchors of the scale: silence, noise, the reference songs themselves, the prompt copied."""
