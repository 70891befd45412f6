"""The Hydra tree: config.yaml with the groups suite, system, metric and engine."""
