"""Metrics, extractors and systems from plain functions: what the decorators of `songbench.plugin` make of them."""

from songbench.resources.authoring.extractors import extractor
from songbench.resources.authoring.metrics import metric, set_metric
from songbench.resources.authoring.systems import system

__all__ = ["extractor", "metric", "set_metric", "system"]
