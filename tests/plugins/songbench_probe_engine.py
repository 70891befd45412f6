"""An engine of another package, for tests: it works in this process and logs every job with a label."""

from typing import ClassVar

from songbench_probe import log

from songbench.execution.engine.inline import InlineEngine
from songbench.execution.settings import EngineSettings


class LoggingSettings(EngineSettings):
    """The label of its entries in the log."""

    shares_memory: ClassVar[bool] = True
    label: str


class LoggingEngine(InlineEngine):
    """The inline engine with a log."""

    settings_model = LoggingSettings

    def __init__(self, settings, store, folder):
        super().__init__(settings, store, folder)
        self._label = settings.label

    def run(self, jobs, report):
        for job in jobs:
            log(f"{self._label} {job.kind}")
        super().run(jobs, report)
