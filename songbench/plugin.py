"""The porch: what authors of systems and metrics import, beside `songbench.domain`, `resources` and `statistics`.

A plain function becomes a plug-in by `metric`, `set_metric`, `extractor` or `system`. Who needs more (a model that
stays loaded, batches) writes a class that has what `SongMetric`, `SetMetric`, `Extractor` or `System` ask for. A model
that cannot live beside songbench's packages stands behind an `IsolatedSystem`.
"""

from songbench.contracts.cards import (
    READY,
    Availability,
    Dependence,
    Direction,
    Field,
    MetricCard,
    ModelFamily,
    Pitfall,
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
from songbench.resources.authoring import extractor, metric, set_metric, system
from songbench.resources.hosted import HostedSystem
from songbench.resources.isolated_system import IsolatedSystem

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
    "HostedSystem",
    "IsolatedSystem",
    "Loudness",
    "MetricCard",
    "ModelFamily",
    "Pitfall",
    "Procedure",
    "SetMetric",
    "SongMetric",
    "System",
    "SystemCard",
    "Verdict",
    "build_system",
    "extractor",
    "leave_out",
    "metric",
    "parameters_of",
    "set_metric",
    "system",
    "unavailable",
    "with_left_out",
]
