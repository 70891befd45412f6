"""What authors of systems and metrics import, beside `songbench.domain`, `songbench.resources` and `statistics`."""

from songbench.contracts.cards import (
    READY,
    Availability,
    Dependence,
    Direction,
    Field,
    MetricCard,
    ModelFamily,
    Procedure,
    SystemCard,
    unavailable,
)
from songbench.contracts.exclusion import leave_out, with_left_out
from songbench.contracts.feature import Extractor, Feature, Features
from songbench.contracts.metric import SetMetric, SongMetric, Verdict
from songbench.contracts.parameters import BatchSize, Loudness, parameters_of
from songbench.contracts.registry import build_system
from songbench.contracts.system import System

__all__ = [
    "READY",
    "Availability",
    "BatchSize",
    "Dependence",
    "Direction",
    "Extractor",
    "Feature",
    "Features",
    "Field",
    "Loudness",
    "MetricCard",
    "ModelFamily",
    "Procedure",
    "SetMetric",
    "SongMetric",
    "System",
    "SystemCard",
    "Verdict",
    "build_system",
    "leave_out",
    "parameters_of",
    "unavailable",
    "with_left_out",
]
