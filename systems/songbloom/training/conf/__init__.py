"""Hydra's tree of training settings: recipes and presets of the optimiser."""
