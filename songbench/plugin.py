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
from songbench.contracts.memory import MemoryNeed
from songbench.contracts.metric import SetMetric, SongMetric, Verdict
from songbench.contracts.parameters import BatchSize, Loudness, parameters_of
from songbench.contracts.registry import build_system
from songbench.contracts.system import System
from songbench.resources.authoring import extractor, metric, set_metric, system
from songbench.resources.checkouts import Checkout
from songbench.resources.hosted import HostedSystem
from songbench.resources.isolated_system import IsolatedSystem, WorkerInput
from songbench.resources.script_system import Layout, ScriptSystem
from songbench.resources.upstream.invocation import Invocation, literal, merged
from songbench.resources.vocals import VocalFile

__all__ = [
    "READY",
    "Availability",
    "BatchSize",
    "Checkout",
    "Dependence",
    "Direction",
    "Extractor",
    "Feature",
    "Features",
    "Field",
    "HostedSystem",
    "Invocation",
    "IsolatedSystem",
    "Layout",
    "Loudness",
    "MemoryNeed",
    "MetricCard",
    "ModelFamily",
    "Pitfall",
    "Procedure",
    "ScriptSystem",
    "SetMetric",
    "SongMetric",
    "System",
    "SystemCard",
    "Verdict",
    "VocalFile",
    "WorkerInput",
    "build_system",
    "extractor",
    "leave_out",
    "literal",
    "merged",
    "metric",
    "parameters_of",
    "set_metric",
    "system",
    "unavailable",
    "with_left_out",
]
